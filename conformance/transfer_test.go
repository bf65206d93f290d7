package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// A folder with many files, deep names and one file that clients send in parts
// goes up and comes back as it was, by the ways that clients have of their own:
// multipart uploads, batch deletes, many requests at once.
func TestFolders(t *testing.T) {
	for _, c := range movers {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			c.make(t, "") // first, so that nothing is built when the client is not there
			s := start(t)
			m := c.make(t, s.bucket)
			prefix := s.own + "folders-" + c.name + "/"
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
			m.up(l, from, prefix).must(t)
			m.down(l, prefix, to).must(t)
			for name, text := range files {
				mustHave(t, filepath.Join(to, name), text)
			}
			m.clear(l, prefix).must(t)
			empty := t.TempDir()
			m.down(l, prefix, empty)
			left, err := os.ReadDir(empty)
			if err != nil || len(left) != 0 {
				t.Errorf("after everything was removed: %v %v", left, err)
			}
		})
	}
}

// mover moves whole folders. A sync removes what is not there, too.
type mover interface {
	up(l devserver.Lease, folder, prefix string) result
	down(l devserver.Lease, prefix, folder string) result
	syncUp(l devserver.Lease, folder, prefix string) result
	syncDown(l devserver.Lease, prefix, folder string) result
	clear(l devserver.Lease, prefix string) result
}

var movers = []struct {
	name string
	make func(t *testing.T, bucket string) mover
}{{"aws-s3", newAWSMover}, {"rclone", newRcloneMover}}

type awsMover struct{ awsS3 }

func newAWSMover(t *testing.T, bucket string) mover {
	t.Helper()
	return awsMover{newAWSS3(t, bucket).(awsS3)}
}

// s3 is run with the client's own defaults: 8 MiB is where parts begin.
func (m awsMover) s3(l devserver.Lease, args ...string) result {
	m.t.Helper()
	env := append(awsEnv(m.t, l, m.home), "AWS_CONFIG_FILE="+os.DevNull)
	return m.run(l, env, append([]string{"s3"}, args...)...)
}

func (m awsMover) up(l devserver.Lease, folder, prefix string) result {
	m.t.Helper()
	return m.s3(l, "sync", "--no-progress", folder, m.url(prefix))
}

func (m awsMover) down(l devserver.Lease, prefix, folder string) result {
	m.t.Helper()
	return m.s3(l, "sync", "--no-progress", m.url(prefix), folder)
}

func (m awsMover) syncUp(l devserver.Lease, folder, prefix string) result {
	m.t.Helper()
	return m.s3(l, "sync", "--delete", "--no-progress", folder, m.url(prefix))
}

func (m awsMover) syncDown(l devserver.Lease, prefix, folder string) result {
	m.t.Helper()
	return m.s3(l, "sync", "--delete", "--no-progress", m.url(prefix), folder)
}

func (m awsMover) clear(l devserver.Lease, prefix string) result {
	m.t.Helper()
	return m.s3(l, "rm", "--recursive", m.url(prefix))
}

type rcloneMover struct{ rclone }

func newRcloneMover(t *testing.T, bucket string) mover {
	t.Helper()
	return rcloneMover{newRclone(t, bucket).(rclone)}
}

func (m rcloneMover) up(l devserver.Lease, folder, prefix string) result {
	m.t.Helper()
	return m.rclone.rclone(l, "copy", "--s3-upload-cutoff", "6M", "--s3-chunk-size", "5M", folder, m.remote(prefix))
}

func (m rcloneMover) down(l devserver.Lease, prefix, folder string) result {
	m.t.Helper()
	return m.rclone.rclone(l, "copy", m.remote(prefix), folder)
}

func (m rcloneMover) syncUp(l devserver.Lease, folder, prefix string) result {
	m.t.Helper()
	return m.rclone.rclone(l, "sync", folder, m.remote(prefix))
}

func (m rcloneMover) syncDown(l devserver.Lease, prefix, folder string) result {
	m.t.Helper()
	return m.rclone.rclone(l, "sync", m.remote(prefix), folder)
}

func (m rcloneMover) clear(l devserver.Lease, prefix string) result {
	m.t.Helper()
	return m.rclone.rclone(l, "delete", m.remote(prefix))
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
			c := newBoto3(t, "").(boto3) // first, so that nothing is started when it is not there
			p := visited(t)
			prefix := p.own + "transfers-boto3/"
			l := p.lend(t, prefix, "write")
			large := content("boto3", 20<<20)
			file, back := write(t, large), filepath.Join(t.TempDir(), "back")
			env := append(awsEnv(t, l, c.home), "AWS_CONFIG_FILE="+os.DevNull)
			c.run(l, env, "-B", filepath.Join(c.scripts, "transfer.py"), p.bucket, prefix, file, back).must(t)
			mustHave(t, back, large)
		})
	}
}

// A folder checks what boto3 tells of a whole file that it has sent in parts.
func TestBoto3Checksum(t *testing.T) {
	t.Parallel()
	c := newBoto3(t, "").(boto3)
	p := start(t)
	l := p.lend(t, p.own, "write")
	env := append(awsEnv(t, l, c.home), "AWS_CONFIG_FILE="+os.DevNull)
	c.run(l, env, "-B", filepath.Join(c.scripts, "checksum.py"), p.bucket, p.own+"checksum.bin", write(t, content("checksum", 20<<20))).must(t)
}
