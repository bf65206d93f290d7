package conformance

import (
	"bytes"
	"crypto/sha256"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

type object struct {
	name string // below the test's prefix
	size int
}

// objects are what each client stores and fetches: the names that are spelled
// differently in a URL, a signature, XML and a file system, and the sizes at
// which clients change their ways.
var objects = []object{
	{"plain.txt", 1000},
	{"deep/er/file.bin", 1000},
	{"a space.txt", 1000},
	{"a+plus.txt", 1000},
	{"Grüße, 日本語 🗝.txt", 1000},
	{"percent%20sign.txt", 1000},
	{"marks =&;:@,'()!$.txt", 1000},
	{"empty", 0},
	{"5MiB.bin", 5 << 20},
}

// objectsOf are those that a client can store.
func objectsOf(client string) []object {
	if can(client, opPutEmpty) {
		return objects
	}
	return slices.DeleteFunc(slices.Clone(objects), func(o object) bool { return o.size == 0 })
}

// content makes bytes that no other object has, the same in every run.
func content(seed string, size int) []byte {
	data := make([]byte, size)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte(seed))).Read(data)
	return data
}

func write(t *testing.T, data []byte) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "upload")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// mustHave compares a file with the bytes that it should have.
func mustHave(t *testing.T, file string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if sha256.Sum256(got) != sha256.Sum256(want) {
		t.Errorf("%d bytes came back with SHA-256 %x, want %d bytes with %x",
			len(got), sha256.Sum256(got), len(want), sha256.Sum256(want))
	}
}

// TestRoundTrip stores, lists, fetches and deletes objects with a write lease.
func TestRoundTrip(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		l := s.lend(t, s.own, "write")
		under := s.own + "round-trip/" + name + "/"
		var all []entry
		for _, o := range objectsOf(name) {
			all = append(all, entry{under + o.name, o.size})
			c.put(l, write(t, content(under+o.name, o.size)), under+o.name).must(t)
		}

		listed, r := c.list(l, under)
		r.must(t)
		mustList(t, listed, all)

		for _, o := range objectsOf(name) {
			file := filepath.Join(t.TempDir(), "download")
			c.get(l, under+o.name, file).must(t)
			t.Run(o.name, func(t *testing.T) { mustHave(t, file, content(under+o.name, o.size)) })
		}

		if !can(name, opRemove) {
			return
		}
		// What is deleted is gone, and only that.
		c.remove(l, all[0].key).must(t)
		gone := filepath.Join(t.TempDir(), "gone")
		r = c.get(l, all[0].key, gone)
		// Not all clients call it an error. None may make a file.
		if _, err := os.Stat(gone); !os.IsNotExist(err) {
			t.Errorf("%s: fetched what had been deleted (%v)\n%s", r.command, err, r.output)
		}
		listed, r = c.list(l, under)
		r.must(t)
		mustList(t, listed, all[1:])
	})
}

// TestOverwrite stores another object under the same key, a shorter one, and
// gets that one whole and nothing else.
func TestOverwrite(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		l := s.lend(t, s.own, "write")
		key := s.own + "overwrite/" + name
		file := filepath.Join(t.TempDir(), "download")
		for _, size := range []int{3000, 1000} {
			data := content(key, size)
			c.put(l, write(t, data), key).must(t)
			c.get(l, key, file).must(t)
			mustHave(t, file, data)
		}
	})
}

// TestRange fetches a part from the middle of an object.
func TestRange(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, name string, c client) {
		l := s.lend(t, s.own, "write")
		key := s.own + "range/" + name
		data := content(key, 10_000)
		c.put(l, write(t, data), key).must(t)
		part, r := c.getRange(l, key, 1234, 4321)
		r.must(t)
		if want := data[1234 : 1234+4321]; !bytes.Equal(part, want) {
			t.Errorf("%s: %d bytes came with SHA-256 %x, want %d with %x",
				r.command, len(part), sha256.Sum256(part), len(want), sha256.Sum256(want))
		}
	}, ableTo(opRange)...)
}

// TestSampleData reads, with a read lease, the objects that keyhatch dev brings
// along: a table, a picture, and a text that explains them.
func TestSampleData(t *testing.T) {
	eachClient(t, func(t *testing.T, s place, _ string, c client) {
		for _, prefix := range []string{s.own, siblingPrefix} {
			l := s.lend(t, prefix, "read")
			listed, r := c.list(l, prefix)
			r.must(t)
			for kind, is := range sampleKinds {
				i := slices.IndexFunc(listed, func(e entry) bool { return is.named(strings.TrimPrefix(e.key, prefix)) })
				if i < 0 {
					t.Errorf("%s: lists no %s\n%s", r.command, kind, r.output)
					continue
				}
				file := filepath.Join(t.TempDir(), "download")
				got := c.get(l, listed[i].key, file).must(t)
				data, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if len(data) != listed[i].size || !is.content(data) {
					t.Errorf("%s: %d bytes came that are no %s, or not the %d that were listed", got.command, len(data), kind, listed[i].size)
				}
			}
		}
	})
}

var sampleKinds = map[string]struct {
	named   func(name string) bool
	content func(data []byte) bool
}{
	"CSV table": {
		func(name string) bool { return strings.HasSuffix(name, ".csv") },
		func(data []byte) bool { return bytes.Contains(data, []byte(",")) },
	},
	"PNG picture": {
		func(name string) bool { return strings.HasSuffix(name, ".png") },
		func(data []byte) bool { return bytes.HasPrefix(data, []byte("\x89PNG\r\n\x1a\n")) },
	},
	"README": {
		func(name string) bool { return strings.HasPrefix(name, "README") },
		func(data []byte) bool { return len(bytes.TrimSpace(data)) > 0 },
	},
}

// mustList compares listings, whose order is the client's own.
func mustList(t *testing.T, got, want []entry) {
	t.Helper()
	order := func(a, b entry) int { return strings.Compare(a.key, b.key) }
	got, want = slices.SortedFunc(slices.Values(got), order), slices.SortedFunc(slices.Values(want), order)
	if !slices.Equal(got, want) {
		t.Errorf("listed are\n%+v\nwant\n%+v", got, want)
	}
}
