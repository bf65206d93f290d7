package buckets

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accounts"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
)

// MakeJob makes a pending bucket. Its detail is the proof that the store's keeper gave.
// Jobs of buckets are of the installation: a workspace may go before.
const MakeJob keyhatch.JobKind = "bucket.make"

const (
	// askedWithin is how long a store has for what is asked of it.
	askedWithin = 20 * time.Second
	// jobAfter is when a job does what its call has not: that has ended by then.
	jobAfter = 3 * askedWithin
)

// NewBucket is what a bucket is made from.
type NewBucket struct {
	Workspace string // id or name; may be empty where one is implied
	Store     string // id or name
	Name      string
	Change    // what is said of it beside; its owner is by default the caller
	// Location: with a location over all of it, which has its name or, where that is
	// taken, one that begins with it. A public bucket always has one.
	Location bool
}

// Create makes a bucket at the store. One that is there already, whoever's, is refused
// with keyhatch.CodeBucketExists. Admins of the workspace only. When the store does not
// answer in time, the bucket stays pending and a job goes on.
func (svc *Service) Create(ctx context.Context, c keyhatch.Caller, n NewBucket) (Bucket, error) {
	var bk keyhatch.Bucket
	err := svc.k.Change(ctx, c, func(w *kernel.Work) error {
		ws, err := w.WorkspaceFor(n.Workspace)
		if err == nil {
			err = w.MustManage(ws.ID, keyhatch.CodeWorkspaceNotFound)
		}
		if err == nil {
			err = w.MustNotBeTask()
		}
		if err != nil {
			return err
		}
		s, err := accounts.StoreFor(w.View, ws.ID, n.Store)
		if err != nil {
			return err
		}
		if bk, err = fresh(w, ws.ID, s, n.Name, ""); err != nil {
			return err
		}
		bk.State = keyhatch.BucketPending
		if err := n.apply(w, &bk); err != nil {
			return err
		}
		public, err := n.public(false)
		if err != nil {
			return err
		}
		if err := places.InsertBucket(w, s, bk); err != nil {
			return err
		}
		if err := askMake(ctx, w.Tx, bk, "", w.Now); err != nil {
			return err
		}
		if n.Location || public {
			if err := svc.makePublic(w, bk, public); err != nil {
				return err
			}
		}
		return svc.putKeys(w, bk, n.Keys)
	})
	if err != nil {
		return Bucket{}, err
	}
	// The store is asked whether the caller waits or not.
	asking := context.WithoutCancel(ctx)
	switch err := svc.make(asking, bk, ""); {
	case errors.Is(err, keyhatch.Conflict):
		return Bucket{}, err
	case err != nil:
		svc.log.WarnContext(ctx, "a bucket could not be made at once, and a job goes on", "bucket", bk.ID, "error", err)
	}
	v := svc.k.View(ctx, c)
	if bk, err = v.Bucket(ctx, bk.ID); err != nil {
		return Bucket{}, err
	}
	return whole(v, bk)
}

func askMake(ctx context.Context, tx *db.Tx, bk keyhatch.Bucket, proof string, now time.Time) error {
	return tx.AskJob(ctx, keyhatch.Job{
		ID: keyhatch.NewID(keyhatch.JobID, now), Workspace: bk.Workspace, Store: bk.Store, Kind: MakeJob, Subject: bk.ID, Detail: proof, RunAt: now.Add(jobAfter), CreatedAt: now,
	})
}

// makeAgain is make for what was not made when it was asked for.
func (svc *Service) makeAgain(ctx context.Context, j keyhatch.Job) error {
	bk, err := svc.k.DB.Bucket(ctx, j.Subject)
	if errors.Is(err, keyhatch.NotFound) || err == nil && bk.State != keyhatch.BucketPending {
		return nil
	}
	if err != nil {
		return err
	}
	if err := svc.make(ctx, bk, j.Detail); err != nil && !errors.Is(err, keyhatch.Conflict) {
		return err
	}
	return nil
}

