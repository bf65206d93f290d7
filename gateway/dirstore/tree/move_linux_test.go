package tree

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A link that takes a folder's place while an object is on its way into it leads
// the object nowhere else: the rename once went by the path.
func TestSwappedFolderIsNotFollowed(t *testing.T) {
	s := newSite(t)
	s.put("a/old", "x")
	if err := os.MkdirAll(s.path("other", "a"), 0o777); err != nil {
		t.Fatal(err)
	}
	p, err := locate(bucket, "a/key")
	if err != nil {
		t.Fatal(err)
	}
	d, err := s.tree.disk.Receive(strings.NewReader("body"), 4)
	if err != nil {
		t.Fatal(err)
	}
	folder, err := s.tree.makeFolder(p.bucket, p.folders)
	if err != nil {
		t.Fatal(err)
	}
	defer folder.Close()
	if err := errors.Join(os.Rename(s.path(bucket, "a"), s.path(bucket, "was")), os.Symlink("../other/a", s.path(bucket, "a"))); err != nil {
		t.Fatal(err)
	}
	if err := d.MoveTo(folder, p.name, filepath.FromSlash(p.bucket+"/"+p.key)); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Lstat(s.path("other", "a", "key")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the object is in another bucket: %v", err)
	}
	if text, err := os.ReadFile(s.path(bucket, "was", "key")); string(text) != "body" {
		t.Errorf("the object is not in the folder that was opened: %q, %v", text, err)
	}
}
