package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"sync"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore"
)

// Backends opens what serves each store at its first request and keeps it open.
type Backends struct {
	roots []string
	log   *slog.Logger

	mu   sync.Mutex
	open map[string]*dirstore.Store // by path
}

// NewBackends makes an empty set. roots are the folders inside which directory
// stores may lie.
func NewBackends(roots []string, log *slog.Logger) *Backends {
	return &Backends{roots: roots, log: log, open: map[string]*dirstore.Store{}}
}

// For returns what serves the store's buckets. It checks nothing: every request
// that it gets must have been let through.
func (b *Backends) For(s keyhatch.Store) (http.Handler, error) {
	if s.Kind != keyhatch.DirectoryStore {
		return nil, fmt.Errorf("store %s is of an unknown kind %q", s.Name, s.Kind)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if d, ok := b.open[s.Path]; ok {
		return d.Handler(), nil
	}
	if err := b.insideRoots(s.Path); err != nil {
		return nil, fmt.Errorf("store %s: %w", s.Name, err)
	}
	d, err := dirstore.Open(s.Path, b.log)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", s.Name, err)
	}
	b.open[s.Path] = d
	return d.Handler(), nil
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

// Close closes every store.
func (b *Backends) Close() error {
	b.mu.Lock()
	defer b.mu.Unlock()
	var errs []error
	for _, d := range b.open {
		errs = append(errs, d.Close())
	}
	b.open = map[string]*dirstore.Store{}
	return errors.Join(errs...)
}
