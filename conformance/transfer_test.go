package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
)

// A folder with many files, deep names and one file that clients send in parts
// goes up and comes back as it was, by the ways that clients have of their own:
// multipart uploads, batch deletes, many requests at once.
func TestFolders(t *testing.T) {
	for _, name := range ableTo(opFolderUp) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clientOf(name)(t, "") // first, so that nothing is built when the client is not there
			s := start(t)
			c := clientOf(name)(t, s.bucket)
			prefix := s.own + "folders-" + name + "/"
			l := s.lend(t, prefix, "write")
			from, to := t.TempDir(), t.TempDir()
			files := map[string][]byte{"large.bin": content("large", 12<<20), "empty": nil}
			for i := range 60 {
				files[fmt.Sprintf("%d/a b+c/ü%d.txt", i%7, i)] = content(fmt.Sprint("file", i), 100*i)
			}
			for name, text := range files {
				path := filepath.Join(from, name)
				if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, text, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			c.also(opFolderUp, l, insideOf(name, from), prefix).must(t)
			c.also(opFolderDown, l, prefix, to).must(t)
			for name, text := range files {
				mustHave(t, filepath.Join(to, name), text)
			}
			c.also(opClear, l, prefix).must(t)
			empty := t.TempDir()
			c.also(opFolderDown, l, prefix, empty)
			left, err := os.ReadDir(empty)
			if err != nil || len(left) != 0 {
				t.Errorf("after everything was removed: %v %v", left, err)
			}
		})
	}
}

// insideOf names what is in a folder, where a client would otherwise send the
// folder with its name.
func insideOf(client, folder string) string {
	if client == "s3cmd" {
		return folder + "/"
	}
	return folder
}

// boto3 sends what is large in parts, several at once, copies on the server, and
// removes many objects with one request, on every kind of store.
func TestBoto3Transfers(t *testing.T) {
	places := map[string]func(t *testing.T) place{"keyhatch dev": start}
	for _, k := range upstreams {
		places[k.name] = func(t *testing.T) place { return overHTTP.with(t, k) }
	}
	for name, visited := range places {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			c := newBoto3(t, "").(pythonLibrary) // first, so that nothing is started when it is not there
			p := visited(t)
			prefix := p.own + "transfers-boto3/"
			l := p.lend(t, prefix, "write")
			large := content("boto3", 20<<20)
			file, back := write(t, large), filepath.Join(t.TempDir(), "back")
			c.bucket = p.bucket
			c.do(l, "move", prefix, file, back).must(t)
			mustHave(t, back, large)
		})
	}
}

// A folder checks what boto3 tells of a whole file that it has sent in parts.
func TestBoto3Checksum(t *testing.T) {
	t.Parallel()
	c := newPythonLibrary(t, "KEYHATCH_PYTHON", "python3 with boto3", "checksum.py", "", nil)
	p := start(t)
	l := p.lend(t, p.own, "write")
	env := append(awsEnv(t, l, c.home), "AWS_CONFIG_FILE="+os.DevNull)
	c.run(l, env, "-B", c.script, p.bucket, p.own+"checksum.bin", write(t, content("checksum", 20<<20))).must(t)
}
