package dbtest

import (
	"context"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// testIdentities: an identity outlives its user, as nobody's; what a login has given does not. A
// login that was begun comes back once, from its provider, in its time.
func testIdentities(t *testing.T, s *suite) {
	u, other := s.NewUser(), s.NewUser()
	const issuer = "https://a.example"
	one := db.Identity{Issuer: issuer, Subject: "1", User: u.ID, CreatedAt: s.Now()}
	gifts := []db.Gift{{Workspace: "ws_1", Circle: "group_1"}, {}, {Workspace: "ws_1"}}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		err := ground.FirstError(
			func() error { return tx.InsertUser(ctx, u) },
			func() error { return tx.InsertUser(ctx, other) },
			func() error { return tx.PutIdentity(ctx, one) },
			func() error { return tx.AddGift(ctx, u.ID, "https://b.example", db.Gift{}) },
			func() error { return tx.AddGift(ctx, other.ID, issuer, db.Gift{}) },
		)
		for _, g := range gifts {
			if err == nil {
				err = tx.AddGift(ctx, u.ID, issuer, g)
			}
		}
		return err
	})
	if got, err := s.Identity(s.Ctx(), issuer, "1"); err != nil || !cmp.Equal(got, one) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, no := range [][2]string{{issuer, "2"}, {"https://A.example", "1"}, {"1", issuer}} {
		_, err := s.Identity(s.Ctx(), no[0], no[1])
		ground.WantFail(t, "another identity", err, keyhatch.NotFound, keyhatch.CodeUserNotFound)
	}
	for user, want := range map[string]bool{u.ID: true, other.ID: false} {
		if got, err := s.LogsInElsewhere(s.Ctx(), user); err != nil || got != want {
			t.Errorf("%s logs in elsewhere: %t, %v", user, got, err)
		}
	}
	given := func(want ...db.Gift) {
		t.Helper()
		if diff := cmp.Diff(want, ground.OK[[]db.Gift](t)(s.Gifts(s.Ctx(), u.ID, issuer))); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
	given(gifts...)
	all := ground.OK[[]db.LoggedIn](t)(s.LoggedIn(s.Ctx()))
	for _, want := range []db.LoggedIn{{User: u.ID, Issuer: issuer}, {User: u.ID, Issuer: "https://b.example"}, {User: other.ID, Issuer: issuer}} {
		n := 0
		for _, got := range all {
			if got == want {
				n++
			}
		}
		if n != 1 {
			t.Errorf("%+v has something of a login %d times", want, n)
		}
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteGift(ctx, u.ID, issuer, gifts[1]) })
	given(gifts[0], gifts[2])
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, u.ID) })
	given()
	if got, err := s.Identity(s.Ctx(), issuer, "1"); err != nil || got.User != "" {
		t.Errorf("without its user: %+v, %v", got, err)
	}
	one.User = other.ID
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutIdentity(ctx, one) })
	if got, err := s.Identity(s.Ctx(), issuer, "1"); err != nil || got.User != other.ID {
		t.Errorf("of another user: %+v, %v", got, err)
	}

	end := s.Now().Add(time.Hour)
	begun := func(hash byte) db.BegunLogin {
		return db.BegunLogin{Hash: []byte{hash}, Provider: "a", Next: "/device?n=" + strconv.Itoa(int(hash)), Age: keyhatch.LoginAge{Bounded: hash > 1, Most: time.Duration(hash-1) * time.Minute}, ExpiresAt: end}
	}
	begin := func(hash byte) {
		s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.BeginLogin(ctx, begun(hash)) })
	}
	comes := func(what string, hash byte, provider string, at time.Time, want bool) {
		t.Helper()
		var got db.BegunLogin
		err := s.Try(func(ctx context.Context, tx *db.Tx) (err error) {
			got, err = tx.EndLogin(ctx, []byte{hash}, provider, at)
			return err
		})
		if !want {
			ground.WantFail(t, what, err, keyhatch.NotFound, keyhatch.CodeSessionNotFound)
			return
		}
		if diff := cmp.Diff(begun(hash), got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", what, err, diff)
		}
	}
	begin(1)
	begin(2)
	comes("too late", 1, "a", end, false)
	comes("from another provider", 1, "b", s.Now(), false)
	comes("another one", 4, "a", s.Now(), false)
	comes("in time", 1, "a", end.Add(-time.Microsecond), true)
	comes("again", 1, "a", s.Now(), false)
	end = end.Add(time.Second)
	begin(5)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.KeepLogins(ctx, 1) })
	comes("one too many", 2, "a", s.Now(), false)
	comes("the newest", 5, "a", s.Now(), true)
	end = end.Add(-time.Second)
	begin(2)
	begin(3)
	comes("of some age", 3, "a", s.Now(), true)
	s.pruned(func(ctx context.Context, tx *db.Tx) (bool, error) { return tx.PruneLogins(ctx, end) })
	comes("after pruning", 2, "a", s.Now(), false)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, other.ID) })
}
