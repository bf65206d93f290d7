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
	// With says as what it was tried (driver.Acting.With): what acts otherwise is not proven
	// by it.
	With   string  `json:"with"`
	Checks []Check `json:"checks"`
	// AcceptedBy has the store lend although something failed, or is a weakness; empty:
	// nobody has.
	AcceptedBy string    `json:"accepted_by,omitempty"` // user id
	AcceptedAt time.Time `json:"accepted_at,omitzero"`
}

// ProvenBy is another one whenever stores have to be verified again, since what was found
// before is not enough any more: as when attempts are added that a store may not pass, or
// session policies close more.
//
// 2: keys that lead elsewhere by "." or by "..", as their end. 3: that no other bucket was
// tried is a weakness.
const ProvenBy = "3"

// ExternalID is the check whether a role asks for its external id.
const ExternalID = "external_id"

// NetworkChecks are whether the store holds sessions that are for networks to those. What
// lends sessions for everywhere does not need them: they count for locations and tokens that
// have networks.
var NetworkChecks = []string{"from_here", "from_elsewhere", "from_forged_address"}

// Outcome is that of the check that came out worst: a Warning is a weakness of the store.
func (p *Proof) Outcome() Outcome {
	for _, bad := range []Outcome{Failed, Warning} {
		if slices.ContainsFunc(p.Checks, func(c Check) bool { return c.Outcome == bad && !slices.Contains(NetworkChecks, c.Name) }) {
			return bad
		}
	}
	return Passed
}

// Networks is the outcome of NetworkChecks that came out worst; Skipped when they were not
// made.
func (p *Proof) Networks() Outcome {
	found := 0
	worst := Passed
	for _, c := range p.Checks {
		if !slices.Contains(NetworkChecks, c.Name) {
			continue
		}
		found++
		if c.Outcome != Passed && worst != Failed {
			worst = c.Outcome
		}
	}
	if found < len(NetworkChecks) {
		return Skipped
	}
	return worst
}

// MayConfine refuses sessions for networks of a store that was not found to hold them to
// those, unless somebody who may has accepted that. MayLend is for the caller to ask.
func (p *Proof) MayConfine() error {
	switch outcome := p.Networks(); {
	case outcome == Skipped:
		return Fail(Conflict, CodeStoreNotProven, "the location or the token is for certain networks, and it was not tried yet whether the store holds sessions to such: who manages the store has that tried (keyhatch store verify)")
	case outcome == Passed || p.AcceptedBy != "":
		return nil
	}
	return Fail(Conflict, CodeStoreNotProven, "the location or the token is for certain networks, and the store does not hold sessions to such: who manages the store can see how (keyhatch store show), and mend or accept it")
}

// MayLend refuses sessions of a store that was not proven to confine what acts, unless
// somebody who may has accepted that by name (S8). With asksExternalID a role has to have
// been found to ask for its external id, which nobody accepts for it: else who knows a role
// of others that trusts us would have us act as it.
func (p *Proof) MayLend(with string, asksExternalID bool) error {
	switch {
	case p == nil || p.With != with:
		return Fail(Conflict, CodeStoreNotProven, "this store lends nothing until it is proven that it confines its sessions: who manages it has that tried (keyhatch store verify)")
	case asksExternalID && !slices.ContainsFunc(p.Checks, func(c Check) bool { return c.Name == ExternalID && c.Outcome == Passed }):
		return Fail(Conflict, CodeStoreNotProven, "this store lends nothing: it was not found that its role asks for its external id; its trust policy has to, or an installation admin allows the role without (keyhatch credential update --any-external-id)")
	case p.AcceptedBy != "" || p.Outcome() == Passed:
		return nil
	}
	return Fail(Conflict, CodeStoreNotProven, "this store lends nothing: it did not pass when it was tried whether it confines its sessions; who manages it can see how (keyhatch store show)")
}
