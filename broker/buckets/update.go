package buckets

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/policy"
)

// Change says what of a bucket changes; nil fields stay.
type Change struct {
	Owner *string // id or name
	Label *string

	ServeStaticSite *bool
	StaticSiteIndex *string
	StaticSiteError *string
	AllKeysRead     *bool
	AllKeysWrite    *bool
	MaxPresigned    *time.Duration
	ListWhole       *bool // by leases that are borrowed for that
	PublicRead      *bool // what lets everyone read a bucket lets them list it:
	PublicList      *bool // these go together

	Keys accesskeys.OnBucketChange // whose lists name it
}

// putKeys says which keys read and write a bucket, if anything is said of that.
func (svc *Service) putKeys(w *kernel.Work, bk keyhatch.Bucket, ch accesskeys.OnBucketChange) error {
	if ch == (accesskeys.OnBucketChange{}) {
		return nil
	}
	_, err := svc.keys.PutOnBucket(w, bk, ch)
	return err
}

// Update changes a bucket. Its owner and the workspace's admins only. Who makes it public,
// or takes that back, decides over the location over all of it, or is an admin of the
// workspace when there is none.
func (svc *Service) Update(ctx context.Context, c keyhatch.Caller, workspace, ref string, ch Change) (out Bucket, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		bk, _, err := ruled(w, workspace, ref)
		if err != nil {
			return err
		}
		if bk.State == keyhatch.BucketDeleting {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeBucketNotReady, "the store is removing the bucket")
		}
		before := bk
		if err := ch.apply(w, &bk); err != nil {
			return err
		}
		is, err := w.PublicBuckets(ctx, bk.Workspace, bk.ID, w.Now)
		if err != nil {
			return err
		}
		was := len(is) > 0
		public, err := ch.public(was)
		if err != nil {
			return err
		}
		if public != was && bk.State != keyhatch.BucketConfigured {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeBucketNotReady, "the store is making the bucket: try again when it has")
		}
		switch {
		case public && !was:
			err = svc.makePublic(w, bk, true)
		case was && !public:
			err = takePublic(w, bk)
		}
		if err != nil {
			return err
		}
		if err := w.Tx.UpdateBucket(ctx, bk); err != nil {
			return err
		}
		if err := w.Record(places.BucketUpdated, bk.Workspace, bk.ID, places.BucketDetail(bk)); err != nil {
			return err
		}
		if err := followed(w, before, bk); err != nil {
			return err
		}
		if err := svc.putKeys(w, bk, ch.Keys); err != nil {
			return err
		}
		out, err = whole(w.View, bk)
		return err
	})
	return out, err
}

// followed has the bucket's store follow, when it keeps keys: all of the workspace's when
// it opens something else to all, and those of both owners when it has another one.
func followed(w *kernel.Work, before, now keyhatch.Bucket) error {
	keys := db.AccessKeyFilter{Workspace: now.Workspace, Store: now.Store}
	if before.AllKeysRead != now.AllKeysRead || before.AllKeysWrite != now.AllKeysWrite {
		return storekeys.FollowThose(w, keys)
	}
	if before.Owner == now.Owner {
		return nil
	}
	for _, keys.Owner = range []string{before.Owner, now.Owner} {
		if keys.Owner == "" {
			continue
		}
		if err := storekeys.FollowThose(w, keys); err != nil {
			return err
		}
	}
	return nil
}

// apply puts a change into a bucket that is about to be written.
func (ch Change) apply(w *kernel.Work, bk *keyhatch.Bucket) error {
	if ch.Owner != nil {
		owner, err := w.NameableUser(*ch.Owner)
		if err != nil {
			return err
		}
		if owner.ID != bk.Owner { // who decides over it can make keys for it, and signs URLs
			for _, access := range []keyhatch.Access{keyhatch.Read, keyhatch.Write} {
				if err := mayHandOn(w.View, access, *bk); err != nil {
					return err
				}
			}
			bk.Owner, bk.PresignedSince, bk.ListWholeSince = owner.ID, w.Now, time.Time{}
		}
	}
	kernel.Set(&bk.Label, ch.Label)
	kernel.Set(&bk.Site.Serve, ch.ServeStaticSite)
	kernel.Set(&bk.Site.Index, ch.StaticSiteIndex)
	kernel.Set(&bk.Site.Error, ch.StaticSiteError)
	for _, text := range []struct{ field, is string }{
		{"label", bk.Label}, {"static_site_index", bk.Site.Index}, {"static_site_error", bk.Site.Error},
	} {
		if err := keyhatch.CheckLabel(text.field, text.is); err != nil {
			return err
		}
	}
	kernel.Set(&bk.MaxPresigned, ch.MaxPresigned)
	if err := keyhatch.CheckMaxPresigned(bk.MaxPresigned); err != nil {
		return err
	}
	for access, to := range map[keyhatch.Access]*bool{keyhatch.Read: ch.AllKeysRead, keyhatch.Write: ch.AllKeysWrite} {
		if to != nil && *to {
			if err := mayHandOn(w.View, access, *bk); err != nil {
				return err
			}
		}
	}
	if ch.ListWhole != nil {
		if err := ch.applyListing(w, bk); err != nil {
			return err
		}
	}
	kernel.Set(&bk.AllKeysRead, ch.AllKeysRead)
	kernel.Set(&bk.AllKeysWrite, ch.AllKeysWrite)
	return nil
}

// applyListing lets leases list all of the bucket, or no longer: those that did then
// never do again.
func (ch Change) applyListing(w *kernel.Work, bk *keyhatch.Bucket) error {
	switch {
	case !*ch.ListWhole:
		bk.ListWholeSince = time.Time{}
	case bk.ListWholeSince.IsZero():
		if err := mayHandOn(w.View, keyhatch.Read, *bk); err != nil {
			return err
		}
		bk.ListWholeSince = w.Now
	}
	return nil
}

// mayHandOn refuses a caller whose token could not make a key for the bucket: it would
// open it to all keys (S4).
func mayHandOn(v kernel.View, access keyhatch.Access, bk keyhatch.Bucket) error {
	scopes, err := policy.ParseScopes(v.Caller.Token.Scopes)
	if err == nil && !scopes.AllowsS3(access, keyhatch.S3URL{Bucket: bk.Name}) {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			"what is opened must lie within the s3: scopes of the token that is used: use one for the whole bucket")
	}
	return err
}

// public tells whether a bucket is to be public that was or was not.
func (ch Change) public(was bool) (bool, error) {
	read, list := was, was
	kernel.Set(&read, ch.PublicRead)
	kernel.Set(&list, ch.PublicList)
	if read != list {
		return was, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest,
			"public_read and public_list go together: who can read a bucket can list it").In("public_read")
	}
	return read, nil
}
