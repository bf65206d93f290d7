package dbtest

import (
	"context"
	"encoding/binary"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// pruned takes a step of removing a few rows, after which there are no more.
func (s *suite) pruned(step func(context.Context, *db.Tx) (more bool, err error)) {
	s.T.Helper()
	if s.step(step) {
		s.T.Error("there is more to prune")
	}
}

func (s *suite) step(step func(context.Context, *db.Tx) (more bool, err error)) (more bool) {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		more, err = step(ctx, tx)
		return err
	})
	return more
}

// testPruning: what is over is removed in steps. All at once, after a server had stood still for
// long, it took longer than a transaction may, every hour again.
func testPruning(t *testing.T, s *suite) {
	end := s.Now()
	u := s.NewUser()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		for n := range db.PruneStep + 1 {
			hash := binary.BigEndian.AppendUint64(nil, uint64(n))
			if err := tx.BeginLogin(ctx, db.BegunLogin{Hash: hash, Provider: "a", ExpiresAt: end}); err != nil {
				return err
			}
		}
		return nil
	})
	logins := func(ctx context.Context, tx *db.Tx) (bool, error) { return tx.PruneLogins(ctx, end) }
	if !s.step(logins) {
		t.Error("the first step of pruning logins was the last")
	}
	s.pruned(logins)

	// The feed loses its oldest lines, and none from between.
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		if err := tx.InsertUser(ctx, u); err != nil {
			return err
		}
		for range 2 * db.PruneStep {
			if err := tx.UpdateUser(ctx, u); err != nil {
				return err
			}
		}
		return nil
	})
	last := ground.OK[int64](t)(s.LastChange(s.Ctx()))
	left := len(ground.OK[[]db.Change](t)(s.ChangesAfter(s.Ctx(), 0)))
	for more := true; more; {
		more = s.step(func(ctx context.Context, tx *db.Tx) (bool, error) {
			return tx.PruneChanges(ctx, time.Now().Add(time.Hour))
		})
		changes := ground.OK[[]db.Change](t)(s.ChangesAfter(s.Ctx(), 0))
		if more != (left-len(changes) == db.PruneStep) {
			t.Errorf("of %d lines %d were left, and more to prune: %t", left, len(changes), more)
		}
		if left = len(changes); int64(left) != last-changes[0].Seq+1 || changes[left-1].Seq != last {
			t.Fatalf("%d lines are left, from %d to %d", left, changes[0].Seq, changes[left-1].Seq)
		}
	}
	if left != 1 {
		t.Errorf("%d lines are left of the feed", left)
	}
}
