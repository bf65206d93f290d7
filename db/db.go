package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db/engine"
	"github.com/keyhatch/keyhatch/db/groupcommit"
	"github.com/keyhatch/keyhatch/db/schema"
	"github.com/keyhatch/keyhatch/db/sqlite"
)

// DB is an open database.
type DB struct {
	Reader
	pools  engine.Pools
	writer *groupcommit.Writer[chain]
	mac    audit.MAC // nil until UseAuditKey
}

// Create makes a new SQLite database with the current schema. An existing file
// is an error. The file can be read by its owner only.
func Create(ctx context.Context, path string) (*DB, error) {
	pools, err := sqlite.Create(ctx, path)
	if err != nil {
		return nil, err
	}
	if _, err := schema.Migrate(ctx, pools.Writes, 0); err != nil {
		return nil, errors.Join(err, pools.Close())
	}
	return serve(pools), nil
}

// Open opens an existing SQLite database of the current schema. It never makes
// one, so that a mistyped path is told, and changes nothing in a file that is not one.
func Open(ctx context.Context, path string) (*DB, error) {
	pools, err := sqlite.Open(ctx, path, schema.Marks...)
	if err != nil {
		return nil, err
	}
	if err := schema.Check(ctx, pools.Reads); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", path, err), pools.Close())
	}
	return serve(pools), nil
}

// Migrate brings an existing SQLite database to the schema of this program, and
// tells from which version to which. No other process may serve from it.
func Migrate(ctx context.Context, path string) (from, to int, err error) {
	pools, err := sqlite.Open(ctx, path, schema.Marks...)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, pools.Close()) }()
	if from, err = schema.Version(ctx, pools.Writes); err != nil {
		return 0, 0, fmt.Errorf("database %s: %w", path, err)
	}
	if to, err = schema.Migrate(ctx, pools.Writes, from); err != nil {
		return 0, 0, fmt.Errorf("database %s: %w", path, err)
	}
	return from, to, nil
}

func serve(pools engine.Pools) *DB {
	return &DB{
		Reader: Reader{pools.Reads},
		pools:  pools,
		writer: groupcommit.Start(pools.Writes, groupcommit.Rules[chain]{
			Again:  func(err error) bool { return errors.Is(err, errIDTaken) },
			Finish: saveHead,
		}),
	}
}

// Close lets running writes end and closes the database.
func (d *DB) Close() error {
	d.writer.Stop()
	return d.pools.Close()
}

// Tx is a write in progress. Its reads see what it wrote.
type Tx struct {
	Reader
	mac   audit.MAC
	chain *chain
}

// Write runs fn in a transaction that may carry other writes too. When it
// returns nil, what fn did is durable. When fn fails, what it did is undone and
// its error is returned; when the commit fails, the error is
// keyhatch.Unavailable and nothing was kept. Writes never run side by side.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	return d.writer.Write(ctx, func(q groupcommit.Querier, c *chain) error {
		return fn(&Tx{Reader{q}, d.mac, c})
	})
}

// Snapshot runs fn on reads of one moment, on a connection of its own: memory is
// kept fresh by it, and must not wait for other readers.
func (d *DB) Snapshot(ctx context.Context, fn func(Reader) error) error {
	tx, err := d.pools.Feed.BeginTx(ctx, &sql.TxOptions{ReadOnly: true})
	if err != nil {
		return dbError(err)
	}
	defer tx.Rollback()
	return fn(Reader{tx})
}
