package buckets

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// RevokePresigned ends all presigned URLs of a bucket's objects that were made until now.
// Who may is as with Update.
func (svc *Service) RevokePresigned(ctx context.Context, c keyhatch.Caller, workspace, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		bk, _, err := ruled(w, workspace, ref)
		if err != nil {
			return err
		}
		bk.PresignedSince = w.Now
		if err := w.Tx.UpdateBucket(ctx, bk); err != nil {
			return err
		}
		return w.Record(URLsEnded, bk.Workspace, bk.ID, kernel.Detail("name", bk.Name))
	})
}
