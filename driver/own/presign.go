package own

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/driver/presigned"
)

// Presign implements driver.Presigner.
func (*Lender) Presign(ctx context.Context, c keyhatch.Credentials, bucket, key, disposition string, life time.Duration) (string, error) {
	return presigned.URL(ctx, c, bucket, key, disposition, life)
}
