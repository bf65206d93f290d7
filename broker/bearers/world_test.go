package bearers_test

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
)

// signed are the signed tokens that are good, by their text, as their issuer's rules read
// them.
type signed struct {
	says  map[keyhatch.Secret]keyhatch.Assertion
	rules map[string]string

	mu      sync.Mutex
	checked int           // how often one was
	hold    chan struct{} // until it is closed, none is; nil: at once
}

func (s *signed) Verify(_ context.Context, jwt keyhatch.Secret, now time.Time) (keyhatch.Assertion, error) {
	s.mu.Lock()
	s.checked++
	s.mu.Unlock()
	if s.hold != nil {
		<-s.hold
	}
	a, ok := s.says[jwt]
	if !ok || !now.Before(a.ExpiresAt) {
		return keyhatch.Assertion{}, keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid, "no")
	}
	a.Rules = s.rules[a.Issuer]
	return a, nil
}

func (s *signed) Rules() map[string]string { return s.rules }

const issuer = "https://issuer.test"

// world is a core with an issuer: ann is in the workspaces lab and archive, and may read a
// location of each.
type world struct {
	*coretest.Core
	*signed
	t            *testing.T
	log          *logged.Text
	ann          keyhatch.Caller
	lab, archive keyhatch.Workspace
	location     keyhatch.Location
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Core: coretest.New(t), signed: &signed{says: map[keyhatch.Secret]keyhatch.Assertion{}, rules: map[string]string{issuer: "r"}}, t: t, log: &logged.Text{}}
	w.Issuers, w.Log = w.signed, slog.New(slog.NewTextHandler(w.log, nil))
	w.Restart(t)
	w.lab, w.archive = w.Workspace(t, "lab"), w.Workspace(t, "archive")
	w.ann = w.User(t, "ann")
	for _, ws := range []keyhatch.Workspace{w.lab, w.archive} {
		w.Member(t, ws, w.ann, keyhatch.MemberRole)
	}
	w.location = w.Location(t, w.lab, "s3://lab-data/alpha/")
	w.Grant(t, w.location, w.ann, keyhatch.Read)
	return w
}

// sign makes the issuer say something about ann, for an hour.
func (w *world) sign(text keyhatch.Secret, change func(*keyhatch.Assertion)) keyhatch.Secret {
	a := keyhatch.Assertion{
		Issuer: issuer, Subject: "repo:acme", User: "ann", Workspaces: []string{"lab"}, Scopes: []keyhatch.Scope{"all"},
		SignedAt: time.Now().Truncate(time.Second), ExpiresAt: time.Now().Add(time.Hour).Truncate(time.Second), JWTID: "j-" + text.Reveal(), Signed: text,
	}
	if change != nil {
		change(&a)
	}
	w.says[text] = a
	return text
}

func (w *world) show(jwt keyhatch.Secret) keyhatch.Caller {
	w.t.Helper()
	c, err := w.Broker.Bearers.Authenticate(w.t.Context(), jwt, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return c
}

// invalid tells whether a signed token is refused as every token is that does not work.
func (w *world) invalid(jwt keyhatch.Secret) bool {
	w.t.Helper()
	c, err := w.Broker.Bearers.Authenticate(w.t.Context(), jwt, "")
	_, want := w.Broker.People.Authenticate(w.t.Context(), keyhatch.NewTokenSecret())
	var got, like *keyhatch.Error
	if err == nil {
		return false
	}
	if !errors.As(err, &got) || !errors.As(want, &like) || got.Error() != like.Error() || got.Code != like.Code || c.User.ID != "" {
		w.t.Errorf("it is told apart: %v, not %v", err, want)
	}
	return true
}

func (w *world) lend(c keyhatch.Caller) (keyhatch.Lease, error) {
	lent, err := w.Broker.Lending.Lease(w.t.Context(), c, lending.LeaseRequest{Location: w.location.ID, Access: keyhatch.Read})
	return lent.Lease, err
}

func (w *world) mustLend(c keyhatch.Caller) keyhatch.Lease {
	w.t.Helper()
	l, err := w.lend(c)
	if err != nil {
		w.t.Fatal(err)
	}
	return l
}

// stands tells whether a lease is open.
func (w *world) stands(l keyhatch.Lease) bool {
	_, _, err := w.Broker.Lending.Standing(w.t.Context(), l)
	return err == nil
}
