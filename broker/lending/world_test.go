package lending_test

import (
	"errors"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/policy"
)

// lab is a small world: ann, who belongs nowhere, may write location alpha of
// workspace lab.
type lab struct {
	*coretest.Core
	t        *testing.T
	ws       keyhatch.Workspace
	location keyhatch.Location
	grant    keyhatch.Grant
	ann      keyhatch.Caller
}

func newLab(t *testing.T) *lab {
	t.Helper()
	w := &lab{Core: coretest.New(t), t: t}
	w.ws = w.Workspace(t, "lab")
	w.location = w.Location(t, w.ws, "s3://lab-data/alpha/")
	w.ann = w.User(t, "ann")
	w.grant = w.Grant(t, w.location, w.ann, keyhatch.Write)
	return w
}

func (w *lab) lease(c keyhatch.Caller, location string, access keyhatch.Access, prefixes ...string) (lending.Lent, error) {
	return w.Broker.Lending.Lease(w.t.Context(), c, lending.LeaseRequest{Location: location, Access: access, Prefixes: prefixes})
}

// standing is what of the lease is open: nothing, "read" or "write" for a lease
// of one prefix, else the error.
func (w *lab) standing(l keyhatch.Lease) string {
	w.t.Helper()
	open, _, err := w.Broker.Lending.Standing(w.t.Context(), l)
	switch {
	case errors.Is(err, policy.ErrLeaseRevoked) && len(open) == 0:
		return "revoked"
	case err != nil:
		w.t.Fatalf("standing: %v, %v", open, err)
	case len(open) == 0:
		return "closed"
	}
	return string(open[0].Access)
}

// leases counts those on record.
func (w *lab) leases() int {
	w.t.Helper()
	return len(get[[]keyhatch.Lease](w.t)(w.DB.Leases(w.t.Context(), db.LeaseFilter{}, db.Everything)))
}

// did stops the test when a use case fails.
func did(t *testing.T) func(any, error) {
	return func(_ any, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
}

// get stops the test when a use case fails, and gives its answer.
func get[T any](t *testing.T) func(T, error) T {
	return func(v T, err error) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// The kinds of refusals, as tables have them.
const invalid, forbidden, notFound, conflict = keyhatch.Invalid, keyhatch.Forbidden, keyhatch.NotFound, keyhatch.Conflict

func wantFail(t *testing.T, what string, err error, kind keyhatch.Kind, code keyhatch.Code, field string) {
	t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code || e.Field != field {
		t.Errorf("%s: got %#v, want %s, %s in %q", what, err, kind, code, field)
	}
}
