package broker_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/policy"
	"github.com/keyhatch/keyhatch/seal"
)

// TestInstallOnce: an installation is made once; doing it again over one changes
// nothing and gives nobody a token.
func TestInstallOnce(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	kek, err := seal.CreateKeyFile(t.TempDir() + "/key")
	if err != nil {
		t.Fatal(err)
	}
	keysets, err := seal.NewKeysets(kek)
	if err != nil {
		t.Fatal(err)
	}
	before := c.Dump(t)
	_, _, err = broker.Install(t.Context(), c.DB, keysets, c.Keys, "intruder")
	if err == nil {
		t.Error("a second installation was made over the first")
	}
	if diff := gocmp.Diff(before, c.Dump(t)); diff != "" {
		t.Errorf("something was changed:\n%s", diff)
	}
	if _, _, err := broker.Install(t.Context(), c.DB, keysets, c.Keys, "not a name"); !errors.Is(err, keyhatch.Invalid) {
		t.Errorf("an admin without a name: %v", err)
	}
}

// TestS7_ClockPutBack: time goes on from what is on record when the clock was
// put back, even by years: what ends now has not ended before what it ends
// began.
func TestS7_ClockPutBack(t *testing.T) {
	t.Parallel()
	w, member := newSharedLab(t)
	lent, err := w.Broker.Lending.Lease(w.ctx, member, lending.LeaseRequest{Workspace: "lab", Location: "shared", Access: keyhatch.Read})
	w.must(err)
	synctest.Test(t, func(t *testing.T) { // its clock begins in the year 2000
		if time.Now().After(lent.Lease.IssuedAt) {
			t.Fatal("the clock was not put back")
		}
		w.t, w.ctx = t, t.Context()
		w.Restart(t)
		standing := func() error { _, _, err := w.Broker.Lending.Standing(w.ctx, lent.Lease); return err }
		if err := standing(); err != nil {
			t.Errorf("with the clock put back: %v", err)
		}
		// So is one that is lent now: the time of the change was that of the lease
		// once, and it lived again.
		later, err := w.Broker.Lending.Lease(w.ctx, member, lending.LeaseRequest{Workspace: "lab", Location: "shared", Access: keyhatch.Read})
		w.must(err)
		for _, active := range []bool{false, true} {
			w.must(only(w.Broker.People.UpdateUser(w.ctx, w.Admin, member.User.ID, people.UserChange{Active: &active})))
			if err := standing(); !errors.Is(err, policy.ErrLeaseRevoked) {
				t.Errorf("its user is active: %v; the lease: %v", active, err)
			}
			if _, _, err := w.Broker.Lending.Standing(w.ctx, later.Lease); !errors.Is(err, policy.ErrLeaseRevoked) {
				t.Errorf("its user is active: %v; the lease of now: %v", active, err)
			}
		}
	})
}
