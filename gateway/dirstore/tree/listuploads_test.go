package tree

import (
	"cmp"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/gateway/dirstore/openuploads"
)

// openUploads are those of the bucket that a list has.
func (s *site) openUploads(prefix, from string) (out []openuploads.Upload) {
	s.Helper()
	for u, err := range s.tree.Uploads(bucket, prefix, from) {
		if err != nil {
			s.Fatal(err)
		}
		out = append(out, u)
	}
	return out
}

// Whatever begins and ends, a list has what a look at every upload would find, in the
// process that was there and in another one.
func TestOpenUploadsAreThoseThatAreOpen(t *testing.T) {
	s := newSite(t)
	keys := []string{"a", "a-b", "a/", "a/b", "a/b/c", "a/b/c/d", "a/bc", "a0", "ab/x", "b", "é/x", "z/z/z"}
	var open []openuploads.Upload
	live := map[string]*Upload{}
	check := func() {
		t.Helper()
		for _, prefix := range []string{"", "a", "a/", "a/b", "a/b/", "a/b/c", "b", "z/", "nothing/"} {
			for _, from := range []string{"", "a", "a/", "a/b/c", "a/bb", "ab", "zz"} {
				var want []openuploads.Upload
				for _, u := range open {
					if strings.HasPrefix(u.Key, prefix) && u.Key >= from {
						want = append(want, u)
					}
				}
				slices.SortFunc(want, func(a, b openuploads.Upload) int { return cmp.Or(cmp.Compare(a.Key, b.Key), cmp.Compare(a.ID, b.ID)) })
				if got := s.openUploads(prefix, from); !slices.Equal(got, want) {
					t.Fatalf("below %q from %q: %v, want %v", prefix, from, got, want)
				}
			}
		}
	}
	check()
	for round := range 60 {
		if rand.IntN(3) > 0 || len(open) == 0 {
			key := keys[rand.IntN(len(keys))]
			if strings.HasSuffix(key, "/") {
				continue
			}
			u := s.begin(key)
			live[u.ID] = u
			open = append(open, u.open())
		} else {
			i := rand.IntN(len(open))
			u := live[open[i].ID]
			end := u.Abort
			switch part := s.part(u, 1, "x"); rand.IntN(3) {
			case 0:
				end = func() error {
					_, err := u.Complete(ctx, []Part{part}, nil, func(*Record) error { return nil })
					return err
				}
			case 1:
				end = func() error { return u.drop() }
			}
			if err := end(); err != nil { // such as an object where a folder is needed
				continue
			}
			open = slices.Delete(open, i, i+1)
		}
		check()
		if round%20 == 19 {
			s = s.restart()
			for id, u := range live {
				live[id], _ = s.tree.Upload(bucket, u.Key, id)
				if live[id] == nil {
					delete(live, id)
				}
			}
			check()
		}
	}
	if ended, err := s.tree.ExpireUploads(time.Now().Add(time.Hour)); err != nil || len(ended) != len(open) {
		t.Fatalf("%d of %d expired, %v", len(ended), len(open), err)
	}
	open = nil
	check()
}

// An upload that nobody touched since the process began is in no list when it has
// expired.
func TestExpiredUploadIsNotListed(t *testing.T) {
	s := newSite(t)
	s.begin("a/k")
	s = s.restart()
	if got := s.openUploads("a/", ""); len(got) != 1 {
		t.Fatalf("%v", got)
	}
	if _, err := s.tree.ExpireUploads(time.Now().Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	if got := s.openUploads("", ""); len(got) != 0 {
		t.Errorf("%v", got)
	}
}

// The first list of a process reads the disk while uploads begin and end.
func TestUploadsBeginAndEndWhileTheyAreRead(t *testing.T) {
	s := newSite(t)
	for i := range 50 {
		s.begin(fmt.Sprintf("was/%d", i))
	}
	for range 10 {
		s = s.restart()
		var all sync.WaitGroup
		kept := make([]string, 8)
		for i := range kept {
			all.Go(func() {
				u := s.begin("new/k")
				kept[i] = u.ID
				if err := s.begin("new/gone").Abort(); err != nil {
					t.Error(err)
				}
			})
			all.Go(func() { s.openUploads("was/", "") })
		}
		all.Wait()
		slices.Sort(kept)
		var got []string
		for _, u := range s.openUploads("new/", "") {
			got = append(got, u.ID)
		}
		if !slices.Equal(got, kept) {
			t.Fatalf("%d uploads are listed, %d are open", len(got), len(kept))
		}
		if _, err := s.tree.ExpireUploads(time.Now().Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		for i := range 50 {
			s.begin(fmt.Sprintf("was/%d", i))
		}
	}
}

// A list of ten uploads beside none and beside ten thousand of others: ns/op is what
// the second costs, "ratio" how many times the first, of the same run.
func BenchmarkUploadsBesideOthers(b *testing.B) {
	dir := b.TempDir()
	begun := func(bucket, folder string, n int) { // by an earlier process
		for range n {
			id := fmt.Sprintf("%032x", rand.Uint64())
			in := filepath.Join(dir, uploadsFolder, bucket, id)
			text := fmt.Sprintf(`{"bucket":%q,"key":"%s/%s","started":"2031-02-03T04:05:06Z"}`, bucket, folder, id)
			if err := errors.Join(os.MkdirAll(in, 0o700), os.WriteFile(filepath.Join(in, uploadFile), []byte(text), 0o600)); err != nil {
				b.Fatal(err)
			}
		}
	}
	begun("alone", "mine", 10)
	begun("crowded", "mine", 10)
	begun("crowded", "others", 10_000)
	tree, err := Open(dir, nil)
	if err != nil {
		b.Fatal(err)
	}
	defer tree.Close()
	list := func(bucket string) {
		n := 0
		for _, err := range tree.Uploads(bucket, "mine/", "") {
			if err != nil {
				b.Fatal(err)
			}
			n++
		}
		if n != 10 {
			b.Fatalf("%d uploads", n)
		}
	}
	began := time.Now()
	list("crowded")
	first := time.Since(began)
	list("alone")
	began = time.Now()
	for b.Loop() {
		list("crowded")
	}
	crowded := time.Since(began)
	began = time.Now()
	for range b.N {
		list("alone")
	}
	b.ReportMetric(float64(crowded)/float64(time.Since(began)), "ratio")
	b.ReportMetric(first.Seconds()*1000, "first-ms")
}
