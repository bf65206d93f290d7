package lending_test

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// wantEnded checks for one of the two refusals of who lost its right in between.
func wantEnded(t *testing.T, what string, err error) {
	t.Helper()
	var e *keyhatch.Error
	if errors.As(err, &e) {
		switch {
		case e.Kind == keyhatch.Unauthenticated && e.Code == keyhatch.CodeTokenInvalid,
			e.Kind == keyhatch.Forbidden && (e.Code == keyhatch.CodeStandingChanged || e.Code == keyhatch.CodeAccessNotGranted || e.Code == keyhatch.CodeOutsideNetworks),
			e.Kind == keyhatch.NotFound && e.Code == keyhatch.CodeLocationNotFound,
			e.Kind == keyhatch.Conflict && e.Code == keyhatch.CodeLocationLocked:
			return
		}
	}
	t.Errorf("%s: got %v, want a refusal", what, err)
}

// between is our own lender that does something before it lends: after the
// lease was decided, and before it is recorded.
type between struct {
	driver.Lender
	do func()
}

func (b between) Lend(ctx context.Context, r driver.LendRequest) (driver.Vended, error) {
	b.do()
	return b.Lender.Lend(ctx, r)
}

// TestS1_EndedBetweenDecisionAndRecord: a right that ends after the lease was
// decided and before it is recorded leaves no lease and no secret.
func TestS1_EndedBetweenDecisionAndRecord(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	for _, e := range endings {
		if !e.takesRight() {
			continue
		}
		s := newStake(t, c, ws, e.name, e.by, e.access)
		w := &lab{Core: c, t: t}
		leases := w.leases()
		b := c.With(lenders(c, func(own driver.Lender) driver.Lender { return between{own, func() { e.end(s) }} }))
		core := *c
		core.Broker = b
		w.Core = &core
		lent, err := w.lease(s.user, s.location.ID, e.access)
		wantEnded(t, e.name, err)
		if lent.Credentials.SecretAccessKey != "" || lent.Credentials.SessionToken != "" {
			t.Errorf("%s: the secret left with the error", e.name)
		}
		if now := w.leases(); now != leases {
			t.Errorf("%s: %d leases were recorded", e.name, now-leases)
		}
	}
}

// TestS7_RacesWithLease: when a right ends while leases are borrowed, each
// borrower gets an error or a lease that is dead when the ending is done, never
// an open one.
func TestS7_RacesWithLease(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	const borrowers, each = 4, 3
	for round, lentBefore := range []int{1, 5} {
		for _, e := range endings {
			if !e.takesRight() {
				continue
			}
			s := newStake(t, c, ws, fmt.Sprintf("%s-%d", e.name, round), e.by, e.access)
			w := &lab{Core: c, t: t}
			leases := make(chan keyhatch.Lease, borrowers*each)
			begin := make(chan struct{})
			var lent atomic.Int32
			var all sync.WaitGroup
			for range borrowers {
				all.Go(func() {
					for range each {
						l, err := w.lease(s.user, s.location.ID, e.access)
						if err != nil {
							wantEnded(t, e.name, err)
							continue
						}
						leases <- l.Lease
						if lent.Add(1) == int32(lentBefore) {
							close(begin)
						}
					}
				})
			}
			<-begin
			e.end(s)
			all.Wait()
			close(leases)
			for l := range leases {
				if got := w.standing(l); got != e.is {
					t.Errorf("%s: a lease from before is %q, want %q", e.name, got, e.is)
				}
			}
		}
	}
}
