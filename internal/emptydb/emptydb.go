// Package emptydb makes databases for tests.
package emptydb

import (
	"context"
	"os"
	"path/filepath"
	"sync"

	"github.com/keyhatch/keyhatch/db"
)

// Create makes a new database at a path and opens it, as db.Create does. The migrations
// run once for a process and not for each database: of what a test costs that needs one,
// they were a sixth.
func Create(ctx context.Context, path string) (*db.DB, error) {
	empty, err := empty()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(path, empty, 0o600); err != nil {
		return nil, err
	}
	return db.Open(ctx, path)
}

// empty is the file of a database that has the tables, and nothing in them.
var empty = sync.OnceValues(func() ([]byte, error) {
	folder, err := os.MkdirTemp("", "keyhatch-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(folder)
	path := filepath.Join(folder, "keyhatch.db")
	d, err := db.Create(context.Background(), path)
	if err != nil {
		return nil, err
	}
	if err := d.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(path)
})
