package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"time"
)

// writersKept is how long the row of a process that does not write is kept.
const writersKept = 24 * time.Hour

// mark is how a process finds out whether its last transaction was kept when the
// connection was lost while it committed. It counts its transactions in a row that each
// of them writes; whose turn it is to write reads there what was kept. Only the writer
// uses it.
type mark struct {
	id     string
	writes int64
	turn   func(context.Context, *sql.Tx) error
}

// begin takes the turn and leaves the mark.
func (m *mark) begin(ctx context.Context, tx *sql.Tx) error {
	if err := m.turn(ctx, tx); err != nil {
		return err
	}
	now := time.Now()
	if m.id == "" {
		m.id = rand.Text()
		if _, err := tx.ExecContext(ctx, "delete from writers where at < $1", micros(now.Add(-writersKept))); err != nil {
			return err
		}
	}
	m.writes++ // never the same again, whatever becomes of the transaction
	_, err := tx.ExecContext(ctx, `insert into writers (id, writes, at) values ($1, $2, $3)
		on conflict (id) do update set writes = excluded.writes, at = excluded.at`, m.id, m.writes, micros(now))
	return err
}

// kept tells whether the last transaction that began was kept, if its own can be committed:
// it writes to the mark. While that one has not ended, it has the turn, and nobody else gets
// it; and a server that waits for its standby may show what the standby does not have, and
// tells of a later commit only when it has both.
func (m *mark) kept(ctx context.Context, tx *sql.Tx) (bool, error) {
	if err := m.turn(ctx, tx); err != nil {
		return false, err
	}
	result, err := tx.ExecContext(ctx, "update writers set at = $3 where id = $1 and writes = $2", m.id, m.writes, micros(time.Now()))
	if err != nil {
		return false, err
	}
	n, err := result.RowsAffected()
	return n == 1, err
}
