package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"sync/atomic"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db/engine"
	"github.com/keyhatch/keyhatch/db/groupcommit"
	"github.com/keyhatch/keyhatch/db/postgres"
	"github.com/keyhatch/keyhatch/db/schema"
	"github.com/keyhatch/keyhatch/db/sqlite"
)

// DB is an open database.
type DB struct {
	Reader
	pools  engine.Pools
	writer *groupcommit.Writer[chain]
	mac    audit.MAC // nil until UseAuditKey

	// chainLost: the next event begins another chain.
	chainLost atomic.Bool

	watch  atomic.Pointer[func(groupcommit.Commit)]
	events recorded
}

// Create makes the tables of the current schema: in a new SQLite file, that its owner alone
// can read, or in an empty PostgreSQL database (postgres://…). What has anything is an error,
// but for tables in PostgreSQL in which nobody has begun an installation: who was cut off
// after he had made them makes them again.
func Create(ctx context.Context, address string) (*DB, error) {
	pools, err := create(ctx, address, engine.Limits{})
	if err != nil {
		return nil, err
	}
	if _, _, err := schema.Migrate(ctx, pools, nil); err != nil {
		return nil, errors.Join(err, pools.Close(), discard(address))
	}
	return serve(pools), nil
}

// discard removes the files of a database that was made and is of no use. One on a server
// has none.
func discard(address string) (err error) {
	if OnServer(address) {
		return nil
	}
	for _, file := range []string{address, address + "-wal", address + "-shm"} {
		if failed := os.Remove(file); !errors.Is(failed, fs.ErrNotExist) {
			err = errors.Join(err, failed)
		}
	}
	return err
}

// Open opens an existing database of the current schema, or of a later one with which this
// program works. It never makes one, so that a mistyped address is told, and changes nothing
// in a file that is not one.
func Open(ctx context.Context, address string) (*DB, error) {
	return OpenWithin(ctx, address, engine.Limits{})
}

// Limits bound what is asked of a server of databases; zero is a choice of ours.
type Limits = engine.Limits

// OpenWithin is Open of a server that is asked within limits; a file has none of them.
func OpenWithin(ctx context.Context, address string, limits Limits) (*DB, error) {
	pools, err := open(ctx, address, limits, schema.Marks...)
	if err != nil {
		return nil, err
	}
	if err := schema.Check(ctx, pools.Reads); err != nil {
		return nil, errors.Join(fmt.Errorf("database %s: %w", named(address), err), pools.Close())
	}
	return serve(pools), nil
}

// Migrate brings an existing database to the schema of this program, and tells from
// which version to which. Programs may serve from it meanwhile: those with which the new
// schema does not work can do nothing any more. waiting, which may be nil, hears now and then
// that others read what is to be changed, and are waited for.
func Migrate(ctx context.Context, address string, waiting func()) (from, to int, err error) {
	pools, err := open(ctx, address, engine.Limits{Unhurried: true}, schema.Marks...)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, pools.Close()) }()
	if from, to, err = schema.Migrate(ctx, pools, waiting); err != nil {
		return 0, 0, fmt.Errorf("database %s: %w", named(address), err)
	}
	return from, to, nil
}

// OnServer tells whether the address is that of a database server, and not a file's path.
func OnServer(address string) bool { return postgres.Names(address) }

// create opens what is to have tables.
func create(ctx context.Context, address string, limits engine.Limits) (engine.Pools, error) {
	if !postgres.Names(address) {
		return sqlite.Create(ctx, address)
	}
	pools, empty, err := postgres.Create(ctx, address, limits)
	if err != nil || empty {
		return pools, err
	}
	if err := schema.CheckUnused(ctx, pools.Reads); err != nil {
		return engine.Pools{}, errors.Join(fmt.Errorf("database: it has tables already: name an empty one (%w)", err), pools.Close())
	}
	return pools, nil
}

func open(ctx context.Context, address string, limits engine.Limits, tables ...string) (engine.Pools, error) {
	if postgres.Names(address) {
		return postgres.Open(ctx, address, limits, tables...)
	}
	return sqlite.Open(ctx, address, tables...)
}

// named is the address without its password.
func named(address string) string {
	if u, err := url.Parse(address); err == nil && postgres.Names(address) {
		return u.Redacted()
	}
	return address
}

