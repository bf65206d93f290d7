package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/lending"
)

// BucketRef names a bucket in the path.
type BucketRef struct {
	InWorkspace
	Bucket string `path:"bucket" maxLength:"128" doc:"Id or name"`
}

func (d *Door) buckets(a huma.API) {
	const noun = "buckets"
	handle(d, a, call{method: http.MethodGet, path: "/buckets", id: "listBuckets", summary: "List a workspace's buckets", noun: noun}, d.listBuckets)
	handle(d, a, call{method: http.MethodPost, path: "/buckets", id: "createBucket", summary: "Make a bucket at its store", noun: noun, status: http.StatusCreated}, d.createBucket)
	handle(d, a, call{method: http.MethodPost, path: "/buckets/register", id: "registerBucket", summary: "Put a bucket that is at a store on record as a workspace's", noun: noun, status: http.StatusCreated}, d.registerBucket)
	handle(d, a, call{method: http.MethodGet, path: "/buckets/{bucket}", id: "getBucket", summary: "Show a bucket", noun: noun}, d.getBucket)
	handle(d, a, call{method: http.MethodPatch, path: "/buckets/{bucket}", id: "updateBucket", summary: "Change what is said of a bucket, hand it over, or make it public", noun: noun}, d.updateBucket)
	handle(d, a, call{method: http.MethodDelete, path: "/buckets/{bucket}", id: "deleteBucket", summary: "Remove an empty bucket, from its store too", noun: noun, status: http.StatusNoContent}, d.deleteBucket)
	handle(d, a, call{method: http.MethodPost, path: "/buckets/{bucket}/unregister", id: "unregisterBucket", summary: "Take a bucket without locations off the record; it stays at the store with its objects", noun: noun, status: http.StatusNoContent}, d.unregisterBucket)
	handle(d, a, call{method: http.MethodGet, path: "/buckets/{bucket}/usage", id: "getBucketUsage", summary: "Tell how much is in a bucket", noun: noun}, d.getBucketUsage)
	handle(d, a, call{method: http.MethodGet, path: "/buckets/{bucket}/object", id: "getObjectDetails", summary: "Tell what is known of an object, to who may read it", noun: noun}, d.getObjectDetails)
	handle(d, a, call{method: http.MethodPost, path: "/buckets/{bucket}/presigned-url", id: "presignURL", summary: "Make a URL with which whoever has it reads one object for a while", noun: "leases", lending: true}, d.presignURL)
	handle(d, a, call{method: http.MethodPost, path: "/buckets/{bucket}/revoke-presigned-urls", id: "revokePresignedURLs", summary: "End the presigned URLs of a bucket, but for those that the store itself has signed", noun: noun}, d.revokePresignedURLs)
	handle(d, a, call{method: http.MethodGet, path: "/buckets/{bucket}/keys", id: "getBucketKeys", summary: "List the access keys whose lists name a bucket", noun: noun}, d.getBucketKeys)
	handle(d, a, call{method: http.MethodPut, path: "/buckets/{bucket}/keys", id: "setBucketKeys", summary: "Say which access keys read and write a bucket", noun: noun}, d.setBucketKeys)
}

func (d *Door) listBuckets(ctx context.Context, c keyhatch.Caller, in *WorkspaceList) (*body[api.Page[api.Bucket]], error) {
	found, err := d.broker.Buckets.Buckets(ctx, c, in.Workspace, in.page())
	return pageOf(found, err, encodeBucket)
}

type createBucketInput struct {
	InWorkspace
	Body api.NewBucket
}

func (d *Door) createBucket(ctx context.Context, c keyhatch.Caller, in *createBucketInput) (*body[api.Bucket], error) {
	b, err := d.broker.Buckets.Create(ctx, c, buckets.NewBucket{
		Workspace: in.Workspace, Store: in.Body.Store, Name: in.Body.Name, Change: bucketChange(in.Body.BucketChange), Location: in.Body.Location,
	})
	return one(b, err, encodeBucket)
}

type registerBucketInput struct {
	InWorkspace
	Body api.ExistingBucket
}

func (d *Door) registerBucket(ctx context.Context, c keyhatch.Caller, in *registerBucketInput) (*body[api.Bucket], error) {
	b, err := d.broker.Buckets.Register(ctx, c, buckets.Existing{Workspace: in.Workspace, Store: in.Body.Store, Name: in.Body.Name, Owner: in.Body.Owner})
	return one(buckets.Bucket{Bucket: b}, err, encodeBucket)
}

func (d *Door) getBucket(ctx context.Context, c keyhatch.Caller, in *BucketRef) (*body[api.Bucket], error) {
	b, err := d.broker.Buckets.Bucket(ctx, c, in.Workspace, in.Bucket)
	return one(b, err, encodeBucket)
}

type updateBucketInput struct {
	BucketRef
	Body api.BucketChange
}

func (d *Door) updateBucket(ctx context.Context, c keyhatch.Caller, in *updateBucketInput) (*body[api.Bucket], error) {
	b, err := d.broker.Buckets.Update(ctx, c, in.Workspace, in.Bucket, bucketChange(in.Body))
	return one(b, err, encodeBucket)
}

