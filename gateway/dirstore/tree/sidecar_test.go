package tree

import (
	"os"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

func TestSidecarLostOrStale(t *testing.T) {
	s := newSite(t)
	s.put("k", "body", "m", "1")
	folder, name := sidecarPath(bucket, "k")
	path := s.path(folder, name)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bare := func(why string) {
		t.Helper()
		body, rec := s.get("k")
		if len(rec.Header) != 0 || !strings.HasSuffix(rec.ETag, "-1") {
			t.Errorf("%s: %q has header %v and ETag %s", why, body, rec.Header, rec.ETag)
		}
		if e := s.entries()[0]; e.ETag != rec.ETag {
			t.Errorf("%s: listed with ETag %s, read with %s", why, e.ETag, rec.ETag)
		}
	}
	os.Remove(path)
	bare("lost")
	os.WriteFile(path, text[:len(text)/2], 0o600)
	bare("cut off")
	os.WriteFile(path, text, 0o600)
	if _, rec := s.get("k"); rec.Header["m"] != "1" {
		t.Error("the sidecar that came back is not used")
	}
	s.file("k", "BODY")
	bare("file changed")
	s.put("k", "again", "m", "2")
	if _, rec := s.get("k"); rec.Header["m"] != "2" || rec.ETag != md5Tag("again") {
		t.Errorf("after the next put: %v, %s", rec.Header, rec.ETag)
	}
	os.RemoveAll(s.path(disk.Own))
	bare("everything of ours lost")
	s.put("k", "more", "m", "3")
	if _, rec := s.get("k"); rec.Header["m"] != "3" {
		t.Error("no metadata after our folder was lost")
	}
}

// A copy of the tree has other inodes, and keeps its metadata by its times.
func TestCopiedTreeKeepsMetadata(t *testing.T) {
	s := newSite(t)
	s.put("k", "body", "m", "1")
	info, _ := os.Stat(s.path(bucket, "k"))
	if info.ModTime().Nanosecond() == 0 {
		t.Skip("this file system keeps whole seconds")
	}
	if err := os.WriteFile(s.path(bucket, "copy"), []byte("body"), 0o666); err != nil {
		t.Fatal(err)
	}
	os.Chtimes(s.path(bucket, "copy"), info.ModTime(), info.ModTime())
	os.Rename(s.path(bucket, "copy"), s.path(bucket, "k"))
	if _, rec := s.get("k"); rec.Header["m"] != "1" || rec.ETag != md5Tag("body") {
		t.Errorf("the copy has %v, %s", rec.Header, rec.ETag)
	}
}
