package tree

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
)

// Our own files, below the root. No bucket's name begins with a dot.
const ownFolder = ".keyhatch"

var (
	lockPath      = filepath.Join(ownFolder, "lock")
	tempFolder    = filepath.Join(ownFolder, "tmp")
	metaFolder    = filepath.Join(ownFolder, "meta")
	uploadsFolder = filepath.Join(ownFolder, "uploads")
)

// Tree is a directory tree that this process has taken. Its methods may be
// called at the same time.
type Tree struct {
	root *os.Root
	log  *slog.Logger
	lock *os.File // nil: the tree is read-only

	keys keyLocks
	// folders lets folders be removed only while nothing is being put into one.
	folders sync.RWMutex
	sorted  sortedFolders
	uploads uploads

	foldersRead atomic.Int64 // by lists; for tests
}

// Open opens the tree at dir, which must exist, and takes it for this process:
// another process that serves it is an error. What an earlier process left half
// written is removed. A tree that cannot be written is opened too, and every
// write to it fails. Faults of the file system that no caller is told of go to
// log, which may be nil.
func Open(dir string, log *slog.Logger) (*Tree, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open directory store: %w", err)
	}
	t := &Tree{root: root, log: log}
	if err := t.claim(); err != nil {
		root.Close()
		return nil, fmt.Errorf("open directory store %s: %w", dir, err)
	}
	return t, nil
}

// Close lets go of the tree. What is still under way fails.
func (t *Tree) Close() error {
	err := t.root.Close()
	if t.lock != nil {
		err = errors.Join(err, t.lock.Close())
	}
	return err
}

// claim takes the lock, then clears away temporary files, which without the lock
// could be somebody's.
func (t *Tree) claim() error {
	err := t.root.Mkdir(ownFolder, 0o700)
	if err == nil || errors.Is(err, fs.ErrExist) {
		var own *os.Root
		if own, err = step(t.root, ownFolder); err == nil {
			own.Close()
			t.lock, err = t.root.OpenFile(lockPath, os.O_RDWR|os.O_CREATE, 0o600)
		}
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		t.log.Warn("directory store: the tree cannot be written and is served read-only", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := lockFile(t.lock); err != nil {
		t.lock.Close()
		return fmt.Errorf("another process serves it: %w", err)
	}
	if err := t.root.RemoveAll(tempFolder); err != nil {
		t.lock.Close()
		return err
	}
	return nil
}
