package dbtest

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// testBearers: tokens that stand for signed tokens are kept until those end, revoked or not,
// and are found apart from the others.
func testBearers(t *testing.T, s *suite) {
	u, ws := s.NewUser(), s.world().ws
	long := time.Date(2001, 3, 4, 5, 6, 7, 0, time.UTC)
	revoked, live, within := s.newToken(u.ID, ""), s.newToken(u.ID, ""), s.newToken(u.ID, ws.ID)
	for _, k := range []*db.HashedToken{&revoked, &live, &within} {
		k.Bearer = keyhatch.Bearer{Issuer: "https://issuer.test", Rules: "r", Until: long}
		k.ExpiresAt = long
	}
	plain := s.newToken(u.ID, "")
	plain.ExpiresAt = long
	revoked.ExpiresAt = long.Add(-time.Hour)
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		if err := tx.InsertUser(ctx, u); err != nil {
			return err
		}
		for _, k := range []db.HashedToken{revoked, live, within, plain} {
			if err := tx.InsertToken(ctx, k); err != nil {
				return err
			}
		}
		return nil
	})
	if diff := cmp.Diff(live, ground.OK[db.HashedToken](t)(s.HashedToken(s.Ctx(), live.ID)), networks); diff != "" {
		t.Errorf("as it was stored (-want +got):\n%s", diff)
	}
	if n, of := ground.OK[int](t)(s.CountTokens(s.Ctx(), u.ID)), ground.OK[int](t)(s.CountBearers(s.Ctx(), u.ID)); n != 1 || of != 3 {
		t.Errorf("%d tokens, and %d that stand for signed ones", n, of)
	}
	const moment = time.Microsecond
	for what, c := range map[string]struct {
		got  []keyhatch.Token
		want []db.HashedToken
	}{
		"the user's list":         {ground.OK[[]keyhatch.Token](t)(s.Tokens(s.Ctx(), u.ID, "", db.Everything)), []db.HashedToken{plain}},
		"expired before":          {ground.OK[[]keyhatch.Token](t)(s.ExpiredTokens(s.Ctx(), u.ID, long.Add(-moment), 9)), nil},
		"expired":                 {ground.OK[[]keyhatch.Token](t)(s.ExpiredTokens(s.Ctx(), u.ID, long, 9)), []db.HashedToken{plain}},
		"live before":             {ground.OK[[]keyhatch.Token](t)(s.LiveBearers(s.Ctx(), u.ID, "", long.Add(-moment))), []db.HashedToken{live, within}},
		"live in the workspace":   {ground.OK[[]keyhatch.Token](t)(s.LiveBearers(s.Ctx(), "", ws.ID, long.Add(-moment))), []db.HashedToken{within}},
		"live when they end":      {ground.OK[[]keyhatch.Token](t)(s.LiveBearers(s.Ctx(), u.ID, "", long)), nil},
		"ended before":            {ground.OK[[]keyhatch.Token](t)(s.EndedBearers(s.Ctx(), u.ID, long.Add(-moment), 9)), nil},
		"ended":                   {ground.OK[[]keyhatch.Token](t)(s.EndedBearers(s.Ctx(), u.ID, long, 9)), []db.HashedToken{revoked, live, within}},
		"ended, of everybody":     {ground.OK[[]keyhatch.Token](t)(s.EndedBearers(s.Ctx(), "", long, 9)), []db.HashedToken{revoked, live, within}},
		"ended, of somebody else": {ground.OK[[]keyhatch.Token](t)(s.EndedBearers(s.Ctx(), s.world().user.ID, long, 9)), nil},
		"ended, so many at most":  {ground.OK[[]keyhatch.Token](t)(s.EndedBearers(s.Ctx(), u.ID, long, 0)), nil},
	} {
		ids := func(n int, id func(int) string) (out []string) {
			for i := range n {
				out = append(out, id(i))
			}
			slices.Sort(out)
			return out
		}
		got, want := ids(len(c.got), func(i int) string { return c.got[i].ID }), ids(len(c.want), func(i int) string { return c.want[i].ID })
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}

	const pepper = 78 // nothing else has it
	of := []keyhatch.TokenHash{{Pepper: pepper, Hash: "no"}, live.Hash}
	live.Hash.Pepper = pepper
	of[1].Pepper = pepper
	ended := func() bool { return ground.OK[bool](t)(s.BearerEnded(s.Ctx(), of)) }
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		if err := tx.DeleteToken(ctx, live.Token); err != nil {
			return err
		}
		return tx.InsertToken(ctx, live)
	})
	if ended() {
		t.Error("one has ended whose user there is")
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, u.ID) })
	if !ended() {
		t.Error("one of a user who is no more is not known")
	}
	for at, want := range map[time.Time]int{long.Add(-moment): 1, long: 0} {
		if n := ground.OK[int](t)(s.CountPeppered(s.Ctx(), pepper, at)); n != want {
			t.Errorf("at %v %d rest on its pepper", at, n)
		}
	}
	for _, at := range []time.Time{long.Add(-moment), long} {
		s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutFormerName(ctx, u.Name, at) })
		if until := ground.OK[time.Time](t)(s.FormerName(s.Ctx(), u.Name)); !until.Equal(at) {
			t.Errorf("the name was another's until %v, not %v", until, at)
		}
	}
	for _, c := range []struct {
		now, since  time.Time
		ended, name bool
	}{{long.Add(-moment), long.Add(-moment), true, true}, {long, long, false, false}} {
		s.pruned(func(ctx context.Context, tx *db.Tx) (bool, error) { return tx.PruneBearers(ctx, c.now, c.since) })
		if until := ground.OK[time.Time](t)(s.FormerName(s.Ctx(), u.Name)); ended() != c.ended || until.IsZero() == c.name {
			t.Errorf("after pruning at %v: %v, %v", c.now, ended(), until)
		}
	}
}
