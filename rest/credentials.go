package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/credentials"
)

// CredentialRef names a credential in the path.
type CredentialRef struct {
	Credential string `path:"credential" maxLength:"128" doc:"Id or name"`
}

func (d *Door) credentials(a huma.API) {
	const noun = "credentials"
	handle(d, a, call{method: http.MethodGet, path: "/credentials", id: "listCredentials", summary: "List the installation's credentials", noun: noun}, d.listCredentials)
	handle(d, a, call{method: http.MethodPost, path: "/credentials", id: "createCredential", summary: "Add a credential for stores", noun: noun, status: http.StatusCreated}, d.createCredential)
	handle(d, a, call{method: http.MethodGet, path: "/credentials/{credential}", id: "getCredential", summary: "Show a credential without its secret", noun: noun}, d.getCredential)
	handle(d, a, call{method: http.MethodPatch, path: "/credentials/{credential}", id: "updateCredential", summary: "Change a credential's name or keys", noun: noun}, d.updateCredential)
	handle(d, a, call{method: http.MethodDelete, path: "/credentials/{credential}", id: "deleteCredential", summary: "Remove a credential that acts for no store", noun: noun, status: http.StatusNoContent}, d.deleteCredential)
}

func (d *Door) listCredentials(ctx context.Context, c keyhatch.Caller, in *OnePage) (*body[api.Page[api.Credential]], error) {
	list, err := d.broker.Credentials.Credentials(ctx, c, in.page())
	return pageOf(list, err, encodeCredential)
}

type createCredentialInput struct{ Body api.NewCredential }

func (d *Door) createCredential(ctx context.Context, c keyhatch.Caller, in *createCredentialInput) (*body[api.Credential], error) {
	made, err := d.broker.Credentials.Create(ctx, c, credentials.NewCredential{Name: in.Body.Name, Keys: keyPair(in.Body.KeyPair)})
	return one(made, err, encodeCredential)
}

func (d *Door) getCredential(ctx context.Context, c keyhatch.Caller, in *CredentialRef) (*body[api.Credential], error) {
	found, err := d.broker.Credentials.Credential(ctx, c, in.Credential)
	return one(found, err, encodeCredential)
}

type updateCredentialInput struct {
	CredentialRef
	Body api.CredentialChange
}

func (d *Door) updateCredential(ctx context.Context, c keyhatch.Caller, in *updateCredentialInput) (*body[api.Credential], error) {
	change := credentials.Change{Name: in.Body.Name}
	if in.Body.Keys != nil {
		keys := keyPair(*in.Body.Keys)
		change.Keys = &keys
	}
	changed, err := d.broker.Credentials.Update(ctx, c, in.Credential, change)
	return one(changed, err, encodeCredential)
}

func (d *Door) deleteCredential(ctx context.Context, c keyhatch.Caller, in *CredentialRef) (*done, error) {
	return nil, d.broker.Credentials.Delete(ctx, c, in.Credential)
}

func keyPair(k api.KeyPair) keyhatch.KeyPair {
	return keyhatch.KeyPair{AccessKeyID: k.AccessKeyID, SecretAccessKey: keyhatch.Secret(k.SecretAccessKey)}
}

func encodeCredential(c keyhatch.Credential) api.Credential {
	return api.Credential{
		ID: c.ID, Workspace: c.Workspace, Name: c.Name, Provider: string(c.Provider), Kind: string(c.Kind),
		AccessKeyID: c.AccessKeyID, CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}
