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

// testPasswords: a password takes the place of the one before, and goes with its user.
func testPasswords(t *testing.T, s *suite) {
	u, neighbour := s.NewUser(), s.NewUser()
	u.Email, neighbour.Email = "A@example.org", "b@example.org"
	first := db.SealedPassword{User: u.ID, ID: keyhatch.NewID(keyhatch.PasswordID, s.Now()), Sealed: []byte{0, 1}, SetAt: s.Now()}
	second := db.SealedPassword{User: u.ID, ID: keyhatch.NewID(keyhatch.PasswordID, s.Now()), Sealed: []byte{0, 2}, SetAt: s.Now()}
	reset := db.PasswordReset{User: u.ID, Hash: s.newToken("", "").Hash, ExpiresAt: s.Now().Add(time.Hour)}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(
			func() error { return tx.InsertUser(ctx, u) },
			func() error { return tx.InsertUser(ctx, neighbour) },
			func() error { return tx.PutPassword(ctx, first) },
		)
	})
	want := func(what string, p db.SealedPassword) {
		t.Helper()
		if diff := cmp.Diff(p, ground.OK[db.SealedPassword](t)(s.Password(s.Ctx(), u.ID))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", what, diff)
		}
	}
	want("set", first)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutPassword(ctx, second) })
	want("set again", second)
	anew := second
	anew.Sealed = []byte{3}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		late := first
		late.Sealed = []byte{4}
		return ground.FirstError(
			func() error { return tx.ReplacePasswordHash(ctx, anew) },
			func() error { return tx.ReplacePasswordHash(ctx, late) },
		)
	})
	want("hashed anew", anew)

	for name, logins := range map[string][]db.Login{
		u.Name: {{User: u, Password: anew}}, "a@EXAMPLE.org": {{User: u, Password: anew}}, neighbour.Name: {{User: neighbour}}, "": nil, "nobody": nil,
	} {
		if diff := cmp.Diff(logins, ground.OK[[]db.Login](t)(s.Logins(s.Ctx(), name))); diff != "" && name != "" {
			t.Errorf("%q (-want +got):\n%s", name, diff)
		}
	}

	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutPasswordReset(ctx, reset) })
	replaced := reset
	replaced.Hash = keyhatch.TokenHash{Pepper: 77, Hash: s.newToken("", "").Hash.Hash}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutPasswordReset(ctx, replaced) })
	_, err := s.PasswordResetByHash(s.Ctx(), []keyhatch.TokenHash{reset.Hash})
	ground.WantFail(t, "a reset that was replaced", err, keyhatch.NotFound, keyhatch.CodePasswordNotFound)
	got, err := s.PasswordResetByHash(s.Ctx(), []keyhatch.TokenHash{reset.Hash, replaced.Hash})
	if diff := cmp.Diff(replaced, got); err != nil || diff != "" {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}

	for at, want := range map[time.Time]int{reset.ExpiresAt.Add(-time.Second): 1, reset.ExpiresAt: 0} {
		if n, err := s.CountPeppered(s.Ctx(), replaced.Hash.Pepper, at); err != nil || n != want {
			t.Errorf("%d hashes rest on its pepper, want %d: %v", n, want, err)
		}
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, u.ID) })
	_, err = s.Password(s.Ctx(), u.ID)
	ground.WantFail(t, "the password of a user who is gone", err, keyhatch.NotFound, keyhatch.CodePasswordNotFound)
	_, err = s.PasswordResetByHash(s.Ctx(), []keyhatch.TokenHash{replaced.Hash})
	ground.WantFail(t, "the reset of a user who is gone", err, keyhatch.NotFound, keyhatch.CodePasswordNotFound)
	err = s.Try(func(ctx context.Context, tx *db.Tx) error { return tx.DeletePassword(ctx, neighbour.ID) })
	ground.WantFail(t, "no password", err, keyhatch.NotFound, keyhatch.CodePasswordNotFound)
}
