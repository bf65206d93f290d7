package policy

import (
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
)

// Facts is what must be known of the present to say what of a lease is open.
// What does not exist is a keyhatch.NotFound error; any other error means that
// the present is not known, and nothing is open.
type Facts interface {
	User(id string) (keyhatch.User, error)
	Token(id string) (keyhatch.Token, error)
	Location(id string) (keyhatch.Location, error)
	// BucketOpen tells whether the bucket of the id is there to be used: it is
	// configured, and its workspace's account on the store is open.
	BucketOpen(id string) (bool, error)
	BucketByName(workspace, name string) (keyhatch.Bucket, error)
	// LocationAround is the location that holds everything below a prefix of the bucket of
	// the id.
	LocationAround(bucket string, prefix keyhatch.Prefix) (keyhatch.Location, error)
	WorkspaceMember(workspace, user string) (keyhatch.WorkspaceMember, error)
	Grant(id string) (keyhatch.Grant, error)
	CircleMember(circle, user string) (keyhatch.CircleMember, error)
	LeaseRevoked(id string) (bool, error)
}

// Why a lease opens nothing at all.
var (
	ErrLeaseExpired = errors.New("the lease has expired")
	ErrLeaseRevoked = errors.New("the lease, its token or its user has ended")
	// ErrLeaseElsewhere: the lease's token is for other networks.
	ErrLeaseElsewhere = errors.New("the lease does not work from here: its token is confined to networks")
)

// Standing tells what of a lease is open now. One rule holds for everything
// that the lease rests on (the leases before it, its user, its token, each part's
// location, grant and membership of the circle that the grant names): it must
// stand, and must have stood without being narrowed since the lease was issued.
// Hence what has ended stays ended, even when the same right is given again. Only a
// bucket or an account that was closed for a while opens again what stood. What
// the lease's session policies take away of what is open is for sessionpolicy.Policies to
// tell.
//
// The error is ErrLeaseExpired, ErrLeaseRevoked, or that of the facts. A part
// that has closed is left out; a locked location's part stays open for reading.
func Standing(l keyhatch.Lease, facts Facts, now time.Time) (Set, error) {
	if !now.Before(l.ExpiresAt) {
		return nil, ErrLeaseExpired
	}
	if err := holderStands(l, facts, now); err != nil {
		return nil, err
	}
	var open Set
	for _, p := range l.Parts {
		o, err := partStands(l, p, facts, now)
		if err != nil {
			return nil, err
		}
		if o.Access != "" {
			open = append(open, o)
		}
	}
	return open, nil
}

func holderStands(l keyhatch.Lease, facts Facts, now time.Time) error {
	if err := eachLeaseStands(l, facts.LeaseRevoked); err != nil {
		return err
	}
	user, err := facts.User(l.User)
	if err != nil {
		return ended(err)
	}
	if !user.Active || user.ActiveSince.After(l.IssuedAt) {
		return ErrLeaseRevoked
	}
	token, err := facts.Token(l.Token)
	if err != nil {
		return ended(err)
	}
	if !token.Live(now) || token.Since.After(l.IssuedAt) {
		return ErrLeaseRevoked
	}
	return nil
}

// eachLeaseStands refuses a lease that was revoked, itself or one before it.
func eachLeaseStands(l keyhatch.Lease, isRevoked func(id string) (bool, error)) error {
	if err := leaseStands(l.ID, isRevoked); err != nil {
		return err
	}
	for _, id := range l.Ancestors {
		if err := leaseStands(id, isRevoked); err != nil {
			return err
		}
	}
	return nil
}

func leaseStands(id string, isRevoked func(id string) (bool, error)) error {
	revoked, err := isRevoked(id)
	if err == nil && revoked {
		err = ErrLeaseRevoked
	}
	return err
}

