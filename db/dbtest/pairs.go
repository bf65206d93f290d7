package dbtest

import (
	"context"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// A pair that a store keeps is known also when it is on record no more, until its key goes.
func testEndedPairs(t *testing.T, s *suite) {
	w := s.world()
	newKey := func() keyhatch.AccessKey {
		id := keyhatch.NewID(keyhatch.KeyID, s.Now())
		return keyhatch.AccessKey{ID: id, Workspace: w.ws.ID, Store: w.store.ID, Name: id, Owner: w.user.ID, Token: w.token.ID, State: keyhatch.AccessKeyPending, CreatedAt: s.Now()}
	}
	key, other := newKey(), newKey()
	want := func(what, of, id string, known, told bool) {
		t.Helper()
		gotKnown, gotTold, err := s.EndedPair(s.Ctx(), of, id)
		if err != nil || gotKnown != known || gotTold != told {
			t.Errorf("%s: it is known: %t, told: %t, %v", what, gotKnown, gotTold, err)
		}
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertAccessKey(ctx, key) }, func() error { return tx.InsertAccessKey(ctx, other) },
			func() error {
				return tx.InsertPair(ctx, key, keyhatch.IssuedPair{AccessKeyID: "ONE", IssuedAt: s.Now()}, nil)
			})
	})
	want("one on record", key.ID, "ONE", false, false)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeletePair(ctx, key, "ONE") })
	want("one that has ended", key.ID, "ONE", true, false)
	want("of another key", other.ID, "ONE", false, false)
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.PairTold(ctx, key, "ONE") }, func() error { return tx.PairTold(ctx, key, "STRAY") },
			func() error { return tx.PairTold(ctx, key, "STRAY") })
	})
	want("one that is told", key.ID, "ONE", true, true)
	want("one that was never on record", key.ID, "STRAY", true, true)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteAccessKey(ctx, key) })
	want("of a key that went", key.ID, "STRAY", false, false)
}
