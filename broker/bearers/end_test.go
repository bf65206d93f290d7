package bearers_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/record"
)

// TestS7_EndedByWhoShowsIt: who holds a signed token can end it, and who has found one too,
// also before it was ever used; it stays ended. Nobody is told whether it worked.
func TestS7_EndedByWhoShowsIt(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	b := w.Broker.Bearers
	used, unused, leaked, found := w.sign("used", nil), w.sign("unused", nil), w.sign("leaked", nil), w.sign("found", nil)
	lease := w.mustLend(w.show(used))
	_, made, err := w.Broker.People.CreateToken(t.Context(), w.show(leaked), people.NewToken{})
	if err != nil {
		t.Fatal(err)
	}
	nobodys := w.sign("nobody's", func(a *keyhatch.Assertion) { a.User = "nobody" })
	for what, err := range map[string]error{
		"used": b.End(t.Context(), used), "again": b.End(t.Context(), used), "unused": b.End(t.Context(), unused), "wrong": b.End(t.Context(), "wrong"),
		"nobody's": b.End(t.Context(), nobodys), "leaked": b.ReportLeak(t.Context(), leaked), "found": b.ReportLeak(t.Context(), found), "found, wrong": b.ReportLeak(t.Context(), "wrong"),
	} {
		if err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	for _, jwt := range []keyhatch.Secret{used, unused, leaked, found} {
		if !w.invalid(jwt) {
			t.Errorf("%s works", jwt.Reveal())
		}
	}
	if w.stands(lease) {
		t.Error("what was borrowed is open")
	}
	if _, err := w.Broker.People.Authenticate(t.Context(), made); !errors.Is(err, keyhatch.Unauthenticated) {
		t.Errorf("a token that a thief may have made: %v", err)
	}
	for action, c := range map[keyhatch.Action]struct {
		user string
		n    int
	}{people.TokenRevoked: {w.ann.User.ID, 2}, people.TokenLeaked: {"", 2}} {
		l, err := w.Broker.Record.Events(t.Context(), w.Admin, record.EventFilter{Action: action}, kernel.Page{Limit: 10})
		n := 0
		for _, e := range l.Items {
			if e.User == c.user {
				n++
			}
		}
		if err != nil || n != c.n {
			t.Errorf("%s: %d events of %q, %v", action, n, c.user, err)
		}
	}
}

// TestS12_EndingIsLimited: who ends what is shown is limited by address.
func TestS12_EndingIsLimited(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.Tokens = people.Limits{FailuresPerMinute: 1}
	w.Restart(t)
	if err := w.Broker.Bearers.End(t.Context(), "wrong"); err != nil {
		t.Error(err)
	}
	if err := w.Broker.Bearers.End(t.Context(), "wrong"); !errors.Is(err, keyhatch.TooMany) {
		t.Error(err)
	}
}

// TestS7_OfTheUserBefore: what was signed of a user who was removed or renamed opens nothing of another
// one who gets the name, whether it was revoked, used or never shown; what is signed later is
// of that one.
func TestS7_OfTheUserBefore(t *testing.T) {
	other := "anne"
	for how, gone := range map[string]func(w *world) error{
		"deleted": func(w *world) error { return w.Broker.People.DeleteUser(w.t.Context(), w.Admin, "ann") },
		"renamed": func(w *world) error {
			_, err := w.Broker.People.UpdateUser(w.t.Context(), w.Admin, "ann", people.UserChange{Name: &other})
			return err
		},
	} {
		t.Run(how, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				w := newWorld(t)
				revoked, used, unused := w.sign("revoked", nil), w.sign("used", nil), w.sign("unused", nil)
				before := w.show(used).User.ID
				ahead := w.sign("ahead", func(a *keyhatch.Assertion) { a.SignedAt = a.SignedAt.Add(time.Minute) })
				if err := w.Broker.People.RevokeToken(t.Context(), w.Admin, w.show(revoked).Token.ID); err != nil {
					t.Fatal(err)
				}
				if err := gone(w); err != nil {
					t.Fatal(err)
				}
				ann := w.User(t, "ann")
				w.Member(t, w.lab, ann, keyhatch.MemberRole)
				w.rules[issuer] = "r"
				w.Restart(t)
				for _, jwt := range []keyhatch.Secret{revoked, unused, ahead} {
					if !w.invalid(jwt) {
						t.Errorf("%s is good", jwt.Reveal())
					}
				}
				if c, err := w.Broker.Bearers.Authenticate(t.Context(), used, ""); err == nil && c.User.ID != before {
					t.Error("what was signed of the one is of the other")
				} else if (err == nil) != (how == "renamed") {
					t.Error(err)
				}
				w.says["revoked"] = func() keyhatch.Assertion { // its rules name somebody else now
					a := w.says["revoked"]
					a.User = "admin"
					return a
				}()
				if !w.invalid(revoked) {
					t.Error("by other rules what was revoked is good again")
				}
				time.Sleep(2 * time.Minute)
				if c := w.show(w.sign("later", nil)); c.User.ID != ann.User.ID {
					t.Error("what is signed of the new one is not of it")
				}
				if err := w.Broker.People.PruneTokens(t.Context()); err != nil || !w.invalid(revoked) || !w.invalid(unused) {
					t.Errorf("it is forgotten before it ends: %v", err)
				}
				time.Sleep(101 * 24 * time.Hour)
				if err := w.Broker.People.PruneTokens(t.Context()); err != nil {
					t.Error(err)
				}
				if left := w.Dump(t, "ended_bearers", "former_names"); len(left["ended_bearers"])+len(left["former_names"]) > 0 {
					t.Errorf("it is kept: %v", left)
				}
			})
		})
	}
}
