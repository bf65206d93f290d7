package schema

import (
	"context"
	"database/sql"
	"embed"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strconv"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch/db/engine"
)

// Marks are tables that only our databases have, of whatever version.
var Marks = []string{"schema_migrations", "installation", "audit_chains"}

//go:embed migrations/*.sql
var migrations embed.FS

// migration is one file. Its number is the version of the schema that it makes.
type migration struct {
	name    string
	version int
	oldest  int // the version of the oldest program that goes on working; 0: it says nothing
	text    string
}

// oldest is how a migration says which programs go on working.
var oldest = regexp.MustCompile(`\A-- Programs since (\d{4}) go on working\.\n`)

// all returns the migrations in their order.
var all = sync.OnceValues(func() (out []migration, err error) {
	names, err := fs.Glob(migrations, "migrations/*.sql")
	if err != nil {
		return nil, err
	}
	for _, name := range names {
		text, err := migrations.ReadFile(name)
		if err != nil {
			return nil, err
		}
		m := migration{name: path.Base(name), text: string(text)}
		if m.version, err = strconv.Atoi(m.name[:4]); err != nil {
			return nil, err
		}
		if says := oldest.FindStringSubmatch(m.text); says != nil {
			if m.oldest, err = strconv.Atoi(says[1]); err != nil {
				return nil, err
			}
		}
		out = append(out, m)
	}
	return out, nil
})

// Current is the version of the schema that this program is made for.
func Current() (int, error) {
	all, err := all()
	if err != nil {
		return 0, err
	}
	return all[len(all)-1].version, nil
}

// between is how long others have a table, and the turn to write, between two tries to
// change it.
const between = 3 * time.Second

// Migrate brings a database, which may be empty, to the schema of this program, unless it
// has a later one with which this program works. It tells from which version, 0 for none,
// to which. All of it happens, or nothing; who else migrates at the time waits. While others
// read for long what is to be changed, as a backup does, it is tried again and again, so that
// servers go on, and waiting, which may be nil, is called each time.
func Migrate(ctx context.Context, pools engine.Pools, waiting func()) (from, to int, err error) {
	for {
		from, to, err = migrate(ctx, pools)
		if err == nil || pools.Held == nil || !pools.Held(err) {
			return from, to, err
		}
		if waiting != nil {
			waiting()
		}
		select {
		case <-ctx.Done():
			return 0, 0, errors.Join(ctx.Err(), err)
		case <-time.After(between):
		}
	}
}

func migrate(ctx context.Context, pools engine.Pools) (from, to int, err error) {
	all, err := all()
	if err != nil {
		return 0, 0, err
	}
	tx, err := pools.Writes.BeginTx(ctx, nil)
	if err != nil {
		return 0, 0, err
	}
	defer tx.Rollback() // does nothing after Commit
	if pools.Turn != nil {
		if err := pools.Turn(ctx, tx); err != nil {
			return 0, 0, err
		}
	}
	if pools.Brief != nil {
		if err := pools.Brief(ctx, tx); err != nil {
			return 0, 0, err
		}
	}
	if _, err := tx.ExecContext(ctx, "create table if not exists schema_migrations (version bigint primary key)"); err != nil {
		return 0, 0, err
	}
	if err := tx.QueryRowContext(ctx, "select coalesce(max(version), 0) from schema_migrations").Scan(&from); err != nil {
		return 0, 0, err
	}
	to = all[len(all)-1].version
	if from > to {
		return from, from, Serves(ctx, tx)
	}
	if err := bring(ctx, pools, tx, from, to); err != nil {
		return 0, 0, err
	}
	return from, to, tx.Commit()
}

