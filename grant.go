package keyhatch

import "time"

// SubjectKind says whom a grant names.
type SubjectKind string

// Whom a grant can name.
const (
	SubjectUser      SubjectKind = "user"
	SubjectGroup     SubjectKind = "group"
	SubjectTeamspace SubjectKind = "teamspace" // all its members, whatever their role
	SubjectEveryone  SubjectKind = "everyone"  // every active user; never the anonymous
)

// Subject is whom a grant names; ID is empty for everyone.
type Subject struct {
	Kind SubjectKind
	ID   string
}

// Grant lets its subject read or write a location, or a prefix inside it, until
// it expires.
type Grant struct {
	ID        string
	Workspace string
	Location  string // id
	Bucket    string // name
	Prefix    Prefix // in the bucket: the location's own or one inside it
	Subject   Subject
	Access    Access
	ExpiresAt time.Time // zero: until taken back
	// Since is when it was made or last narrowed; leases of an earlier time do
	// not rest on it.
	Since     time.Time
	CreatedBy string // user id
	CreatedAt time.Time
}

// URL is the s3:// address of what the grant opens.
func (g Grant) URL() S3URL { return S3URL{Bucket: g.Bucket, Prefix: g.Prefix} }

// Live tells whether the grant holds at the time.
func (g Grant) Live(now time.Time) bool { return g.ExpiresAt.IsZero() || now.Before(g.ExpiresAt) }
