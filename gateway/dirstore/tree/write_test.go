package tree

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

func TestFailedBodyLeavesNothing(t *testing.T) {
	s := newSite(t)
	mine := errors.New("the reader's own")
	for _, before := range []string{"", "old"} {
		if before != "" {
			s.put("k", before, "m", "1")
		}
		for _, c := range []struct {
			name string
			body io.Reader
			size int64
			want error
		}{
			{"breaks off", io.MultiReader(strings.NewReader("bo"), iotest.ErrReader(mine)), 4, mine},
			{"fails at its end", io.MultiReader(strings.NewReader("body"), iotest.ErrReader(mine)), 4, mine},
			{"of any length", io.MultiReader(strings.NewReader("body"), iotest.ErrReader(mine)), -1, mine},
			{"too short", strings.NewReader("bod"), 4, ErrBodyLength},
			{"too long", strings.NewReader("body and more"), 4, ErrBodyLength},
		} {
			_, err := s.tree.Put(bucket, "k", nil, c.body, c.size, nil)
			if !errors.Is(err, c.want) {
				t.Errorf("a body that %s: %v", c.name, err)
			}
			body, rec, err := s.tryGet("k")
			if before == "" {
				s.wantIs(err, ErrNoObject)
			} else if body != before || rec.Header["m"] != "1" {
				t.Errorf("a body that %s: the object became %q", c.name, body)
			}
			s.wantClean()
		}
	}
	s.wantIs(s.tryPut("k", "x", "m", "\xff"), ErrNotText)
}

// A check sees what the key names, and its error is that of the write.
func TestCheck(t *testing.T) {
	s := newSite(t)
	no := errors.New("no")
	var seen *Record
	check := func(old *Record) error {
		seen = old
		return no
	}
	put := func(key, body string) {
		t.Helper()
		_, err := s.tree.Put(bucket, key, nil, strings.NewReader(body), -1, check)
		s.wantIs(err, no)
	}
	for _, c := range []struct{ key, body string }{{"k", "x"}, {"m/", ""}} {
		put(c.key, c.body)
		if seen != nil {
			t.Errorf("%s: saw %v of nothing", c.key, seen)
		}
		s.put(c.key, c.body, "n", "1")
		put(c.key, c.body)
		if seen == nil || seen.Header["n"] != "1" {
			t.Errorf("%s: saw %v", c.key, seen)
		}
	}
	if body, rec := s.get("k"); body != "x" || rec.Header["n"] != "1" {
		t.Errorf("k became %q, %v", body, rec.Header)
	}
	s.wantClean()
}

func TestSetHeader(t *testing.T) {
	s := newSite(t)
	s.put("k", "x", "m", "1")
	s.file("plain", "y")
	s.put("m/", "", "m", "1")
	for _, key := range []string{"k", "plain", "m/"} {
		_, before := s.get(key)
		if err := s.tree.SetHeader(bucket, key, "tags", "a=1"); err != nil {
			t.Fatal(err)
		}
		_, rec := s.get(key)
		if rec.Header["tags"] != "a=1" || rec.Header["m"] != before.Header["m"] || rec.ETag != before.ETag {
			t.Errorf("%s: %v, %s", key, rec.Header, rec.ETag)
		}
		if err := s.tree.SetHeader(bucket, key, "tags", ""); err != nil {
			t.Fatal(err)
		}
		if _, rec := s.get(key); len(rec.Header) != len(before.Header) {
			t.Errorf("%s: %v", key, rec.Header)
		}
	}
	s.wantIs(s.tree.SetHeader(bucket, "none", "tags", "a=1"), ErrNoObject)
}

func TestNoObject(t *testing.T) {
	s := newSite(t)
	s.put("a/b", "x")
	for _, key := range []string{"no", "a", "a/", "a/b/", "a/b/c", "no/no"} {
		_, err := s.tree.Stat(bucket, key)
		s.wantIs(err, ErrNoObject)
		_, err = s.tree.Open(bucket, key)
		s.wantIs(err, ErrNoObject)
		s.remove(key)
	}
	s.wantKeys("a/b")
}

func TestFileAndFolderConflict(t *testing.T) {
	s := newSite(t)
	s.put("a", "file")
	for _, key := range []string{"a/b", "a/b/c", "a/"} {
		body := "x"
		if key == "a/" {
			body = ""
		}
		s.wantIs(s.tryPut(key, body), ErrFileAbove)
	}
	s.put("d/e", "x")
	s.wantIs(s.tryPut("d", "x"), ErrFolder)
	s.wantKeys("a", "d/e")
	if body, _ := s.get("a"); body != "file" {
		t.Errorf("a is %q", body)
	}

	// An empty folder that nobody named as a key gives way.
	if err := os.Mkdir(s.path(bucket, "empty"), 0o777); err != nil {
		t.Fatal(err)
	}
	s.put("empty", "x")
	s.wantKeys("a", "d/e", "empty")
	s.wantClean()
}

