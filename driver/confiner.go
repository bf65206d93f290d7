package driver

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

// The checks of a Confiner that others ask for by name.
const (
	// WorksStill passes when the session that all was tried with works when it has been.
	// What was refused to one that does not work tells nothing.
	WorksStill = "works_still"
	// OtherBucket is a weakness where no other bucket of the store is known: whether a session
	// reaches one was not tried.
	OtherBucket = "other_bucket"
	// AfterExpiry is the one that needs the end of a session.
	AfterExpiry = "after_expiry"
)

// Confiner tries on a real store whether its sessions open what they are said to open, and
// nothing else.
type Confiner interface {
	// Prove tries it, within the context's time, and leaves nothing behind. later is nil when
	// there is no session whose end could be waited for.
	Prove(ctx context.Context, t Trial) (checks []keyhatch.Check, later *Later)
}

// Later is what can be told of a session only when it has ended.
type Later struct {
	At time.Time // when it is tried
	// Try waits until then, and tells whether it has ended: it is the check AfterExpiry,
	// which is Skipped when the context ends first.
	Try func(context.Context) keyhatch.Check
}

// Trial says on what it is tried.
type Trial struct {
	ID    string // for the store's own record
	Store keyhatch.Store
	As    Acting
	// Bucket is where objects are put, below a prefix of their own, and Other one that a
	// session of that opens nothing of; empty: what is about another bucket is not tried, which
	// is the weakness OtherBucket.
	Bucket, Other string
	KMSKeys       []string // that the objects in them are encrypted with
}
