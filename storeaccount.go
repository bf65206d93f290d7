package keyhatch

import "time"

// StoreAccount is a workspace's standing on a store. What the workspace has there, buckets
// and access keys, rests on it.
type StoreAccount struct {
	ID        string
	Workspace string
	Store     string // its id; a workspace has one account on a store
	State     AccountState
	Reason    string // why it failed
	// ProvisionedAt is when the store was seen to answer. Zero: never.
	ProvisionedAt time.Time
	// KeepUntil is when an account in the trash goes. Zero: it is not there.
	KeepUntil time.Time
	CreatedAt time.Time
}

// AccountState tells how far an account is.
type AccountState string

// The states.
const (
	// AccountPending: the store has not been seen to answer yet. Nothing can be made there.
	AccountPending AccountState = "pending"
	// AccountProvisioned: it has.
	AccountProvisioned AccountState = "provisioned"
	// AccountFailed: the store does not answer to what acts for us there; the reason tells.
	AccountFailed AccountState = "failed"
	// AccountSuspended: an installation admin has closed it. It opens nothing.
	AccountSuspended AccountState = "suspended"
	// AccountTrash: it was deleted, and is kept for a while. It opens nothing.
	AccountTrash AccountState = "trash"
)

// Opens tells whether what rests on an account of the state is open.
func (s AccountState) Opens() bool {
	return s == AccountProvisioned || s == AccountPending || s == AccountFailed
}

// TrashKept is how long an account stays in the trash.
const TrashKept = 48 * time.Hour

// AccountUsage is what a workspace has on a store: its buckets, and how much is in those
// of them that were counted.
type AccountUsage struct {
	Buckets int
	Bytes   int64
}
