package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"path/filepath"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore"
	"github.com/keyhatch/keyhatch/gateway/upstream"
)

// Backends opens what serves each store at its first request and keeps it open.
type Backends struct {
	roots    []string
	upstream *upstream.Client
	log      *slog.Logger

	mu   sync.Mutex
	open map[string]*directory // by path
}

// directory is a folder, opened by the first who needs it. Others wait for that
// one alone.
type directory struct {
	mu    sync.Mutex
	store *dirstore.Store // nil while it could not be opened
}

// NewBackends makes an empty set. roots are the folders inside which directory
// stores may lie; S3 stores are asked through the client.
func NewBackends(roots []string, s3 *upstream.Client, log *slog.Logger) *Backends {
	return &Backends{roots: roots, upstream: s3, log: log, open: map[string]*directory{}}
}

// For returns what serves the store's buckets. It checks nothing: every request
// that it gets must have been let through.
func (b *Backends) For(s keyhatch.Store) (handler http.Handler, err error) {
	switch s.Kind {
	case keyhatch.DirectoryStore:
		var d *dirstore.Store
		if d, err = b.folder(s.Path); err == nil {
			handler = d.Handler()
		}
	case keyhatch.S3Store:
		handler, err = b.upstream.Store(s)
	default:
		err = fmt.Errorf("unknown kind %q", s.Kind)
	}
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", s.Name, err)
	}
	return handler, nil
}

// folder returns what serves a folder, and opens it if nobody has yet.
func (b *Backends) folder(path string) (*dirstore.Store, error) {
	b.mu.Lock()
	d := b.open[path]
	if d == nil {
		d = &directory{}
		b.open[path] = d
	}
	b.mu.Unlock()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.store == nil {
		if err := b.insideRoots(path); err != nil {
			return nil, err
		}
		store, err := dirstore.Open(path, b.log)
		if err != nil {
			return nil, err
		}
		d.store = store
	}
	return d.store, nil
}

// insideRoots refuses a folder that is inside the roots by its name only: a
// symbolic link on the way leads out of them.
func (b *Backends) insideRoots(path string) error {
	real, err := filepath.EvalSymlinks(path)
	if err != nil {
		return err
	}
	for _, root := range b.roots {
		realRoot, err := filepath.EvalSymlinks(root)
		if err != nil {
			continue // another one may hold it
		}
		if rel, err := filepath.Rel(realRoot, real); err == nil && filepath.IsLocal(rel) {
			return nil
		}
	}
	return errors.New("its folder is not inside the configured directory_roots: a symbolic link leads elsewhere")
}

// ExpireUploads ends the uploads in parts that nothing was added to since before,
// in the folders that are open: clients abandon uploads. Those of S3 stores are
// the stores' own affair.
func (b *Backends) ExpireUploads(before time.Time) {
	b.mu.Lock()
	open := maps.Clone(b.open)
	b.mu.Unlock()
	for path, d := range open {
		d.mu.Lock()
		store := d.store
		d.mu.Unlock()
		if store == nil {
			continue
		}
		ended, err := store.ExpireUploads(before)
		if ended > 0 || err != nil {
			b.log.Info("abandoned uploads were ended", "folder", path, "uploads", ended, "error", err)
		}
	}
}

// Close closes every store.
func (b *Backends) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, d := range b.open {
		if d.store != nil {
			errs = append(errs, d.store.Close())
		}
	}
	b.open = map[string]*directory{}
	return errors.Join(errs...)
}
