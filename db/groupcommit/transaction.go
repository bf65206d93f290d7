package groupcommit

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
)

// maxTries bounds how often a write is run that may succeed when it is run again.
const maxTries = 3

// Querier runs statements: a pool, a transaction, or a write in one.
type Querier interface {
	ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error)
	QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error)
	QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row
}

func (w *Writer[State]) transact(batch []*write[State]) error {
	// Not a caller's context: no single one may end what others wait for.
	ctx := context.Background()
	tx, err := w.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	if w.rules.Begin != nil {
		if err := w.rules.Begin(ctx, tx); err != nil {
			return err
		}
	}
	before := w.state
	for _, b := range batch {
		if err := w.apply(ctx, tx, b); err != nil {
			return err
		}
	}
	if err := w.rules.Finish(ctx, tx, before, w.state); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return &commitError{err}
	}
	return nil
}

// commitError: the transaction may have been kept, should the connection have been lost.
type commitError struct{ cause error }

func (e *commitError) Error() string { return "commit: " + e.cause.Error() }

func (e *commitError) Unwrap() error { return e.cause }

// apply runs one write in a savepoint. Its own failure goes into b.err; the
// returned error means that the transaction itself is no longer good.
func (w *Writer[State]) apply(ctx context.Context, tx *sql.Tx, b *write[State]) error {
	if b.err = b.ctx.Err(); b.err != nil {
		return nil
	}
	// An id that was taken is as rare as it is harmless: the write makes others.
	for range maxTries {
		again, err := w.try(ctx, tx, b)
		if err != nil || !again {
			return err
		}
	}
	return nil
}

// try runs the write once, and tells whether another try may succeed.
func (w *Writer[State]) try(ctx context.Context, tx *sql.Tx, b *write[State]) (again bool, err error) {
	if _, err := tx.ExecContext(ctx, "savepoint one_write"); err != nil {
		return false, err
	}
	before := w.state
	if b.err = protect(b.fn, steady{tx}, &w.state); b.err != nil {
		w.state = before
		if _, err := tx.ExecContext(ctx, "rollback to savepoint one_write"); err != nil {
			err = errors.Join(b.err, err)
			b.err = nil // the transaction is lost, and it with all others
			return false, err
		}
	}
	_, err = tx.ExecContext(ctx, "release savepoint one_write")
	return b.err != nil && w.rules.Again(b.err), err
}

// protect turns a panic of one write into its error: the others of its batch
// are not to blame.
func protect[State any](fn func(Querier, *State) error, q Querier, state *State) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a write: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(q, state)
}

// steady runs the statements of a write to their end, also when their caller has
// left: an interrupted statement would end the transaction that others share.
type steady struct{ tx *sql.Tx }

func (s steady) ExecContext(ctx context.Context, query string, args ...any) (sql.Result, error) {
	return s.tx.ExecContext(context.WithoutCancel(ctx), query, args...)
}

func (s steady) QueryContext(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	return s.tx.QueryContext(context.WithoutCancel(ctx), query, args...)
}

func (s steady) QueryRowContext(ctx context.Context, query string, args ...any) *sql.Row {
	return s.tx.QueryRowContext(context.WithoutCancel(ctx), query, args...)
}
