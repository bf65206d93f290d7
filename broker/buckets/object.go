package buckets

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
)

// lookWithin is how long a store has to tell of an object.
const lookWithin = 10 * time.Second

// Object looks at what a key names in a bucket, for who may read there: the workspace's
// admins, the bucket's owner, and whom a grant lets; and who meets what its location asks of
// those who borrow. To others the bucket is not there.
func (svc *Service) Object(ctx context.Context, c keyhatch.Caller, workspace, ref, key string) (keyhatch.ObjectDetails, error) {
	var none keyhatch.ObjectDetails
	v := svc.k.View(ctx, c)
	bk, err := svc.readable(v, workspace, ref, key)
	if err != nil {
		return none, err
	}
	if err := keyhatch.CheckKey(key); err != nil {
		return none, err
	}
	if err := v.MustOpen(bk.Workspace, bk.Store); err != nil {
		return none, err
	}
	if bk.State != keyhatch.BucketConfigured {
		return none, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeBucketNotReady, "the store is making or removing the bucket")
	}
	store, err := v.Store(ctx, bk.Store)
	if err != nil {
		return none, err
	}
	if err := mayAsk(v, store); err != nil {
		return none, err
	}
	if err := svc.conditions(v, bk, key); err != nil {
		return none, err
	}
	looking, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	return svc.keeper.Object(looking, store, bk.Name, key)
}

// mayAsk refuses a task's token where what acts for the store is not for tasks.
func mayAsk(v kernel.View, s keyhatch.Store) error {
	if _, task := v.Caller.Token.OfTask(); !task || s.Credential == "" {
		return nil
	}
	acts, err := v.SealedCredential(v.Ctx, s.Credential)
	if err == nil && !acts.AllowedInTasks() {
		err = kernel.NotForTasks()
	}
	return err
}

// readable finds a bucket in which the caller may read a key.
func (svc *Service) readable(v kernel.View, workspace, ref, key string) (bk keyhatch.Bucket, err error) {
	if _, ok := keyhatch.IDPayload(keyhatch.BucketID, ref); ok {
		bk, err = v.Bucket(v.Ctx, ref)
	} else {
		var ws keyhatch.Workspace
		if ws, err = v.WorkspaceFor(workspace); err == nil {
			bk, err = v.BucketByName(v.Ctx, ws.ID, ref)
		}
	}
	if errors.Is(err, keyhatch.NotFound) {
		err = kernel.NotFound(keyhatch.CodeBucketNotFound)
	}
	if err != nil {
		return bk, err
	}
	may, err := svc.mayRead(v, bk, key)
	if err == nil && !may {
		err = kernel.NotFound(keyhatch.CodeBucketNotFound)
		if _, seen := v.VisibleBucket(bk.Workspace, bk.ID); seen == nil {
			err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeAccessNotGranted, "no grant lets you read there: ask the location's owner for one")
		}
	}
	if err != nil {
		return keyhatch.Bucket{}, err
	}
	scopes, err := policy.ParseScopes(v.Caller.Token.Scopes)
	if err == nil && !scopes.AllowsS3(keyhatch.Read, keyhatch.S3URL{Bucket: bk.Name, Prefix: keyhatch.FolderOf(key)}) {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeNotGranted, "the token's s3 scopes do not reach there")
	}
	return bk, err
}

// conditions refuses who does not meet what the location asks that a key is in.
func (svc *Service) conditions(v kernel.View, bk keyhatch.Bucket, key string) error {
	return svc.k.Mirror.View(v.Ctx, func(image *mirror.Image) error {
		l, err := image.LocationHolding(bk.Workspace, keyhatch.S3URL{Bucket: bk.Name, Prefix: keyhatch.FolderOf(key)})
		if errors.Is(err, keyhatch.NotFound) {
			return nil
		}
		if err != nil {
			return err
		}
		return kernel.Conditions(image, v.Caller, l, "location "+l.Name)
	})
}

func (svc *Service) mayRead(v kernel.View, bk keyhatch.Bucket, key string) (may bool, err error) {
	if !v.Within(bk.Workspace) {
		return false, nil
	}
	role, err := v.Role(bk.Workspace)
	if err != nil || policy.DecidesOver(bk, v.Caller.User.ID, role) {
		return err == nil, err
	}
	err = svc.k.Mirror.View(v.Ctx, func(image *mirror.Image) error {
		l, err := image.LocationHolding(bk.Workspace, keyhatch.S3URL{Bucket: bk.Name, Prefix: keyhatch.FolderOf(key)})
		if err == nil {
			_, may = policy.BestGrant(image.GrantsReaching(l.ID, v.Caller.User.ID), keyhatch.Read, keyhatch.FolderOf(key), v.Now)
		}
		if errors.Is(err, keyhatch.NotFound) {
			err = nil
		}
		return err
	})
	return may, err
}
