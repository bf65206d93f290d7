package conformance

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// s3cmd is configured by its file, which is where "s3cmd --configure" writes.
type s3cmd struct {
	runner
	bucket string
}

func newS3cmd(t *testing.T, bucket string) client {
	t.Helper()
	return s3cmd{newRunner(t, program(t, "KEYHATCH_S3CMD", "s3cmd")), bucket}
}

func (c s3cmd) s3cmd(l devserver.Lease, args ...string) result {
	c.t.Helper()
	endpoint, err := url.Parse(l.Endpoint)
	if err != nil {
		c.t.Fatal(err)
	}
	// Without the bucket in its pattern, host_bucket asks for path style.
	config := []string{
		"[default]",
		"access_key = " + l.AccessKeyID,
		"secret_key = " + l.SecretAccessKey,
		"access_token = " + l.SessionToken,
		"host_base = " + endpoint.Host,
		"host_bucket = " + endpoint.Host,
		"bucket_location = " + l.Region,
		"use_https = " + strconv.FormatBool(endpoint.Scheme == "https"),
		"max_retries = 1",
		"multipart_chunk_size_mb = 64", // as for the others, see awsEnv
		"progress_meter = False",
	}
	if l.CAFile != "" {
		config = append(config, "ca_certs_file = "+l.CAFile)
	}
	if err := os.WriteFile(filepath.Join(c.home, ".s3cfg"), []byte(strings.Join(config, "\n")+"\n"), 0o600); err != nil {
		c.t.Fatal(err)
	}
	return c.run(l, nil, args...)
}

func (c s3cmd) url(key string) string { return "s3://" + c.bucket + "/" + key }

func (c s3cmd) put(l devserver.Lease, file, key string) result {
	c.t.Helper()
	return c.s3cmd(l, "put", file, c.url(key))
}

func (c s3cmd) get(l devserver.Lease, key, file string) result {
	c.t.Helper()
	return c.s3cmd(l, "get", "--force", c.url(key), file)
}

// getRange is nothing that s3cmd can do.
func (c s3cmd) getRange(devserver.Lease, string, int, int) ([]byte, result) { return nil, result{} }

// s3cmdLine is a line of "s3cmd ls": date, time, size, URL without its scheme and
// bucket.
var s3cmdLine = regexp.MustCompile(`^\d{4}-\d\d-\d\d \d\d:\d\d +(\d+) +s3://[^/]+/(.*)$`)

func (c s3cmd) list(l devserver.Lease, prefix string) ([]entry, result) {
	c.t.Helper()
	r := c.s3cmd(l, "ls", "--recursive", c.url(prefix))
	if r.err != nil {
		return nil, r
	}
	return parseLines(c.t, r.stdout, s3cmdLine), r
}

func (c s3cmd) remove(l devserver.Lease, key string) result {
	c.t.Helper()
	return c.s3cmd(l, "del", c.url(key))
}

// refusal matches the code, or what stands for it when s3cmd, before it fetches,
// looks at the object and is refused by an answer without a body.
func (c s3cmd) refusal(op operation, codes ...string) *regexp.Regexp {
	if op == opGet {
		codes = append([]string{"Forbidden", "Bad Request"}, codes...)
	}
	return regexp.MustCompile(`ERROR: S3 error: ` + anyOf(statuses(codes)) + ` \(` + anyOf(codes) + `\)`)
}
