package drivertest

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver"
)

// Site is a store with leases on it, as the matrix needs it.
type Site struct {
	// Store reaches what is behind the leases with the rights to everything: to
	// put objects there and to look at the truth afterwards.
	Store *s3.Client
	// Bucket and Other are two buckets that exist. Leases are borrowed in
	// Bucket; whoever borrows could as well have borrowed in Other. What the
	// matrix writes lies below prefixes of its own, and stays.
	Bucket, Other string

	// UploadID is what a lease calls an upload to the bucket that the store calls
	// id. Nil: the same.
	UploadID func(bucket, id string) string
	// Buckets names the buckets that there are, if Store cannot.
	Buckets func(context.Context) ([]string, error)

	// Lend borrows one lease. It is called by several rows at once.
	Lend func(context.Context, Ask) (Lent, error)
	// Capabilities are the driver's. Rows hold it to them.
	Capabilities driver.Capabilities
	// ShortestLife is the shortest life that Lend takes. Zero: the
	// Capabilities' MinLife. Rows that wait for the end of a lease are left out
	// when it is longer than longestWait.
	ShortestLife time.Duration
	// ExpiryCode is the error code that an expired lease must be refused with.
	// Only ExpiredToken makes SDKs ask for another lease. Empty: any refusal.
	ExpiryCode string

	// Lacks says what is not to be had here, and why.
	Lacks map[Feature]string
	// Differs are rows that do not hold here, by their names, with the reason: what the
	// store does wrongly whoever stands before it, and no driver can mend. One that
	// holds all the same is a fault.
	Differs map[string]string
	// OneByOne is for a store that several rows must not use at once.
	OneByOne bool
}

// Ask is what a lease is asked for.
type Ask struct {
	Access   keyhatch.Access
	Bucket   string
	Prefixes []keyhatch.Prefix // one, empty, is the whole bucket
	Life     time.Duration     // zero: any that is long enough for a test
}

// Lent is a lease.
type Lent struct {
	keyhatch.Credentials
	// End revokes it. It may be nil where Capabilities promise no revocation.
	End func(context.Context) error
}

// Feature is something that not every store or driver has.
type Feature string

// The features. Where one is lacking, what needs it must be refused instead,
// unless something else is said here.
const (
	BatchDelete      Feature = "DeleteObjects"
	ObjectAttributes Feature = "GetObjectAttributes"
	ObjectVersions   Feature = "ListObjectVersions"
	UploadLists      Feature = "ListMultipartUploads"
	Tagging          Feature = "tagging"

	// OddPrefixes are those that hold what means something in an IAM pattern. A
	// driver that cannot confine a lease to such a one must refuse to lend it;
	// what it lends all the same is held to everything.
	OddPrefixes Feature = "prefixes with * ? $"
	// MissingKeys: inside the lease, a key that does not exist is told by 404.
	// Lacking, it is 403, as from stores that find the right to list undecided
	// without a prefix.
	MissingKeys Feature = "404 for a missing key"
	// QuietUntagging: an object stays as it is when its tags go. Lacking, lists
	// show it changed.
	QuietUntagging Feature = "objects that their tags leave alone"
	// MissingUploads: an upload that does not exist is told by 404. Lacking, it
	// is a failure of the store.
	MissingUploads Feature = "404 for a missing upload"
	// RegionCheck: a signature for another region is refused. Lacking, it is
	// let through.
	RegionCheck Feature = "the signature's region"
	// NoPublicObjects: an object cannot be opened to everybody while it is
	// uploaded. Lacking, the wish is passed over in silence.
	NoPublicObjects Feature = "refusal of public ACLs"

	// These two follow from Capabilities and ShortestLife. Rows that need them
	// cannot be tried without.
	ShortLives Feature = "short leases"
	Revocation Feature = "immediate revocation"
)

// LongestWait is how long a row may wait for a lease to expire.
const LongestWait = 20 * time.Second

// buckets are the names of those that there are.
func (s Site) buckets(ctx context.Context) ([]string, error) {
	if s.Buckets != nil {
		return s.Buckets(ctx)
	}
	list, err := s.Store.ListBuckets(ctx, &s3.ListBucketsInput{})
	if err != nil {
		return nil, err
	}
	names := make([]string, len(list.Buckets))
	for i, b := range list.Buckets {
		names[i] = aws.ToString(b.Name)
	}
	return names, nil
}

// lack tells why the site does not have the feature, or "".
func (s Site) lack(f Feature) string {
	switch {
	case f == "":
		return ""
	case f == ShortLives && s.shortLife() > LongestWait:
		return fmt.Sprintf("the shortest lease lasts %s", s.shortLife())
	case f == Revocation && s.Capabilities.Revocation != keyhatch.RevokeImmediate:
		return fmt.Sprintf("the driver promises %q", s.Capabilities.Revocation)
	}
	return s.Lacks[f]
}

func (s Site) shortLife() time.Duration {
	if s.ShortestLife != 0 {
		return s.ShortestLife
	}
	return s.Capabilities.MinLife
}

// Check tells what is missing of the site itself.
func (s Site) Check() error {
	switch {
	case s.Store == nil || s.Lend == nil:
		return errors.New("the site needs a Store and Lend")
	case s.Bucket == "" || s.Other == "" || s.Bucket == s.Other:
		return errors.New("the site needs two buckets")
	}
	for f, why := range s.Lacks {
		if why == "" {
			return fmt.Errorf("the site lacks %s and does not say why", f)
		}
	}
	return nil
}