// make has the store make a pending bucket. proof is what an earlier one that may have made
// it was told; empty: there was none. What it fails with that is a keyhatch.Conflict has
// taken the bucket off the record.
func (svc *Service) make(ctx context.Context, bk keyhatch.Bucket, proof string) error {
	store, err := svc.k.DB.Store(ctx, bk.Store)
	if err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, askedWithin)
	defer cancel()
	proof, err = svc.makeAt(asking, store, bk, proof)
	switch {
	case errors.Is(err, keyhatch.Conflict):
		return errors.Join(err, svc.takeBack(ctx, bk, err))
	case err != nil:
		return err
	}
	err = svc.inState(ctx, bk.ID, keyhatch.BucketPending, func(w *kernel.Work, bk keyhatch.Bucket) error {
		if err := w.Tx.ForgetJob(ctx, MakeJob, bk.ID); err != nil {
			return err
		}
		if err := w.Tx.SetBucketUsage(ctx, bk, keyhatch.BucketUsage{CountedAt: w.Now}); err != nil {
			return err
		}
		return become(w, &bk, keyhatch.BucketConfigured, Configured, "")
	})
	if !errors.Is(err, errChanged) {
		return err
	}
	return svc.undo(ctx, store, bk, proof)
}

// makeAt makes it, unless it was made with the proof, and returns the one with which it was.
func (svc *Service) makeAt(ctx context.Context, store keyhatch.Store, bk keyhatch.Bucket, proof string) (string, error) {
	if proof != "" {
		if made, err := svc.keeper.Made(ctx, store, bk.Name, proof); err != nil || made {
			return proof, err
		}
	}
	proof, err := svc.keeper.Absent(ctx, store, bk.Name, bk.ID)
	if err != nil {
		return "", err
	}
	err = svc.k.DB.Write(ctx, func(tx *db.Tx) error { return askMake(ctx, tx, bk, proof, svc.k.Now()) })
	if err != nil {
		return "", err
	}
	return proof, svc.keeper.Create(ctx, store, bk.Name, proof)
}

// takeBack takes a bucket off the record that the store did not make, with what was put
// there along with it.
func (svc *Service) takeBack(ctx context.Context, bk keyhatch.Bucket, because error) error {
	err := svc.inState(ctx, bk.ID, keyhatch.BucketPending, func(w *kernel.Work, bk keyhatch.Bucket) error {
		if err := w.Tx.ForgetJob(ctx, MakeJob, bk.ID); err != nil {
			return err
		}
		return svc.drop(w, bk, reasonOf(because))
	})
	if errors.Is(err, errChanged) {
		return nil
	}
	return err
}

// drop takes a bucket off the record with its locations, and off the lists of keys.
func (svc *Service) drop(w *kernel.Work, bk keyhatch.Bucket, reason string) error {
	locations, err := w.LocationsOfBucket(w.Ctx, bk.ID)
	if err != nil {
		return err
	}
	for _, l := range locations {
		if err := places.DropLocation(w, l); err != nil {
			return err
		}
	}
	if err := svc.keys.TakeOffBucket(w, bk); err != nil {
		return err
	}
	return places.DropBucket(w, bk, reason)
}

func reasonOf(err error) string {
	var e *keyhatch.Error
	if errors.As(err, &e) {
		return e.Message
	}
	return ""
}

// undo removes from the store what was made of a bucket that went off the record
// meanwhile. It has just been made with the proof, and is empty: what is not, or was not, is
// somebody else's, who has deleted ours. The mark is asked before that is looked at, so that
// what comes later is another one.
func (svc *Service) undo(ctx context.Context, store keyhatch.Store, bk keyhatch.Bucket, proof string) error {
	_, err := svc.k.DB.Bucket(ctx, bk.ID)
	if !errors.Is(err, keyhatch.NotFound) {
		return err // another has made it; it is on record
	}
	asking, cancel := context.WithTimeout(ctx, askedWithin)
	defer cancel()
	mark, err := svc.keeper.Mark(asking, store, bk.Name)
	if err != nil {
		return err
	}
	made, err := svc.keeper.Made(asking, store, bk.Name, proof)
	if err != nil || !made {
		return err
	}
	err = svc.keeper.Delete(asking, store, bk.Name, mark)
	var e *keyhatch.Error
	if errors.Is(err, driver.ErrOtherBucket) || errors.As(err, &e) && e.Code == keyhatch.CodeBucketNotEmpty {
		return nil
	}
	return err
}
