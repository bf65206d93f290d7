package buckets

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
)

// RemoveJob removes a bucket that is being deleted. Its detail is the mark by which the
// store tells it from others, once that is known.
const RemoveJob keyhatch.JobKind = "bucket.remove"

// Delete removes an empty bucket, from the store too. A location over all of it goes with
// it; others, and access keys whose lists name it, keep it. From when it begins until it
// is refused the bucket opens nothing. Admins of the workspace only. What the store does
// not say in time a job finds out: the bucket goes, or is configured again.
func (svc *Service) Delete(ctx context.Context, c keyhatch.Caller, workspace, ref string) error {
	return svc.delete(ctx, c, workspace, ref, func(w *kernel.Work, bk keyhatch.Bucket) error {
		named, err := w.KeysNameBucket(ctx, bk.ID)
		if err == nil && named {
			err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse, "access keys name the bucket in their lists: change those first")
		}
		return err
	})
}

// DeleteNamed is Delete of a bucket that the lists of access keys may name: when it goes,
// it goes off these.
func (svc *Service) DeleteNamed(ctx context.Context, c keyhatch.Caller, workspace, ref string) error {
	return svc.delete(ctx, c, workspace, ref, func(*kernel.Work, keyhatch.Bucket) error { return nil })
}

func (svc *Service) delete(ctx context.Context, c keyhatch.Caller, workspace, ref string, may func(*kernel.Work, keyhatch.Bucket) error) error {
	var bk keyhatch.Bucket
	err := svc.k.Change(ctx, c, func(w *kernel.Work) (err error) {
		if bk, err = deletable(w, workspace, ref); err != nil {
			return err
		}
		if err := may(w, bk); err != nil {
			return err
		}
		if err := askRemove(ctx, w.Tx, bk, "", w.Now); err != nil {
			return err
		}
		return become(w, &bk, keyhatch.BucketDeleting, Closed, "")
	})
	if err != nil {
		return err
	}
	return svc.remove(context.WithoutCancel(ctx), bk, "")
}

func askRemove(ctx context.Context, tx *db.Tx, bk keyhatch.Bucket, mark string, now time.Time) error {
	return tx.AskJob(ctx, keyhatch.Job{
		ID: keyhatch.NewID(keyhatch.JobID, now), Workspace: bk.Workspace, Store: bk.Store, Kind: RemoveJob, Subject: bk.ID, Detail: mark, RunAt: now.Add(jobAfter), CreatedAt: now,
	})
}

// deletable finds a bucket that nothing on record keeps but for access keys.
func deletable(w *kernel.Work, workspace, ref string) (keyhatch.Bucket, error) {
	bk, err := w.VisibleBucket(workspace, ref)
	if err == nil {
		err = w.MustManage(bk.Workspace, keyhatch.CodeBucketNotFound)
	}
	if err == nil {
		err = w.MustNotBeTask()
	}
	if err != nil {
		return bk, err
	}
	store, err := w.Store(w.Ctx, bk.Store)
	if err != nil {
		return bk, err
	}
	locations, err := w.LocationsOfBucket(w.Ctx, bk.ID)
	switch {
	case err != nil:
		return bk, err
	case store.OneBucket:
		return bk, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"the bucket's store was made for it, with a storage setting: it goes off the record with that, and stays at the store")
	case bk.State == keyhatch.BucketPending:
		return bk, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeBucketNotReady, "the store is making the bucket: try again when it has")
	case len(locations) > 0 && (len(locations) > 1 || locations[0].Prefix != ""):
		return bk, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse, "the bucket is divided into locations: delete those first")
	}
	return bk, w.MustOpen(bk.Workspace, bk.Store)
}

// removeAgain is remove for what was not removed when it was asked for.
func (svc *Service) removeAgain(ctx context.Context, j keyhatch.Job) error {
	bk, err := svc.k.DB.Bucket(ctx, j.Subject)
	if errors.Is(err, keyhatch.NotFound) || err == nil && bk.State != keyhatch.BucketDeleting {
		return nil
	}
	if err != nil {
		return err
	}
	if err := svc.remove(ctx, bk, j.Detail); err != nil && !errors.Is(err, keyhatch.Conflict) {
		return err
	}
	return nil
}

// remove has the store remove a bucket that is being deleted. What it fails with that is a
// keyhatch.Conflict has opened it again. mark is what an earlier one was told; empty: there
// was none.
func (svc *Service) remove(ctx context.Context, bk keyhatch.Bucket, mark string) error {
	store, err := svc.k.DB.Store(ctx, bk.Store)
	if err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, askedWithin)
	defer cancel()
	refused, reason := svc.removeAt(asking, store, bk, mark), ""
	switch {
	case errors.Is(refused, driver.ErrOtherBucket):
		refused, reason = nil, "the store has another bucket of the name by now, which stays"
	case refused != nil && !errors.Is(refused, keyhatch.Conflict):
		return refused
	}
	err = svc.inState(ctx, bk.ID, keyhatch.BucketDeleting, func(w *kernel.Work, bk keyhatch.Bucket) error {
		for _, kind := range []keyhatch.JobKind{RemoveJob, CountJob} {
			if err := w.Tx.ForgetJob(ctx, kind, bk.ID); err != nil {
				return err
			}
		}
		if refused != nil {
			return become(w, &bk, keyhatch.BucketConfigured, Reopened, reasonOf(refused))
		}
		return svc.drop(w, bk, reason)
	})
	if errors.Is(err, errChanged) {
		err = nil
	}
	return errors.Join(refused, err)
}

// removeAt removes it. Its mark is kept before: whoever goes on removes no bucket that
// somebody has made of the name since.
func (svc *Service) removeAt(ctx context.Context, store keyhatch.Store, bk keyhatch.Bucket, mark string) (err error) {
	if mark == "" {
		if mark, err = svc.keeper.Mark(ctx, store, bk.Name); err != nil {
			return err
		}
		err = svc.k.DB.Write(ctx, func(tx *db.Tx) error { return askRemove(ctx, tx, bk, mark, svc.k.Now()) })
		if err != nil {
			return err
		}
	}
	return svc.keeper.Delete(ctx, store, bk.Name, mark)
}
