package conformance

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// awsEnv is the environment of a client that is made by Amazon: the lease, and
// nothing of this machine. Files that are missing would do, but files of our
// own leave no doubt.
func awsEnv(t *testing.T, l devserver.Lease, home string) []string {
	t.Helper()
	// For some regions awscli still makes URLs in the signature before version 4,
	// unless it is told not to.
	config := writeSettings(t, home, "aws-config", "[default]", "s3 =", "    signature_version = s3v4")
	credentials := writeSettings(t, home, "aws-credentials")
	env := []string{
		"AWS_ACCESS_KEY_ID=" + l.AccessKeyID,
		"AWS_SECRET_ACCESS_KEY=" + l.SecretAccessKey,
		"AWS_SESSION_TOKEN=" + l.SessionToken,
		"AWS_REGION=" + l.Region,
		"AWS_DEFAULT_REGION=" + l.Region,
		"AWS_ENDPOINT_URL_S3=" + l.Endpoint,
		"AWS_CONFIG_FILE=" + config,
		"AWS_SHARED_CREDENTIALS_FILE=" + credentials,
		"AWS_EC2_METADATA_DISABLED=true",
		"AWS_MAX_ATTEMPTS=1",
		"AWS_PAGER=",
	}
	if l.CAFile != "" {
		env = append(env, "AWS_CA_BUNDLE="+l.CAFile)
	}
	return env
}

// awsWords matches what botocore says, which awscli shares.
func awsWords(action, codes string) string {
	return `An error occurred \(` + codes + `\) when calling the ` + action + ` operation`
}

// awsAPI is "aws s3api", one request per command.
type awsAPI struct {
	runner
	bucket string
}

func newAWSAPI(t *testing.T, bucket string) client {
	t.Helper()
	return awsAPI{newRunner(t, program(t, "KEYHATCH_AWSCLI", "awscli")), bucket}
}

func (c awsAPI) api(l devserver.Lease, action string, args ...string) result {
	c.t.Helper()
	args = append([]string{"s3api", action, "--output", "json", "--bucket", c.bucket}, args...)
	return c.run(l, awsEnv(c.t, l, c.home), args...)
}

func (c awsAPI) put(l devserver.Lease, file, key string) result {
	c.t.Helper()
	return c.api(l, "put-object", "--key", key, "--body", file)
}

func (c awsAPI) get(l devserver.Lease, key, file string) result {
	c.t.Helper()
	return c.api(l, "get-object", "--key", key, file)
}

func (c awsAPI) getRange(l devserver.Lease, key string, first, length int) ([]byte, result) {
	c.t.Helper()
	file := filepath.Join(c.home, "range")
	r := c.api(l, "get-object", "--key", key, "--range", fmt.Sprintf("bytes=%d-%d", first, first+length-1), file)
	if r.err != nil {
		return nil, r
	}
	part, err := os.ReadFile(file)
	if err != nil {
		c.t.Fatal(err)
	}
	return part, r
}

func (c awsAPI) list(l devserver.Lease, prefix string) ([]entry, result) {
	c.t.Helper()
	return c.listWith(l, "list-objects-v2", prefix)
}

// listWith lists with either version of the operation.
func (c awsAPI) listWith(l devserver.Lease, action, prefix string) ([]entry, result) {
	c.t.Helper()
	r := c.api(l, action, "--prefix", prefix)
	if r.err != nil || len(r.stdout) == 0 {
		return nil, r
	}
	var listing struct {
		Contents []struct {
			Key  string
			Size int
		}
	}
	if err := json.Unmarshal(r.stdout, &listing); err != nil {
		c.t.Fatalf("%s: %v\n%s", r.command, err, r.output)
	}
	var entries []entry
	for _, object := range listing.Contents {
		entries = append(entries, entry{object.Key, object.Size})
	}
	return entries, r
}

func (c awsAPI) remove(l devserver.Lease, key string) result {
	c.t.Helper()
	return c.api(l, "delete-object", "--key", key)
}

// also copies.
func (c awsAPI) also(_ operation, l devserver.Lease, args ...string) result {
	c.t.Helper()
	return c.api(l, "copy-object", "--copy-source", c.bucket+"/"+args[0], "--key", args[1])
}

func (c awsAPI) refusal(op operation, codes ...string) *regexp.Regexp {
	return regexp.MustCompile(awsWords(awsActions[op], anyOf(codes)))
}

// awsActions are what Amazon calls operations, where one is one request.
var awsActions = map[operation]string{
	opPut: "PutObject", opGet: "GetObject", opList: "ListObjectsV2", opRemove: "DeleteObject", opCopy: "CopyObject",
}
