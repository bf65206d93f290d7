package keyhatch

import "time"

// CircleMember is one user's membership of a circle: of a group or a teamspace.
// In what carries access the two are the same: a grant to a circle reaches its
// members.
type CircleMember struct {
	Circle string // id of the group or the teamspace
	User   string
	Role   Role // in a teamspace; a group has no roles
	// Since is when the membership began; leases of an earlier time do not
	// rest on it.
	Since time.Time
}
