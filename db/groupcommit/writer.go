package groupcommit

import (
	"context"
	"database/sql"
	"errors"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
)

// maxBatch bounds how many writes share a transaction, and so how long the
// first of them waits.
const maxBatch = 256

// Rules are what the writer is told of the writes.
type Rules[State any] struct {
	// Again tells whether a write that failed may succeed when it is run again
	// from its start.
	Again func(error) bool
	// Begin is run first in each transaction; nil for nothing.
	Begin func(ctx context.Context, tx *sql.Tx) error
	// Kept tells, in a transaction of its own that must be committed for it to be true,
	// whether the last one was kept, of which the commit failed. Nil: what fails to commit was not.
	Kept func(ctx context.Context, tx *sql.Tx) (bool, error)
	// Finish is run before each commit, with the state before the transaction
	// and now. When it fails, so does the transaction.
	Finish func(ctx context.Context, tx *sql.Tx, before, now State) error
	// Watch is told of each transaction when it has ended; nil for nobody. It must not wait.
	Watch func(Commit)
}

// Commit is a transaction that has ended.
type Commit struct {
	Writes int           // that shared it
	Waited time.Duration // the one that waited longest, until it began
	Took   time.Duration // from then on
	Kept   bool          // false: it failed, or nobody knows
}

// Writer is the one goroutine that writes.
type Writer[State any] struct {
	pool    *sql.DB
	rules   Rules[State]
	state   State // only the goroutine touches it
	queue   chan *write[State]
	stopped chan struct{} // closed: take nothing new
	ended   chan struct{} // closed: the goroutine is gone
	once    sync.Once
}

type write[State any] struct {
	ctx  context.Context
	fn   func(Querier, *State) error
	came time.Time
	err  error
	done chan error
}

// Start begins to write on the pool, which has one connection. The state is zero.
func Start[State any](pool *sql.DB, rules Rules[State]) *Writer[State] {
	w := &Writer[State]{
		pool:    pool,
		rules:   rules,
		queue:   make(chan *write[State]),
		stopped: make(chan struct{}),
		ended:   make(chan struct{}),
	}
	go w.run()
	return w
}

// Stop lets the running writes end and takes no others.
func (w *Writer[State]) Stop() {
	w.once.Do(func() { close(w.stopped) })
	<-w.ended
}

// Write runs fn in a transaction that may carry other writes too. When it
// returns nil, what fn did is durable. When fn fails, what it did is undone and
// its error is returned; when the commit fails, the error is
// keyhatch.Unavailable and nothing was kept, or of keyhatch.CodeOutcomeUnknown.
func (w *Writer[State]) Write(ctx context.Context, fn func(Querier, *State) error) error {
	own := &write[State]{ctx: ctx, fn: fn, came: time.Now(), done: make(chan error, 1)}
	select {
	case w.queue <- own:
	case <-ctx.Done():
		return ctx.Err()
	case <-w.stopped:
		return unavailable(errors.New("the database is closed"))
	}
	// The outcome is always waited for: a caller that left early could not know
	// whether its write was kept.
	select {
	case err := <-own.done:
		return err
	case <-w.ended:
		select {
		case err := <-own.done:
			return err
		default:
			return unavailable(errors.New("the database is closed"))
		}
	}
}

func (w *Writer[State]) run() {
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
func (w *Writer[State]) gather(first *write[State]) []*write[State] {
	batch := []*write[State]{first}
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

func (w *Writer[State]) commit(batch []*write[State]) {
	before, begun := w.state, time.Now()
	err := w.transact(batch)
	var commit *commitError
	switch {
	case errors.As(err, &commit) && w.rules.Kept != nil:
		err = w.settle(before, err)
	case err != nil:
		w.state = before
		err = unavailable(err)
	}
	if w.rules.Watch != nil {
		w.rules.Watch(Commit{len(batch), waited(batch, begun), time.Since(begun), err == nil})
	}
	for _, b := range batch {
		if b.err == nil {
			b.err = err
		}
		b.done <- b.err
	}
}

func waited[State any](batch []*write[State], begun time.Time) (longest time.Duration) {
	for _, b := range batch {
		longest = max(longest, begun.Sub(b.came))
	}
	return longest
}

func unavailable(cause error) error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable,
		"the change could not be recorded; nothing was kept, try again").Because(cause)
}
