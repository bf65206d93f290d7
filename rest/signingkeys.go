package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

func (d *Door) signingKeys(a huma.API) {
	const noun = "signing-keys"
	handle(d, a, call{method: http.MethodGet, path: "/signing-keys", id: "listSigningKeys", summary: "List the keys with which the authorization server signs, that which signs now first; for installation admins", noun: noun}, d.listSigningKeys)
	handle(d, a, call{method: http.MethodPost, path: "/signing-keys/rotate", id: "rotateSigningKey", summary: "Have another key sign; the one before is published until what it has signed has ended; for installation admins", noun: noun}, d.rotateSigningKey)
}

func (d *Door) listSigningKeys(ctx context.Context, c keyhatch.Caller, _ *struct{}) (*body[api.Page[api.SigningKey]], error) {
	all, err := d.broker.OAuth.SigningKeys(ctx, c)
	if err != nil {
		return nil, err
	}
	page := api.Page[api.SigningKey]{Items: make([]api.SigningKey, len(all))} // there are few
	for i, k := range all {
		page.Items[i] = api.SigningKey{ID: k.ID, CreatedAt: k.CreatedAt, RetiredAt: optTime(k.RetiredAt), Until: k.Until}
	}
	return answer(page), nil
}

type rotateSigningKeyInput struct {
	Now bool `query:"now" doc:"Publish the keys of before no more, and end all tokens that they have signed: for a key that others have"`
}

func (d *Door) rotateSigningKey(ctx context.Context, c keyhatch.Caller, in *rotateSigningKeyInput) (*body[api.Page[api.SigningKey]], error) {
	if err := d.broker.OAuth.RotateKey(ctx, c, in.Now); err != nil {
		return nil, err
	}
	return d.listSigningKeys(ctx, c, nil)
}
