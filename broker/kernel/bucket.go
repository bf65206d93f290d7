package kernel

import "github.com/keyhatch/keyhatch"

// VisibleBucket finds a bucket that the caller may see, by id, or by name in a workspace:
// those of its workspaces on stores that it sees, and its own.
func (v View) VisibleBucket(workspace, ref string) (bk keyhatch.Bucket, err error) {
	if _, ok := keyhatch.IDPayload(keyhatch.BucketID, ref); ok {
		if bk, err = v.Bucket(v.Ctx, ref); err == nil {
			err = v.MustBelong(bk.Workspace, keyhatch.CodeBucketNotFound)
		}
	} else {
		var ws keyhatch.Workspace
		if ws, err = v.MemberWorkspace(workspace); err == nil {
			bk, err = v.BucketByName(v.Ctx, ws.ID, ref)
		}
	}
	if err == nil {
		err = v.MustSeeBucket(bk)
	}
	if err != nil {
		return keyhatch.Bucket{}, err
	}
	return bk, nil
}

// MustSeeBucket refuses who may not see the store of a bucket of its workspace; the
// bucket's owner sees it.
func (v View) MustSeeBucket(bk keyhatch.Bucket) error {
	if bk.Owner == v.Caller.User.ID {
		return nil
	}
	store, err := v.Store(v.Ctx, bk.Store)
	if err == nil {
		err = v.MustSeeStore(store, keyhatch.CodeBucketNotFound)
	}
	return err
}
