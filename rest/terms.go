package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/terms"
)

func (d *Door) terms(a huma.API) {
	const noun = "locations"
	handle(d, a, call{method: http.MethodGet, path: "/locations/{location}/terms", id: "getTerms", summary: "Show a location's terms of use", noun: noun}, d.getTerms)
	handle(d, a, call{method: http.MethodPut, path: "/locations/{location}/terms", id: "setTerms", summary: "Set a location's terms of use: another text has to be accepted again", noun: noun}, d.setTerms)
	handle(d, a, call{method: http.MethodGet, path: "/locations/{location}/terms/accepted", id: "listAcceptances", summary: "List who has accepted the terms of use that a location has", noun: noun}, d.listAcceptances)
	handle(d, a, call{method: http.MethodPost, path: "/locations/{location}/terms/accepted", id: "acceptTerms", summary: "Accept a location's terms of use, as somebody who has logged in: no token does", noun: noun}, d.acceptTerms)
}

func (d *Door) getTerms(ctx context.Context, c keyhatch.Caller, in *LocationRef) (*body[api.Terms], error) {
	t, err := d.broker.Terms.Show(ctx, c, in.Workspace, in.Location)
	return one(t, err, encodeTerms)
}

type setTermsInput struct {
	LocationRef
	Body api.NewTerms
}

func (d *Door) setTerms(ctx context.Context, c keyhatch.Caller, in *setTermsInput) (*body[api.Terms], error) {
	t, err := d.broker.Terms.Set(ctx, c, in.Workspace, in.Location, in.Body.Title, in.Body.Text)
	return one(t, err, encodeTerms)
}

type listAcceptancesInput struct {
	WorkspaceList
	Location string `path:"location" maxLength:"128" doc:"Id or name"`
}

func (d *Door) listAcceptances(ctx context.Context, c keyhatch.Caller, in *listAcceptancesInput) (*body[api.Page[api.Acceptance]], error) {
	l, err := d.broker.Terms.Acceptances(ctx, c, in.Workspace, in.Location, in.page())
	return pageOf(l, err, func(a keyhatch.Acceptance) api.Acceptance {
		return api.Acceptance{Location: a.Location, User: a.User, Version: a.Version, AcceptedAt: a.At}
	})
}

type acceptTermsInput struct {
	LocationRef
	Body api.AcceptedTerms
}

func (d *Door) acceptTerms(ctx context.Context, c keyhatch.Caller, in *acceptTermsInput) (*body[api.Terms], error) {
	t, err := d.broker.Terms.Accept(ctx, c, in.Workspace, in.Location, in.Body.Version)
	return one(t, err, encodeTerms)
}

func encodeTerms(a terms.Asked) api.Terms {
	return api.Terms{
		Location: a.Location, Version: a.Version, Title: a.Title, Text: a.Text, SetBy: a.SetBy, SetAt: optTime(a.SetAt), AcceptedAt: optTime(a.AcceptedAt),
	}
}
