package groupcommit

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

// How long it is tried to find out whether a transaction was kept, and how often.
const (
	settleWithin = 10 * time.Second
	settleEvery  = 100 * time.Millisecond
)

// settle finds out whether the transaction was kept whose commit failed, and puts the state
// to what that says. The error is of all its writes.
func (w *Writer[State]) settle(before State, failed error) error {
	ctx, cancel := context.WithTimeout(context.Background(), settleWithin)
	defer cancel()
	for {
		kept, err := w.kept(ctx)
		switch {
		case err == nil && kept:
			return nil
		case err == nil:
			w.state = before
			return unavailable(failed)
		}
		select {
		case <-time.After(settleEvery):
		case <-ctx.Done():
			// Neither state may be that of the tables. Who begins anew needs none.
			var none State
			w.state = none
			return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeOutcomeUnknown,
				"it could not be found out whether the change was recorded: look whether it is there before you try again").Because(failed)
		}
	}
}

func (w *Writer[State]) kept(ctx context.Context) (bool, error) {
	tx, err := w.pool.BeginTx(ctx, nil)
	if err != nil {
		return false, err
	}
	defer tx.Rollback() // does nothing after Commit
	kept, err := w.rules.Kept(ctx, tx)
	if err != nil || !kept {
		return false, err
	}
	return true, tx.Commit()
}
