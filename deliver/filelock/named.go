package filelock

import (
	"fmt"
	"os"
)

// Named is the lock of a name in a folder, held. It is that of a file, which only who
// holds the lock removes, and everybody does when done. So the file of that name is the
// same one for as long as the lock is held, and what a killed process leaves is a file
// that nobody holds.
type Named struct {
	root *os.Root
	file *os.File
	name string
}

// TryNamed takes the lock of a name, or returns ErrLocked. Another error means that the
// folder cannot have it.
func TryNamed(root *os.Root, name string) (*Named, error) {
	l, err := open(root, name)
	if err != nil {
		return nil, err
	}
	if err := l.take(); err != nil {
		l.file.Close()
		return nil, err
	}
	return l, nil
}

func open(root *os.Root, name string) (*Named, error) {
	if info, err := root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", name)
	}
	f, err := root.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	return &Named{root, f, name}, nil
}

// take locks the file that was opened. If its holder has let go of it meanwhile, the
// file is gone, another may be in its place, and its lock is worth nothing.
func (l *Named) take() error {
	if err := Try(l.file); err != nil {
		return err
	}
	opened, err := l.file.Stat()
	if err != nil {
		return err
	}
	if named, err := l.root.Lstat(l.name); err != nil || !os.SameFile(opened, named) {
		return ErrLocked
	}
	return nil
}

// Release lets go of the lock. It does nothing to nil.
func (l *Named) Release() {
	if l == nil {
		return
	}
	_ = l.root.Remove(l.name) // while it is held
	l.file.Close()
}
