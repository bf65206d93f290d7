package policy

import (
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
)

// KeyLeaseFacts is what must be known of the present to say what of a lease is open that
// was borrowed with an access key.
type KeyLeaseFacts interface {
	KeyFacts
	LeaseRevoked(id string) (bool, error)
}

// StandingWithKey tells what is open now of a lease that was borrowed with a pair of the
// key, which works: of each part what the key itself opens now, and no more than was
// lent. Like the key it remembers nothing but that its owner was inactive once: what
// closes to the key and is opened again is open to the lease, too.
//
// The errors are those of Standing; a key that has ended is ErrLeaseRevoked.
func StandingWithKey(l keyhatch.Lease, k keyhatch.AccessKey, facts KeyLeaseFacts, now time.Time) (Set, error) {
	if !now.Before(l.ExpiresAt) {
		return nil, ErrLeaseExpired
	}
	if err := eachLeaseStands(l, facts.LeaseRevoked); err != nil {
		return nil, err
	}
	owner, err := facts.User(k.Owner)
	if err != nil {
		return nil, ended(err)
	}
	if k.Store != l.Store || k.Owner != l.User || owner.ActiveSince.After(l.IssuedAt) {
		return nil, ErrLeaseRevoked
	}
	open, err := StandingKey(k, facts, now)
	if errors.Is(err, ErrKeyEnded) {
		return nil, ErrLeaseRevoked
	}
	return open.lent(l), err
}

// lent is what of the set lies in the parts of a lease, with no more access.
func (s Set) lent(l keyhatch.Lease) (open Set) {
	for _, p := range l.Parts {
		for _, o := range s {
			if o.Bucket != p.Bucket || !o.Prefix.Covers(p.Prefix) {
				continue
			}
			o.Prefix = p.Prefix
			if l.Access != keyhatch.Write && o.Covers(keyhatch.Read) {
				o.Access, o.Locked = keyhatch.Read, nil
			}
			if o.Covers(l.Access) || o.Covers(keyhatch.Read) {
				open = append(open, o)
			}
		}
	}
	return open
}
