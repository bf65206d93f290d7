package buckets

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
)

// Existing is a bucket that is at a store.
type Existing struct {
	Workspace string // id or name; may be empty where one is implied
	Store     string // id or name
	Name      string
	Owner     string // id or name; empty: the caller
}

// Register puts a bucket that is at a store on record as a workspace's. On a
// directory store, a folder of the name is served as it is, or is made when something is
// written. On a store of the installation only its admins may do this: the bucket may be
// anybody's. On a workspace's own store its admins may: it is reached with what they have
// themselves.
func (svc *Service) Register(ctx context.Context, c keyhatch.Caller, n Existing) (bk keyhatch.Bucket, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		ws, err := w.MemberWorkspace(n.Workspace)
		if err != nil {
			return err
		}
		s, err := places.ManagedStore(w, n.Store)
		if err != nil {
			return err
		}
		if s.Workspace != "" && s.Workspace != ws.ID {
			return kernel.NotFound(keyhatch.CodeStoreNotFound)
		}
		if bk, err = fresh(w, ws.ID, s, n.Name, n.Owner); err != nil {
			return err
		}
		bk.State = keyhatch.BucketConfigured
		return places.InsertBucket(w, s, bk)
	})
	return bk, err
}

// maxBuckets is how many buckets a workspace may have.
const maxBuckets = 10_000

// fresh is a bucket of a workspace that is not on record yet.
func fresh(w *kernel.Work, workspace string, s keyhatch.Store, name, owner string) (bk keyhatch.Bucket, err error) {
	if s.OneBucket {
		return bk, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"the store was made for one bucket, and goes with it: make a store for this one").In("store")
	}
	if err := keyhatch.CheckBucketName(name); err != nil {
		return bk, err
	}
	have, err := w.CountBuckets(w.Ctx, workspace)
	if err == nil && have >= maxBuckets {
		err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached, "a workspace has at most %d buckets: delete some first", maxBuckets)
	}
	if err != nil {
		return bk, err
	}
	bk = keyhatch.Bucket{
		ID: keyhatch.NewID(keyhatch.BucketID, w.Now), Workspace: workspace, Store: s.ID, Name: name, Owner: w.Caller.User.ID,
		MaxPresigned: keyhatch.LongestPresigned, CreatedAt: w.Now,
	}
	if owner != "" {
		u, err := w.NameableUser(owner)
		if err != nil {
			return bk, err
		}
		bk.Owner = u.ID
	}
	return bk, nil
}

// Unregister takes a bucket without locations off the record; it stays at the store with
// its objects. Who may is as with Register.
func (svc *Service) Unregister(ctx context.Context, c keyhatch.Caller, workspace, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		bk, err := w.VisibleBucket(workspace, ref)
		if err != nil {
			return err
		}
		if _, err := places.ManagedStore(w, bk.Store); err != nil {
			return err
		}
		for _, kind := range []keyhatch.JobKind{MakeJob, RemoveJob, CountJob} {
			if err := w.Tx.ForgetJob(ctx, kind, bk.ID); err != nil {
				return err
			}
		}
		if err := w.Tx.DeleteBucket(ctx, bk); err != nil {
			return err
		}
		return w.Record(Forgotten, bk.Workspace, bk.ID, kernel.Detail("name", bk.Name, "store", bk.Store))
	})
}
