package keyhatch

import (
	"slices"
	"time"
)

// Proof is what was found when it was tried whether a store confines the sessions that its
// token service mints.
type Proof struct {
	At     time.Time `json:"at"`
	By     string    `json:"by"`     // user id
	Bucket string    `json:"bucket"` // name of the one that it was tried in
	// With says as what kind of authority, and where: sessions of another kind, or of
	// another token service, are not proven by it.
	With   string  `json:"with"`
	Checks []Check `json:"checks"`
	// AcceptedBy has the store lend although something failed, or is a weakness; empty:
	// nobody has.
	AcceptedBy string    `json:"accepted_by,omitempty"` // user id
	AcceptedAt time.Time `json:"accepted_at,omitzero"`
}

// ProvenWith is what a proof of sessions of the authority says that it is with.
func ProvenWith(a Authority) string {
	return string(a.Provider) + " " + string(a.Kind) + " " + a.Endpoint
}

// Outcome is that of the check that came out worst: a Warning is a weakness of the store.
func (p *Proof) Outcome() Outcome {
	for _, bad := range []Outcome{Failed, Warning} {
		if slices.ContainsFunc(p.Checks, func(c Check) bool { return c.Outcome == bad }) {
			return bad
		}
	}
	return Passed
}

// MayLend refuses sessions of a store that was not proven to confine those of the
// authority, unless somebody who may has accepted that by name (S8).
func (p *Proof) MayLend(a Authority) error {
	switch {
	case p == nil || p.With != ProvenWith(a):
		return Fail(Conflict, CodeStoreNotProven, "this store lends nothing until it is proven that it confines its sessions: who manages it has that tried (keyhatch store verify)")
	case p.AcceptedBy != "" || p.Outcome() == Passed:
		return nil
	}
	return Fail(Conflict, CodeStoreNotProven, "this store lends nothing: it did not pass when it was tried whether it confines its sessions; who manages it can see how (keyhatch store show)")
}
