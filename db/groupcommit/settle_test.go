package groupcommit_test

import (
	"context"
	"database/sql"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db/groupcommit"
	_ "modernc.org/sqlite" // an engine of which a commit can fail
)

// TestKeptIsCommitted: that a transaction was kept is true when what found it was committed.
// It was believed as soon as it could be seen, which a server shows that still waits for its
// standby: the standby had none of it when it took over.
func TestKeptIsCommitted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := breakable(t)
		looks := 0
		w := groupcommit.Start(pool, groupcommit.Rules[int]{
			Again: func(error) bool { return false },
			Kept: func(ctx context.Context, tx *sql.Tx) (bool, error) {
				looks++
				_, err := tx.ExecContext(ctx, "insert into broken values (7, 8)") // which cannot be committed
				return true, err
			},
			Finish: func(context.Context, *sql.Tx, int, int) error { return nil },
		})
		defer w.Stop()
		err := w.Write(t.Context(), func(q groupcommit.Querier, _ *int) error {
			_, err := q.ExecContext(t.Context(), "insert into broken values (2, 3)")
			return err
		})
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Code != keyhatch.CodeOutcomeUnknown || looks < 2 {
			t.Errorf("after %d looks it was told %v", looks, err)
		}
	})
}

// breakable is an engine in which a commit fails that leaves a row without its parent.
func breakable(t *testing.T) *sql.DB {
	pool, err := sql.Open("sqlite", "file:"+t.TempDir()+"/x.db?_pragma=foreign_keys(1)")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { pool.Close() })
	pool.SetMaxOpenConns(1)
	if _, err := pool.Exec("create table broken (id bigint primary key, parent bigint references broken (id) deferrable initially deferred)"); err != nil {
		t.Fatal(err)
	}
	return pool
}

// TestOutcomeUnknown: when it cannot be found out whether a transaction was kept, its
// writes are told so, and the state begins anew: what was in doubt is not built on.
func TestOutcomeUnknown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		pool := breakable(t)
		asked := 0
		w := groupcommit.Start(pool, groupcommit.Rules[int]{
			Again: func(error) bool { return false },
			Kept: func(context.Context, *sql.Tx) (bool, error) {
				asked++
				return false, errors.New("the database is away")
			},
			Finish: func(context.Context, *sql.Tx, int, int) error { return nil },
		})
		defer w.Stop()
		write := func(statement string) (before int, err error) {
			err = w.Write(t.Context(), func(q groupcommit.Querier, state *int) error {
				before = *state
				*state++
				_, err := q.ExecContext(t.Context(), statement)
				return err
			})
			return before, err
		}
		if _, err := write("insert into broken values (1, 1)"); err != nil {
			t.Fatal(err)
		}
		_, err := write("insert into broken values (2, 3)")
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Kind != keyhatch.Unavailable || e.Code != keyhatch.CodeOutcomeUnknown {
			t.Errorf("it was told %v", err)
		}
		if asked < 2 {
			t.Errorf("it was asked %d times whether it was kept", asked)
		}
		if before, err := write("insert into broken values (4, 4)"); err != nil || before != 0 {
			t.Errorf("the next write has the state %d, %v", before, err)
		}
	})
}
