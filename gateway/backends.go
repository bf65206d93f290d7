package gateway

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"sync"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/dirstore"
)

// Backends opens what serves each store at its first request and keeps it open.
type Backends struct {
	log *slog.Logger

	mu   sync.Mutex
	open map[string]*dirstore.Store // by path
}

// NewBackends makes an empty set.
func NewBackends(log *slog.Logger) *Backends {
	return &Backends{log: log, open: map[string]*dirstore.Store{}}
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
	d, err := dirstore.Open(s.Path, b.log)
	if err != nil {
		return nil, fmt.Errorf("store %s: %w", s.Name, err)
	}
	b.open[s.Path] = d
	return d.Handler(), nil
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
