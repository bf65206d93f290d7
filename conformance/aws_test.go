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
	// One request for the objects of these tests, whatever a client's default:
	// multipart uploads have tests of their own.
	config := filepath.Join(home, "aws-config")
	credentials := filepath.Join(home, "aws-credentials")
	for file, text := range map[string]string{
		config:      "[default]\ns3 =\n    multipart_threshold = 64MB\n",
		credentials: "",
	} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
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
func awsWords(action, codes string) *regexp.Regexp {
	return regexp.MustCompile(`An error occurred \(` + codes + `\) when calling the ` + action + ` operation`)
}

// awsS3 is "aws s3", the commands that people type.
type awsS3 struct {
	runner
	bucket string
}

func newAWSS3(t *testing.T, bucket string) client {
	t.Helper()
	return awsS3{newRunner(t, program(t, "KEYHATCH_AWSCLI", "awscli")), bucket}
}

func (c awsS3) s3(l devserver.Lease, args ...string) result {
	c.t.Helper()
	return c.run(l, awsEnv(c.t, l, c.home), append([]string{"s3"}, args...)...)
}

func (c awsS3) url(key string) string { return "s3://" + c.bucket + "/" + key }

func (c awsS3) put(l devserver.Lease, file, key string) result {
	c.t.Helper()
	return c.s3(l, "cp", "--no-progress", file, c.url(key))
}

func (c awsS3) get(l devserver.Lease, key, file string) result {
	c.t.Helper()
	return c.s3(l, "cp", "--no-progress", c.url(key), file)
}

// getRange is nothing that "aws s3" can do.
func (c awsS3) getRange(devserver.Lease, string, int, int) ([]byte, result) { return nil, result{} }

// awsLine is a line of "aws s3 ls": date, time, size, key.
var awsLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d +(\d+) (.*)$`)

func (c awsS3) list(l devserver.Lease, prefix string) ([]entry, result) {
	c.t.Helper()
	r := c.s3(l, "ls", "--recursive", c.url(prefix))
	if r.err != nil {
		return nil, r
	}
	return parseLines(c.t, r.stdout, awsLine), r
}

func (c awsS3) remove(l devserver.Lease, key string) result {
	c.t.Helper()
	return c.s3(l, "rm", c.url(key))
}

func (c awsS3) refusal(op operation, codes ...string) *regexp.Regexp {
	switch op {
	case opPut:
		return awsWords("PutObject", anyOf(codes))
	case opGet:
		// It asks for the object's size first.
		return awsWords("HeadObject", anyOf(statuses(codes)))
	case opRemove:
		return awsWords("DeleteObject", anyOf(codes))
	default:
		return awsWords("ListObjectsV2", anyOf(codes))
	}
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

func (c awsAPI) refusal(op operation, codes ...string) *regexp.Regexp {
	return awsWords(map[operation]string{
		opPut: "PutObject", opGet: "GetObject", opList: "ListObjectsV2", opRemove: "DeleteObject",
	}[op], anyOf(codes))
}
