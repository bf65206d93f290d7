package keyhatch

import "time"

// Workspace is the tenant: groups, stores of its own, buckets, locations,
// grants and leases belong to one.
type Workspace struct {
	ID        string
	Name      string // unique in the installation
	CreatedAt time.Time
}

// Role is a member's standing in a workspace.
type Role string

// The roles. Owners and admins manage what the workspace holds; only owners
// appoint owners.
const (
	OwnerRole  Role = "owner"
	AdminRole  Role = "admin"
	MemberRole Role = "member"
	NoRole     Role = ""
)

// Manages tells whether the role may change what the workspace holds.
func (r Role) Manages() bool { return r == OwnerRole || r == AdminRole }

// WorkspaceMember is one user's membership of a workspace.
type WorkspaceMember struct {
	Workspace string
	User      string
	Role      Role
	Since     time.Time
}
