package keyhatch

import "time"

// Credential is a named upstream authority: what lets us act on an object store. It
// lives in a place: a teamspace of a workspace, a workspace, or the installation. It
// never holds the secret.
type Credential struct {
	ID        string
	Workspace string // empty: of the installation, for its stores
	Teamspace string // empty: of the workspace
	Name      string // unique in its place
	Provider  Provider
	Kind      CredentialKind
	Principal string // see Authority
	KeyID     string
	Endpoint  string
	// Default is the one of its provider in its place.
	Default bool
	// TasksSince is when the tokens of tasks were allowed to use it too; zero: they
	// are not.
	TasksSince time.Time
	// Base is the one of AWS through which the roles of its place are assumed; a
	// teamspace without one has its workspace's. Roles of a place without a base are
	// assumed as what Keyhatch itself is.
	Base bool
	// AnyExternalID: a role is used although it admits us without its external id too,
	// so that whoever knows its ARN could have it used. An installation admin's word.
	AnyExternalID bool
	// Sessions are those that it mints at stores that lend "sts".
	Sessions  Sessions
	CreatedAt time.Time
	UpdatedAt time.Time // when its authority was last set
}

// AllowedInTasks tells whether the tokens of tasks may use it.
func (c Credential) AllowedInTasks() bool { return !c.TasksSince.IsZero() }
