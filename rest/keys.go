package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/keys"
)

func (d *Door) keys(a huma.API) {
	const noun = "keys"
	handle(d, a, call{method: http.MethodGet, path: "/keys", id: "listKeys", summary: "List the data keys, and what needs them", noun: noun}, d.listKeys)
	handle(d, a, call{method: http.MethodPost, path: "/keys/rotate", id: "rotateKeys", summary: "Make new data keys; what is sealed with the old ones is sealed anew in the background", noun: noun, status: http.StatusAccepted}, d.rotateKeys)
}

func (d *Door) listKeys(ctx context.Context, c keyhatch.Caller, _ *struct{}) (*body[api.Page[api.Key]], error) {
	return d.keysOf(d.broker.Keys.Keys(ctx, c))
}

type rotateKeysInput struct {
	Body *api.KeyRotation `required:"false"`
}

func (d *Door) rotateKeys(ctx context.Context, c keyhatch.Caller, in *rotateKeysInput) (*body[api.Page[api.Key]], error) {
	var names []string
	if in.Body != nil {
		names = in.Body.Keysets
	}
	return d.keysOf(d.broker.Keys.Rotate(ctx, c, names))
}

// keysOf encodes all keys: there are few.
func (d *Door) keysOf(all []keyhatch.DataKey, err error) (*body[api.Page[api.Key]], error) {
	if err != nil {
		return nil, err
	}
	page := api.Page[api.Key]{Items: make([]api.Key, len(all))}
	for i, k := range all {
		page.Items[i] = api.Key{
			Keyset: k.Keyset, ID: keys.KeyText(k.ID), State: string(k.State), WrappedBy: d.broker.Keys.WrappedBy(k.Keyset),
			CreatedAt: k.CreatedAt, RetiredAt: optTime(k.RetiredAt), NeededBy: k.NeededBy, Until: optTime(k.Until),
		}
	}
	return answer(page), nil
}
