package confine

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch"
)

// upload is one in parts that was begun, whose end nobody may have seen.
type upload struct{ bucket, key, id string }

// cleanUp removes what was written. Where a bucket keeps versions they stay, since no
// session that is lent may remove them: that is told, and no weakness.
func (t *trial) cleanUp(ctx context.Context) {
	ctx, stop := context.WithTimeout(ctx, time.Minute)
	defer stop()
	gone := t.aborted(ctx)
	for _, bucket := range []string{t.Bucket, t.Other} {
		gone = gone && (bucket == "" || t.emptied(ctx, bucket))
	}
	check := keyhatch.Check{Name: "clean_up"}
	switch {
	case !gone:
		check.Outcome, check.Reason = keyhatch.Warning, "what was written stays below "+t.base
	case len(t.kept) > 0:
		check.Outcome, check.Reason = keyhatch.Skipped, "old versions of what was written stay below "+t.base+" in what keeps versions ("+strings.Join(t.kept, ", ")+")"
	default:
		return
	}
	t.Checks = append(t.Checks, check)
}

// aborted ends the uploads that were begun.
func (t *trial) aborted(ctx context.Context) bool {
	for _, u := range t.uploads {
		_, err := t.keeper.AbortMultipartUpload(ctx, &s3.AbortMultipartUploadInput{Bucket: &u.bucket, Key: &u.key, UploadId: &u.id})
		if err != nil && statusOf(err) != http.StatusNotFound { // 404: it was ended before
			return false
		}
	}
	return true
}

// emptied deletes what there is until there is nothing: MinIO lists what lies below an
// object's name only when the object is gone.
func (t *trial) emptied(ctx context.Context, bucket string) bool {
	const passes = 5
	for range passes {
		list, err := t.keeper.ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &bucket, Prefix: &t.base})
		if err != nil {
			return false
		}
		if len(list.Contents) == 0 {
			return true
		}
		for _, o := range list.Contents {
			if _, err := t.keeper.DeleteObject(ctx, &s3.DeleteObjectInput{Bucket: &bucket, Key: o.Key}); err != nil {
				return false
			}
		}
	}
	return false
}
