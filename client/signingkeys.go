package client

import (
	"context"
	"net/http"
	"net/url"

	"github.com/keyhatch/keyhatch/api"
)

// SigningKeys lists the keys with which the authorization server signs, that which signs now
// first.
func (c *Client) SigningKeys(ctx context.Context) ([]api.SigningKey, error) {
	var page api.Page[api.SigningKey] // of one page: there are few
	err := c.call(ctx, http.MethodGet, "/signing-keys", nil, nil, &page)
	return page.Items, err
}

// RotateSigningKey has another key sign from now on and returns all. The one before is published
// until what it has signed has ended; or, for one that others have, all keys of before are published no more
// from now on, and the tokens end that they have signed.
func (c *Client) RotateSigningKey(ctx context.Context, now bool) ([]api.SigningKey, error) {
	var page api.Page[api.SigningKey]
	query := url.Values{}
	if now {
		query.Set("now", "true")
	}
	err := c.call(ctx, http.MethodPost, "/signing-keys/rotate", query, nil, &page)
	return page.Items, err
}
