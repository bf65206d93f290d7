package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"

	"github.com/keyhatch/keyhatch/api"
)

// The place of a credential is the teamspace of the id or name, else the workspace
// that the client is in, else the one that is implied: see the API.

// CredentialFilter says which credentials a list has; empty fields are all.
type CredentialFilter struct{ Provider, Kind string }

// Credentials lists the credentials of a place.
func (c *Client) Credentials(ctx context.Context, teamspace string, f CredentialFilter) iter.Seq2[api.Credential, error] {
	return list[api.Credential](ctx, c, "/credentials",
		queryOf("workspace", c.workspace, "teamspace", teamspace, "provider", f.Provider, "kind", f.Kind))
}

// Credential shows a credential without its secret, by its id, or by its name in the
// place.
func (c *Client) Credential(ctx context.Context, teamspace, credential string) (found api.Credential, err error) {
	err = c.call(ctx, http.MethodGet, at("credentials", credential), c.place(teamspace), nil, &found)
	return found, err
}

// CreateCredential adds a credential to the place.
func (c *Client) CreateCredential(ctx context.Context, teamspace string, n api.NewCredential) (made api.CreatedCredential, err error) {
	err = c.call(ctx, http.MethodPost, "/credentials", c.place(teamspace), n, &made)
	return made, err
}

// UpdateCredential changes what the change names.
func (c *Client) UpdateCredential(ctx context.Context, teamspace, credential string, change api.CredentialChange) (changed api.Credential, err error) {
	err = c.call(ctx, http.MethodPatch, at("credentials", credential), c.place(teamspace), change, &changed)
	return changed, err
}

// DeleteCredential removes a credential; by force also one that stores act through.
func (c *Client) DeleteCredential(ctx context.Context, teamspace, credential string, force bool) error {
	q := c.place(teamspace)
	if force {
		q.Set("force", "true")
	}
	return c.call(ctx, http.MethodDelete, at("credentials", credential), q, nil, nil)
}

// VerifyCredential asks whether a credential still does.
func (c *Client) VerifyCredential(ctx context.Context, teamspace, credential string) (v api.Verification, err error) {
	err = c.call(ctx, http.MethodPost, at("credentials", credential, "verify"), c.place(teamspace), nil, &v)
	return v, err
}

// VerifyAuthority asks whether an authority would do in the place. Nothing is stored.
func (c *Client) VerifyAuthority(ctx context.Context, teamspace string, a api.Authority) (v api.Verification, err error) {
	err = c.call(ctx, http.MethodPost, "/credentials/verify", c.place(teamspace), a, &v)
	return v, err
}

func (c *Client) place(teamspace string) url.Values {
	return queryOf("workspace", c.workspace, "teamspace", teamspace)
}
