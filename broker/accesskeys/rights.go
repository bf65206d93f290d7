package accesskeys

import (
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/policy"
)

// maxBuckets is how many buckets the lists of a key may have.
const maxBuckets = 1000

// within reads what a key is to open, and refuses what its owner, or the caller, does not
// decide over, and what the scopes of the caller's token do not hold.
func within(v kernel.View, key keyhatch.AccessKey, asked Rights) (keyhatch.KeyRights, error) {
	scopes, err := policy.ParseScopes(v.Caller.Token.Scopes)
	if err != nil {
		return keyhatch.KeyRights{}, err
	}
	b := bounds{View: v, key: key, scopes: scopes, may: map[string]bool{}}
	if b.manages, err = b.managing(); err != nil {
		return keyhatch.KeyRights{}, err
	}
	out := keyhatch.KeyRights{SeeAll: asked.SeeAll, ReadAll: asked.ReadAll, WriteAll: asked.WriteAll}
	if out.SeeAll || out.ReadAll || out.WriteAll {
		if err := b.mustHaveAll(); err != nil {
			return out, err
		}
	}
	if out.Read, err = b.list("read", keyhatch.Read, asked.Read); err != nil {
		return out, err
	}
	out.Write, err = b.list("write", keyhatch.Write, asked.Write)
	return out, err
}

// bounds are what the rights of a key are held to.
type bounds struct {
	kernel.View
	key     keyhatch.AccessKey
	scopes  policy.Scopes
	manages bool            // the caller and the owner do, the workspace
	may     map[string]bool // buckets that were looked at
}

// managing tells whether the caller and the key's owner both manage the workspace.
func (b *bounds) managing() (bool, error) {
	role, err := b.Role(b.key.Workspace)
	if err != nil || !role.Manages() || b.key.Owner == b.Caller.User.ID {
		return role.Manages(), err
	}
	owner, in, err := b.owner()
	return owner.Admin || in.Manages(), err
}

// owner is the key's, and its role in the workspace.
func (b *bounds) owner() (keyhatch.User, keyhatch.Role, error) {
	owner, err := b.User(b.Ctx, b.key.Owner)
	if err != nil {
		return owner, keyhatch.NoRole, err
	}
	as := kernel.View{Reader: b.Reader, Ctx: b.Ctx, Now: b.Now, Caller: keyhatch.Caller{User: owner}}
	in, err := as.Role(b.key.Workspace)
	return owner, in, err
}

func (b *bounds) mustHaveAll() error {
	switch {
	case !b.manages:
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"rights on all buckets are for admins of the workspace, also as the key's owner: name buckets that you own, or ask one of them")
	case b.scopes.BoundsS3():
		return tooBroad()
	}
	return nil
}

func tooBroad() error {
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
		"a key's rights must lie within the s3: scopes of the token that makes or changes it: ask for narrower ones")
}

// list are the ids of the buckets that a list names.
func (b *bounds) list(field string, access keyhatch.Access, refs []string) (ids []string, err error) {
	if len(refs) > maxBuckets {
		return nil, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLimitReached, "a list has at most %d buckets", maxBuckets).In(field)
	}
	for _, ref := range refs {
		bucket, err := b.bucket(field, ref)
		if err != nil {
			return nil, err
		}
		if b.scopes.BoundsS3() && !b.scopes.AllowsS3(access, keyhatch.S3URL{Bucket: bucket.Name}) {
			return nil, tooBroad()
		}
		ids = append(ids, bucket.ID)
	}
	slices.Sort(ids)
	return slices.Compact(ids), nil
}

// bucket finds a bucket that the key may be for.
func (b *bounds) bucket(field, ref string) (bucket keyhatch.Bucket, err error) {
	if _, ok := keyhatch.IDPayload(keyhatch.BucketID, ref); ok {
		bucket, err = b.Bucket(b.Ctx, ref)
	} else {
		bucket, err = b.BucketByName(b.Ctx, b.key.Workspace, ref)
	}
	if err == nil && bucket.Workspace != b.key.Workspace {
		err = kernel.NotFound(keyhatch.CodeBucketNotFound)
	}
	if err == nil {
		err = b.mustSee(bucket)
	}
	switch {
	case err != nil:
		return bucket, err
	case bucket.Store != b.key.Store:
		return bucket, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoresDiffer,
			"a key works on one store, and this bucket is on another: make another key").In(field)
	case b.manages:
		return bucket, nil
	}
	may, looked := b.may[bucket.ID]
	if !looked {
		if may, err = b.mayBoth(bucket); err != nil {
			return bucket, err
		}
		b.may[bucket.ID] = may
	}
	if !may {
		return bucket, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"a key is for buckets that its owner decides over, and who makes or changes it: the workspace's admins do, and a bucket's owner").In(field)
	}
	return bucket, nil
}

// mustSee refuses who may not see a bucket's store; its owner sees it.
func (b *bounds) mustSee(bucket keyhatch.Bucket) error {
	if bucket.Owner == b.Caller.User.ID {
		return nil
	}
	store, err := b.Store(b.Ctx, bucket.Store)
	if err == nil {
		err = b.MustSeeStore(store, keyhatch.CodeBucketNotFound)
	}
	return err
}

// mayBoth tells whether the caller and the key's owner both decide over the bucket.
func (b *bounds) mayBoth(bucket keyhatch.Bucket) (bool, error) {
	role, err := b.Role(bucket.Workspace)
	if err != nil || !role.Manages() && !policy.OwnsBucket(bucket, b.Caller.User.ID, role) || b.key.Owner == b.Caller.User.ID {
		return role.Manages() || policy.OwnsBucket(bucket, b.Caller.User.ID, role), err
	}
	owner, in, err := b.owner()
	return owner.Admin || in.Manages() || policy.OwnsBucket(bucket, owner.ID, in), err
}

func joined(ids []string) string { return strings.Join(ids, " ") }
