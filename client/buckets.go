package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/keyhatch/keyhatch/api"
)

// Buckets lists the workspace's buckets.
func (c *Client) Buckets(ctx context.Context) iter.Seq2[api.Bucket, error] {
	return list[api.Bucket](ctx, c, "/buckets", c.here())
}

// Bucket shows a bucket, by its id or name.
func (c *Client) Bucket(ctx context.Context, bucket string) (b api.Bucket, err error) {
	err = c.call(ctx, http.MethodGet, at("buckets", bucket), c.here(), nil, &b)
	return b, err
}

// CreateBucket makes a bucket at its store. It comes back pending when the store has not
// answered in time.
func (c *Client) CreateBucket(ctx context.Context, n api.NewBucket) (b api.Bucket, err error) {
	err = c.call(ctx, http.MethodPost, "/buckets", c.here(), n, &b)
	return b, err
}

// RegisterBucket puts a bucket that is at a store on record as the workspace's.
func (c *Client) RegisterBucket(ctx context.Context, n api.ExistingBucket) (b api.Bucket, err error) {
	err = c.call(ctx, http.MethodPost, "/buckets/register", c.here(), n, &b)
	return b, err
}

// UpdateBucket changes what the change names.
func (c *Client) UpdateBucket(ctx context.Context, bucket string, change api.BucketChange) (b api.Bucket, err error) {
	err = c.call(ctx, http.MethodPatch, at("buckets", bucket), c.here(), change, &b)
	return b, err
}

// DeleteBucket removes an empty bucket, from its store too.
func (c *Client) DeleteBucket(ctx context.Context, bucket string) error {
	return c.call(ctx, http.MethodDelete, at("buckets", bucket), c.here(), nil, nil)
}

// UnregisterBucket takes a bucket without locations off the record; it stays at the store
// with its objects.
func (c *Client) UnregisterBucket(ctx context.Context, bucket string) error {
	return c.call(ctx, http.MethodPost, at("buckets", bucket, "unregister"), c.here(), nil, nil)
}

// Presign makes a URL with which whoever has it reads one object for a while.
func (c *Client) Presign(ctx context.Context, bucket string, r api.PresignRequest) (u api.PresignedURL, err error) {
	err = c.call(ctx, http.MethodPost, at("buckets", bucket, "presigned-url"), c.here(), r, &u)
	return u, err
}

// RevokePresignedURLs ends the presigned URLs of a bucket, and tells how many work on: those
// that the store's own sessions have signed.
func (c *Client) RevokePresignedURLs(ctx context.Context, bucket string) (r api.RevokedURLs, err error) {
	err = c.call(ctx, http.MethodPost, at("buckets", bucket, "revoke-presigned-urls"), c.here(), nil, &r)
	return r, err
}

// BucketUsage tells how much is in a bucket.
func (c *Client) BucketUsage(ctx context.Context, bucket string) (u api.BucketUsage, err error) {
	err = c.call(ctx, http.MethodGet, at("buckets", bucket, "usage"), c.here(), nil, &u)
	return u, err
}

// ObjectDetails tells what is known of an object.
func (c *Client) ObjectDetails(ctx context.Context, bucket, key string) (o api.ObjectDetails, err error) {
	query := c.here()
	query.Set("key", key)
	err = c.call(ctx, http.MethodGet, at("buckets", bucket, "object"), query, nil, &o)
	return o, err
}

// BucketKeys lists the access keys whose lists name a bucket.
func (c *Client) BucketKeys(ctx context.Context, bucket string) (k api.BucketKeys, err error) {
	err = c.call(ctx, http.MethodGet, at("buckets", bucket, "keys"), c.here(), nil, &k)
	return k, err
}

// SetBucketKeys says which access keys read and write a bucket.
func (c *Client) SetBucketKeys(ctx context.Context, bucket string, change api.BucketKeysChange) (k api.BucketKeys, err error) {
	err = c.call(ctx, http.MethodPut, at("buckets", bucket, "keys"), c.here(), change, &k)
	return k, err
}
