package keyhatch

import "time"

// User is a person or a service that calls.
type User struct {
	ID       string
	Name     string // unique in the installation, what people type
	FullName string
	Email    string
	Admin    bool // of the installation: every workspace, every store
	Active   bool // an inactive user's tokens and leases are dead

	// ActiveSince is when the user last became active. Leases of an earlier
	// time stay dead after the user is activated again.
	ActiveSince time.Time
	CreatedAt   time.Time
}

// Group is a named set of users of one workspace, for grants.
type Group struct {
	ID        string
	Workspace string
	Name      string // unique in the workspace
	CreatedAt time.Time
}
