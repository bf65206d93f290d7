package client

import (
	"context"
	"net/http"

	"github.com/keyhatch/keyhatch/api"
)

// Keys lists the data keys of the installation, and what needs them.
func (c *Client) Keys(ctx context.Context) ([]api.Key, error) {
	var page api.Page[api.Key] // of one page: there are few
	err := c.call(ctx, http.MethodGet, "/keys", nil, nil, &page)
	return page.Items, err
}

// RotateKeys has new data keys made and returns all. What is sealed with the old ones
// is sealed anew in the background: Keys tells how far that is.
func (c *Client) RotateKeys(ctx context.Context, r api.KeyRotation) ([]api.Key, error) {
	var page api.Page[api.Key]
	err := c.call(ctx, http.MethodPost, "/keys/rotate", nil, r, &page)
	return page.Items, err
}