func TestMarkers(t *testing.T) {
	s := newSite(t)
	s.put("f/", "", "who", "me")
	if _, rec := s.get("f/"); rec.Size != 0 || rec.Header["who"] != "me" || rec.ETag != md5Tag("") {
		t.Errorf("marker: %d bytes, %v, %s", rec.Size, rec.Header, rec.ETag)
	}
	s.wantIs(s.tryPut("g/", "bytes"), ErrMarkerBody)
	_, err := s.tree.Put(bucket, "g/", nil, strings.NewReader("bytes"), -1, nil)
	s.wantIs(err, ErrMarkerBody)
	s.put("f/g/h", "x")
	s.remove("f/g/h")
	s.wantKeys("f/")
	if _, err := os.Stat(s.path(bucket, "f", "g")); !os.IsNotExist(err) {
		t.Error("the folder that became empty is still there")
	}
	s = s.restart()
	s.wantKeys("f/")
	s.remove("f/")
	s.wantKeys()
	if _, err := os.Stat(s.path(bucket, "f")); !os.IsNotExist(err) {
		t.Error("the deleted marker's folder is still there")
	}
	if _, err := os.Stat(s.path(bucket)); err != nil {
		t.Error("the bucket's folder went with it")
	}
	// A marker over objects: deleting it leaves them.
	s.put("f/x", "x")
	s.put("f/", "")
	s.remove("f/")
	s.wantKeys("f/x")
}

func TestRemove(t *testing.T) {
	s := newSite(t)
	for _, key := range []string{"a/b/c/d", "a/b/e", "z", "k1", "k2"} {
		s.put(key, "x")
	}
	s.remove("a/b/c/d")
	if _, err := os.Stat(s.path(bucket, "a", "b", "c")); !os.IsNotExist(err) {
		t.Error("the empty folder is still there")
	}
	s.wantKeys("a/b/e", "k1", "k2", "z")
	for _, key := range []string{"k1", "k2", "none", "a/b/e"} {
		s.remove(key)
	}
	s.wantIs(s.tree.Remove(bucket, "a//b"), ErrKey)
	s.wantKeys("z")
	var sidecars int
	err := filepath.WalkDir(s.path(metaFolder), func(_ string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			sidecars++
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if sidecars != 1 {
		t.Errorf("%d sidecars for one object", sidecars)
	}
}

func TestPlacesThatCannotBe(t *testing.T) {
	s := newSite(t)
	for key, want := range map[string]error{
		"x/" + strings.Repeat("n", 256):      ErrKeyTooLong,
		"folder/" + strings.Repeat("ü", 128): ErrKeyTooLong,
		strings.Repeat("0123456789/", 100):   ErrKey,
		"":                                   ErrKey,
		"nul\x00":                            ErrKey,
		"a//b":                               ErrKey,
		"a/../b":                             ErrKey,
		"../" + disk.Own + "/lock":           ErrKey,
		"not-utf8-\xff":                      ErrKey,
		"/leading":                           ErrKey,
	} {
		_, err := s.tree.Open(bucket, key)
		s.wantIs(err, want)
		s.wantIs(s.tryPut(key, ""), want)
		s.wantIs(s.tree.Remove(bucket, key), want)
		_, err = s.tree.BeginUpload(bucket, key, nil)
		s.wantIs(err, want)
	}
	for _, name := range []string{disk.Own, "..", ".", "A", "", "a/b"} {
		_, err := s.tree.Open(name, "k")
		s.wantIs(err, ErrNoBucket)
		_, err = s.tree.Put(name, "k", nil, strings.NewReader(""), 0, nil)
		s.wantIs(err, ErrNoBucket)
		_, err = s.tree.List(ctx, name, Query{Max: 1})
		s.wantIs(err, ErrNoBucket)
		for _, err = range s.tree.Uploads(name, "", "") {
			break
		}
		s.wantIs(err, ErrNoBucket)
		_, err = s.tree.Upload(name, "k", strings.Repeat("0", 32))
		s.wantIs(err, ErrNoUpload)
	}
	s.wantKeys()
	s.wantClean()
}

// ending is a body that knows something of itself only at its end.
type ending struct {
	io.Reader
	at func()
}

func (e ending) Read(p []byte) (int, error) {
	n, err := e.Reader.Read(p)
	if err == io.EOF {
		e.at()
	}
	return n, err
}

func TestHeaderThatIsKnownAtTheEnd(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ key, body string }{{"k", "body"}, {"marker/", ""}} {
		header := map[string]string{"m": "1"}
		body := ending{strings.NewReader(c.body), func() { header["Sum"] = "of the body" }}
		if _, err := s.tree.Put(bucket, c.key, header, body, int64(len(c.body)), nil); err != nil {
			t.Fatal(err)
		}
		if _, rec := s.get(c.key); rec.Header["Sum"] != "of the body" || rec.Header["m"] != "1" {
			t.Errorf("%s: %v", c.key, rec.Header)
		}
	}
}
