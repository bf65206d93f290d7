package buckets

import (
	"context"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// LeftURLs are presigned URLs that go on working when a bucket's are revoked: sessions of
// the store's own token service have signed them, and nothing ends these.
type LeftURLs struct {
	Count int
	Until time.Time // when the last of them ends; zero: there are none
}

// RevokePresigned ends the presigned URLs of a bucket's objects that were made until now,
// and tells which of them it cannot end. Who may is as with Update.
func (svc *Service) RevokePresigned(ctx context.Context, c keyhatch.Caller, workspace, ref string) (left LeftURLs, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		bk, _, err := ruled(w, workspace, ref)
		if err != nil {
			return err
		}
		bk.PresignedSince = w.Now
		if err := w.Tx.UpdateBucket(ctx, bk); err != nil {
			return err
		}
		if left, err = leftOf(w, bk); err != nil {
			return err
		}
		detail := kernel.Detail("name", bk.Name, "until", kernel.TimeText(left.Until))
		if left.Count > 0 {
			detail["left"] = strconv.Itoa(left.Count)
		}
		return w.Record(URLsEnded, bk.Workspace, bk.ID, detail)
	})
	if err != nil {
		return LeftURLs{}, err
	}
	return left, nil
}

func leftOf(w *kernel.Work, bk keyhatch.Bucket) (left LeftURLs, err error) {
	urls, err := w.URLsOfStore(w.Ctx, bk.Store, w.Now)
	for _, l := range urls {
		if l.Workspace != bk.Workspace || l.Parts[0].Bucket != bk.Name { // a URL is of one object
			continue
		}
		left.Count++
		if l.ExpiresAt.After(left.Until) {
			left.Until = l.ExpiresAt
		}
	}
	return left, err
}
