package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/keyhatch/keyhatch/api"
)

// AccessKeys lists the access keys that one may see in the workspace; those of a store,
// by its id or name, when it is not empty.
func (c *Client) AccessKeys(ctx context.Context, store string) iter.Seq2[api.AccessKey, error] {
	return list[api.AccessKey](ctx, c, "/access-keys", queryOf("workspace", c.workspace, "store", store))
}

// AccessKey shows an access key, by its id or name.
func (c *Client) AccessKey(ctx context.Context, key string) (k api.AccessKey, err error) {
	err = c.call(ctx, http.MethodGet, at("access-keys", key), c.here(), nil, &k)
	return k, err
}

// CreateAccessKey makes an access key. It has no pair before one is issued.
func (c *Client) CreateAccessKey(ctx context.Context, n api.NewAccessKey) (k api.AccessKey, err error) {
	err = c.call(ctx, http.MethodPost, "/access-keys", c.here(), n, &k)
	return k, err
}

// UpdateAccessKey changes what the change names.
func (c *Client) UpdateAccessKey(ctx context.Context, key string, change api.AccessKeyChange) (k api.AccessKey, err error) {
	err = c.call(ctx, http.MethodPatch, at("access-keys", key), c.here(), change, &k)
	return k, err
}

// IssueAccessKey issues a pair for an access key; the one before ends, at once or after
// a grace.
func (c *Client) IssueAccessKey(ctx context.Context, key string, r api.IssueRequest) (k api.IssuedKey, err error) {
	err = c.call(ctx, http.MethodPost, at("access-keys", key)+"/issue", c.here(), r, &k)
	return k, err
}

// DeleteAccessKey removes an access key; its pairs end at once.
func (c *Client) DeleteAccessKey(ctx context.Context, key string) error {
	return c.call(ctx, http.MethodDelete, at("access-keys", key), c.here(), nil, nil)
}
