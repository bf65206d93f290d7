package keyhatch

import "time"

// LeaseKeys begins the access key ids of leases of our own S3 endpoint, and no store's.
const LeaseKeys = "KHLE"

// Lease is the record of short-lived credentials that were lent to one caller.
// It never holds the secret.
type Lease struct {
	ID        string
	Workspace string
	User      string
	Token     string // id of the token that borrowed it, or that made the access key
	// Pair is the access key id of the pair of an access key that it was borrowed with,
	// itself or the first lease before it; empty: a token borrowed. It ends with the pair,
	// and rests on what the key opens.
	Pair string
	// Presigned: its keys signed one URL, and nobody was given them. It ends when the
	// presigned URLs of its bucket are revoked, too.
	Presigned   bool
	Store       string // id
	StoreName   string
	AccessKeyID string
	// Vend is the id under which the store's token service minted its keys, which other
	// leases of the same scope may share; empty: they are of our own S3 endpoint.
	Vend   string
	Access Access
	Parts  []Part
	// SessionName is what its borrower calls it, for the record; may be empty.
	SessionName string
	// Policies are session policies (package policy) that narrow it, every one of
	// them: those of the leases that it was borrowed with first, its own last.
	Policies []string
	// Ancestors are the ids of the leases that it was borrowed with, at most
	// MaxAncestors, the one that a token borrowed first. It ends with any of them.
	Ancestors []string
	IssuedAt  time.Time
	ExpiresAt time.Time
	RevokedAt time.Time // zero while it is not revoked
}

// MaxAncestors is how many leases may stand between a token and a lease.
const MaxAncestors = 4

// URLs are the s3:// addresses of what the lease opens.
func (l Lease) URLs() []string {
	out := make([]string, len(l.Parts))
	for i, p := range l.Parts {
		out[i] = S3URL{Bucket: p.Bucket, Prefix: p.Prefix}.String()
	}
	return out
}

// Grants are the ids of the grants that the lease rests on, a part each; none where it
// rests on something else.
func (l Lease) Grants() []string {
	out := make([]string, 0, len(l.Parts))
	for _, p := range l.Parts {
		if p.Grant != "" {
			out = append(out, p.Grant)
		}
	}
	return out
}

// Part is one prefix that a lease opens, and what it rests on: when the grant
// or the location ends or narrows, this part closes and the others stay. One of a lease
// that was borrowed with an access key rests on that, and on neither of the two; one of a
// presigned URL may rest on its user deciding over the bucket.
type Part struct {
	Bucket   string // name, as in the S3 request
	Prefix   Prefix
	Location string // id
	Grant    string // id
	// ListsBucket: it also lists all of the bucket, as long as the bucket's owner lets
	// leases do that.
	ListsBucket bool `json:",omitempty"`
}

// Session is a lease as our own S3 endpoint reads it back from a session token:
// the lease's facts with its secret. It exists sealed or in memory, never at
// rest in the clear.
type Session struct {
	Lease     Lease
	SecretKey Secret
}

// Revocation says how soon a lease can be ended before its time.
type Revocation string

const (
	// RevokeImmediate: the next request with it is refused.
	RevokeImmediate Revocation = "immediate"
	// RevokeNone: it is a session of the store, which lives to its end.
	RevokeNone Revocation = "none"
)

// Revocation says how soon the lease can be ended.
func (l Lease) Revocation() Revocation {
	if l.Vend != "" {
		return RevokeNone
	}
	return RevokeImmediate
}

// Credentials are a set of S3 keys with where to use them.
type Credentials struct {
	AccessKeyID     string
	SecretAccessKey Secret
	SessionToken    Secret
	Endpoint        string // URL of the S3 API
	Region          string // for signing
	ExpiresAt       time.Time
}
