package dirstore

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
	"github.com/rclone/gofakes3"
)

// Store serves one directory tree.
type Store struct {
	tree *tree.Tree
	log  *slog.Logger
	s3   *gofakes3.GoFakeS3
	wire http.Handler // of s3

	completing tree.KeyLocks // by id of the upload
	uploads    uploads
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
	s := &Store{tree: t, log: log}
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
func (s *Store) Close() error { return s.tree.Close() }

// ExpireUploads aborts the uploads that nothing was added to since before, and
// tells how many there were. Call it from time to time: clients abandon uploads.
func (s *Store) ExpireUploads(before time.Time) (int, error) {
	ended, err := s.tree.ExpireUploads(before)
	for _, id := range ended {
		s.uploads.mu.Lock()
		if u := s.uploads.known[id]; u != nil {
			// An error means that a client has just ended it itself.
			_ = s.s3.ForgetMultipartUpload(context.Background(), u.Bucket, u.Key, gofakes3.UploadID(id))
			delete(s.uploads.known, id)
		}
		s.uploads.mu.Unlock()
	}
	return len(ended), err
}

// logger passes the faults that gofakes3 reports on to slog. Its other lines
// repeat every request, which the gateway records.
type logger struct{ log *slog.Logger }

func (l logger) Print(level gofakes3.LogLevel, v ...any) {
	if level == gofakes3.LogErr {
		l.log.Log(context.Background(), slog.LevelError, "directory store: "+fmt.Sprint(v...))
	}
}
