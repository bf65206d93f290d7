package buckets

import (
	"context"
	"errors"
	"log/slog"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/policy"
)

// The events of buckets at their stores. Package places has those of the record.
const (
	Configured keyhatch.Action = "bucket.configure"  // the store has made it
	Closed     keyhatch.Action = "bucket.close"      // it is being removed
	Reopened   keyhatch.Action = "bucket.reopen"     // it was not
	Forgotten  keyhatch.Action = "bucket.unregister" // it is off the record, and stays at the store
	URLsEnded  keyhatch.Action = "bucket.revoke_presigned_urls"
)

// Service does the use cases.
type Service struct {
	k      *kernel.Kernel
	places *places.Service
	keys   *accesskeys.Service
	keeper driver.BucketKeeper
	log    *slog.Logger
}

// New makes the service. keeper makes and removes buckets at stores.
func New(k *kernel.Kernel, p *places.Service, keys *accesskeys.Service, keeper driver.BucketKeeper, log *slog.Logger) *Service {
	return &Service{k, p, keys, keeper, log}
}

// Jobs are the handlers of the jobs.
func (svc *Service) Jobs() map[keyhatch.JobKind]func(context.Context, keyhatch.Job) error {
	return map[keyhatch.JobKind]func(context.Context, keyhatch.Job) error{
		MakeJob: svc.makeAgain, RemoveJob: svc.removeAgain, CountJob: svc.countAgain,
	}
}

// Bucket is one with what follows from elsewhere.
type Bucket struct {
	keyhatch.Bucket
	// Public: a grant lets everyone who is signed in read and list it.
	Public bool
	Usage  keyhatch.BucketUsage
}

// Bucket returns one bucket of a workspace that the caller belongs to, by its id,
// or by its name in the workspace. One of a teamspace is for who sees that, and
// for its owner.
func (svc *Service) Bucket(ctx context.Context, c keyhatch.Caller, workspace, ref string) (Bucket, error) {
	v := svc.k.View(ctx, c)
	bk, err := v.VisibleBucket(workspace, ref)
	if err != nil {
		return Bucket{}, err
	}
	return whole(v, bk)
}

// OnStore returns the bucket that has the name on a store, as Bucket does.
func (svc *Service) OnStore(ctx context.Context, c keyhatch.Caller, store, name string) (Bucket, error) {
	v := svc.k.View(ctx, c)
	s, err := v.FindStore(store)
	if err == nil {
		err = v.MustSeeStore(s, keyhatch.CodeStoreNotFound)
	}
	if err != nil {
		return Bucket{}, err
	}
	bk, err := v.BucketOnStore(ctx, s.ID, name)
	if err == nil {
		bk, err = v.VisibleBucket("", bk.ID)
	}
	if err != nil {
		return Bucket{}, err
	}
	return whole(v, bk)
}

// UsedAt is the URL of the S3 API at which leases of a bucket are used, for whom Bucket
// shows it; empty: our own S3 endpoint.
func (svc *Service) UsedAt(ctx context.Context, c keyhatch.Caller, workspace, ref string) (string, error) {
	v := svc.k.View(ctx, c)
	bk, err := v.VisibleBucket(workspace, ref)
	if err != nil {
		return "", err
	}
	store, err := v.Store(ctx, bk.Store)
	if err != nil || store.Lends == keyhatch.LendsOwn {
		return "", err
	}
	return store.Endpoint, nil
}

// whole adds to a bucket what follows from elsewhere.
func whole(v kernel.View, bk keyhatch.Bucket) (Bucket, error) {
	all, err := wholes(v, bk.Workspace, bk.ID, []keyhatch.Bucket{bk})
	if err != nil {
		return Bucket{}, err
	}
	return all[0], nil
}

// wholes adds it to buckets of a workspace; only narrows what is read to one of them.
func wholes(v kernel.View, workspace, only string, found []keyhatch.Bucket) ([]Bucket, error) {
	public, err := v.PublicBuckets(v.Ctx, workspace, only, v.Now)
	if err != nil {
		return nil, err
	}
	usages, err := v.BucketUsages(v.Ctx, workspace, only)
	out := make([]Bucket, len(found))
	for i, bk := range found {
		out[i] = Bucket{bk, slices.Contains(public, bk.ID), usages[bk.ID]}
	}
	return out, err
}

// Buckets lists a workspace's buckets, for its members as Bucket does.
func (svc *Service) Buckets(ctx context.Context, c keyhatch.Caller, workspace string, p kernel.Page) (kernel.List[Bucket], error) {
	v := svc.k.View(ctx, c)
	ws, err := v.MemberWorkspace(workspace)
	if err != nil {
		return kernel.List[Bucket]{}, err
	}
	role, err := v.Role(ws.ID)
	if err != nil {
		return kernel.List[Bucket]{}, err
	}
	return kernel.Paged(p, keyhatch.BucketID, func(b Bucket) string { return b.ID },
		func(p kernel.Page) (out []Bucket, err error) {
			var found []keyhatch.Bucket
			if role.Manages() {
				found, err = v.Buckets(ctx, ws.ID, p)
			} else {
				found, err = v.BucketsSeenBy(ctx, ws.ID, v.Caller.User.ID, p)
			}
			if err != nil {
				return nil, err
			}
			return wholes(v, ws.ID, "", found)
		})
}

// ruled finds a bucket that the caller decides over: its owner does, and the workspace's
// admins. manages tells whether it is one of the latter.
func ruled(w *kernel.Work, workspace, ref string) (bk keyhatch.Bucket, manages bool, err error) {
	if bk, err = w.VisibleBucket(workspace, ref); err != nil {
		return bk, false, err
	}
	if err := w.MustNotBeTask(); err != nil { // the owner makes keys for it
		return bk, false, err
	}
	role, err := w.Role(bk.Workspace)
	if err == nil && !policy.DecidesOver(bk, w.Caller.User.ID, role) {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted, "only the bucket's owner and the workspace's admins may do this: ask one of them")
	}
	return bk, role.Manages(), err
}

// errChanged ends a change of a bucket that is not any more what it was.
var errChanged = errors.New("the bucket was changed meanwhile")

// inState does something to a bucket that is in the state still; errChanged when it is not.
func (svc *Service) inState(ctx context.Context, id string, state keyhatch.BucketState, do func(*kernel.Work, keyhatch.Bucket) error) error {
	return svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
		bk, err := w.Bucket(ctx, id)
		if errors.Is(err, keyhatch.NotFound) || err == nil && bk.State != state {
			return errChanged
		}
		if err != nil {
			return err
		}
		return do(w, bk)
	})
}

// become puts a bucket into another state, with its event.
func become(w *kernel.Work, bk *keyhatch.Bucket, state keyhatch.BucketState, what keyhatch.Action, reason string) error {
	bk.State = state
	if err := w.Tx.UpdateBucket(w.Ctx, *bk); err != nil {
		return err
	}
	return w.Record(what, bk.Workspace, bk.ID, kernel.Detail("name", bk.Name, "store", bk.Store, "reason", reason))
}
