package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/keyhatch/keyhatch/api"
)

// CreateLease borrows credentials. They are in the answer and nowhere else.
func (c *Client) CreateLease(ctx context.Context, r api.LeaseRequest) (lent api.Lent, err error) {
	err = c.call(ctx, http.MethodPost, "/leases", c.here(), r, &lent)
	return lent, err
}

// Leases lists leases, newest first: the token's user's own or, for who manages
// it, all of the workspace that In names. With live, only those that are neither
// revoked nor expired.
func (c *Client) Leases(ctx context.Context, live bool) iter.Seq2[api.Lease, error] {
	q := c.here()
	if live {
		q.Set("live", "true")
	}
	return list[api.Lease](ctx, c, "/leases", q)
}

// Lease shows a lease, without its secret.
func (c *Client) Lease(ctx context.Context, id string) (l api.Lease, err error) {
	err = c.call(ctx, http.MethodGet, at("leases", id), nil, nil, &l)
	return l, err
}

// RevokeLease ends a lease at once.
func (c *Client) RevokeLease(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, at("leases", id), nil, nil, nil)
}
