package proofs_test

import (
	"context"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/proofs"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
)

// runs has ends of sessions waited for until stop, which returns when none is any more.
func (s *store) runs() (stop func()) {
	ctx, cancel := context.WithCancel(s.t.Context())
	ended := make(chan struct{})
	go func() { defer close(ended); s.Broker.Proofs.Run(ctx) }()
	stop = func() { cancel(); <-ended }
	s.t.Cleanup(stop)
	return stop
}

// last is the newest check of the store's proof.
func (s *store) last() keyhatch.Check {
	s.t.Helper()
	checks := s.now().Proof.Checks
	return checks[len(checks)-1]
}

// TestEndOfASession: what is found after it comes into the proof that it belongs to, and
// takes an acceptance back when the session did not end.
func TestEndOfASession(t *testing.T) {
	t.Parallel()
	s := newStore(t, false)
	s.bucket("lab-one")
	stop := s.runs()
	s.finds = found(keyhatch.Warning)
	s.did(s.verify(proofs.Ask{Wait: true}))
	if c := s.last(); c.Name != driver.AfterExpiry || c.Outcome != keyhatch.Skipped || !strings.Contains(c.Reason, "until 2026-11-23T12:00:00Z") {
		t.Errorf("while it is waited for: %+v", c)
	}
	seen := s.now().Proof.At
	s.did(s.accept(seen))
	s.later <- keyhatch.Check{Name: driver.AfterExpiry, Outcome: keyhatch.Failed, Reason: "it works"}
	stop()
	if p := s.now().Proof; len(p.Checks) != 3 || p.Outcome() != keyhatch.Failed || p.AcceptedBy != "" {
		t.Errorf("a session that did not end: %+v", p)
	}
	_, err := s.accept(seen)
	s.wantCode("accepted what was seen before", err, keyhatch.CodeStoreNotProven)
	// What is found of one proof is not another's.
	stop = s.runs()
	s.finds = found(keyhatch.Passed)
	s.did(s.verify(proofs.Ask{Wait: true}))
	s.did(s.verify(proofs.Ask{}))
	s.later <- keyhatch.Check{Name: driver.AfterExpiry, Outcome: keyhatch.Failed}
	stop()
	if p := s.now().Proof; len(p.Checks) != 2 || p.Outcome() != keyhatch.Passed {
		t.Errorf("a later proof: %+v", p)
	}
}

// TestWhoAskedIsGone: a session that does not end stops a store from lending, though who
// had it tried may do nothing any more; the event names who it was.
func TestWhoAskedIsGone(t *testing.T) {
	t.Parallel()
	s := newStore(t, false)
	s.bucket("lab-one")
	stop := s.runs()
	s.did(s.verify(proofs.Ask{Wait: true}))
	s.did(nil, s.Broker.People.RevokeToken(t.Context(), s.Admin, s.Admin.Token.ID))
	s.later <- keyhatch.Check{Name: driver.AfterExpiry, Outcome: keyhatch.Failed}
	stop()
	found, err := s.DB.Store(t.Context(), s.tried[0].Store.ID)
	if err != nil || found.Proof.Outcome() != keyhatch.Failed {
		t.Errorf("the proof is %+v, %v", found.Proof, err)
	}
	events, err := s.DB.Events(t.Context(), db.EventFilter{}, db.Everything)
	s.did(events, err)
	told := 0
	for _, e := range events {
		if e.Action == proofs.Ended && e.User == s.Admin.User.ID && e.Detail["failed"] == driver.AfterExpiry {
			told++
		}
	}
	if told != 1 {
		t.Errorf("%d events tell that a session did not end: %+v", told, events)
	}
}

// TestEndsThatAreWaitedFor: eight at a time, and not one more as soon as those are begun.
func TestEndsThatAreWaitedFor(t *testing.T) {
	t.Parallel()
	s := newStore(t, false)
	s.bucket("lab-one")
	stop := s.runs()
	for range 8 {
		s.did(s.verify(proofs.Ask{Wait: true}))
		<-s.waits
	}
	s.did(s.verify(proofs.Ask{Wait: true}))
	if c := s.last(); c.Name != driver.AfterExpiry || !strings.Contains(c.Reason, "too many") {
		t.Errorf("the ninth: %+v", c)
	}
	stop()
	s.runs()
	s.did(s.verify(proofs.Ask{Wait: true}))
	if c := s.last(); !strings.Contains(c.Reason, "until") {
		t.Errorf("when the eight have ended: %+v", c)
	}
}
