package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"

	"github.com/keyhatch/keyhatch/db/engine"
	_ "modernc.org/sqlite" // the driver, pure Go
)

// Create makes a new, empty database. An existing file is an error. The file can
// be read by its owner only.
func Create(ctx context.Context, path string) (engine.Pools, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return engine.Pools{}, fmt.Errorf("database %s exists already", path)
	}
	if err != nil {
		return engine.Pools{}, fmt.Errorf("database: %w", err)
	}
	if err := f.Close(); err != nil {
		return engine.Pools{}, fmt.Errorf("database: %w", err)
	}
	return open(ctx, path)
}

// Open opens an existing file that has the tables. It never makes one, so that a
// mistyped path is told, and changes nothing in a file of somebody else's.
func Open(ctx context.Context, path string, tables ...string) (engine.Pools, error) {
	if err := checkOurs(ctx, path, tables); err != nil {
		return engine.Pools{}, err
	}
	return open(ctx, path)
}

func open(ctx context.Context, path string) (engine.Pools, error) {
	pools := engine.Pools{Snapshots: sql.TxOptions{ReadOnly: true}}
	for _, p := range []struct {
		pool  **sql.DB
		size  int
		lock  string
		extra []string
	}{
		{&pools.Reads, runtime.GOMAXPROCS(0) * 2, "deferred", []string{"query_only(1)"}},
		{&pools.Writes, 1, "immediate", nil},
		{&pools.Feed, 1, "deferred", []string{"query_only(1)"}},
	} {
		opened, err := pool(ctx, path, p.size, p.lock, p.extra...)
		if err != nil {
			return engine.Pools{}, errors.Join(fmt.Errorf("database %s: %w", path, err), pools.Close())
		}
		*p.pool = opened
	}
	return pools, nil
}

// pool opens connections that all have the pragmas on which durability rests,
// and asserts that they took.
func pool(ctx context.Context, path string, size int, lock string, extra ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {lock}, "_pragma": append([]string{
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}, extra...)}
	p, err := sql.Open("sqlite", fileURL(path, q))
	if err != nil {
		return nil, err
	}
	p.SetMaxOpenConns(size)
	p.SetMaxIdleConns(size)
	if err := assertPragmas(ctx, p); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

func assertPragmas(ctx context.Context, p *sql.DB) error {
	for _, want := range []struct{ pragma, value string }{
		{"journal_mode", "wal"}, {"synchronous", "2"}, {"foreign_keys", "1"},
	} {
		var got string
		if err := p.QueryRowContext(ctx, "pragma "+want.pragma).Scan(&got); err != nil {
			return err
		}
		if got != want.value {
			return fmt.Errorf("pragma %s is %s, must be %s", want.pragma, got, want.value)
		}
	}
	return nil
}
