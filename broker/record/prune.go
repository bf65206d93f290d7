package record

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db"
)

// ObjectsPruned is the event that vouches for the removal of object requests whose
// time was over.
const ObjectsPruned keyhatch.Action = "objects.prune"

const (
	// pruneEvery is how often it is looked for what is over.
	pruneEvery = time.Hour
	// prunePause is between two steps, for others who want to write.
	prunePause = 200 * time.Millisecond
	// pruneBatches and pruneRequests bound a step, and so how long others wait for
	// the database.
	pruneBatches  = 500
	pruneRequests = 2_000
)

// RunPruning removes object requests that are older than keep, until ctx ends.
func (o *Objects) RunPruning(ctx context.Context, keep time.Duration) {
	for {
		pause := prunePause
		more, err := o.Prune(ctx, o.k.Now().Add(-keep))
		if err != nil && ctx.Err() == nil {
			o.log.Error("object requests cannot be pruned", "error", err)
		}
		if err != nil || !more {
			pause = pruneEvery
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(pause):
		}
	}
}

// Prune takes a step: it removes whole batches that were recorded before a time,
// the oldest first, together with the event that vouches for it. more tells that
// there may be others. A batch that is not what its event vouches for is evidence,
// and so is one whose event is not what was written: it stays, and the event names
// it.
//
// Of two processes that take the same step one fails, and nothing of it is kept.
func (o *Objects) Prune(ctx context.Context, before time.Time) (more bool, err error) {
	before = before.Truncate(time.Millisecond)
	err = o.k.DB.Write(ctx, func(tx *db.Tx) error {
		more = false
		s, err := nextPruning(ctx, tx, before)
		if err != nil || len(s.events) == 0 {
			return err
		}
		for _, e := range s.events {
			if err := s.remove(ctx, tx, e); err != nil {
				return err
			}
		}
		more = s.Before.Before(before)
		now := o.k.Now()
		if !now.After(s.last) { // by another's clock: these events are in the order of what they tell
			now = s.last.Add(time.Microsecond)
		}
		e := keyhatch.Event{ID: keyhatch.NewID(keyhatch.EventID, now), At: now, Action: ObjectsPruned, Detail: s.Detail()}
		e.Target = e.ID
		return tx.Record(ctx, e)
	})
	return more, err
}

// pruning is a step.
type pruning struct {
	audit.Pruned
	events []keyhatch.Event // whose batches are over
	last   time.Time        // when the step before went on record
}

// nextPruning finds what the next step is about. It goes from where the last one
// ended to the end of a millisecond, which all ids of batches before it sort before.
func nextPruning(ctx context.Context, tx *db.Tx, before time.Time) (s pruning, err error) {
	last, found, err := tx.LastEventOf(ctx, ObjectsPruned)
	if err != nil {
		return pruning{}, err
	}
	if found {
		pruned, err := audit.ReadPruned(last)
		if err != nil {
			return pruning{}, fmt.Errorf("event %s does not tell what was pruned; see keyhatch audit verify: %w", last.ID, err)
		}
		s.From, s.last = pruned.Before, last.At
	}
	// One more than a step has tells whether the last millisecond is complete.
	s.events, err = tx.EventsBetween(ctx, ObjectsRecorded, s.From, before, pruneBatches+1)
	if err != nil {
		return pruning{}, err
	}
	s.Before = before
	requests := 0
	for i, e := range s.events {
		begins := e.At.Truncate(time.Millisecond)
		full := i == pruneBatches || requests > 0 && requests+audit.Vouched(e) > pruneRequests
		if full && begins.After(s.events[0].At) {
			s.Before = begins
			break
		}
		if i == pruneBatches {
			return pruning{}, errors.New("too many batches of object requests are of one millisecond; see keyhatch audit verify")
		}
		requests += audit.Vouched(e)
	}
	for i, e := range s.events {
		if !e.At.Before(s.Before) {
			s.events = s.events[:i]
			break
		}
	}
	return s, nil
}

// remove removes the batch of an event if both are whole.
func (s *pruning) remove(ctx context.Context, tx *db.Tx, e keyhatch.Event) error {
	genuine, err := tx.Genuine(ctx, e)
	if err != nil {
		return err
	}
	if !genuine { // a digest needs no key: it may have been made to fit
		s.Kept = append(s.Kept, e.ID)
		return nil
	}
	count := audit.Vouched(e)
	requests, err := tx.ObjectRequestsOf(ctx, e.ID, count+1)
	if err != nil {
		return err
	}
	if !audit.VouchesFor(e, requests) {
		s.Kept = append(s.Kept, e.ID)
		return nil
	}
	removed, err := tx.DeleteObjectRequests(ctx, e.ID)
	if err != nil {
		return err
	}
	if removed != int64(count) {
		return fmt.Errorf("%d requests of batch %s were removed instead of %d: another process prunes, too", removed, e.ID, count)
	}
	s.Batches++
	s.Requests += removed
	return nil
}