func serve(pools engine.Pools) *DB {
	d := &DB{Reader: Reader{pools.Reads}, pools: pools}
	rules := groupcommit.Rules[chain]{
		Watch: func(c groupcommit.Commit) {
			if watch := d.watch.Load(); watch != nil {
				(*watch)(c)
			}
		},
		Again: func(err error) bool { return errors.Is(err, errIDTaken) },
		Finish: func(ctx context.Context, tx *sql.Tx, before, now chain) error {
			err := saveHead(ctx, tx, before, now)
			if errors.Is(err, errHeadGone) {
				d.chainLost.Store(true)
			}
			if err != nil || pools.Notify == nil || now.fed == before.fed {
				return err
			}
			return pools.Notify(ctx, tx)
		},
	}
	begin := func(context.Context, *sql.Tx) error { return nil }
	if pools.Turn != nil {
		m := &mark{turn: pools.Turn}
		begin, rules.Kept = m.begin, m.kept
	}
	rules.Begin = func(ctx context.Context, tx *sql.Tx) error {
		if err := begin(ctx, tx); err != nil {
			return err
		}
		return serves(ctx, tx)
	}
	d.writer = groupcommit.Start(pools.Writes, rules)
	return d
}

// Reachable asks the database for nothing.
func (d *DB) Reachable(ctx context.Context) error { return dbError(d.pools.Reads.PingContext(ctx)) }

// CheckSchema refuses a schema with which this program does not work: another program may have
// migrated the database since it was opened.
func (d *DB) CheckSchema(ctx context.Context) error { return schema.Check(ctx, d.pools.Reads) }

// Close lets running writes end and closes the database.
func (d *DB) Close() error {
	d.writer.Stop()
	return d.pools.Close()
}

// Tx is a write in progress. Its reads see what it wrote.
type Tx struct {
	Reader
	mac      audit.MAC
	chain    *chain
	recorded []keyhatch.Action // in this try
}

// Write runs fn in a transaction that may carry other writes too. When it
// returns nil, what fn did is durable. When fn fails, what it did is undone and
// its error is returned; when the commit fails, the error is
// keyhatch.Unavailable and nothing was kept, or of keyhatch.CodeOutcomeUnknown. Writes never run side by side.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	var last *Tx // the try that counts
	err := d.writer.Write(ctx, func(q groupcommit.Querier, c *chain) error {
		if d.chainLost.Swap(false) {
			*c = chain{fed: c.fed}
		}
		last = &Tx{Reader: Reader{q}, mac: d.mac, chain: c}
		return fn(last)
	})
	if err == nil {
		d.events.add(last.recorded)
	}
	return err
}

// WriteSteps runs a step after the other, each in a Write of its own, until there is no more to
// do: others write in between.
func (d *DB) WriteSteps(ctx context.Context, step func(*Tx) (more bool, err error)) error {
	for {
		var more bool
		err := d.Write(ctx, func(tx *Tx) (err error) {
			more, err = step(tx)
			return err
		})
		if err != nil || !more {
			return err
		}
	}
}

// Listen calls heard soon after there is something new in the change feed, whoever wrote
// it, as far as the engine can tell and until ctx ends. It may call without need, and a call
// may be missing: who must know looks at the feed. heard must not wait.
func (d *DB) Listen(ctx context.Context, heard func()) {
	for d.pools.Listen != nil && ctx.Err() == nil {
		_ = d.pools.Listen(ctx, heard) // what reads the feed tells that the database is away
		select {
		case <-ctx.Done():
		case <-time.After(listenAgain):
		}
	}
}

// listenAgain is how long after a lost connection it is listened again.
const listenAgain = time.Second

// Snapshot runs fn on reads of one moment, on a connection of its own: memory is
// kept fresh by it, and must not wait for other readers.
func (d *DB) Snapshot(ctx context.Context, fn func(Reader) error) error {
	tx, err := d.pools.Feed.BeginTx(ctx, &d.pools.Snapshots)
	if err != nil {
		return dbError(err)
	}
	defer tx.Rollback()
	if err := serves(ctx, tx); err != nil {
		return err
	}
	return fn(Reader{tx})
}

// serves refuses to go on when the database was brought to a schema with which this program
// does not work: memory would miss what it does not know of, and what it wrote could be
// wrong. Each write looks, and each refresh of memory, so none is older than a second.
func serves(ctx context.Context, tx *sql.Tx) error {
	if err := schema.Serves(ctx, tx); err != nil {
		return fmt.Errorf("the database was migrated: %w", err)
	}
	return nil
}
