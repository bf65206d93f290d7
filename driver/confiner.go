package driver

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

// Confiner tries on a real store whether its sessions open what they are said to open, and
// nothing else.
type Confiner interface {
	// Prove tries it, within the context's time, and leaves nothing behind. after, which may
	// be nil, waits for the end of a session and tries whether it has ended: that takes as
	// long as one lasts.
	Prove(ctx context.Context, t Trial) (checks []keyhatch.Check, after func(context.Context) keyhatch.Check)
}

// Trial says on what it is tried.
type Trial struct {
	ID    string // for the store's own record
	Store keyhatch.Store
	As    Acting
	// Bucket is where objects are put, below a prefix of their own, and Other one that a
	// session of that opens nothing of; empty: what is about another bucket is left out.
	Bucket, Other string
	KMSKeys       []string // that the objects in them are encrypted with
}
