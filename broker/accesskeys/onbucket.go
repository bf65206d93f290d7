package accesskeys

import (
	"context"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/policy"
)

// OnBucket are the keys whose lists name a bucket, by id. Of those whose rights are on all
// buckets it does not tell.
type OnBucket struct{ Read, Write []string }

// KeysOnBucket tells which of the keys that the caller may see name a bucket that it may
// see.
func (svc *Service) KeysOnBucket(ctx context.Context, c keyhatch.Caller, workspace, bucket string) (OnBucket, error) {
	v := svc.k.View(ctx, c)
	bk, err := v.VisibleBucket(workspace, bucket)
	if err != nil {
		return OnBucket{}, err
	}
	keys, err := seenOn(v, bk)
	return onBucket(keys, bk.ID), err
}

func onBucket(keys []keyhatch.AccessKey, bucket string) (on OnBucket) {
	for _, k := range keys {
		if slices.Contains(k.Rights.Read, bucket) {
			on.Read = append(on.Read, k.ID)
		}
		if slices.Contains(k.Rights.Write, bucket) {
			on.Write = append(on.Write, k.ID)
		}
	}
	return on
}

// seenOn are the keys on a bucket's store that the caller may see.
func seenOn(v kernel.View, bk keyhatch.Bucket) ([]keyhatch.AccessKey, error) {
	role, err := v.Role(bk.Workspace)
	if err != nil {
		return nil, err
	}
	f := db.AccessKeyFilter{Workspace: bk.Workspace, Store: bk.Store, Owner: v.Caller.User.ID}
	if role.Manages() {
		f.Owner = ""
	}
	return v.AccessKeys(v.Ctx, f, db.Everything)
}

// OnBucketChange says which keys read and write a bucket; nil stays. Keys that the caller
// may not see stay as they are.
type OnBucketChange struct{ Read, Write *[]string } // ids or names

// SetOnBucket changes the rights of keys from a bucket's side: all of it, or none. The
// bucket's owner and the workspace's admins only; each key that changes is held to what
// Update holds it to.
func (svc *Service) SetOnBucket(ctx context.Context, c keyhatch.Caller, workspace, bucket string, ch OnBucketChange) (on OnBucket, err error) {
	err = svc.changing(ctx, c, func(w *kernel.Work) error {
		bk, err := w.VisibleBucket(workspace, bucket)
		if err == nil {
			err = mustDecide(w, bk)
		}
		if err != nil {
			return err
		}
		on, err = svc.PutOnBucket(w, bk, ch)
		return err
	})
	return on, err
}

// PutOnBucket is SetOnBucket within the change of a bucket, by who decides over it.
func (svc *Service) PutOnBucket(w *kernel.Work, bk keyhatch.Bucket, ch OnBucketChange) (on OnBucket, err error) {
	keys, err := seenOn(w.View, bk)
	if err != nil {
		return on, err
	}
	read, err := wanted(w, bk, "read", ch.Read, onBucket(keys, bk.ID).Read)
	if err != nil {
		return on, err
	}
	write, err := wanted(w, bk, "write", ch.Write, onBucket(keys, bk.ID).Write)
	if err != nil {
		return on, err
	}
	for i, key := range keys {
		rights := Rights(key.Rights)
		rights.Read = with(rights.Read, bk.ID, slices.Contains(read, key.ID))
		rights.Write = with(rights.Write, bk.ID, slices.Contains(write, key.ID))
		if slices.Equal(rights.Read, key.Rights.Read) && slices.Equal(rights.Write, key.Rights.Write) {
			continue
		}
		if keys[i], err = svc.change(w, key, Change{Rights: &rights}); err != nil {
			return on, err
		}
	}
	on = onBucket(keys, bk.ID)
	return on, w.Record(SetOn, bk.Workspace, bk.ID, kernel.Detail("name", bk.Name, "read", joined(on.Read), "write", joined(on.Write)))
}

// TakeOffBucket takes a bucket that goes off the lists of all keys.
func (svc *Service) TakeOffBucket(w *kernel.Work, bk keyhatch.Bucket) error {
	keys, err := w.AccessKeys(w.Ctx, db.AccessKeyFilter{Workspace: bk.Workspace, Store: bk.Store}, db.Everything)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if !slices.Contains(key.Rights.Read, bk.ID) && !slices.Contains(key.Rights.Write, bk.ID) {
			continue
		}
		key.Rights.Read, key.Rights.Write = with(key.Rights.Read, bk.ID, false), with(key.Rights.Write, bk.ID, false)
		if _, err := put(w, key, true); err != nil {
			return err
		}
	}
	return nil
}

// mustDecide refuses who does not decide over a bucket.
func mustDecide(w *kernel.Work, bk keyhatch.Bucket) error {
	if err := w.MustNotBeTask(); err != nil {
		return err
	}
	role, err := w.Role(bk.Workspace)
	if err == nil && !policy.DecidesOver(bk, w.Caller.User.ID, role) {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted, "only the bucket's owner and the workspace's admins may do this: ask one of them")
	}
	return err
}

// wanted are the ids of the keys that a list names, all of the bucket's store; or those
// that are on it already, without a list.
func wanted(w *kernel.Work, bk keyhatch.Bucket, field string, refs *[]string, now []string) (ids []string, err error) {
	if refs == nil {
		return now, nil
	}
	if len(*refs) > maxKeys {
		return nil, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLimitReached, "a list has at most %d access keys", maxKeys).In(field)
	}
	for _, ref := range *refs {
		key, err := ruled(w, bk.Workspace, ref)
		switch {
		case err != nil:
			return nil, err
		case key.Workspace != bk.Workspace:
			return nil, kernel.NotFound(keyhatch.CodeAccessKeyNotFound)
		case key.Store != bk.Store:
			return nil, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoresDiffer, "a key works on one store, and this bucket is on another").In(field)
		}
		ids = append(ids, key.ID)
	}
	return ids, nil
}

// with is a sorted list of ids with one in it or not.
func with(ids []string, id string, in bool) []string {
	ids = slices.DeleteFunc(slices.Clone(ids), func(o string) bool { return o == id })
	if in {
		ids = append(ids, id)
		slices.Sort(ids)
	}
	return ids
}
