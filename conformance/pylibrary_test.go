package conformance

import (
	"encoding/json"
	"regexp"
	"strconv"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// pythonLibrary is a library for Python, driven by a script that is told operations and
// their arguments, see testdata/answers.py. One runs for each lease, as long as the test.
type pythonLibrary struct {
	runner
	bucket  string
	script  string
	running map[devserver.Lease]*answering
	// denied is what the library makes of a refusal with one of the codes.
	denied func(op operation, codes []string) string
}

func newPythonLibrary(t *testing.T, variable, what, script, bucket string, denied func(op operation, codes []string) string) pythonLibrary {
	t.Helper()
	python := program(t, variable, what)
	testdataFile(t, "answers.py")
	return pythonLibrary{newRunner(t, python), bucket, testdataFile(t, script), map[devserver.Lease]*answering{}, denied}
}

// newBoto3 makes a client of boto3, Amazon's library for Python.
func newBoto3(t *testing.T, bucket string) client {
	t.Helper()
	return newPythonLibrary(t, "KEYHATCH_PYTHON", "python3 with boto3", "use_boto3.py", bucket, func(op operation, codes []string) string {
		return awsWords(awsActions[op], anyOf(codes))
	})
}

// newS3fs makes a client of s3fs, the library by which pandas, xarray and dask
// open "s3://" URLs.
func newS3fs(t *testing.T, bucket string) client {
	t.Helper()
	return newPythonLibrary(t, "KEYHATCH_S3FS_PYTHON", "python3 with s3fs", "use_s3fs.py", bucket, func(operation, []string) string {
		// The message is the server's, the code is lost. InvalidToken alone is an
		// error of input, see s3fs.errors.
		return `(?m)^(PermissionError: |OSError: \[Errno 22\])`
	})
}

// newObstore makes a client of obstore, which is Rust's object_store.
func newObstore(t *testing.T, bucket string) client {
	t.Helper()
	return newPythonLibrary(t, "KEYHATCH_PYTHON", "python3 with obstore", "use_obstore.py", bucket, func(_ operation, codes []string) string { return anyOf(codes) })
}

// newDuckDB makes a client of DuckDB with its httpfs extension. It can neither
// fetch a part of an object nor delete one. What else it can is an operation
// "query", see its script.
func newDuckDB(t *testing.T, bucket string) client {
	t.Helper()
	return newPythonLibrary(t, "KEYHATCH_PYTHON", "python3 with duckdb", "use_duckdb.py", bucket, func(_ operation, codes []string) string {
		return `HTTP (code )?` + anyOf(statuses(codes))
	})
}

func (c pythonLibrary) do(l devserver.Lease, op string, args ...string) result {
	c.t.Helper()
	a := c.running[l]
	if a == nil {
		a = startAnswering(c, l)
		c.running[l] = a
	}
	return a.ask(c.t, append([]string{op}, args...))
}

func (c pythonLibrary) put(l devserver.Lease, file, key string) result {
	c.t.Helper()
	return c.do(l, "put", file, key)
}

func (c pythonLibrary) get(l devserver.Lease, key, file string) result {
	c.t.Helper()
	return c.do(l, "get", key, file)
}

func (c pythonLibrary) getRange(l devserver.Lease, key string, first, length int) ([]byte, result) {
	c.t.Helper()
	r := c.do(l, "range", key, strconv.Itoa(first), strconv.Itoa(length))
	return r.stdout, r
}

func (c pythonLibrary) list(l devserver.Lease, prefix string) ([]entry, result) {
	c.t.Helper()
	r := c.do(l, "list", prefix)
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

func (c pythonLibrary) remove(l devserver.Lease, key string) result {
	c.t.Helper()
	return c.do(l, "remove", key)
}

func (c pythonLibrary) also(op operation, l devserver.Lease, args ...string) result {
	c.t.Helper()
	return c.do(l, string(op), args...)
}

func (c pythonLibrary) refusal(op operation, codes ...string) *regexp.Regexp {
	return regexp.MustCompile(c.denied(op, codes))
}
