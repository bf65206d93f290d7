package db

import (
	"context"
	"errors"
	"fmt"

	"github.com/keyhatch/keyhatch/db/engine"
	"github.com/keyhatch/keyhatch/db/schema"
	"github.com/keyhatch/keyhatch/db/sqlite"
	"github.com/keyhatch/keyhatch/db/transfer"
)

// Copy copies an installation from an SQLite file, which no other process may have open, to
// a PostgreSQL database that has none. It compares each row with what has arrived, and tells
// how many there are. told is called as it goes on. When it fails, no installation was made.
func Copy(ctx context.Context, path, address string, told func(table string, rows int64)) (tables int, rows int64, err error) {
	if OnServer(path) || !OnServer(address) {
		return 0, 0, errors.New("an installation is copied from an SQLite file to postgres://…")
	}
	from, err := sqlite.OpenAlone(ctx, path, schema.Marks...)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, from.Close()) }()
	if err := schema.Check(ctx, from.Reads); err != nil {
		return 0, 0, fmt.Errorf("database %s: %w", path, err)
	}
	to, err := create(ctx, address, engine.Limits{Unhurried: true})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if _, _, err := schema.Migrate(ctx, to); err != nil {
		return 0, 0, fmt.Errorf("database %s: %w", named(address), err)
	}
	if tables, rows, err = transfer.Rows(ctx, from, to, told); err != nil {
		return 0, 0, fmt.Errorf("from %s to %s, of which nothing was kept: %w", path, named(address), err)
	}
	return tables, rows, nil
}
