package postgres_test

import (
	"database/sql"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/db/engine"
	"github.com/keyhatch/keyhatch/db/postgres"
	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// TestPostgreSQL has one cluster, since starting one takes seconds.
func TestPostgreSQL(t *testing.T) {
	cluster := pgcluster.Start(t)
	t.Run("Opening", func(t *testing.T) { testOpening(t, cluster.New(t)) })
	t.Run("Brief", func(t *testing.T) { testBrief(t, cluster.New(t)) })
	t.Run("Turns", func(t *testing.T) { testTurns(t, cluster.New(t)) })
}

// testOpening: a new installation is made in an empty database alone, and one that has no
// tables is none.
func testOpening(t *testing.T, address string) {
	ctx := t.Context()
	if _, err := postgres.Open(ctx, address, engine.Limits{}, "marks"); err == nil || !strings.Contains(err.Error(), "keyhatch init") {
		t.Errorf("opening an empty one: %v", err)
	}
	admin, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer admin.Close()
	// What the database has as its own does not count.
	for _, setting := range []string{"default_transaction_isolation = 'repeatable read'", "synchronous_commit = off"} {
		if _, err := admin.ExecContext(ctx, "do $$ begin execute format('alter database %I set "+strings.ReplaceAll(setting, "'", "''")+"', current_database()); end $$"); err != nil {
			t.Fatal(err)
		}
	}
	pools, empty, err := postgres.Create(ctx, address, engine.Limits{})
	if err != nil || !empty {
		t.Fatalf("it is empty: %v, %v", empty, err)
	}
	defer pools.Close()
	if _, err := pools.Writes.ExecContext(ctx, pools.Definition("create table marks (\n  id text primary key,\n  mark blob\n)")); err != nil {
		t.Fatal(err)
	}
	if there, empty, err := postgres.Create(ctx, address, engine.Limits{}); err != nil || empty {
		t.Errorf("with a table it is empty: %v, %v", empty, err)
	} else if err := there.Close(); err != nil {
		t.Error(err)
	}
	again, err := postgres.Open(ctx, address, engine.Limits{}, "marks")
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	for what, pool := range map[string]*sql.DB{"reads": again.Reads, "feed": again.Feed} {
		if _, err := pool.ExecContext(ctx, "insert into marks values ('a')"); err == nil {
			t.Errorf("%s write", what)
		}
	}
	for _, c := range []struct {
		limits engine.Limits
		times  map[string]string
	}{
		{engine.Limits{}, map[string]string{"statement_timeout": "10s", "lock_timeout": "8s", "idle_in_transaction_session_timeout": "5s"}},
		{engine.Limits{Statement: 2 * time.Second}, map[string]string{"statement_timeout": "2s", "lock_timeout": "1600ms", "idle_in_transaction_session_timeout": "1s"}},
		{engine.Limits{Unhurried: true}, map[string]string{"statement_timeout": "0", "lock_timeout": "0", "idle_in_transaction_session_timeout": "0"}},
	} {
		c.times["synchronous_commit"], c.times["transaction_isolation"] = "on", "read committed"
		limited, err := postgres.Open(ctx, address, c.limits, "marks")
		if err != nil {
			t.Fatal(err)
		}
		defer limited.Close()
		for name, want := range c.times {
			var got string
			if err := limited.Writes.QueryRowContext(ctx, "select current_setting($1)", name).Scan(&got); err != nil || got != want {
				t.Errorf("%+v: %s is %q, %v, want %s", c.limits, name, got, err, want)
			}
		}
	}
	few, err := postgres.Open(ctx, address, engine.Limits{Connections: 3}, "marks")
	if err != nil {
		t.Fatal(err)
	}
	defer few.Close()
	if most := few.Reads.Stats().MaxOpenConnections; most != 3 {
		t.Errorf("of three connections it opens %d", most)
	}
	// Texts are in the order of their bytes, whatever the database's is.
	if _, err := pools.Writes.ExecContext(ctx, "insert into marks values ('B'), ('a'), ('ä'), ('1')"); err != nil {
		t.Fatal(err)
	}
	var order string
	if err := again.Reads.QueryRowContext(ctx, "select string_agg(id, '' order by id) from marks").Scan(&order); err != nil || order != "1Baä" {
		t.Errorf("the order is %q, %v", order, err)
	}
}

// testTurns: who writes waits until nobody else does, whatever process that is; who reads
// does not.
func testTurns(t *testing.T, address string) {
	ctx := t.Context()
	one, _, err := postgres.Create(ctx, address, engine.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer one.Close()
	two, _, err := postgres.Create(ctx, address, engine.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	defer two.Close()
	first, err := one.Writes.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer first.Rollback()
	if err := one.Turn(ctx, first); err != nil {
		t.Fatal(err)
	}
	second, err := two.Writes.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer second.Rollback()
	if _, err := second.ExecContext(ctx, "set local lock_timeout = 100"); err != nil {
		t.Fatal(err)
	}
	if err := two.Turn(ctx, second); err == nil {
		t.Error("two write at once")
	}
	if err := two.Reads.PingContext(ctx); err != nil {
		t.Errorf("reading: %v", err)
	}
	if err := first.Commit(); err != nil {
		t.Fatal(err)
	}
	if err := second.Rollback(); err != nil {
		t.Fatal(err)
	}
	third, err := two.Writes.BeginTx(ctx, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer third.Rollback()
	if err := two.Turn(ctx, third); err != nil {
		t.Errorf("nobody writes: %v", err)
	}
}

// testBrief: who changes a table that others read for long gives up soon. It held the turn
// meanwhile, so that nobody could write for as long as a backup took.
func testBrief(t *testing.T, address string) {
	ctx := t.Context()
	pools, _, err := postgres.Create(ctx, address, engine.Limits{Unhurried: true})
	if err != nil {
		t.Fatal(err)
	}
	defer pools.Close()
	if _, err := pools.Writes.ExecContext(ctx, "create table marks (id text primary key)"); err != nil {
		t.Fatal(err)
	}
	reads, err := pools.Feed.BeginTx(ctx, &pools.Snapshots)
	if err != nil {
		t.Fatal(err)
	}
	defer reads.Rollback()
	if _, err := reads.ExecContext(ctx, "select * from marks"); err != nil {
		t.Fatal(err)
	}
	change := func() error {
		tx, err := pools.Writes.BeginTx(ctx, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer tx.Rollback()
		if err := pools.Brief(ctx, tx); err != nil {
			t.Fatal(err)
		}
		_, err = tx.ExecContext(ctx, "alter table marks add column more text")
		return err
	}
	if err := change(); !pools.Held(err) {
		t.Errorf("while others read: %v", err)
	}
	if err := reads.Rollback(); err != nil {
		t.Fatal(err)
	}
	if err := change(); err != nil {
		t.Errorf("when they have ended: %v", err)
	}
}