// Make makes the tables of a version in an empty database, in a transaction whose turn it is
// to write. A version that this program does not know is an error.
func Make(ctx context.Context, pools engine.Pools, tx *sql.Tx, version int) error {
	mine, err := Current()
	if err != nil {
		return err
	}
	if version > mine {
		return fmt.Errorf("its schema has version %d, this program knows those to %d: use the newer program that it was made with", version, mine)
	}
	if _, err := tx.ExecContext(ctx, "create table schema_migrations (version bigint primary key)"); err != nil {
		return err
	}
	return bring(ctx, pools, tx, 0, version)
}

// Raise brings tables from an earlier version to that of this program, in a transaction
// whose turn it is to write.
func Raise(ctx context.Context, pools engine.Pools, tx *sql.Tx, from int) error {
	mine, err := Current()
	if err != nil {
		return err
	}
	return bring(ctx, pools, tx, from, mine)
}

func bring(ctx context.Context, pools engine.Pools, tx *sql.Tx, from, to int) error {
	all, err := all()
	if err != nil {
		return err
	}
	for _, m := range all {
		if m.version <= from || m.version > to {
			continue
		}
		if err := m.run(ctx, tx, pools.Definition); err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
	}
	return nil
}

func (m migration) run(ctx context.Context, tx *sql.Tx, written func(string) string) error {
	text := m.text
	if written != nil {
		text = written(text)
	}
	if _, err := tx.ExecContext(ctx, text); err != nil {
		return err
	}
	if m.oldest == 0 {
		_, err := tx.ExecContext(ctx, "insert into schema_migrations (version) values ($1)", m.version)
		return err
	}
	_, err := tx.ExecContext(ctx, "insert into schema_migrations (version, oldest) values ($1, $2)", m.version, m.oldest)
	return err
}

// Querier reads: a pool, or a transaction.
type Querier interface {
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

// version is that of the schema that a database has.
// Version is that of the schema that a database has.
func Version(ctx context.Context, q Querier) (int, error) {
	var version int
	if err := q.QueryRowContext(ctx, "select max(version) from schema_migrations").Scan(&version); err != nil {
		return 0, fmt.Errorf("not a Keyhatch database: %w", err)
	}
	return version, nil
}

// CheckUnused refuses what is not our tables, and those in which an installation was made.
func CheckUnused(ctx context.Context, q Querier) error {
	if _, err := Version(ctx, q); err != nil {
		return err
	}
	var used bool
	if err := q.QueryRowContext(ctx, "select exists (select 1 from installation)").Scan(&used); err != nil {
		return err
	}
	if used {
		return errors.New("there is an installation in them")
	}
	return nil
}

// Check refuses a database with which this program does not work: of an earlier schema than
// its own, or of a later one that is not for it.
func Check(ctx context.Context, q Querier) error {
	have, err := Version(ctx, q)
	if err != nil {
		return err
	}
	want, err := Current()
	if err != nil {
		return err
	}
	if have < want {
		return fmt.Errorf("its schema has version %d, this program needs %d: `keyhatch migrate` brings it up", have, want)
	}
	return Serves(ctx, q)
}

// CheckOwn refuses every schema but this program's own: of what a later one has, a copy would
// not have all.
func CheckOwn(ctx context.Context, q Querier) error {
	if err := Check(ctx, q); err != nil {
		return err
	}
	have, err := Version(ctx, q)
	if err != nil {
		return err
	}
	mine, err := Current()
	if err == nil && have != mine {
		err = fmt.Errorf("its schema has version %d, and this program knows all of version %d: use the newer program that it was migrated with", have, mine)
	}
	return err
}

// Serves refuses a schema to which the database was brought, since this program checked it,
// and which is not for this program.
func Serves(ctx context.Context, q Querier) error {
	mine, err := Current()
	if err != nil {
		return err
	}
	var oldest int
	if err := q.QueryRowContext(ctx, "select coalesce(max(coalesce(oldest, version)), 0) from schema_migrations").Scan(&oldest); err != nil {
		return err
	}
	if oldest > mine {
		return fmt.Errorf("its schema is for programs of version %d and later, this program needs %d: use the newer program that it was made with", oldest, mine)
	}
	return nil
}
