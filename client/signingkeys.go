package client

import (
	"context"
	"net/http"

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
// until what it has signed has ended.
func (c *Client) RotateSigningKey(ctx context.Context) ([]api.SigningKey, error) {
	var page api.Page[api.SigningKey]
	err := c.call(ctx, http.MethodPost, "/signing-keys/rotate", nil, nil, &page)
	return page.Items, err
}
