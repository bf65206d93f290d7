package driver

import (
	"context"
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
	// its expiry, and nothing else. A lender that cannot confine them so
	// refuses; it never hands out the authority that it mints with. Nothing may
	// leave the process before the lease is recorded.
	Lend(ctx context.Context, store keyhatch.Store, lease keyhatch.Lease) (keyhatch.Credentials, error)
}
