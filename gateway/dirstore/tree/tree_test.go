package tree

import (
	"bytes"
	"context"
	"crypto/md5"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

const bucket = "data"

var ctx = context.Background()

// site is a tree on a folder, with shorthands for its one bucket.
type site struct {
	*testing.T
	dir  string
	tree *Tree
}

func newSite(t *testing.T) *site { return openSite(t, t.TempDir()) }

func openSite(t *testing.T, dir string) *site {
	t.Helper()
	tree, err := Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tree.Close() })
	return &site{t, dir, tree}
}

// restart closes the tree and opens it again.
func (s *site) restart() *site {
	s.Helper()
	if err := s.tree.Close(); err != nil {
		s.Fatal(err)
	}
	return openSite(s.T, s.dir)
}

func (s *site) path(elem ...string) string {
	return filepath.Join(append([]string{s.dir}, elem...)...)
}

// file puts a file into the bucket's folder, as a person would.
func (s *site) file(key, body string) {
	s.Helper()
	path := s.path(bucket, key)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		s.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(body), 0o666); err != nil {
		s.Fatal(err)
	}
}

func (s *site) tryPut(key, body string, header ...string) error {
	kept := map[string]string{}
	for i := 0; i < len(header); i += 2 {
		kept[header[i]] = header[i+1]
	}
	_, err := s.tree.Put(bucket, key, kept, strings.NewReader(body), int64(len(body)), nil)
	return err
}

func (s *site) put(key, body string, header ...string) {
	s.Helper()
	if err := s.tryPut(key, body, header...); err != nil {
		s.Fatalf("put %q: %v", key, err)
	}
}

func (s *site) tryGet(key string) (string, Record, error) {
	o, err := s.tree.Open(bucket, key)
	if err != nil {
		return "", Record{}, err
	}
	defer o.Close()
	if o.File == nil { // a marker
		return "", o.Record, nil
	}
	b, err := io.ReadAll(o.File)
	return string(b), o.Record, err
}

func (s *site) get(key string) (string, Record) {
	s.Helper()
	body, rec, err := s.tryGet(key)
	if err != nil {
		s.Fatalf("get %q: %v", key, err)
	}
	return body, rec
}

func (s *site) remove(key string) {
	s.Helper()
	if err := s.tree.Remove(bucket, key); err != nil {
		s.Fatalf("remove %q: %v", key, err)
	}
}

// entries lists the bucket, all of it.
func (s *site) entries() []Entry {
	s.Helper()
	var all []Entry
	for q := (Query{Max: 1000}); ; {
		page, err := s.tree.List(ctx, bucket, q)
		if err != nil {
			s.Fatal(err)
		}
		all = append(all, page.Entries...)
		if !page.Truncated {
			return all
		}
		q.Marker = page.Next
	}
}

func (s *site) keys() []string {
	s.Helper()
	var keys []string
	for _, e := range s.entries() {
		keys = append(keys, e.Key)
	}
	return keys
}

func (s *site) wantKeys(want ...string) {
	s.Helper()
	if got := s.keys(); !slices.Equal(got, want) {
		s.Errorf("keys are %q, want %q", got, want)
	}
}

func (s *site) wantIs(err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Fatalf("error is %v, want %q", err, want)
	}
}

// wantClean checks that nothing is left of bodies that were not published.
func (s *site) wantClean() {
	s.Helper()
	if entries, _ := os.ReadDir(s.path(disk.Own, "tmp")); len(entries) != 0 {
		s.Errorf("%d temporary files are left", len(entries))
	}
}

func md5Tag(body string) string { return fmt.Sprintf("%x", md5.Sum([]byte(body))) }

func filler(n int) string { return string(bytes.Repeat([]byte("0123456789abcdef"), n/16+1)[:n]) }

// version is a body that tells which put it came from; its put says so too, in
// the header "n".
func version(n int) string { return fmt.Sprintf("%06d ", n) + filler(n*7919%20_000) }

// wantWhole checks that body and record are of one put.
func (s *site) wantWhole(body string, rec Record) {
	s.Helper()
	var n int
	if _, err := fmt.Sscanf(body, "%06d", &n); err != nil || body != version(n) {
		s.Errorf("the body is of no version: %.20q, %d bytes", body, len(body))
		return
	}
	if rec.Header["n"] != fmt.Sprint(n) || rec.ETag != md5Tag(body) {
		s.Errorf("the body is of version %d, the header of %v, the ETag %s is not its own", n, rec.Header, rec.ETag)
	}
}

func TestOneProcess(t *testing.T) {
	s := newSite(t)
	if _, err := Open(s.dir, nil); err == nil || !strings.Contains(err.Error(), "another process") {
		t.Errorf("opened twice: %v", err)
	}
	if _, err := Open(s.path("none"), nil); err == nil {
		t.Error("a folder that is not there was opened")
	}
	os.WriteFile(s.path(disk.Own, "tmp", "left"), nil, 0o600)
	s.put("k", "x")
	os.WriteFile(s.path(disk.Own, "tmp", "left"), nil, 0o600)
	s.restart().wantClean()
}
