package dbtest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// testTerms: a text stays readable when the location has another, it is accepted once, and all
// of it goes with the location; what a user accepted goes with the user. Each is in the feed.
func testTerms(t *testing.T, s *suite) {
	w, other := s.world(), s.NewUser()
	terms := func(version string) keyhatch.Terms {
		return keyhatch.Terms{Location: w.location.ID, Workspace: w.ws.ID, Version: version, Title: "Ü " + version, Text: "a\nb", SetBy: w.user.ID, SetAt: s.Now()}
	}
	first, second := terms("1"), terms("2")
	accept := func(user, version string, at time.Time) (isNew bool) {
		s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
			isNew, err = tx.InsertAcceptance(ctx, keyhatch.Acceptance{Location: w.location.ID, Workspace: w.ws.ID, User: user, Version: version, At: at})
			return err
		})
		return isNew
	}
	lines := func() (n int) {
		for _, c := range ground.OK[[]db.Change](t)(s.ChangesAfter(s.Ctx(), 0)) {
			if c.Kind == db.TermsAccepted && c.ID == w.location.ID+db.PairSeparator+other.ID && c.Workspace == w.ws.ID {
				n++
			}
		}
		return n
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return errors.Join(tx.InsertUser(ctx, other), tx.PutTerms(ctx, first), tx.PutTerms(ctx, second))
	})
	first.SetBy, first.SetAt = other.ID, s.Now().Add(time.Second) // the same once more
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutTerms(ctx, first) })
	for _, want := range []keyhatch.Terms{first, second} {
		if diff := cmp.Diff(want, ground.OK[keyhatch.Terms](t)(s.Terms(s.Ctx(), w.location.ID, want.Version))); diff != "" {
			t.Error(diff)
		}
	}
	_, err := s.Terms(s.Ctx(), w.location.ID, "3")
	ground.WantFail(t, "another version", err, keyhatch.NotFound, keyhatch.CodeTermsNotFound)

	at := s.Now()
	if !accept(other.ID, "1", at) || !accept(other.ID, "2", at.Add(time.Second)) || !accept(w.user.ID, "1", at) {
		t.Error("what is accepted for the first time is not new")
	}
	if accept(other.ID, "1", at.Add(time.Minute)) {
		t.Error("what is accepted again is new")
	}
	if got := ground.OK[[]keyhatch.Acceptance](t)(s.AcceptedBy(s.Ctx(), w.location.ID, other.ID)); len(got) != 2 || got[0].Version != "2" || !got[1].At.Equal(at) || got[1].Workspace != w.ws.ID {
		t.Errorf("accepted is %+v", got)
	}
	who := func(after string, limit int) (out []string) {
		for _, a := range ground.OK[[]keyhatch.Acceptance](t)(s.Acceptances(s.Ctx(), w.location.ID, "1", db.Page{After: after, Limit: limit})) {
			out = append(out, a.User)
		}
		return out
	}
	both := []string{w.user.ID, other.ID}
	slices.Sort(both)
	if got := who("", 10); !slices.Equal(got, both) {
		t.Errorf("it was accepted by %s", got)
	}
	if got := who(both[0], 1); !slices.Equal(got, both[1:]) {
		t.Errorf("on the second page are %s", got)
	}
	if got := lines(); got != 2 {
		t.Errorf("the feed has %d lines", got)
	}

	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, other.ID) })
	if got := who("", 10); !slices.Equal(got, []string{w.user.ID}) || lines() != 4 {
		t.Errorf("without the user, it was accepted by %s, and the feed has %d lines", got, lines())
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		_, err := tx.DeleteLocation(ctx, w.location)
		return err
	})
	_, err = s.Terms(s.Ctx(), w.location.ID, "2")
	ground.WantFail(t, "without the location", err, keyhatch.NotFound, keyhatch.CodeTermsNotFound)
	if got := who("", 10); len(got) != 0 {
		t.Errorf("without the location, it was accepted by %s", got)
	}
}
