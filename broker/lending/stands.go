package lending

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/policy"
)

// stillStands refuses what was decided on what has changed since.
func (l loan) stillStands(w *kernel.Work) error {
	if l.key != nil {
		return stillWholeWithKey(w, l.lease)
	}
	if l.lease.Vend != "" && !slices.Equal(w.Caller.Token.Networks, l.ask.From) { // the session keeps them for good
		return standingChanged(nil)
	}
	return stillWhole(w, l.lease, l.parent, l.ask.Networks)
}

// stillWhole refuses a lease of which not every part stands any more, or not as a
// part of its parent, which may be nil. That the lease itself stands is not enough:
// what was taken from the parent and given again before the lease was decided is
// not the parent's any more. networks are those that it was decided with.
func stillWhole(w *kernel.Work, l keyhatch.Lease, parent *keyhatch.Lease, networks map[keyhatch.Part][]netip.Prefix) error {
	open, err := policy.Standing(l, facts{w.View, l.ID}, w.Now)
	whole := err == nil && len(open) == len(l.Parts)
	for _, o := range open {
		whole = whole && o.Access == l.Access
	}
	for i := 0; whole && parent != nil && i < len(l.Parts); i++ {
		whole, err = partOf(*parent, l.Parts[i], l.Access, facts{w.View, l.ID}, w.Now)
	}
	if err != nil && !errors.Is(err, policy.ErrLeaseRevoked) && !errors.Is(err, policy.ErrLeaseExpired) {
		return err
	}
	if whole { // the limits of its life may have come nearer, too
		if whole, err = withinLimits(w, l, networks); err != nil {
			return err
		}
	}
	if !whole {
		return standingChanged(err)
	}
	return nil
}

func standingChanged(cause error) error {
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeStandingChanged,
		"your rights changed while the lease was being made: ask again").Because(cause)
}

// partOf tells whether the part lies in one of the lease's that rests on the same
// grant and is open now with the access.
func partOf(l keyhatch.Lease, p keyhatch.Part, access keyhatch.Access, f policy.Facts, now time.Time) (bool, error) {
	parts := slices.DeleteFunc(slices.Clone(l.Parts), func(q keyhatch.Part) bool {
		return q.Bucket != p.Bucket || q.Location != p.Location || q.Grant != p.Grant
	})
	l.Parts = parts
	open, err := policy.Standing(l, f, now)
	return open.Covers(access, p), err
}

// withinLimits tells whether the lease ends no later than everything that it
// rests on allows, and was decided with the networks that its locations have. That those
// are not narrower since then is not enough: the memory that it was decided from may have
// been behind, and what a store has minted is confined to those for ever.
func withinLimits(w *kernel.Work, l keyhatch.Lease, networks map[keyhatch.Part][]netip.Prefix) (bool, error) {
	ends := []time.Time{w.Caller.Token.ExpiresAt}
	for _, p := range l.Parts {
		if l.Presigned {
			b, err := w.BucketByName(w.Ctx, l.Workspace, p.Bucket)
			if err != nil {
				return false, err
			}
			if ends = append(ends, l.IssuedAt.Add(b.MaxPresigned)); p.Grant == "" {
				around, err := w.LocationAround(w.Ctx, b.ID, p.Prefix)
				if errors.Is(err, keyhatch.NotFound) {
					continue
				}
				if err != nil {
					return false, err
				}
				if met, err := meets(w, around, networks[p]); err != nil || !met {
					return false, err
				}
				continue
			}
		}
		grant, err := w.Grant(w.Ctx, p.Grant)
		if err != nil {
			return false, err
		}
		location, err := w.Location(w.Ctx, p.Location)
		if err != nil {
			return false, err
		}
		if met, err := meets(w, location, networks[p]); err != nil || !met {
			return false, err
		}
		if p.ListsBucket && l.Vend != "" {
			all, err := w.LocationsOfBucket(w.Ctx, location.Bucket)
			if err != nil || confinesBeside(all, location) {
				return false, err
			}
		}
		ends = append(ends, grant.ExpiresAt, l.IssuedAt.Add(location.MaxLease))
	}
	return endsBy(l, ends), nil
}

// endsBy tells whether the lease ends no later than any of the times; zero is none. What a
// store minted ends by the store's clock.
func endsBy(l keyhatch.Lease, ends []time.Time) bool {
	end := l.ExpiresAt
	if l.Vend != "" {
		end = end.Add(-driver.ClocksMayBeApart)
	}
	return !slices.ContainsFunc(ends, func(latest time.Time) bool { return !latest.IsZero() && end.After(latest) })
}

// facts are policy.Facts from the transaction in which a lease is made.
type facts struct {
	v      kernel.View
	making string // the lease's id
}

func (f facts) User(id string) (keyhatch.User, error)         { return f.v.User(f.v.Ctx, id) }
func (f facts) Token(id string) (keyhatch.Token, error)       { return f.v.Token(f.v.Ctx, id) }
func (f facts) Location(id string) (keyhatch.Location, error) { return f.v.Location(f.v.Ctx, id) }
func (f facts) BucketOpen(id string) (bool, error) {
	b, err := f.v.Bucket(f.v.Ctx, id)
	if err != nil {
		return false, err
	}
	a, err := f.v.StoreAccountOn(f.v.Ctx, b.Workspace, b.Store)
	return b.State == keyhatch.BucketConfigured && a.State.Opens(), err
}

func (f facts) LocationAround(bucket string, prefix keyhatch.Prefix) (keyhatch.Location, error) {
	return f.v.LocationAround(f.v.Ctx, bucket, prefix)
}

func (f facts) BucketByName(workspace, name string) (keyhatch.Bucket, error) {
	return f.v.BucketByName(f.v.Ctx, workspace, name)
}

func (f facts) WorkspaceMember(workspace, user string) (keyhatch.WorkspaceMember, error) {
	return f.v.WorkspaceMember(f.v.Ctx, workspace, user)
}
func (f facts) Grant(id string) (keyhatch.Grant, error) { return f.v.Grant(f.v.Ctx, id) }
func (f facts) CircleMember(circle, user string) (keyhatch.CircleMember, error) {
	return f.v.CircleMember(f.v.Ctx, circle, user)
}

// LeaseRevoked: the lease itself is not even recorded yet. One before it that is
// not on record never was a lease.
func (f facts) LeaseRevoked(id string) (bool, error) {
	if id == f.making {
		return false, nil
	}
	l, err := f.v.Lease(f.v.Ctx, id)
	if errors.Is(err, keyhatch.NotFound) {
		return true, nil
	}
	return !l.RevokedAt.IsZero(), err
}