// partStands returns what of the part is still open: with the lease's access, less
// when its location is locked or was, or with none.
func partStands(l keyhatch.Lease, p keyhatch.Part, facts Facts, now time.Time) (o Open, err error) {
	if l.Presigned {
		in, stands, err := urlStands(l, p, facts)
		if err != nil || !stands {
			return o, err
		}
		if p.Grant == "" {
			if !in.stoodSince(l) {
				return o, nil
			}
			return Open{Bucket: p.Bucket, Prefix: p.Prefix, Access: keyhatch.Read, Confined: in.confined()}, nil
		}
	}
	grant, err := facts.Grant(p.Grant)
	if errors.Is(err, keyhatch.NotFound) {
		return o, nil
	}
	if err != nil {
		return o, err
	}
	if !grant.Live(now) || grant.Since.After(l.IssuedAt) || grant.Location != p.Location ||
		!grant.Access.Covers(l.Access) || !grant.Prefix.Covers(p.Prefix) {
		return o, nil
	}
	reaches, err := reaches(grant.Subject, l, facts)
	if err != nil || !reaches {
		return o, err
	}
	location, err := facts.Location(p.Location)
	if errors.Is(err, keyhatch.NotFound) {
		return o, nil
	}
	if err != nil {
		return o, err
	}
	if location.Store != l.Store || location.BucketName != p.Bucket || !location.Prefix.Covers(p.Prefix) {
		return o, nil
	}
	if open, err := facts.BucketOpen(location.Bucket); err != nil || !open {
		return o, err
	}
	at := ground{location}
	if !at.stoodSince(l) {
		return o, nil
	}
	o = Open{Bucket: p.Bucket, Prefix: p.Prefix, Access: l.Access, Confined: at.confined()}
	if location.Locked && l.Access == keyhatch.Write {
		o.Locked = []keyhatch.Prefix{location.Prefix}
	}
	if location.Locked || location.WritableSince.After(l.IssuedAt) {
		o.Access = keyhatch.Read
	}
	o.ListsBucket, err = listsBucket(l, p, facts)
	return o, err
}

// ground is the location that something lies in; zero: none.
type ground struct{ keyhatch.Location }

// stoodSince tells whether the networks of the location are as wide as when the lease was
// issued, or wider.
func (g ground) stoodSince(l keyhatch.Lease) bool { return !g.NetworksSince.After(l.IssuedAt) }

func (g ground) confined() []Confined {
	if len(g.Networks) == 0 {
		return nil
	}
	return []Confined{{g.Prefix, g.Networks}}
}

// listsBucket tells whether the part lists all of its bucket: it was borrowed so, and the
// bucket's owner has let leases do that ever since.
func listsBucket(l keyhatch.Lease, p keyhatch.Part, facts Facts) (bool, error) {
	if !p.ListsBucket {
		return false, nil
	}
	b, err := facts.BucketByName(l.Workspace, p.Bucket)
	if errors.Is(err, keyhatch.NotFound) {
		return false, nil
	}
	return err == nil && b.Store == l.Store && b.ListsWhole(l.IssuedAt), err
}

// urlStands tells whether a presigned URL of the part works: those of its bucket have not
// been revoked since, and where it rests on no grant its user decides over the bucket. Of
// such a one it also tells where it lies.
func urlStands(l keyhatch.Lease, p keyhatch.Part, facts Facts) (in ground, stands bool, err error) {
	b, err := facts.BucketByName(l.Workspace, p.Bucket)
	if errors.Is(err, keyhatch.NotFound) {
		return in, false, nil
	}
	if err != nil {
		return in, false, err
	}
	if b.Store != l.Store || b.CreatedAt.After(l.IssuedAt) || b.PresignedSince.After(l.IssuedAt) {
		return in, false, nil
	}
	if p.Grant != "" {
		return in, true, nil
	}
	open, err := facts.BucketOpen(b.ID)
	if err != nil || !open {
		return in, false, err
	}
	if stands, err = decidesSince(l, b, facts); err != nil || !stands {
		return in, false, err
	}
	in.Location, err = facts.LocationAround(b.ID, p.Prefix)
	if err != nil && !errors.Is(err, keyhatch.NotFound) {
		return in, false, err
	}
	return in, true, nil
}

// decidesSince tells whether the lease's user decides over the bucket, as who belonged to its
// workspace when the lease was issued.
func decidesSince(l keyhatch.Lease, b keyhatch.Bucket, facts Facts) (bool, error) {
	user, err := facts.User(l.User)
	if err != nil || user.Admin {
		return err == nil, err
	}
	member, err := facts.WorkspaceMember(l.Workspace, l.User)
	if errors.Is(err, keyhatch.NotFound) {
		return false, nil
	}
	if err != nil || member.Since.After(l.IssuedAt) {
		return false, err
	}
	return DecidesOver(b, l.User, member.Role), nil
}

func reaches(s keyhatch.Subject, l keyhatch.Lease, facts Facts) (bool, error) {
	switch s.Kind {
	case keyhatch.SubjectEveryone:
		return true, nil
	case keyhatch.SubjectUser:
		return s.ID == l.User, nil
	case keyhatch.SubjectGroup, keyhatch.SubjectTeamspace:
		member, err := facts.CircleMember(s.ID, l.User)
		if errors.Is(err, keyhatch.NotFound) {
			return false, nil
		}
		return err == nil && !member.Since.After(l.IssuedAt), err
	}
	return false, nil
}

func ended(err error) error {
	if errors.Is(err, keyhatch.NotFound) {
		return ErrLeaseRevoked
	}
	return err
}
