package db

import (
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
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

// kept tells whether the last transaction that began was kept. While that one has not
// ended, it has the turn, and nobody else gets it.
func (m *mark) kept(ctx context.Context, tx *sql.Tx) (bool, error) {
	if err := m.turn(ctx, tx); err != nil {
		return false, err
	}
	var writes int64
	err := tx.QueryRowContext(ctx, "select writes from writers where id = $1", m.id).Scan(&writes)
	if errors.Is(err, sql.ErrNoRows) {
		return false, nil
	}
	return writes == m.writes, err
}
