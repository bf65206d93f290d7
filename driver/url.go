package driver

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

// Consoler shows people what credentials open that its lender has lent.
type Consoler interface {
	// ConsoleURL is where that can be seen in a browser; empty: nowhere. Whoever has it may
	// be logged in with the credentials: it is as secret as they are.
	ConsoleURL(ctx context.Context, store keyhatch.Store, v Vended, part keyhatch.Part) (keyhatch.Secret, error)
}

// Presigner signs URLs with credentials that its lender has lent.
type Presigner interface {
	// Presign makes a URL with which whoever has it reads one object, for at most as long
	// as life, in whole seconds. disposition is the Content-Disposition of the answer;
	// empty: the object's own.
	Presign(ctx context.Context, c keyhatch.Credentials, bucket, key, disposition string, life time.Duration) (string, error)
}
