package conformance

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// rclone is configured by its environment alone; the remote ":s3:" takes the
// settings of RCLONE_S3_*.
type rclone struct {
	runner
	bucket string
}

func newRclone(t *testing.T, bucket string) client {
	t.Helper()
	return rclone{newRunner(t, program(t, "KEYHATCH_RCLONE", "rclone")), bucket}
}

func (c rclone) rclone(l devserver.Lease, args ...string) result {
	c.t.Helper()
	config := filepath.Join(c.home, "rclone.conf")
	if err := os.WriteFile(config, nil, 0o600); err != nil {
		c.t.Fatal(err)
	}
	env := []string{
		"RCLONE_CONFIG=" + config,
		"RCLONE_S3_PROVIDER=Other",
		"RCLONE_S3_ENDPOINT=" + l.Endpoint,
		"RCLONE_S3_REGION=" + l.Region,
		"RCLONE_S3_FORCE_PATH_STYLE=true",
		"RCLONE_S3_NO_CHECK_BUCKET=true", // a lease opens a prefix, not the bucket
		"RCLONE_S3_ACCESS_KEY_ID=" + l.AccessKeyID,
		"RCLONE_S3_SECRET_ACCESS_KEY=" + l.SecretAccessKey,
		"RCLONE_S3_SESSION_TOKEN=" + l.SessionToken,
		"RCLONE_RETRIES=1",
		"RCLONE_LOW_LEVEL_RETRIES=1",
	}
	if l.CAFile != "" {
		env = append(env, "RCLONE_CA_CERT="+l.CAFile)
	}
	return c.run(l, env, args...)
}

func (c rclone) remote(key string) string { return ":s3:" + c.bucket + "/" + key }

func (c rclone) put(l devserver.Lease, file, key string) result {
	c.t.Helper()
	return c.rclone(l, "copyto", file, c.remote(key))
}

// putBlind uploads without a look at what is there, so that the upload itself
// is what the server is asked for.
func (c rclone) putBlind(l devserver.Lease, file, key string) result {
	c.t.Helper()
	return c.rclone(l, "copyto", "--no-check-dest", "--s3-no-head", file, c.remote(key))
}

func (c rclone) get(l devserver.Lease, key, file string) result {
	c.t.Helper()
	return c.rclone(l, "copyto", c.remote(key), file)
}

func (c rclone) getRange(l devserver.Lease, key string, first, length int) ([]byte, result) {
	c.t.Helper()
	r := c.rclone(l, "cat", "--offset", strconv.Itoa(first), "--count", strconv.Itoa(length), c.remote(key))
	return r.stdout, r
}

// rcloneLine is a line of "rclone ls": size and path, from the remote's root.
var rcloneLine = regexp.MustCompile(`^ *(\d+) (.*)$`)

func (c rclone) list(l devserver.Lease, prefix string) ([]entry, result) {
	c.t.Helper()
	r := c.rclone(l, "ls", c.remote(prefix))
	if r.err != nil {
		return nil, r
	}
	entries := parseLines(c.t, r.stdout, rcloneLine)
	for i := range entries {
		entries[i].key = strings.TrimSuffix(prefix, "/") + "/" + entries[i].key
	}
	return entries, r
}

func (c rclone) remove(l devserver.Lease, key string) result {
	c.t.Helper()
	return c.rclone(l, "deletefile", c.remote(key))
}

// refusal matches the code, or what stands for it when rclone, before it does
// what it is asked to, looks at the object and is refused by an answer without a
// body. Deleting, it takes that refusal for a sign that there is no such file.
func (c rclone) refusal(op operation, codes ...string) *regexp.Regexp {
	words := anyOf(append([]string{"Forbidden", "BadRequest"}, codes...)) + `: [^\n]*\n\s+status code: ` + anyOf(statuses(codes))
	if op == opRemove {
		words += "|is a directory or doesn't exist"
	}
	return regexp.MustCompile(words)
}