func bucketChange(b api.BucketChange) buckets.Change {
	ch := buckets.Change{
		Owner: b.Owner, Label: b.Label, ServeStaticSite: b.ServeStaticSite, StaticSiteIndex: b.StaticSiteIndex, StaticSiteError: b.StaticSiteError,
		AllKeysRead: b.AllKeysRead, AllKeysWrite: b.AllKeysWrite, ListWhole: b.ListWhole, PublicRead: b.PublicRead, PublicList: b.PublicList,
	}
	if n := b.MaxPresignedSeconds; n != nil {
		var most time.Duration // 0 is none
		if *n != 0 {
			most = seconds(n)
		}
		ch.MaxPresigned = &most
	}
	return ch
}

func (d *Door) deleteBucket(ctx context.Context, c keyhatch.Caller, in *BucketRef) (*done, error) {
	return nil, d.broker.Buckets.Delete(ctx, c, in.Workspace, in.Bucket)
}

func (d *Door) unregisterBucket(ctx context.Context, c keyhatch.Caller, in *BucketRef) (*done, error) {
	return nil, d.broker.Buckets.Unregister(ctx, c, in.Workspace, in.Bucket)
}

func (d *Door) getBucketUsage(ctx context.Context, c keyhatch.Caller, in *BucketRef) (*body[api.BucketUsage], error) {
	u, err := d.broker.Buckets.Usage(ctx, c, in.Workspace, in.Bucket)
	return one(u, err, encodeBucketUsage)
}

type objectInput struct {
	BucketRef
	Key string `query:"key" required:"true" maxLength:"1024"`
}

func (d *Door) getObjectDetails(ctx context.Context, c keyhatch.Caller, in *objectInput) (*body[api.ObjectDetails], error) {
	o, err := d.broker.Buckets.Object(ctx, c, in.Workspace, in.Bucket, in.Key)
	return one(o, err, func(o keyhatch.ObjectDetails) api.ObjectDetails {
		out := api.ObjectDetails{Key: o.Key, Folder: o.Folder, ModifiedAt: optTime(o.Modified)}
		if !o.Folder {
			out.Bytes = &o.Size
		}
		return out
	})
}

type presignInput struct {
	BucketRef
	Body api.PresignRequest
}

func (d *Door) presignURL(ctx context.Context, c keyhatch.Caller, in *presignInput) (*body[api.PresignedURL], error) {
	r := lending.PresignRequest{Workspace: in.Workspace, Bucket: in.Bucket, Key: in.Body.Key}
	if in.Body.ExpirySeconds != nil {
		r.Life = seconds(in.Body.ExpirySeconds)
	}
	made, err := d.broker.Lending.Presign(ctx, c, r)
	return one(made, err, func(p lending.Presigned) api.PresignedURL {
		return api.PresignedURL{URL: p.URL.Reveal(), Lease: p.Lease.ID, ExpiresAt: p.Lease.ExpiresAt}
	})
}

func (d *Door) revokePresignedURLs(ctx context.Context, c keyhatch.Caller, in *BucketRef) (*body[api.RevokedURLs], error) {
	left, err := d.broker.Buckets.RevokePresigned(ctx, c, in.Workspace, in.Bucket)
	return one(left, err, func(l buckets.LeftURLs) api.RevokedURLs {
		return api.RevokedURLs{Left: l.Count, LeftUntil: optTime(l.Until)}
	})
}

func (d *Door) getBucketKeys(ctx context.Context, c keyhatch.Caller, in *BucketRef) (*body[api.BucketKeys], error) {
	on, err := d.broker.AccessKeys.KeysOnBucket(ctx, c, in.Workspace, in.Bucket)
	return one(on, err, encodeBucketKeys)
}

type setBucketKeysInput struct {
	BucketRef
	Body api.BucketKeysChange
}

func (d *Door) setBucketKeys(ctx context.Context, c keyhatch.Caller, in *setBucketKeysInput) (*body[api.BucketKeys], error) {
	on, err := d.broker.AccessKeys.SetOnBucket(ctx, c, in.Workspace, in.Bucket, accesskeys.OnBucketChange{Read: in.Body.Read, Write: in.Body.Write})
	return one(on, err, encodeBucketKeys)
}

func encodeBucketKeys(on accesskeys.OnBucket) api.BucketKeys {
	return api.BucketKeys{Read: append([]string{}, on.Read...), Write: append([]string{}, on.Write...)}
}

func encodeBucket(b buckets.Bucket) api.Bucket {
	return api.Bucket{
		ID: b.ID, Workspace: b.Workspace, Store: b.Store, Name: b.Name, Owner: b.Owner, State: string(b.State),
		BucketFields: api.BucketFields{
			Label: b.Label, ServeStaticSite: b.Site.Serve, StaticSiteIndex: b.Site.Index, StaticSiteError: b.Site.Error,
			AllKeysRead: b.AllKeysRead, AllKeysWrite: b.AllKeysWrite, PublicRead: b.Public, PublicList: b.Public,
			MaxPresignedSeconds: int(b.MaxPresigned.Seconds()), ListWhole: !b.ListWholeSince.IsZero(),
		},
		PresignedSince: optTime(b.PresignedSince), Usage: encodeBucketUsage(b.Usage), CreatedAt: b.CreatedAt,
	}
}

func encodeBucketUsage(u keyhatch.BucketUsage) api.BucketUsage {
	return api.BucketUsage{Objects: u.Objects, Bytes: u.Bytes, CountedAt: optTime(u.CountedAt)}
}
