package dbtest

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// testSessions: a session stands until it expires, its user is disabled or has another password;
// it goes with its user.
func testSessions(t *testing.T, s *suite) {
	const moment = time.Microsecond
	u, neighbour := s.NewUser(), s.NewUser()
	password := db.SealedPassword{User: u.ID, ID: keyhatch.NewID(keyhatch.PasswordID, s.Now()), Sealed: []byte{1}, SetAt: s.Now()}
	begun := u.ActiveSince.Add(time.Hour)
	end := begun.Add(time.Hour)
	session := func(of keyhatch.User, password string) (keyhatch.BrowserSession, keyhatch.TokenHash) {
		return keyhatch.BrowserSession{
			ID: keyhatch.NewID(keyhatch.SessionID, s.Now()), User: of.ID, Password: password, Issuer: "https://a.example", Browser: "b", CreatedAt: begun, CreatedFrom: "192.0.2.1",
			LastUsedAt: begun, LastUsedFrom: "192.0.2.2", ExpiresAt: end, LoggedIn: begun.Add(-time.Minute),
		}, s.newToken("", "").Hash
	}
	bound, boundHash := session(u, password.ID)
	free, freeHash := session(u, "")
	others, othersHash := session(neighbour, "")
	freeHash.Pepper = 79 // nothing else has it
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(
			func() error { return tx.InsertUser(ctx, u) },
			func() error { return tx.InsertUser(ctx, neighbour) },
			func() error { return tx.PutPassword(ctx, password) },
			func() error { return tx.InsertSession(ctx, bound, boundHash) },
			func() error { return tx.InsertSession(ctx, free, freeHash) },
			func() error { return tx.InsertSession(ctx, others, othersHash) },
		)
	})
	stands := func(what string, at time.Time, want ...keyhatch.BrowserSession) {
		t.Helper()
		if diff := cmp.Diff(want, ground.OK[[]keyhatch.BrowserSession](t)(s.Sessions(s.Ctx(), u.ID, at, db.Everything)), byID); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
		for _, one := range []struct {
			keyhatch.BrowserSession
			hash keyhatch.TokenHash
		}{{bound, boundHash}, {free, freeHash}} {
			byHash, hashErr := s.SessionByHash(s.Ctx(), []keyhatch.TokenHash{{Pepper: 1, Hash: "no"}, one.hash}, at)
			byID, idErr := s.Session(s.Ctx(), one.ID, at)
			is := false
			for _, w := range want {
				is = is || w.ID == one.ID
			}
			if (hashErr == nil) != is || (idErr == nil) != is || is && byHash != byID {
				t.Errorf("%s: %v, %v", what, hashErr, idErr)
			}
		}
	}
	stands("before it ends", end.Add(-moment), bound, free)
	stands("when it ends", end)
	if n := len(ground.OK[[]keyhatch.BrowserSession](t)(s.Sessions(s.Ctx(), "", begun, db.Everything))); n != 3 {
		t.Errorf("%d of all", n)
	}
	for at, want := range map[time.Time]int{end.Add(-moment): 1, end: 0} {
		if n := ground.OK[int](t)(s.CountPeppered(s.Ctx(), freeHash.Pepper, at)); n != want {
			t.Errorf("at %v %d rest on its pepper", at, n)
		}
	}

	change := s.Do
	another := password
	another.ID = keyhatch.NewID(keyhatch.PasswordID, s.Now())
	change(func(ctx context.Context, tx *db.Tx) error { return tx.PutPassword(ctx, another) })
	stands("another password", begun, free)
	change(func(ctx context.Context, tx *db.Tx) error { return tx.PutPassword(ctx, password) })
	for _, c := range []struct {
		what  string
		since time.Time
		on    bool
		want  []keyhatch.BrowserSession
	}{
		{"disabled", u.ActiveSince, false, nil},
		{"active again since", begun.Add(moment), true, nil},
		{"active since it was begun", begun, true, []keyhatch.BrowserSession{bound, free}},
	} {
		u.Active, u.ActiveSince = c.on, c.since
		change(func(ctx context.Context, tx *db.Tx) error { return tx.UpdateUser(ctx, u) })
		stands(c.what, begun, c.want...)
	}

	free.LastUsedAt, free.LastUsedFrom, free.ExpiresAt = begun.Add(time.Minute), "192.0.2.3", end.Add(time.Minute)
	change(func(ctx context.Context, tx *db.Tx) error { return tx.SessionUsed(ctx, free) })
	stands("used", end, free)
	for but, want := range map[int][]keyhatch.BrowserSession{0: {bound, free}, 1: {bound}, 2: nil} {
		if diff := cmp.Diff(want, ground.OK[[]keyhatch.BrowserSession](t)(s.StalestSessions(s.Ctx(), u.ID, but)), byID); diff != "" {
			t.Errorf("the stalest but for %d (-want +got):\n%s", but, diff)
		}
	}
	s.pruned(func(ctx context.Context, tx *db.Tx) (bool, error) { return tx.PruneSessions(ctx, end) })
	err := s.Try(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteSession(ctx, bound.ID) })
	ground.WantFail(t, "one that was pruned", err, keyhatch.NotFound, keyhatch.CodeSessionNotFound)
	stands("after pruning", begun, free)
	change(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, u.ID) })
	stands("without its user", begun)
	change(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, neighbour.ID) })
}

// byID compares lists by id: those of one moment have no other order.
var byID = cmp.Transformer("byID", func(l []keyhatch.BrowserSession) map[string]keyhatch.BrowserSession {
	out := map[string]keyhatch.BrowserSession{}
	for _, s := range l {
		out[s.ID] = s
	}
	return out
})
