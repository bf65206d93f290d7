package buckets

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// CountJob counts what is in a bucket.
const CountJob keyhatch.JobKind = "bucket.count"

const (
	// fresh enough: what was counted in the last countedFor is not counted again.
	countedFor = time.Minute
	// countWithin is how long who asks waits. What takes longer is a job's.
	countWithin = 2 * time.Second
)

// Usage tells how much is in a bucket, to whom Bucket shows it. It is counted anew when
// that was not done in the last minute; when that takes longer than a moment, the answer
// is what was counted last, and a job counts.
func (svc *Service) Usage(ctx context.Context, c keyhatch.Caller, workspace, ref string) (keyhatch.BucketUsage, error) {
	v := svc.k.View(ctx, c)
	bk, err := v.VisibleBucket(workspace, ref)
	if err != nil {
		return keyhatch.BucketUsage{}, err
	}
	known, err := lastUsage(v.Reader, ctx, bk)
	if err != nil || bk.State != keyhatch.BucketConfigured || v.Now.Sub(known.CountedAt) < countedFor {
		return known, err
	}
	if err := v.MustOpen(bk.Workspace, bk.Store); err != nil {
		return known, nil // a closed account tells what it knew
	}
	if _, waits, err := v.Job(ctx, CountJob, bk.ID); err != nil || waits {
		return known, err
	}
	counting, cancel := context.WithTimeout(ctx, countWithin)
	defer cancel()
	counted, err := svc.count(counting, bk)
	if err == nil || ctx.Err() != nil || errors.Is(err, keyhatch.Conflict) {
		return counted, err
	}
	return known, svc.k.DB.Write(ctx, func(tx *db.Tx) error {
		return tx.AskJob(ctx, keyhatch.Job{ID: keyhatch.NewID(keyhatch.JobID, v.Now), Workspace: bk.Workspace, Store: bk.Store, Kind: CountJob, Subject: bk.ID, CreatedAt: v.Now})
	})
}

func lastUsage(r db.Reader, ctx context.Context, bk keyhatch.Bucket) (keyhatch.BucketUsage, error) {
	all, err := r.BucketUsages(ctx, bk.Workspace, bk.ID)
	return all[bk.ID], err
}

// countAgain is count for what took too long to be waited for.
func (svc *Service) countAgain(ctx context.Context, j keyhatch.Job) error {
	bk, err := svc.k.DB.Bucket(ctx, j.Subject)
	if errors.Is(err, keyhatch.NotFound) || err == nil && bk.State != keyhatch.BucketConfigured {
		return nil
	}
	if err == nil {
		_, err = svc.count(ctx, bk)
	}
	if errors.Is(err, keyhatch.Conflict) || errors.Is(err, keyhatch.NotFound) {
		return nil // it is not there to be counted
	}
	return err
}

// count counts what is in a bucket, and keeps it.
func (svc *Service) count(ctx context.Context, bk keyhatch.Bucket) (u keyhatch.BucketUsage, err error) {
	store, err := svc.k.DB.Store(ctx, bk.Store)
	if err != nil {
		return u, err
	}
	at := svc.k.Now()
	if u, err = svc.keeper.Usage(ctx, store, bk.Name); err != nil {
		return u, err
	}
	u.CountedAt = kernel.Stored(at)
	return u, svc.k.DB.Write(ctx, func(tx *db.Tx) error {
		if _, err := tx.Bucket(ctx, bk.ID); err != nil {
			return err // it went meanwhile
		}
		return tx.SetBucketUsage(ctx, bk, u)
	})
}
