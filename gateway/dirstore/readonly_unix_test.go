//go:build linux || darwin || freebsd || netbsd || openbsd || dragonfly

package dirstore

import (
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// becomeNobody takes root's rights from the rest of the test. It changes the
// effective user of the whole process: the test must not be parallel.
func becomeNobody(t *testing.T) {
	t.Helper()
	if err := syscall.Seteuid(65534); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := syscall.Seteuid(0); err != nil {
			panic(err) // the tests that follow would run as somebody else
		}
	})
}

func TestReadOnlyTree(t *testing.T) {
	dir := t.TempDir()
	os.MkdirAll(filepath.Join(dir, bucket), 0o777)
	os.WriteFile(filepath.Join(dir, bucket, "k"), []byte("x"), 0o666)
	os.Chmod(dir, 0o555)
	t.Cleanup(func() { os.Chmod(dir, 0o755) })
	t.Chdir(dir) // to nobody the folders above may be closed
	writable := func() bool {
		defer os.Remove("probe")
		return os.Mkdir("probe", 0o777) == nil
	}
	if os.Geteuid() == 0 && writable() {
		becomeNobody(t)
	}
	if writable() {
		t.Fatal("the tree can be written, so this proves nothing")
	}
	s := openSite(t, ".")
	if body, _ := s.get("k"); body != "x" {
		t.Errorf("k is %q", body)
	}
	s.wantCode(s.tryPut("k", "y"), "InvalidRequest")
	if body, _ := s.get("k"); body != "x" {
		t.Errorf("k became %q", body)
	}
	s.wantKeys("k")
	if _, err := os.Lstat(ownFolder); !os.IsNotExist(err) {
		t.Errorf("the tree was written: %v", err)
	}
}
