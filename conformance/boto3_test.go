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

// boto3 is Amazon's library for Python, driven by scripts as a researcher
// would write them.
type boto3 struct {
	runner
	bucket  string
	scripts string
}

func newBoto3(t *testing.T, bucket string) client {
	t.Helper()
	python := program(t, "KEYHATCH_PYTHON", "python3 with boto3")
	scripts, err := filepath.Abs("testdata")
	if err != nil {
		t.Fatal(err)
	}
	// Python reads the scripts, go test must know of it: see devserver.Build.
	if _, err := os.ReadDir(scripts); err != nil {
		t.Fatal(err)
	}
	return boto3{newRunner(t, python), bucket, scripts}
}

func (c boto3) script(l devserver.Lease, name string, args ...string) result {
	c.t.Helper()
	// -I would keep the user's site-packages out, but also PYTHON* settings
	// that we give; there are none of the user's in our environment.
	args = append([]string{"-B", filepath.Join(c.scripts, name), c.bucket}, args...)
	return c.run(l, awsEnv(c.t, l, c.home), args...)
}

func (c boto3) put(l devserver.Lease, file, key string) result {
	c.t.Helper()
	return c.script(l, "put.py", file, key)
}

func (c boto3) get(l devserver.Lease, key, file string) result {
	c.t.Helper()
	return c.script(l, "get.py", key, file)
}

func (c boto3) getRange(l devserver.Lease, key string, first, length int) ([]byte, result) {
	c.t.Helper()
	r := c.script(l, "get.py", key, "-", fmt.Sprintf("bytes=%d-%d", first, first+length-1))
	return r.stdout, r
}

func (c boto3) list(l devserver.Lease, prefix string) ([]entry, result) {
	c.t.Helper()
	r := c.script(l, "list.py", prefix)
	if r.err != nil {
		return nil, r
	}
	var objects []struct {
		Key  string
		Size int
	}
	if err := json.Unmarshal(r.stdout, &objects); err != nil {
		c.t.Fatalf("%s: %v\n%s", r.command, err, r.output)
	}
	var entries []entry
	for _, object := range objects {
		entries = append(entries, entry{object.Key, object.Size})
	}
	return entries, r
}

func (c boto3) remove(l devserver.Lease, key string) result {
	c.t.Helper()
	return c.script(l, "remove.py", key)
}

func (c boto3) refusal(op operation, codes ...string) *regexp.Regexp {
	return awsWords(map[operation]string{
		opPut: "PutObject", opGet: "GetObject", opList: "ListObjectsV2", opRemove: "DeleteObject",
	}[op], anyOf(codes))
}
