package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/keyhatch/keyhatch/api"
)

// OAuthClients lists the programs that users can let act for them.
func (c *Client) OAuthClients(ctx context.Context) iter.Seq2[api.OAuthClient, error] {
	return list[api.OAuthClient](ctx, c, "/oauth-clients", queryOf())
}

// CreateOAuthClient registers such a program.
func (c *Client) CreateOAuthClient(ctx context.Context, n api.NewOAuthClient) (made api.CreatedOAuthClient, err error) {
	err = c.call(ctx, http.MethodPost, "/oauth-clients", nil, n, &made)
	return made, err
}

// DeleteOAuthClient removes one, by its id or name, and ends all that users have let it do.
func (c *Client) DeleteOAuthClient(ctx context.Context, client string) error {
	return c.call(ctx, http.MethodDelete, at("oauth-clients", client), nil, nil, nil)
}
