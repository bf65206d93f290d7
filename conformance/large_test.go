package conformance

import (
	"crypto/sha256"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// largeSize is that of an object that no client sends in one request.
const largeSize = 256 << 20

// TestLarge sends an object of 256 MiB up in parts, with a client's own choice of
// them, and fetches it, which some do in parts too.
func TestLarge(t *testing.T) {
	for _, c := range []struct {
		client string
		visit
	}{
		{"aws-s3", visit{overHTTP, directory}},
		{"boto3", visit{overTLS, directory}},
		{"boto3", visit{overHTTP, inTurn(0)}},
		{"rclone", visit{overHTTP, inTurn(1)}},
		{"aws-s3", visit{overTLS, inTurn(2)}},
	} {
		t.Run(c.client+"/"+c.kind.name+" over "+c.server.name, func(t *testing.T) {
			t.Parallel()
			transfer := transfers[c.client]
			transfer(t, "") // first, so that nothing is started when the client is not there
			p := c.server.with(t, c.kind)
			l := p.lend(t, p.own, "write")
			file, back := filepath.Join(t.TempDir(), "upload"), filepath.Join(t.TempDir(), "download")
			want := makeLarge(t, file, c.client)
			up, down := transfer(t, p.bucket)
			key := p.own + "large-" + c.client
			up(l, file, key).must(t)
			down(l, key, back).must(t)
			if got := hashOf(t, back); got != want {
				t.Errorf("what came back has SHA-256 %x, want %x", got, want)
			}
			mustBeInParts(t, p, l)
		})
	}
}

type transfer = func(l devserver.Lease, from, to string) result

// transfers are what a client has for large objects, with its own settings.
var transfers = map[string]func(t *testing.T, bucket string) (up, down transfer){
	"aws-s3": func(t *testing.T, bucket string) (up, down transfer) {
		m := awsMover{newAWSS3(t, bucket).(awsS3)}
		return func(l devserver.Lease, file, key string) result {
				return m.s3(l, "cp", "--no-progress", file, m.url(key))
			},
			func(l devserver.Lease, key, file string) result {
				return m.s3(l, "cp", "--no-progress", m.url(key), file)
			}
	},
	"boto3": func(t *testing.T, bucket string) (up, down transfer) {
		c := newBoto3(t, bucket).(boto3)
		move := func(way string) transfer {
			return func(l devserver.Lease, from, to string) result {
				env := append(awsEnv(t, l, c.home), "AWS_CONFIG_FILE="+os.DevNull)
				return c.run(l, env, "-B", filepath.Join(c.scripts, "large.py"), bucket, way, from, to)
			}
		}
		return move("up"), move("down")
	},
	"rclone": func(t *testing.T, bucket string) (up, down transfer) {
		c := newRclone(t, bucket)
		return c.put, c.get
	},
}

// makeLarge writes the file and returns its SHA-256.
func makeLarge(t *testing.T, path, seed string) [sha256.Size]byte {
	t.Helper()
	file, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if _, err := io.CopyN(file, rand.NewChaCha8(sha256.Sum256([]byte(seed))), largeSize); err != nil {
		t.Fatal(err)
	}
	return hashOf(t, path)
}

func hashOf(t *testing.T, path string) (sum [sha256.Size]byte) {
	t.Helper()
	file, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	hash := sha256.New()
	if _, err := io.Copy(hash, file); err != nil {
		t.Fatal(err)
	}
	return [sha256.Size]byte(hash.Sum(nil))
}

// mustBeInParts looks whether the server was sent parts, and all went well.
func mustBeInParts(t *testing.T, p place, l devserver.Lease) {
	t.Helper()
	parts, bytes := 0, int64(0)
	for _, r := range mustLog(t, p, l.ID) {
		if r.Operation == "UploadPart" {
			parts++
			bytes += r.Bytes
		}
		// Whether there is an object already is a client's to ask.
		if r.Status >= 400 && !(r.Operation == "HeadObject" && r.Status == 404) {
			t.Errorf("a request failed: %+v", r)
		}
	}
	if parts < 2 || bytes != largeSize {
		t.Errorf("%d parts were sent with %d bytes, want several with %d", parts, bytes, largeSize)
	}
}
