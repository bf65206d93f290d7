package keyhatch

import "time"

// Job is something that is to be done outside of the database, until it has been. One
// of a kind is about one subject: asking for it again while it waits does not make two.
type Job struct {
	ID        string
	Workspace string // id; empty: it is the installation's
	Store     string // id of the one that it asks something of; empty: none
	Kind      JobKind
	Subject   string    // id of what it is about, which may be gone
	Detail    string    // what has to be known when the subject is gone; never a secret
	Attempts  int       // that failed since it was asked for last
	LastError string    // of the last one that failed; safe to show
	RunAt     time.Time // not before; zero: at once, whatever the clock says
	CreatedAt time.Time

	// Claims counts how often it was claimed. Who made the last claim holds it.
	Claims int64
	// ClaimedUntil is when the claim runs out; zero: nobody is doing it.
	ClaimedUntil time.Time
}

// JobKind tells what is to be done, and so who does it.
type JobKind string
