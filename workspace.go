package keyhatch

import "time"

// Workspace is the tenant: groups, stores of its own, buckets, locations,
// grants and leases belong to one.
type Workspace struct {
	ID        string
	Name      string // unique in the installation
	CreatedAt time.Time
}

// Role is a member's standing in a workspace or in a teamspace. It never gives
// access to data: grants do.
type Role string

// The roles of a workspace. Owners and admins manage what the workspace holds;
// only owners appoint owners.
const (
	OwnerRole  Role = "owner"
	AdminRole  Role = "admin"
	MemberRole Role = "member"
	NoRole     Role = ""
)

// The roles of a teamspace are OwnerRole, who manages it, and these. Editors may
// change what lives in it and viewers see that; so far nothing but its members
// does, and the two are alike.
const (
	EditorRole Role = "editor"
	ViewerRole Role = "viewer"
)

// Manages tells whether the role may change what the workspace or teamspace
// holds.
func (r Role) Manages() bool { return r == OwnerRole || r == AdminRole }

// WorkspaceMember is one user's membership of a workspace.
type WorkspaceMember struct {
	Workspace string
	User      string
	Role      Role
	Since     time.Time
}
