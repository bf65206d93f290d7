package tree

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// model is what the bucket should hold, in order.
type model []string

// blocked tells whether a file system that holds these keys can take another.
func (m model) blocked(key string) bool {
	bare := strings.TrimSuffix(key, "/")
	for _, k := range m {
		if strings.HasPrefix(bare, k+"/") || key != bare && k == bare || key == bare && strings.HasPrefix(k, key+"/") {
			return true
		}
	}
	return false
}

func (m *model) put(key string) {
	if i, found := slices.BinarySearch(*m, key); !found {
		*m = slices.Insert(*m, i, key)
	}
}

func (m *model) delete(key string) {
	if i, found := slices.BinarySearch(*m, key); found {
		*m = slices.Delete(*m, i, i+1)
	}
}

type page struct {
	Keys, Prefixes []string
	Truncated      bool
	Next           string
}

// list is what S3 answers.
func (m model) list(prefix, delimiter, marker string, max int) page {
	var p page
	last := ""
	for _, key := range m {
		rest, ok := strings.CutPrefix(key, prefix)
		if !ok {
			continue
		}
		result, common := key, false
		if i := strings.Index(rest, delimiter); delimiter != "" && i >= 0 {
			result, common = prefix+rest[:i+len(delimiter)], true
		}
		if result <= marker || common && result == last {
			continue
		}
		if len(p.Keys)+len(p.Prefixes) == max {
			p.Truncated, p.Next = true, last
			break
		}
		last = result
		if common {
			p.Prefixes = append(p.Prefixes, result)
		} else {
			p.Keys = append(p.Keys, result)
		}
	}
	return p
}

var segment = rapid.SampledFrom([]string{"a", "a-b", "a0", "a.b", "b", "b b", "ü", "日本", "%2F", "+", "A", "\x01", "~"})

var someKey = rapid.Custom(func(t *rapid.T) string {
	key := strings.Join(rapid.SliceOfN(segment, 1, 4).Draw(t, "segments"), "/")
	if rapid.IntRange(0, 4).Draw(t, "marker") == 0 {
		key += "/"
	}
	return key
})

// somePrefix is a part of a key that is there, or anything.
func somePrefix(t *rapid.T, m model, label string) string {
	from := rapid.OneOf(someKey, rapid.SampledFrom([]string{"", "/", "a/", "a-", "b", "../", "a//", "\xff", "zz"}))
	if len(m) > 0 {
		from = rapid.OneOf(from, rapid.SampledFrom(m))
	}
	s := from.Draw(t, label)
	return s[:rapid.IntRange(0, len(s)).Draw(t, label+" length")]
}

func TestListAgainstModel(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		dir, err := os.MkdirTemp("", "dirstore")
		if err != nil {
			t.Fatal(err)
		}
		defer os.RemoveAll(dir)
		tree, err := Open(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tree.Close()
		var m model
		for range rapid.IntRange(1, 25).Draw(t, "writes") {
			key := someKey.Draw(t, "key")
			path := filepath.Join(dir, bucket, key)
			switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); {
			case kind < 2:
				if len(m) > 0 {
					key = rapid.SampledFrom(m).Draw(t, "there")
				}
				if err := tree.Remove(bucket, key); err != nil {
					t.Fatalf("remove %q: %v", key, err)
				}
				m.delete(key)
			case kind < 7 && !m.blocked(key) && !strings.HasSuffix(key, "/"): // a person's file
				if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, nil, 0o666); err != nil {
					t.Fatal(err)
				}
				m.put(key)
			default:
				_, err := tree.Put(bucket, key, nil, strings.NewReader(""), 0, nil)
				if m.blocked(key) != (errors.Is(err, ErrFolder) || errors.Is(err, ErrFileAbove)) {
					t.Fatalf("put %q beside %q: %v", key, m, err)
				}
				if err == nil {
					m.put(key)
				}
			}
		}
		for range 20 {
			prefix, marker := somePrefix(t, m, "prefix"), somePrefix(t, m, "marker")
			delimiter := rapid.SampledFrom([]string{"", "/", "/", "a", "-", "b/", "/a", "ü"}).Draw(t, "delimiter")
			max := rapid.SampledFrom([]int{1, 2, 3, 5, 1000}).Draw(t, "max")
			for { // follow the pages
				want := m.list(prefix, delimiter, marker, max)
				got := listPage(t, tree, prefix, delimiter, marker, max)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Fatalf("prefix %q, delimiter %q, marker %q, max %d, keys %q: (-want +got)\n%s", prefix, delimiter, marker, max, m, diff)
				}
				if !got.Truncated {
					break
				}
				marker = got.Next
			}
		}
	})
}

func listPage(t interface{ Fatal(...any) }, tree *Tree, prefix, delimiter, marker string, max int) page {
	out, err := tree.List(ctx, bucket, Query{Prefix: prefix, Delimiter: delimiter, Marker: marker, Max: max})
	if err != nil {
		t.Fatal(err)
	}
	p := page{Prefixes: out.Prefixes, Truncated: out.Truncated, Next: out.Next}
	for _, e := range out.Entries {
		p.Keys = append(p.Keys, e.Key)
	}
	return p
}

// manyFiles makes n files in folders of a thousand, old enough to be settled.
// Those of a folder are one file under many names, which is quicker to make.
func manyFiles(t *testing.T, dir string, n int) {
	t.Helper()
	old := time.Now().Add(-time.Hour)
	for i := 0; i < n; i += 1000 {
		folder := filepath.Join(dir, fmt.Sprintf("%03d", i/1000))
		err := os.MkdirAll(folder, 0o777)
		first := filepath.Join(folder, "000")
		if err == nil {
			err = os.WriteFile(first, nil, 0o666)
		}
		for j := 1; j < 1000 && err == nil; j++ {
			err = os.Link(first, filepath.Join(folder, fmt.Sprintf("%03d", j)))
		}
		if err == nil {
			err = os.Chtimes(folder, old, old)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

func TestListReadsOnlyWhatItReports(t *testing.T) {
	s := newSite(t)
	manyFiles(t, s.path(bucket, "big"), 100_000)
	s.file("small/x/1", "x")
	s.file("small/y", "x")
	read := func(want int64, prefix, delimiter, marker string, max int) page {
		t.Helper()
		before := s.tree.foldersRead.Load()
		p := listPage(t, s.tree, prefix, delimiter, marker, max)
		if n := s.tree.foldersRead.Load() - before; n != want {
			t.Errorf("prefix %q, delimiter %q, marker %q: %d folders read, want %d", prefix, delimiter, marker, n, want)
		}
		return p
	}
	if p := read(2, "small/", "", "", 1000); len(p.Keys) != 2 {
		t.Errorf("the small prefix has %v", p)
	}
	read(1, "small/", "/", "", 1000)
	read(1, "", "/", "", 1000)
	read(1, "big/", "/", "", 1000)
	// In the middle: the bucket, big/, the folder, and the one after.
	p := read(4, "", "", "big/050/500", 1000)
	if len(p.Keys) != 1000 || p.Keys[0] != "big/050/501" || !p.Truncated {
		t.Errorf("the page has %d keys", len(p.Keys))
	}
	// The same again: the two large folders are remembered.
	read(2, "", "", "big/050/500", 1000)
	// A remembered folder that changes is read again.
	s.file("big/050/new", "x")
	s.file("big/051/0", "x")
	if p := read(4, "", "", "big/050/500", 1000); !slices.Contains(p.Keys, "big/050/new") {
		t.Error("a new file is not listed")
	}
}
