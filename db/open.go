package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"runtime"

	_ "modernc.org/sqlite" // the SQLite driver, pure Go
)

// DB is an open database.
type DB struct {
	Reader
	reads  *sql.DB
	feed   *sql.DB // one connection for Snapshot, which nothing else waits for
	writes *sql.DB
	writer *writer
}

// Create makes a new SQLite database with the current schema. An existing file
// is an error. The file can be read by its owner only.
func Create(ctx context.Context, path string) (*DB, error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return nil, fmt.Errorf("database %s exists already", path)
	}
	if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	if err := f.Close(); err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	d, err := open(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, err := migrate(ctx, d.writes, 0); err != nil {
		return nil, errors.Join(err, d.Close())
	}
	return d, nil
}

// Open opens an existing SQLite database of the current schema. It never makes
// one, so that a mistyped path is told.
func Open(ctx context.Context, path string) (*DB, error) {
	d, err := openExisting(ctx, path)
	if err != nil {
		return nil, err
	}
	if err := checkVersion(ctx, d.reads); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", path, err), d.Close())
	}
	return d, nil
}

func openExisting(ctx context.Context, path string) (*DB, error) {
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("database %s is missing; `keyhatch init` makes one", path)
	} else if err != nil {
		return nil, fmt.Errorf("database: %w", err)
	}
	return open(ctx, path)
}

func open(ctx context.Context, path string) (*DB, error) {
	reads, err := pool(ctx, path, runtime.GOMAXPROCS(0)*2, "deferred", "query_only(1)")
	if err != nil {
		return nil, fmt.Errorf("database %s: %w", path, err)
	}
	writes, err := pool(ctx, path, 1, "immediate")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", path, err), reads.Close())
	}
	feed, err := pool(ctx, path, 1, "deferred", "query_only(1)")
	if err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", path, err), reads.Close(), writes.Close())
	}
	d := &DB{Reader: Reader{reads}, reads: reads, feed: feed, writes: writes}
	d.writer = startWriter(writes)
	return d, nil
}

// pool opens connections that all have the pragmas on which durability rests,
// and asserts that they took.
func pool(ctx context.Context, path string, size int, lock string, extra ...string) (*sql.DB, error) {
	q := url.Values{"_txlock": {lock}, "_pragma": append([]string{
		"busy_timeout(5000)", "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(1)",
	}, extra...)}
	p, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String())
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

// Close lets running writes end and closes the database.
func (d *DB) Close() error {
	d.writer.stop()
	return errors.Join(d.writes.Close(), d.feed.Close(), d.reads.Close())
}
