package db

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
)

//go:embed migrations/*.sql
var migrations embed.FS

func migrationNames() ([]string, error) { return fs.Glob(migrations, "migrations/*.sql") }

// Migrate brings an existing SQLite database to the schema of this program, and
// tells from which version to which. No other process may serve from it.
func Migrate(ctx context.Context, path string) (from, to int, err error) {
	d, err := openExisting(ctx, path)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, d.Close()) }()
	if from, err = version(ctx, d.writes); err != nil {
		return 0, 0, fmt.Errorf("database %s: %w", path, err)
	}
	if to, err = migrate(ctx, d.writes, from); err != nil {
		return 0, 0, fmt.Errorf("database %s: %w", path, err)
	}
	return from, to, nil
}

// migrate brings a database from a version, 0 for an empty one, to the current
// one, which it returns. All of it happens, or nothing.
func migrate(ctx context.Context, p *sql.DB, from int) (to int, err error) {
	names, err := migrationNames()
	if err != nil {
		return 0, err
	}
	if from > len(names) {
		return 0, schemaDiffers(from, len(names))
	}
	tx, err := p.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // does nothing after Commit
	if from == 0 {
		if _, err := tx.ExecContext(ctx, "create table schema_migrations (version bigint primary key)"); err != nil {
			return 0, err
		}
	}
	for i, name := range names[from:] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return 0, err
		}
		if _, err := tx.ExecContext(ctx, string(text)); err != nil {
			return 0, fmt.Errorf("%s: %w", name, err)
		}
		if _, err := tx.ExecContext(ctx, "insert into schema_migrations (version) values ($1)", from+i+1); err != nil {
			return 0, err
		}
	}
	return len(names), tx.Commit()
}

// version is that of the schema that a database has.
func version(ctx context.Context, p *sql.DB) (int, error) {
	var version int
	if err := p.QueryRowContext(ctx, "select max(version) from schema_migrations").Scan(&version); err != nil {
		return 0, fmt.Errorf("not a Keyhatch database: %w", err)
	}
	return version, nil
}

func checkVersion(ctx context.Context, p *sql.DB) error {
	names, err := migrationNames()
	if err != nil {
		return err
	}
	have, err := version(ctx, p)
	if err != nil {
		return err
	}
	if have != len(names) {
		return schemaDiffers(have, len(names))
	}
	return nil
}

func schemaDiffers(have, want int) error {
	what := "`keyhatch migrate` brings it up"
	if have > want {
		what = "use the newer program that it was made with"
	}
	return fmt.Errorf("its schema has version %d, this program needs %d: %s", have, want, what)
}
