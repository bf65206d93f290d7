package db

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/keyhatch/keyhatch/db/dump"
	"github.com/keyhatch/keyhatch/db/engine"
	"github.com/keyhatch/keyhatch/db/schema"
	"github.com/keyhatch/keyhatch/db/sqlite"
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
	if err := schema.CheckOwn(ctx, from.Reads); err != nil {
		return 0, 0, fmt.Errorf("database %s: %w", path, err)
	}
	to, err := create(ctx, address, engine.Limits{Unhurried: true})
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, to.Close()) }()
	if _, _, err := schema.Migrate(ctx, to, nil); err != nil {
		return 0, 0, fmt.Errorf("database %s: %w", named(address), err)
	}
	s, err := move(ctx, from, to, told)
	if err != nil {
		return 0, 0, fmt.Errorf("from %s to %s, of which nothing was kept: %w", path, named(address), err)
	}
	return len(s.Tables), s.Rows(), nil
}

// move fills tables with what the same ones hold in another engine, by a dump that is never
// whole anywhere.
func move(ctx context.Context, from, to engine.Pools, told func(table string, rows int64)) (s dump.Summary, err error) {
	source, err := from.Writes.BeginTx(ctx, nil) // nobody writes there meanwhile
	if err != nil {
		return s, err
	}
	defer source.Rollback()
	target, err := to.Writes.BeginTx(ctx, nil)
	if err != nil {
		return s, err
	}
	defer target.Rollback() // does nothing after Commit
	if err := to.Turn(ctx, target); err != nil {
		return s, err
	}
	tables, err := dump.Read(ctx, source)
	if err != nil {
		return s, err
	}
	out, in := io.Pipe()
	written := make(chan error, 1)
	go func() {
		unsigned := func([]byte) []byte { return nil } // it is in nobody else's hands
		_, err := dump.Write(ctx, source, tables, in, dump.Header{}, unsigned, nil)
		in.CloseWithError(err)
		written <- err
	}()
	s, err = dump.Load(ctx, target, out, func(dump.Header) error { return nil }, told)
	out.Close()
	// Who reads no more is no fault of the writing.
	if failed := <-written; failed != nil && !errors.Is(failed, io.ErrClosedPipe) {
		return s, failed
	}
	if err != nil {
		return s, err
	}
	return s, target.Commit()
}
