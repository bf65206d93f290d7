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
// decide over. What the caller's token may hand on is for mayHaveMade to tell.
func within(v kernel.View, key keyhatch.AccessKey, asked Rights) (out keyhatch.KeyRights, err error) {
	b := bounds{View: v, key: key, may: map[string]bool{}}
	if b.manages, err = b.managing(); err != nil {
		return out, err
	}
	out = keyhatch.KeyRights{SeeAll: asked.SeeAll, ReadAll: asked.ReadAll, WriteAll: asked.WriteAll}
	if onAll(out) && !b.manages {
		return out, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"rights on all buckets are for admins of the workspace, also as the key's owner: name buckets that you own, or ask one of them")
	}
	if out.Read, err = b.list("read", asked.Read); err != nil {
		return out, err
	}
	out.Write, err = b.list("write", asked.Write)
	return out, err
}

// onAll tells whether rights are about all buckets.
func onAll(r keyhatch.KeyRights) bool { return r.SeeAll || r.ReadAll || r.WriteAll }

// bounds are what the rights of a key are held to.
type bounds struct {
	kernel.View
	key     keyhatch.AccessKey
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

// list are the ids of the buckets that a list names.
func (b *bounds) list(field string, refs []string) (ids []string, err error) {
	if len(refs) > maxBuckets {
		return nil, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLimitReached, "a list has at most %d buckets", maxBuckets).In(field)
	}
	for _, ref := range refs {
		bucket, err := b.bucket(field, ref)
		if err != nil {
			return nil, err
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
		err = b.MustSeeBucket(bucket)
	}
	switch {
	case err != nil:
		return bucket, err
	case bucket.Store != b.key.Store:
		return bucket, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoresDiffer,
			"a key works on one store, and this bucket is on another: make another key").In(field)
	case bucket.State == keyhatch.BucketDeleting:
		return bucket, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeBucketNotReady, "the store is removing the bucket").In(field)
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

// mayBoth tells whether the caller and the key's owner both decide over the bucket.
func (b *bounds) mayBoth(bucket keyhatch.Bucket) (bool, error) {
	role, err := b.Role(bucket.Workspace)
	if may := policy.DecidesOver(bucket, b.Caller.User.ID, role); err != nil || !may || b.key.Owner == b.Caller.User.ID {
		return may, err
	}
	owner, in, err := b.owner()
	return owner.Admin || policy.DecidesOver(bucket, owner.ID, in), err
}

func joined(ids []string) string { return strings.Join(ids, " ") }
