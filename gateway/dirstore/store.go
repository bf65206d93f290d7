package dirstore

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/rclone/gofakes3"
)

// Our own files, below the root. No bucket's name begins with a dot.
const ownFolder = ".keyhatch"

var (
	lockPath      = filepath.Join(ownFolder, "lock")
	tempFolder    = filepath.Join(ownFolder, "tmp")
	metaFolder    = filepath.Join(ownFolder, "meta")
	uploadsFolder = filepath.Join(ownFolder, "uploads")
)

// Store serves one directory tree.
type Store struct {
	root *os.Root
	log  *slog.Logger
	lock *os.File // nil: the tree is read-only
	s3   *gofakes3.GoFakeS3
	wire http.Handler // of s3

	keys, completing keyLocks
	// tree lets folders be removed only while nothing is being put into one.
	tree    sync.RWMutex
	sorted  sortedFolders
	uploads uploads

	foldersRead atomic.Int64 // by lists; for tests
}

// Open opens the tree at dir, which must exist, and takes it for this process:
// another process that serves it is an error. What an earlier process left half
// written is removed. A tree that cannot be written is served read-only. Faults
// of the file system go to log, which may be nil.
func Open(dir string, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, fmt.Errorf("open directory store: %w", err)
	}
	s := &Store{root: root, log: log}
	if err := s.claim(); err != nil {
		root.Close()
		return nil, fmt.Errorf("open directory store %s: %w", dir, err)
	}
	s.s3 = gofakes3.New(backend{s},
		gofakes3.WithTimeSkewLimit(0), // the gateway has checked the signature's time
		gofakes3.WithLogger(logger{log}),
		gofakes3.WithoutVersioning(),
		gofakes3.WithRequestID(uint64(time.Now().UnixNano())))
	s.wire = s.s3.Server()
	return s, nil
}

// Handler is the S3 protocol over the tree.
func (s *Store) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// Close lets go of the tree. Requests that are still under way fail.
func (s *Store) Close() error {
	err := s.root.Close()
	if s.lock != nil {
		err = errors.Join(err, s.lock.Close())
	}
	return err
}

// claim takes the lock, then clears away temporary files, which without the lock
// could be somebody's.
func (s *Store) claim() error {
	err := s.root.Mkdir(ownFolder, 0o700)
	if err == nil || errors.Is(err, fs.ErrExist) {
		var own *os.Root
		if own, err = step(s.root, ownFolder); err == nil {
			own.Close()
			s.lock, err = s.root.OpenFile(lockPath, os.O_RDWR|os.O_CREATE, 0o600)
		}
	}
	if errors.Is(err, fs.ErrPermission) || errors.Is(err, syscall.EROFS) {
		s.log.Warn("directory store: the tree cannot be written and is served read-only", "error", err)
		return nil
	}
	if err != nil {
		return err
	}
	if err := lockFile(s.lock); err != nil {
		s.lock.Close()
		return fmt.Errorf("another process serves it: %w", err)
	}
	if err := s.root.RemoveAll(tempFolder); err != nil {
		s.lock.Close()
		return err
	}
	return nil
}

// logger passes the faults that gofakes3 reports on to slog. Its other lines
// repeat every request, which the gateway records.
type logger struct{ log *slog.Logger }

func (l logger) Print(level gofakes3.LogLevel, v ...any) {
	if level == gofakes3.LogErr {
		l.log.Log(context.Background(), slog.LevelError, "directory store: "+fmt.Sprint(v...))
	}
}
