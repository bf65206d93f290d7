package db

import (
	"context"
	"database/sql"

	"github.com/keyhatch/keyhatch/db/engine"
	"github.com/keyhatch/keyhatch/db/postgres"
	"github.com/keyhatch/keyhatch/db/schema"
	"github.com/keyhatch/keyhatch/db/sqlite"
)

// Looking is a database that is looked at: nothing is written to it, no file is made beside
// it, and whoever serves from it goes on.
type Looking struct {
	Reader
	pool   *sql.DB
	server bool
}

// Look opens a database, of whatever schema, to look at it. Close it.
func Look(ctx context.Context, address string) (*Looking, error) {
	look, server := sqlite.Look, postgres.Names(address)
	if server {
		look = postgres.Look
	}
	pool, err := look(ctx, address, schema.Marks...)
	if err != nil {
		return nil, err
	}
	return &Looking{Reader{pool}, pool, server}, nil
}

// Close closes the database.
func (l *Looking) Close() error { return l.pool.Close() }

// Schema is the version of the schema. The error refuses one with which this program does
// not work.
func (l *Looking) Schema(ctx context.Context) (int, error) {
	version, err := schema.Version(ctx, l.pool)
	if err != nil {
		return 0, err
	}
	return version, schema.Check(ctx, l.pool)
}

// Server tells how the server of the database is set up; nil: it is a file.
func (l *Looking) Server(ctx context.Context) (*engine.Server, error) {
	if !l.server {
		return nil, nil
	}
	return postgres.Server(ctx, l.pool)
}
