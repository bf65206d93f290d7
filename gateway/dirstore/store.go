package dirstore

import (
	"log/slog"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
)

// Store serves one directory tree.
type Store struct {
	tree *tree.Tree
	log  *slog.Logger
}

// Open opens the tree at dir, which must exist, and takes it for this process:
// another process that serves it is an error. What an earlier process left half
// written is removed. A tree that cannot be written is served read-only. Faults
// of the file system go to log, which may be nil.
func Open(dir string, log *slog.Logger) (*Store, error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	t, err := tree.Open(dir, log)
	if err != nil {
		return nil, err
	}
	return &Store{tree: t, log: log}, nil
}

// Handler is the S3 protocol over the tree.
func (s *Store) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// Close lets go of the tree. Requests that are still under way fail.
func (s *Store) Close() error { return s.tree.Close() }

// ExpireUploads aborts the uploads that nothing was added to since before, and
// tells how many there were. Call it from time to time: clients abandon uploads.
func (s *Store) ExpireUploads(before time.Time) (int, error) {
	ended, err := s.tree.ExpireUploads(before)
	return len(ended), err
}
