package rest

import (
	"cmp"
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

// OAuthClientRef names a client in the path.
type OAuthClientRef struct {
	Client string `path:"client" maxLength:"128" doc:"Id or name"`
}

func (d *Door) oauthClients(a huma.API) {
	const noun = "oauth-clients"
	handle(d, a, call{method: http.MethodGet, path: "/oauth-clients", id: "listOAuthClients", summary: "List the programs that users can let act for them; for installation admins", noun: noun}, d.listOAuthClients)
	handle(d, a, call{method: http.MethodPost, path: "/oauth-clients", id: "createOAuthClient", summary: "Register a program that users can let act for them; for installation admins", noun: noun, status: http.StatusCreated}, d.createOAuthClient)
	handle(d, a, call{method: http.MethodDelete, path: "/oauth-clients/{client}", id: "deleteOAuthClient", summary: "Remove a program, and end all that users have let it do; for installation admins", noun: noun, status: http.StatusNoContent}, d.deleteOAuthClient)
}

func (d *Door) listOAuthClients(ctx context.Context, c keyhatch.Caller, in *OnePage) (*body[api.Page[api.OAuthClient]], error) {
	l, err := d.broker.OAuth.Clients(ctx, c, in.page())
	return pageOf(l, err, encodeOAuthClient)
}

type createOAuthClientInput struct{ Body api.NewOAuthClient }

func (d *Door) createOAuthClient(ctx context.Context, c keyhatch.Caller, in *createOAuthClientInput) (*body[api.CreatedOAuthClient], error) {
	n := in.Body
	client := keyhatch.OAuthClient{
		Name: n.Name, Title: n.Title, Redirects: n.Redirects, Confidential: n.Confidential, Trusted: n.Trusted, Signed: n.Signed, Earthdata: n.Earthdata, Scopes: scopesOf(n.Scopes),
		AccessLife: cmp.Or(time.Duration(n.AccessSeconds)*time.Second, time.Hour), RefreshLife: time.Duration(n.RefreshSeconds) * time.Second,
	}
	for _, f := range n.Flows {
		client.Flows = append(client.Flows, keyhatch.OAuthFlow(f))
	}
	made, secret, err := d.broker.OAuth.CreateClient(ctx, c, client)
	return one(made, err, func(c keyhatch.OAuthClient) api.CreatedOAuthClient {
		return api.CreatedOAuthClient{OAuthClient: encodeOAuthClient(c), Secret: secret.Reveal()}
	})
}

func (d *Door) deleteOAuthClient(ctx context.Context, c keyhatch.Caller, in *OAuthClientRef) (*done, error) {
	return nil, d.broker.OAuth.DeleteClient(ctx, c, in.Client)
}

func encodeOAuthClient(c keyhatch.OAuthClient) api.OAuthClient {
	out := api.OAuthClient{ID: c.ID, CreatedAt: c.CreatedAt, NewOAuthClient: api.NewOAuthClient{
		Name: c.Name, Title: c.Title, Redirects: c.Redirects, Confidential: c.Confidential, Trusted: c.Trusted, Signed: c.Signed, Earthdata: c.Earthdata,
		AccessSeconds: int(c.AccessLife.Seconds()), RefreshSeconds: int(c.RefreshLife.Seconds()),
	}}
	for _, f := range c.Flows {
		out.Flows = append(out.Flows, string(f))
	}
	for _, s := range c.Scopes {
		out.Scopes = append(out.Scopes, string(s))
	}
	return out
}
