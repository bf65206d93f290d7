package driver

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

// Presigner signs URLs with credentials that its lender has lent.
type Presigner interface {
	// Presign makes a URL with which whoever has it reads one object, for at most as long
	// as life, in whole seconds.
	Presign(ctx context.Context, c keyhatch.Credentials, bucket, key string, life time.Duration) (string, error)
}
