package bearers_test

import (
	"errors"
	"testing"

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
