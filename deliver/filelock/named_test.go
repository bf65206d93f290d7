package filelock

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

// A lock is a file that goes with its holder. Who opened it before and locks it after
// has the lock of nothing: it is not its turn.
func TestLockOfAFileThatIsGone(t *testing.T) {
	folder := t.TempDir()
	root, err := os.OpenRoot(folder)
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	opened := func() *Named {
		t.Helper()
		l, err := open(root, "lock")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { l.file.Close() })
		return l
	}
	first, second, late := opened(), opened(), opened()
	if err := first.take(); err != nil {
		t.Fatal(err)
	}
	if err := second.take(); !errors.Is(err, ErrLocked) {
		t.Errorf("two hold it: %v", err)
	}
	first.Release()
	if err := second.take(); !errors.Is(err, ErrLocked) {
		t.Errorf("the lock of a file that is gone: %v", err)
	}
	next, err := TryNamed(root, "lock")
	if err != nil {
		t.Fatal(err)
	}
	if err := late.take(); !errors.Is(err, ErrLocked) {
		t.Errorf("the lock of a file in whose place is another: %v", err)
	}
	next.Release()
	if left, err := os.ReadDir(folder); err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	// What a killed process left is nobody's.
	if err := os.WriteFile(filepath.Join(folder, "lock"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if next, err = TryNamed(root, "lock"); err != nil {
		t.Fatal(err)
	}
	next.Release()
}
