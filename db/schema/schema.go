package schema

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"

	"github.com/keyhatch/keyhatch/db/engine"
)

// Marks are tables that only our databases have, of whatever version.
var Marks = []string{"schema_migrations", "installation", "audit_chains"}

//go:embed migrations/*.sql
var migrations embed.FS

func names() ([]string, error) { return fs.Glob(migrations, "migrations/*.sql") }

// Migrate brings a database from a version, 0 for an empty one, to the current
// one, which it returns. All of it happens, or nothing.
func Migrate(ctx context.Context, pools engine.Pools, from int) (to int, err error) {
	all, err := names()
	if err != nil {
		return 0, err
	}
	if from > len(all) {
		return 0, differs(from, len(all))
	}
	tx, err := pools.Writes.BeginTx(ctx, nil)
	if err != nil {
		return 0, err
	}
	defer tx.Rollback() // does nothing after Commit
	if pools.Turn != nil {
		if err := pools.Turn(ctx, tx); err != nil {
			return 0, err
		}
	}
	if err := Bring(ctx, pools, tx, from, len(all)); err != nil {
		return 0, err
	}
	return len(all), tx.Commit()
}

// Bring brings a database from a version, 0 for an empty one, to another in a transaction,
// whose turn it is to write. A version that this program does not know is an error.
func Bring(ctx context.Context, pools engine.Pools, tx *sql.Tx, from, to int) error {
	all, err := names()
	if err != nil {
		return err
	}
	if to > len(all) {
		return differs(to, len(all))
	}
	if from == 0 {
		if _, err := tx.ExecContext(ctx, "create table schema_migrations (version bigint primary key)"); err != nil {
			return err
		}
	}
	written := pools.Definition
	if written == nil {
		written = func(text string) string { return text }
	}
	for i, name := range all[from:to] {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return err
		}
		if _, err := tx.ExecContext(ctx, written(string(text))); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		if _, err := tx.ExecContext(ctx, "insert into schema_migrations (version) values ($1)", from+i+1); err != nil {
			return err
		}
	}
	return nil
}

// Current is the version of this program.
func Current() (int, error) {
	all, err := names()
	return len(all), err
}

// Version is that of the schema that a database has.
func Version(ctx context.Context, p *sql.DB) (int, error) {
	var version int
	if err := p.QueryRowContext(ctx, "select max(version) from schema_migrations").Scan(&version); err != nil {
		return 0, fmt.Errorf("not a Keyhatch database: %w", err)
	}
	return version, nil
}

// Unused is the version of tables in which no installation was made. When there is one, or
// they are no such tables, it is an error.
func Unused(ctx context.Context, p *sql.DB) (int, error) {
	version, err := Version(ctx, p)
	if err != nil {
		return 0, err
	}
	var used bool
	if err := p.QueryRowContext(ctx, "select exists (select 1 from installation)").Scan(&used); err != nil {
		return 0, err
	}
	if used {
		return 0, errors.New("there is an installation in them")
	}
	return version, nil
}

// Check refuses a database that does not have the schema of this program.
func Check(ctx context.Context, p *sql.DB) error {
	all, err := names()
	if err != nil {
		return err
	}
	have, err := Version(ctx, p)
	if err != nil {
		return err
	}
	if have != len(all) {
		return differs(have, len(all))
	}
	return nil
}

func differs(have, want int) error {
	what := "`keyhatch migrate` brings it up"
	if have > want {
		what = "use the newer program that it was made with"
	}
	return fmt.Errorf("its schema has version %d, this program needs %d: %s", have, want, what)
}
