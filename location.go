package keyhatch

import (
	"net/netip"
	"time"
)

// Limits of a lease's life.
const (
	MinLeaseLife        = 15 * time.Minute   // what every STS has as its least
	DefaultLeaseLife    = time.Hour          // when nothing is asked
	DefaultMaxLeaseLife = 12 * time.Hour     // of a location that says nothing else
	LongestMaxLeaseLife = 7 * 24 * time.Hour // the most that a location can say
)

// CheckMaxLease holds the limits of a location's longest lease. least is the shortest
// lease: MinLeaseLife but in tests.
func CheckMaxLease(d, least time.Duration) error {
	if d < least || d > LongestMaxLeaseLife {
		return Fail(Invalid, CodeInvalidDuration, "a location's longest lease is %d to %d seconds",
			int(least.Seconds()), int(LongestMaxLeaseLife.Seconds())).In("max_lease_seconds")
	}
	return nil
}

// Location is a named, owned prefix in a bucket. Locations never overlap.
type Location struct {
	ID         string
	Workspace  string
	Store      string // id of the bucket's store
	Bucket     string // id
	BucketName string
	Prefix     Prefix
	Name       string // unique in the workspace
	Teamspace  string // whose it is; empty: the workspace's. It gives nobody anything: grants do
	Default    bool   // the one of its teamspace or workspace
	Owner      string // user id; may grant on it
	Locked     bool   // no writes, whatever the grants say
	// LockPending: it is locked, and there are access keys that the location's store
	// keeps itself and that it has not been told yet, or not confirmed, to close.
	LockPending bool
	// WritableSince is when it was made or last unlocked; write leases of an
	// earlier time stay closed for writing.
	WritableSince time.Time
	MaxLease      time.Duration
	// KMSKey is the ARN of the KMS key that its objects are encrypted with, which sessions
	// of its store may then use; empty: none that they have to name.
	KMSKey string
	// SharedSessions: a session that its store minted for one user serves others that may
	// have the same. The store's own record then does not tell who did what.
	SharedSessions bool
	// Networks are those from which what is in it may be reached with what was lent of it;
	// none: from everywhere.
	Networks []netip.Prefix
	// NetworksSince is when Networks were last narrowed; leases of an earlier time do not
	// open it any more.
	NetworksSince time.Time
	// Terms is the version of the terms that have to be accepted before something of it is
	// lent; empty: none have to.
	Terms string
	// Release is how far publishing what is in it has come. While that is on, it is
	// locked.
	Release   Release
	CreatedAt time.Time
}

// Release tells how far publishing the data of a location has come.
type Release string

// The states of it. In the last two nothing is to change any more.
const (
	NotReleased    Release = ""
	ReleasePending Release = "pending" // it is being reviewed
	Released       Release = "released"
)

// ParseRelease reads what people write: none, pending or released.
func ParseRelease(s string) (Release, error) {
	switch r := Release(s); r {
	case "none":
		return NotReleased, nil
	case ReleasePending, Released:
		return r, nil
	}
	return "", Fail(Invalid, CodeInvalidRequest, "it is none, pending or released").In("release")
}

// String is as people write it.
func (r Release) String() string {
	if r == NotReleased {
		return "none"
	}
	return string(r)
}

// URL is the location's s3:// address.
func (l Location) URL() S3URL { return S3URL{Bucket: l.BucketName, Prefix: l.Prefix} }
