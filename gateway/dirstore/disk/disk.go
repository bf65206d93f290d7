package disk

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"syscall"
)

// Own is the folder below the root that holds our own files. No bucket's name begins
// with a dot.
const Own = ".keyhatch"

var (
	lockPath   = filepath.Join(Own, "lock")
	tempFolder = filepath.Join(Own, "tmp")
)

// Disk is a folder that this process has taken. Its methods may be called at the same
// time.
type Disk struct {
	Root *os.Root
	log  *slog.Logger
	lock *os.File // nil: it is read-only
}

// Open takes the folder at dir, which must exist, for this process: another process
// that serves it is an error. What an earlier process left half written is removed. A
// folder that cannot be written is opened too, and every write to it fails.
func Open(dir string, log *slog.Logger) (*Disk, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open directory store: %w", err)
	}
	d := &Disk{Root: root, log: log}
	if err := d.claim(); err != nil {
		root.Close()
		return nil, fmt.Errorf("open directory store %s: %w", dir, err)
	}
	return d, nil
}

// Close lets go of the folder. What is still under way fails.
func (d *Disk) Close() error {
	err := d.Root.Close()
	if d.lock != nil {
		err = errors.Join(err, d.lock.Close())
	}
	return err
}

// claim takes the lock, then clears away temporary files, which without the lock
// could be somebody's.
func (d *Disk) claim() error {
	err := d.Root.Mkdir(Own, 0o700)
	if err == nil || errors.Is(err, fs.ErrExist) {
		var own *os.Root
		if own, err = Step(d.Root, Own); err == nil {
			own.Close()
			d.lock, err = d.Root.OpenFile(lockPath, os.O_RDWR|os.O_CREATE, 0o600)
		}
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		d.log.Warn("directory store: the tree cannot be written and is served read-only", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := lockFile(d.lock); err != nil {
		d.lock.Close()
		return fmt.Errorf("another process serves it: %w", err)
	}
	if err := d.Root.RemoveAll(tempFolder); err != nil {
		d.lock.Close()
		return err
	}
	return nil
}
