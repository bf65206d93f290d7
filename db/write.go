package db

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
)

// maxBatch bounds how many writes share a transaction, and so how long the
// first of them waits.
const maxBatch = 256

// maxTries bounds how often a write is run again when an id that it made is
// taken.
const maxTries = 3

// Tx is a write in progress. Its reads see what it wrote.
type Tx struct {
	Reader
	writer *writer
}

// Write runs fn in a transaction that may carry other writes too. When it
// returns nil, what fn did is durable. When fn fails, what it did is undone and
// its error is returned; when the commit fails, the error is
// keyhatch.Unavailable and nothing was kept. Writes never run side by side.
func (d *DB) Write(ctx context.Context, fn func(*Tx) error) error {
	w := &write{ctx: ctx, fn: fn, done: make(chan error, 1)}
	select {
	case d.writer.queue <- w:
	case <-ctx.Done():
		return ctx.Err()
	case <-d.writer.stopped:
		return unavailable(errors.New("the database is closed"))
	}
	// The outcome is always waited for: a caller that left early could not know
	// whether its write was kept.
	select {
	case err := <-w.done:
		return err
	case <-d.writer.ended:
		select {
		case err := <-w.done:
			return err
		default:
			return unavailable(errors.New("the database is closed"))
		}
	}
}

type write struct {
	ctx  context.Context
	fn   func(*Tx) error
	err  error
	done chan error
}

// writer is the one goroutine that writes. It owns this process's audit chain.
type writer struct {
	pool    *sql.DB
	queue   chan *write
	stopped chan struct{} // closed: take nothing new
	ended   chan struct{} // closed: the goroutine is gone
	once    sync.Once

	mac   audit.MAC
	chain *audit.Chain // nil until the first event
	// chained tells that the batch recorded events, so that its head is due.
	chained bool
}

func startWriter(pool *sql.DB) *writer {
	w := &writer{
		pool:    pool,
		queue:   make(chan *write),
		stopped: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	go w.run()
	return w
}

func (w *writer) stop() {
	w.once.Do(func() { close(w.stopped) })
	<-w.ended
}

func (w *writer) run() {
	defer close(w.ended)
	for {
		select {
		case first := <-w.queue:
			w.commit(w.gather(first))
		case <-w.stopped:
			return
		}
	}
}

// gather takes the writes that already wait, without waiting for more: while
// one batch is being synced, the next one collects.
func (w *writer) gather(first *write) []*write {
	batch := []*write{first}
	for len(batch) < maxBatch {
		select {
		case next := <-w.queue:
			batch = append(batch, next)
		default:
			return batch
		}
	}
	return batch
}

func (w *writer) commit(batch []*write) {
	before := copyChain(w.chain)
	err := w.transact(batch)
	if err != nil {
		w.chain = before
		err = unavailable(err)
	}
	for _, b := range batch {
		if b.err == nil {
			b.err = err
		}
		b.done <- b.err
	}
}

func (w *writer) transact(batch []*write) error {
	// Not a caller's context: no single one may end what others wait for.
	ctx := context.Background()
	tx, err := w.pool.BeginTx(ctx, nil)
	if err != nil {
		return err
	}
	defer tx.Rollback() // does nothing after Commit
	w.chained = false
	for _, b := range batch {
		if err := w.apply(ctx, tx, b); err != nil {
			return err
		}
	}
	if w.chained {
		if err := saveHead(ctx, tx, w.chain.Head()); err != nil {
			return err
		}
	}
	return tx.Commit()
}

// apply runs one write in a savepoint. Its own failure goes into b.err; the
// returned error means that the transaction itself is no longer good.
func (w *writer) apply(ctx context.Context, tx *sql.Tx, b *write) error {
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
func (w *writer) try(ctx context.Context, tx *sql.Tx, b *write) (again bool, err error) {
	if _, err := tx.ExecContext(ctx, "savepoint one_write"); err != nil {
		return false, err
	}
	before, chained := copyChain(w.chain), w.chained
	if b.err = protect(b.fn, &Tx{Reader{steady{tx}}, w}); b.err != nil {
		w.chain, w.chained = before, chained
		if _, err := tx.ExecContext(ctx, "rollback to savepoint one_write"); err != nil {
			return false, err
		}
	}
	_, err = tx.ExecContext(ctx, "release savepoint one_write")
	return errors.Is(b.err, errIDTaken), err
}

// protect turns a panic of one write into its error: the others of its batch
// are not to blame.
func protect(fn func(*Tx) error, tx *Tx) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic in a write: %v\n%s", p, debug.Stack())
		}
	}()
	return fn(tx)
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

func unavailable(cause error) error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable,
		"the change could not be recorded; nothing was kept, try again").Because(cause)
}

func copyChain(c *audit.Chain) *audit.Chain {
	if c == nil {
		return nil
	}
	saved := *c
	return &saved
}
