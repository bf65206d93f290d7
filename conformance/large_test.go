package conformance

import (
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// largeSize is that of an object that no client sends in one request.
const largeSize = 256 << 20

// TestLarge has each client send an object of 256 MiB to both kinds of store, over
// HTTP and over TLS, in parts of its own choice, and fetch it, which some do in parts
// too.
func TestLarge(t *testing.T) {
	for turn, name := range ableTo(opUp) {
		for i, v := range bothKinds(turn) {
			v.at(t, name, func(t *testing.T, p place, c client) {
				file, want := largeFile(t, i%2)
				back := filepath.Join(t.TempDir(), "download")
				l := p.lend(t, p.own, "write")
				key := p.own + "large-" + name
				c.also(opUp, l, file, key).must(t)
				c.also(opDown, l, key, back).must(t)
				if got := hashOf(t, back); got != want {
					t.Errorf("what came back has SHA-256 %x, want %x", got, want)
				}
				mustBeInParts(t, p, l)
				newGoSDK(t, p.bucket).remove(l, key).must(t) // 256 MiB of the disk, or of the memory of a store
			})
		}
	}
}

// largeFiles are files of that size, made when the first test needs them.
var largeFiles [2]struct {
	once sync.Once
	path string
	sum  [sha256.Size]byte
}

func largeFile(t *testing.T, n int) (path string, sum [sha256.Size]byte) {
	t.Helper()
	f := &largeFiles[n]
	f.once.Do(func() {
		path := filepath.Join(binaryDir, fmt.Sprint("large-", n))
		file, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		hash := sha256.New()
		// Of blocks that tell their number: to make all of it of random bytes takes long
		// under the race detector.
		block := content(fmt.Sprint("large-", n), 1<<20)
		for i := range largeSize / len(block) {
			copy(block, fmt.Sprintf("%016d", i))
			if _, err := io.MultiWriter(file, hash).Write(block); err != nil {
				t.Fatal(err)
			}
		}
		f.path, f.sum = path, [sha256.Size]byte(hash.Sum(nil))
	})
	if f.path == "" {
		t.Fatal("no large file: another test says why")
	}
	return f.path, f.sum
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
