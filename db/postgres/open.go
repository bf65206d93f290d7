package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"regexp"
	"runtime"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"
	"github.com/keyhatch/keyhatch/db/engine"
)

// Names tells whether the address is one of PostgreSQL: a URL postgres://… or
// postgresql://….
func Names(address string) bool {
	return strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://")
}

// isolation is that of what writes. A statement sees what was committed when it begins: at a
// higher level, those that follow the turn would see what was there before it was waited for.
const isolation = "read committed"

// oldest is the version that is asked for, as server_version_num has it.
const oldest = 14_00_00

const connectTimeout = 5 * time.Second

// What a statement may take where nobody says anything else, with what it waits for a lock.
const statementTimeout = 10 * time.Second

// times are what things may take; zero is for ever. A process that hangs, or is lost, in its
// turn to write holds up all others for idle, which is less than they wait.
type times struct {
	statement time.Duration
	lock      time.Duration // that a statement waits for one
	idle      time.Duration // between two statements of a transaction
	patience  time.Duration // with a connection that is silent
}

func timesOf(l engine.Limits) times {
	statement := l.Statement
	switch {
	case l.Unhurried:
		return times{}
	case statement == 0:
		statement = statementTimeout
	}
	return times{statement, statement * 4 / 5, statement / 2, statement + 5*time.Second}
}

// Create opens a database to make tables in it, and tells whether it has none.
func Create(ctx context.Context, address string, limits engine.Limits) (pools engine.Pools, empty bool, err error) {
	if pools, err = open(ctx, address, limits); err != nil {
		return engine.Pools{}, false, err
	}
	err = pools.Reads.QueryRowContext(ctx, "select not exists (select 1 from pg_tables where schemaname = current_schema())").Scan(&empty)
	if err != nil {
		return engine.Pools{}, false, errors.Join(fmt.Errorf("database: %w", err), pools.Close())
	}
	return pools, empty, nil
}

// Open opens a database that has the tables.
func Open(ctx context.Context, address string, limits engine.Limits, tables ...string) (engine.Pools, error) {
	pools, err := open(ctx, address, limits)
	if err != nil {
		return engine.Pools{}, err
	}
	if err := has(ctx, pools.Reads, tables); err != nil {
		return engine.Pools{}, errors.Join(err, pools.Close())
	}
	return pools, nil
}

// has refuses a database without the tables.
func has(ctx context.Context, p *sql.DB, tables []string) error {
	for _, table := range tables {
		var there bool
		err := p.QueryRowContext(ctx, "select to_regclass($1) is not null", table).Scan(&there)
		if err == nil && !there {
			err = errors.New("it is no database of Keyhatch: `keyhatch init` makes one of an empty database")
		}
		if err != nil {
			return fmt.Errorf("database: %w", err)
		}
	}
	return nil
}

func open(ctx context.Context, address string, limits engine.Limits) (engine.Pools, error) {
	pools := engine.Pools{Turn: takeTurn, Brief: brief, Held: held, Notify: notify, Listen: listener(address), Snapshots: sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead}, Definition: definition}
	reads := limits.Connections
	if reads == 0 {
		reads = runtime.GOMAXPROCS(0) * 4
	}
	for _, p := range []struct {
		pool  **sql.DB
		size  int
		write bool
	}{
		{&pools.Reads, reads, false},
		{&pools.Writes, 1, true},
		{&pools.Feed, 1, false},
	} {
		opened, err := pool(ctx, address, timesOf(limits), p.size, p.write)
		if err != nil {
			return engine.Pools{}, errors.Join(fmt.Errorf("database: %w", err), pools.Close())
		}
		*p.pool = opened
	}
	return pools, nil
}

// pool opens connections with the settings on which durability rests, and asserts
// that they took.
func pool(ctx context.Context, address string, within times, size int, write bool) (*sql.DB, error) {
	config, err := settings(address)
	if err != nil {
		return nil, err
	}
	dial := config.DialFunc
	config.DialFunc = func(ctx context.Context, network, address string) (net.Conn, error) {
		c, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return &impatient{Conn: c, patience: within.patience}, nil
	}
	for name, value := range map[string]string{
		"synchronous_commit":                  "on",
		"default_transaction_isolation":       isolation,
		"default_transaction_read_only":       onOff(!write),
		"statement_timeout":                   millis(within.statement),
		"lock_timeout":                        millis(within.lock),
		"idle_in_transaction_session_timeout": millis(within.idle),
	} {
		config.RuntimeParams[name] = value
	}
	p := stdlib.OpenDB(*config)
	p.SetMaxOpenConns(size)
	p.SetMaxIdleConns(size)
	if err := check(ctx, p); err != nil {
		return nil, errors.Join(err, p.Close())
	}
	return p, nil
}

// settings are what all connections have.
func settings(address string) (*pgx.ConnConfig, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, err // pgx leaves the password out
	}
	config.ConnectTimeout = connectTimeout
	// A standby is behind: memory that is read there is older than it seems.
	config.ValidateConnect = pgconn.ValidateConnectTargetSessionAttrsPrimary
	config.RuntimeParams["application_name"] = "keyhatch"
	return config, nil
}

func onOff(on bool) string {
	if on {
		return "on"
	}
	return "off"
}

func millis(d time.Duration) string { return fmt.Sprint(d.Milliseconds()) }

// check refuses a server that is too old, and one that tells of a commit before it is
// on disk.
func check(ctx context.Context, p *sql.DB) error {
	var version int
	var encoding, commits, isolated string
	err := p.QueryRowContext(ctx, `select current_setting('server_version_num')::int, current_setting('server_encoding'),
		current_setting('synchronous_commit'), current_setting('transaction_isolation')`).Scan(&version, &encoding, &commits, &isolated)
	switch {
	case err != nil:
		return err
	case version < oldest:
		return fmt.Errorf("the server is PostgreSQL %d, and 14 or later is needed", version/1_00_00)
	case encoding != "UTF8":
		return fmt.Errorf("it keeps text as %s, and must as UTF8: create the database with ENCODING 'UTF8' TEMPLATE template0", encoding)
	case commits != "on":
		return fmt.Errorf("synchronous_commit is %s, and must be on", commits)
	case isolated != isolation:
		return fmt.Errorf("transactions are %s, and must be %s", isolated, isolation)
	}
	return nil
}

// turn is the lock that who writes holds until the end of his transaction.
const turn = 0x6b65796861746368 // "keyhatch"

// takeTurn waits until nobody else writes, in any process. So writes never run side by
// side, like those of one process, and the numbers of the change feed are in the order
// of the commits: no reader can see a number and miss an earlier one that comes late.
func takeTurn(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "select pg_advisory_xact_lock($1)", int64(turn))
	return err
}

// column is the beginning of a column's definition, as far as its type.
var column = regexp.MustCompile(`(?m)(^\s+\w+|\badd column \w+)(\s+)(text|blob)\b`)

// definition writes a definition of tables as PostgreSQL has it: bytes have another
// name there, and text is in the order of its bytes, whatever the order of the database.
func definition(text string) string {
	return column.ReplaceAllStringFunc(text, func(found string) string {
		if begin, is := strings.CutSuffix(found, "blob"); is {
			return begin + "bytea"
		}
		return found + ` collate "C"`
	})
}

// moment is how long a change of a table waits for those who read it. Meanwhile all wait who
// want to read it after that, and who want to write.
const moment = 2 * time.Second

func brief(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, "set local lock_timeout = "+millis(moment))
	return err
}

func held(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && e.Code == "55P03" // lock_not_available
}
