package dbtest

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// networks are compared as they are, not by what is in them.
var networks = cmpopts.EquateComparable(netip.Prefix{})

// testTokenChanges: what an update and a use set, and that neither touches the rest.
func testTokenChanges(t *testing.T, s *suite, w world) {
	k, neighbour := s.newToken(w.user.ID, ""), s.newToken(w.user.ID, "")
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertToken(ctx, k) }, func() error { return tx.InsertToken(ctx, neighbour) })
	})
	want := func(what string, k db.HashedToken) {
		t.Helper()
		if diff := cmp.Diff(k, ground.OK[db.HashedToken](t)(s.HashedToken(s.Ctx(), k.ID)), networks); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	k.LastUsedAt, k.LastUsedFrom = s.Now(), "192.0.2.9"
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return tx.TokenUsed(ctx, k.ID, k.LastUsedAt, k.LastUsedFrom)
	})
	want("used", k)
	k.Name, k.Scopes, k.ExpiresAt, k.Since = "u", []keyhatch.Scope{"all"}, time.Time{}, s.Now()
	k.Networks, k.RequestsPerMinute, k.Annotations, k.UpdatedAt = nil, 0, nil, s.Now()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.UpdateToken(ctx, k.Token) })
	want("updated", k)
	want("its neighbour", neighbour)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.TokenUsed(ctx, "tok_none", s.Now(), "") })
	err := s.Try(func(ctx context.Context, tx *db.Tx) error { return tx.UpdateToken(ctx, keyhatch.Token{ID: "tok_none"}) })
	ground.WantFail(t, "one that is not there", err, keyhatch.NotFound, keyhatch.CodeTokenNotFound)

	ends := s.Now()
	old := db.HashedToken{Token: k.Token, Hash: s.newToken("", "").Hash, Old: k.Hash}
	old.GraceUntil = ends
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.RotateToken(ctx, old) })
	for what, hashes := range map[string][]keyhatch.TokenHash{"the new": {old.Hash}, "the old": {k.Hash}, "a second hash": {{Pepper: 1}, k.Hash}} {
		if got, err := s.TokenByHash(s.Ctx(), hashes, ends.Add(-time.Microsecond)); err != nil || got.ID != k.ID {
			t.Errorf("by %s hash: %s, %v", what, got.ID, err)
		}
	}
	if got, err := s.TokenByHash(s.Ctx(), []keyhatch.TokenHash{old.Hash}, ends); err != nil || got.ID != k.ID {
		t.Errorf("by the new hash, after the grace: %s, %v", got.ID, err)
	}
	_, err = s.TokenByHash(s.Ctx(), []keyhatch.TokenHash{k.Hash}, ends)
	ground.WantFail(t, "by the old hash, after the grace", err, keyhatch.NotFound, keyhatch.CodeTokenNotFound)
	_, err = s.TokenByHash(s.Ctx(), []keyhatch.TokenHash{s.newToken("", "").Hash, {Pepper: 7, Hash: k.Hash.Hash}}, ends.Add(-time.Microsecond))
	ground.WantFail(t, "by another hash", err, keyhatch.NotFound, keyhatch.CodeTokenNotFound)
}

// testTokensMadeWith: a line of tokens is found from its beginning, also when one in its
// middle has ended.
func testTokensMadeWith(t *testing.T, s *suite, w world) {
	first, second, third, beside, other := s.newToken(w.user.ID, ""), s.newToken(w.user.ID, ""), s.newToken(w.user.ID, ""), s.newToken(w.user.ID, ""), s.newToken(w.user.ID, "")
	first.MadeWith, second.MadeWith, third.MadeWith, beside.MadeWith, other.MadeWith = "", first.ID, second.ID, first.ID, ""
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, k := range []db.HashedToken{first, second, third, beside, other} {
			if err := tx.InsertToken(ctx, k); err != nil {
				return err
			}
		}
		return nil
	})
	want := func(of string, ids ...string) {
		t.Helper()
		var got []string
		for _, k := range ground.OK[[]keyhatch.Token](t)(s.TokensMadeWith(s.Ctx(), of)) {
			got = append(got, k.ID)
		}
		if diff := cmp.Diff(ids, got); diff != "" {
			t.Errorf("made with %s (-want +got):\n%s", of, diff)
		}
	}
	want(first.ID, second.ID, third.ID, beside.ID)
	want(second.ID, third.ID)
	want(other.ID)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteToken(ctx, second.Token) })
	want(first.ID, third.ID, beside.ID)

	// Several in a row that end together were all read before the first one ended.
	fourth := s.newToken(w.user.ID, "")
	fourth.MadeWith = third.ID
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertToken(ctx, fourth) })
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteToken(ctx, third.Token) }) // which says that it was made with the second
	want(first.ID, beside.ID, fourth.ID)

	// What was made with the first of a line stays what a token made: before, it counted as
	// made with none when that had ended, like what a program was given itself.
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteToken(ctx, first.Token) })
	for _, id := range []string{beside.ID, fourth.ID} {
		if k := ground.OK[keyhatch.Token](t)(s.Token(s.Ctx(), id)); k.MadeWith != first.ID {
			t.Errorf("%s was made with %q, want %s, which has ended", id, k.MadeWith, first.ID)
		}
	}
}

// testExpiredTokens: those that had expired at a time, the oldest first.
func testExpiredTokens(t *testing.T, s *suite) {
	u, other := s.NewUser(), s.NewUser()
	long := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	var made []db.HashedToken
	for i, user := range []string{u.ID, u.ID, u.ID, other.ID, u.ID} {
		k := s.newToken(user, "")
		k.ExpiresAt = long.Add(-time.Duration(i) * time.Hour)
		made = append(made, k)
	}
	made[4].ExpiresAt = time.Time{}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		if err := ground.FirstError(func() error { return tx.InsertUser(ctx, u) }, func() error { return tx.InsertUser(ctx, other) }); err != nil {
			return err
		}
		for _, k := range made {
			if err := tx.InsertToken(ctx, k); err != nil {
				return err
			}
		}
		return nil
	})
	for _, c := range []struct {
		user  string
		at    time.Time
		limit int
		want  []int
	}{
		{u.ID, long, 10, []int{2, 1, 0}},
		{u.ID, long.Add(-time.Microsecond), 10, []int{2, 1}},
		{u.ID, long, 2, []int{2, 1}},
		{"", long, 10, []int{3, 2, 1, 0}},
		{u.ID, long.Add(-4 * time.Hour), 10, nil},
	} {
		var want, got []string
		for _, i := range c.want {
			want = append(want, made[i].ID)
		}
		for _, k := range ground.OK[[]keyhatch.Token](t)(s.ExpiredTokens(s.Ctx(), c.user, c.at, c.limit)) {
			got = append(got, k.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("of %q at %v (-want +got):\n%s", c.user, c.at, diff)
		}
	}
}
