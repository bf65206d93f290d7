package places

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/policy"
)

// The events of buckets.
const (
	BucketCreated keyhatch.Action = "bucket.create"
	BucketUpdated keyhatch.Action = "bucket.update"
	BucketDeleted keyhatch.Action = "bucket.delete"
)

// NewBucket is what a bucket is made from.
type NewBucket struct {
	Workspace string // id or name; may be empty where one is implied
	Store     string // id or name
	Name      string
	Owner     string // id or name; empty: the caller
}

// CreateBucket puts a bucket of a store on record as a workspace's. On a
// directory store, a folder of the name that exists already is served as it
// is, and on an S3 store the bucket is one that exists; therefore on a store of the
// installation only its admins may do this. On a workspace's own store its admins may:
// it is reached with what they have themselves.
func (svc *Service) CreateBucket(ctx context.Context, c keyhatch.Caller, n NewBucket) (bk keyhatch.Bucket, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		ws, err := w.MemberWorkspace(n.Workspace)
		if err != nil {
			return err
		}
		s, err := managedStore(w, n.Store)
		if err != nil {
			return err
		}
		if s.Workspace != "" && s.Workspace != ws.ID {
			return kernel.NotFound(keyhatch.CodeStoreNotFound)
		}
		if s.OneBucket {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
				"the store was made for one bucket, and goes with it: make a store for this one").In("store")
		}
		if err := keyhatch.CheckBucketName(n.Name); err != nil {
			return err
		}
		bk = keyhatch.Bucket{ID: keyhatch.NewID(keyhatch.BucketID, w.Now), Workspace: ws.ID, Store: s.ID, Name: n.Name, Owner: w.Caller.User.ID, CreatedAt: w.Now}
		if n.Owner != "" {
			owner, err := w.NameableUser(n.Owner)
			if err != nil {
				return err
			}
			bk.Owner = owner.ID
		}
		return insertBucket(w, s, bk)
	})
	return bk, err
}

func insertBucket(w *kernel.Work, s keyhatch.Store, bk keyhatch.Bucket) error {
	if err := notElsewhere(w, s, bk.Name); err != nil {
		return err
	}
	if err := w.Tx.InsertBucket(w.Ctx, bk); err != nil {
		return err
	}
	return w.Record(BucketCreated, bk.Workspace, bk.ID, kernel.Detail("name", bk.Name, "store", s.ID, "owner", bk.Owner))
}

// notElsewhere refuses a bucket that another store of the same endpoint has on
// record: the same object would have two addresses and two sets of rights. Stores of
// the installation and of each workspace are looked at apart: what others reach with
// keys of their own is not known here.
func notElsewhere(w *kernel.Work, s keyhatch.Store, name string) error {
	if s.Kind != keyhatch.S3Store {
		return nil
	}
	taken, err := w.BucketElsewhere(w.Ctx, s, name)
	if err != nil || !taken {
		return err
	}
	return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNameTaken,
		"another store of this endpoint has a bucket of the name on record: it is the same one").In("name")
}

// BucketChange says what of a bucket changes; nil fields stay.
type BucketChange struct {
	Owner *string // id or name
}

// UpdateBucket hands a bucket over. Its owner and the workspace's admins only.
func (svc *Service) UpdateBucket(ctx context.Context, c keyhatch.Caller, workspace, ref string, ch BucketChange) (bk keyhatch.Bucket, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if bk, err = visibleBucket(w.View, workspace, ref); err != nil {
			return err
		}
		if err := w.MustNotBeTask(); err != nil { // the owner makes keys for it
			return err
		}
		role, err := w.Role(bk.Workspace)
		if err == nil && !role.Manages() && !policy.OwnsBucket(bk, w.Caller.User.ID, role) {
			err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted, "only the bucket's owner and the workspace's admins may do this: ask one of them")
		}
		if err != nil {
			return err
		}
		if ch.Owner != nil {
			owner, err := w.NameableUser(*ch.Owner)
			if err != nil {
				return err
			}
			bk.Owner = owner.ID
		}
		if err := w.Tx.UpdateBucket(ctx, bk); err != nil {
			return err
		}
		return w.Record(BucketUpdated, bk.Workspace, bk.ID, kernel.Detail("name", bk.Name, "owner", bk.Owner))
	})
	return bk, err
}

// DeleteBucket takes a bucket without locations off the record; its objects
// stay in the store. Who may is as with CreateBucket.
func (svc *Service) DeleteBucket(ctx context.Context, c keyhatch.Caller, workspace, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		bk, err := visibleBucket(w.View, workspace, ref)
		if err != nil {
			return err
		}
		if _, err := managedStore(w, bk.Store); err != nil {
			return err
		}
		return deleteBucket(w, bk)
	})
}

func deleteBucket(w *kernel.Work, bk keyhatch.Bucket) error {
	if err := w.Tx.DeleteBucket(w.Ctx, bk); err != nil {
		return err
	}
	return w.Record(BucketDeleted, bk.Workspace, bk.ID, kernel.Detail("name", bk.Name, "store", bk.Store))
}

// Bucket returns one bucket of a workspace that the caller belongs to, by its id,
// or by its name in the workspace. One of a teamspace is for who sees that, and
// for its owner.
func (svc *Service) Bucket(ctx context.Context, c keyhatch.Caller, workspace, ref string) (keyhatch.Bucket, error) {
	return visibleBucket(svc.k.View(ctx, c), workspace, ref)
}

// Buckets lists a workspace's buckets, for its members as Bucket does.
func (svc *Service) Buckets(ctx context.Context, c keyhatch.Caller, workspace string, p kernel.Page) (kernel.List[keyhatch.Bucket], error) {
	v := svc.k.View(ctx, c)
	ws, err := v.MemberWorkspace(workspace)
	if err != nil {
		return kernel.List[keyhatch.Bucket]{}, err
	}
	role, err := v.Role(ws.ID)
	if err != nil {
		return kernel.List[keyhatch.Bucket]{}, err
	}
	return kernel.Paged(p, keyhatch.BucketID, func(b keyhatch.Bucket) string { return b.ID },
		func(p kernel.Page) ([]keyhatch.Bucket, error) {
			if role.Manages() {
				return v.Buckets(ctx, ws.ID, p)
			}
			return v.BucketsSeenBy(ctx, ws.ID, v.Caller.User.ID, p)
		})
}

func visibleBucket(v kernel.View, workspace, ref string) (keyhatch.Bucket, error) {
	bk, err := findBucket(v, workspace, ref)
	if err != nil {
		return keyhatch.Bucket{}, err
	}
	if bk.Owner == v.Caller.User.ID {
		return bk, nil
	}
	s, err := v.Store(v.Ctx, bk.Store)
	if err == nil {
		err = v.MustSeeStore(s, keyhatch.CodeBucketNotFound)
	}
	if err != nil {
		return keyhatch.Bucket{}, err
	}
	return bk, nil
}

func findBucket(v kernel.View, workspace, ref string) (keyhatch.Bucket, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.BucketID, ref); !ok {
		ws, err := v.MemberWorkspace(workspace)
		if err != nil {
			return keyhatch.Bucket{}, err
		}
		return v.BucketByName(v.Ctx, ws.ID, ref)
	}
	bk, err := v.Bucket(v.Ctx, ref)
	if err != nil {
		return bk, err
	}
	return bk, v.MustBelong(bk.Workspace, keyhatch.CodeBucketNotFound)
}
