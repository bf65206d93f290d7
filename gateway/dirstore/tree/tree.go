package tree

import (
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"github.com/keyhatch/keyhatch/gateway/dirstore/disk"
)

// Our own files, below the root.
var (
	metaFolder    = filepath.Join(disk.Own, "meta")
	uploadsFolder = filepath.Join(disk.Own, "uploads")
)

// Tree is a directory tree that this process has taken. Its methods may be
// called at the same time.
type Tree struct {
	disk *disk.Disk
	log  *slog.Logger

	keys keyLocks
	// folders lets folders be removed only while nothing is being put into one.
	folders sync.RWMutex
	// removed are the buckets that were, and when; the folders' lock is theirs.
	removed map[string]time.Time
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
	d, err := disk.Open(dir, log)
	if err != nil {
		return nil, err
	}
	return &Tree{disk: d, log: log}, nil
}

// Close lets go of the tree. What is still under way fails.
func (t *Tree) Close() error { return t.disk.Close() }
