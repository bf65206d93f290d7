package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// ConsentRef names a consent in the path.
type ConsentRef struct {
	Consent string `path:"consent" maxLength:"64" doc:"Id"`
}

func (d *Door) consents(a huma.API) {
	const noun = "consents"
	handle(d, a, call{method: http.MethodGet, path: "/consents", id: "listConsents", summary: "List what you have let programs do", noun: noun}, d.listConsents)
	handle(d, a, call{method: http.MethodDelete, path: "/consents/{consent}", id: "endConsent", summary: "End what a program was let do, with all that came of it; an installation admin may end anybody's", noun: noun, status: http.StatusNoContent}, d.endConsent)
}

func (d *Door) listConsents(ctx context.Context, c keyhatch.Caller, in *OnePage) (*body[api.Page[api.Consent]], error) {
	l, err := d.broker.OAuth.Consents(ctx, c, in.page())
	return pageOf(l, err, encodeConsent)
}

func (d *Door) endConsent(ctx context.Context, c keyhatch.Caller, in *ConsentRef) (*done, error) {
	return nil, d.broker.OAuth.EndConsent(ctx, c, in.Consent)
}

func encodeConsent(g oauth.Given) api.Consent {
	out := api.Consent{ID: g.ID, Client: g.To.Name, Title: g.To.Title, Scopes: make([]string, len(g.Scopes)), CreatedAt: g.CreatedAt, ExpiresAt: g.ExpiresAt, EndsAt: optTime(g.EndsAt)}
	for i, s := range g.Scopes {
		out.Scopes[i] = string(s)
	}
	return out
}
