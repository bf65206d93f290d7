package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/keyhatch/keyhatch/api"
)

// Consents lists what one has let programs do.
func (c *Client) Consents(ctx context.Context) iter.Seq2[api.Consent, error] {
	return list[api.Consent](ctx, c, "/consents", queryOf())
}

// EndConsent ends what a program was let do, with all that came of it.
func (c *Client) EndConsent(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, at("consents", id), nil, nil, nil)
}
