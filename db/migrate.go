package db

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

func migrationNames() ([]string, error) { return fs.Glob(migrations, "migrations/*.sql") }

// migrate brings an empty database to the current schema.
func migrate(ctx context.Context, p *sql.DB) error {
	names, err := migrationNames()
	if err != nil {
		return err
	}
	tx, err := p.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if _, err := tx.ExecContext(ctx, "create table schema_migrations (version bigint primary key)"); err != nil {
		return err
	}
	for i, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, string(text)); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := tx.ExecContext(ctx, "insert into schema_migrations (version) values ($1)", i+1); err != nil {
			return err
		}
	}
	return tx.Commit()
}

func checkVersion(ctx context.Context, p *sql.DB) error {
	names, err := migrationNames()
	if err != nil {
		return err
	}
	var version int
	if err := p.QueryRowContext(ctx, "select max(version) from schema_migrations").Scan(&version); err != nil {
		return fmt.Errorf("not a Keyhatch database: %w", err)
	}
	if version != len(names) {
		return fmt.Errorf("its schema has version %d, this program needs %d", version, len(names))
	}
	return nil
}
