package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/places"
)

// BucketRef names a bucket in the path.
type BucketRef struct {
	InWorkspace
	Bucket string `path:"bucket" maxLength:"128" doc:"Id or name"`
}

func (d *Door) buckets(a huma.API) {
	const noun = "buckets"
	handle(d, a, call{method: http.MethodGet, path: "/buckets", id: "listBuckets", summary: "List a workspace's buckets", noun: noun}, d.listBuckets)
	handle(d, a, call{method: http.MethodPost, path: "/buckets", id: "createBucket", summary: "Put a bucket of a store on record as a workspace's", noun: noun, status: http.StatusCreated}, d.createBucket)
	handle(d, a, call{method: http.MethodGet, path: "/buckets/{bucket}", id: "getBucket", summary: "Show a bucket", noun: noun}, d.getBucket)
	handle(d, a, call{method: http.MethodPatch, path: "/buckets/{bucket}", id: "updateBucket", summary: "Hand a bucket over", noun: noun}, d.updateBucket)
	handle(d, a, call{method: http.MethodDelete, path: "/buckets/{bucket}", id: "deleteBucket", summary: "Take a bucket without locations off the record; its objects stay", noun: noun, status: http.StatusNoContent}, d.deleteBucket)
}

func (d *Door) listBuckets(ctx context.Context, c keyhatch.Caller, in *WorkspaceList) (*body[api.Page[api.Bucket]], error) {
	buckets, err := d.broker.Places.Buckets(ctx, c, in.Workspace, in.page())
	return pageOf(buckets, err, encodeBucket)
}

type createBucketInput struct {
	InWorkspace
	Body api.NewBucket
}

func (d *Door) createBucket(ctx context.Context, c keyhatch.Caller, in *createBucketInput) (*body[api.Bucket], error) {
	b, err := d.broker.Places.CreateBucket(ctx, c, places.NewBucket{Workspace: in.Workspace, Store: in.Body.Store, Name: in.Body.Name, Owner: in.Body.Owner})
	return one(b, err, encodeBucket)
}

func (d *Door) getBucket(ctx context.Context, c keyhatch.Caller, in *BucketRef) (*body[api.Bucket], error) {
	b, err := d.broker.Places.Bucket(ctx, c, in.Workspace, in.Bucket)
	return one(b, err, encodeBucket)
}

type updateBucketInput struct {
	BucketRef
	Body api.BucketChange
}

func (d *Door) updateBucket(ctx context.Context, c keyhatch.Caller, in *updateBucketInput) (*body[api.Bucket], error) {
	b, err := d.broker.Places.UpdateBucket(ctx, c, in.Workspace, in.Bucket, places.BucketChange{Owner: in.Body.Owner})
	return one(b, err, encodeBucket)
}

func (d *Door) deleteBucket(ctx context.Context, c keyhatch.Caller, in *BucketRef) (*done, error) {
	return nil, d.broker.Places.DeleteBucket(ctx, c, in.Workspace, in.Bucket)
}

func encodeBucket(b keyhatch.Bucket) api.Bucket {
	return api.Bucket{ID: b.ID, Workspace: b.Workspace, Store: b.Store, Name: b.Name, Owner: b.Owner, CreatedAt: b.CreatedAt}
}
