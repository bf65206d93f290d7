package driver

import (
	"context"
	"net/netip"
	"time"

	"github.com/keyhatch/keyhatch"
)

// Capabilities says what a driver's leases can be.
type Capabilities struct {
	Revocation  keyhatch.Revocation
	MinLife     time.Duration // zero: as short as the broker lets it be
	MaxLife     time.Duration
	MaxPrefixes int // in one lease
}

// Lender mints the credentials of leases.
type Lender interface {
	Capabilities() Capabilities

	// Lend mints credentials that open the lease's parts with its access until
	// its expiry, and nothing else; what they really expire is in them. A lender that
	// cannot confine them so refuses; it never hands out the authority that it mints
	// with. Nothing may leave the process before the lease is recorded. A lender whose
	// leases are revoked at once needs Store and Lease alone.
	Lend(ctx context.Context, r LendRequest) (Vended, error)
}

// Ender is a Lender that may lend what one lease has to others too.
type Ender interface {
	// End has what the lease was lent handed to nobody any more.
	End(l keyhatch.Lease)
}

// LendRequest asks for the credentials of a lease.
type LendRequest struct {
	Store keyhatch.Store
	Lease keyhatch.Lease
	// User is the name of whom they are for, and Client what that works with, for the
	// store's own record; Client may be empty.
	User, Client string
	// Unasked: how long the lease lasts was nobody's wish, and it may be shorter.
	Unasked bool
	// Least is how long the credentials have to last at least; zero: as long as the lease.
	Least time.Duration
	// Latest is when they have to have ended, as location, grants and token say.
	Latest time.Time
	// KMSKeys are ARNs of the keys that the objects are encrypted with.
	KMSKeys []string
	// Networks are those from which what a part of the lease opens may be used; a part
	// that is not there: from everywhere. Our own S3 endpoint knows them at each request.
	Networks map[keyhatch.Part][]netip.Prefix
	// From are those from which any of it may be used, which are its token's; empty: from
	// everywhere.
	From []netip.Prefix
	// Shared: they may be handed to other users too that may have the same.
	Shared bool
}

// ClocksMayBeApart is how much a store's time may differ from ours, and it counts from when
// it was asked: credentials may seem to end so much earlier or later than they were asked to.
const ClocksMayBeApart = time.Minute
