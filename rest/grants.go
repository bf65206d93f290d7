package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/places"
)

// GrantRef names a grant in the path.
type GrantRef struct {
	Grant string `path:"grant" maxLength:"64" doc:"Id"`
}

func (d *Door) grants(a huma.API) {
	const noun = "grants"
	handle(d, a, call{method: http.MethodGet, path: "/grants", id: "listGrants", summary: "List the grants that you may see", noun: noun}, d.listGrants)
	handle(d, a, call{method: http.MethodPost, path: "/grants", id: "giveGrant", summary: "Let a user, a group, a teamspace or everyone read or write a location", noun: noun, status: http.StatusCreated}, d.giveGrant)
	handle(d, a, call{method: http.MethodGet, path: "/grants/{grant}", id: "getGrant", summary: "Show a grant", noun: noun}, d.getGrant)
	handle(d, a, call{method: http.MethodPatch, path: "/grants/{grant}", id: "updateGrant", summary: "Change a grant; narrowing it closes what rests on it", noun: noun}, d.updateGrant)
	handle(d, a, call{method: http.MethodDelete, path: "/grants/{grant}", id: "takeGrant", summary: "Take a grant back and close what rests on it", noun: noun, status: http.StatusNoContent}, d.takeGrant)
}

type listGrantsInput struct {
	WorkspaceList
	Location string `query:"location" maxLength:"128" doc:"Id or name: those on it only"`
}

func (d *Door) listGrants(ctx context.Context, c keyhatch.Caller, in *listGrantsInput) (*body[api.Page[api.Grant]], error) {
	grants, err := d.broker.Places.Grants(ctx, c, in.Workspace, in.Location, in.page())
	return pageOf(grants, err, encodeGrant)
}

type giveGrantInput struct {
	InWorkspace
	Body api.NewGrant
}

func (d *Door) giveGrant(ctx context.Context, c keyhatch.Caller, in *giveGrantInput) (*body[api.Grant], error) {
	g, err := d.broker.Places.GiveGrant(ctx, c, places.NewGrant{
		Workspace: in.Workspace, Location: in.Body.Location, Prefix: in.Body.Prefix, Subject: keyhatch.SubjectKind(in.Body.To),
		Name: in.Body.Subject, Access: keyhatch.Access(in.Body.Access), ExpiresAt: timeOf(in.Body.ExpiresAt),
	})
	return one(g, err, encodeGrant)
}

func (d *Door) getGrant(ctx context.Context, c keyhatch.Caller, in *GrantRef) (*body[api.Grant], error) {
	g, err := d.broker.Places.Grant(ctx, c, in.Grant)
	return one(g, err, encodeGrant)
}

type updateGrantInput struct {
	GrantRef
	Body api.GrantChange
}

func (d *Door) updateGrant(ctx context.Context, c keyhatch.Caller, in *updateGrantInput) (*body[api.Grant], error) {
	var change places.GrantChange
	if in.Body.ExpiresAt != nil {
		at := timeOf(in.Body.ExpiresAt)
		change.ExpiresAt = &at
	}
	if in.Body.NoExpiry {
		if in.Body.ExpiresAt != nil {
			return nil, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidExpiry, "give either expires_at or no_expiry").In("no_expiry")
		}
		change.ExpiresAt = new(time.Time)
	}
	if in.Body.Access != nil {
		access := keyhatch.Access(*in.Body.Access)
		change.Access = &access
	}
	g, err := d.broker.Places.UpdateGrant(ctx, c, in.Grant, change)
	return one(g, err, encodeGrant)
}

func (d *Door) takeGrant(ctx context.Context, c keyhatch.Caller, in *GrantRef) (*done, error) {
	return nil, d.broker.Places.TakeGrant(ctx, c, in.Grant)
}

func encodeGrant(g keyhatch.Grant) api.Grant {
	return api.Grant{
		ID: g.ID, Workspace: g.Workspace, Location: g.Location, URL: g.URL().String(), To: string(g.Subject.Kind),
		Subject: g.Subject.ID, Access: string(g.Access), ExpiresAt: optTime(g.ExpiresAt), CreatedBy: g.CreatedBy, CreatedAt: g.CreatedAt,
	}
}
