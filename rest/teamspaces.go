package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/people"
)

// TeamspaceRef names a teamspace in the path.
type TeamspaceRef struct {
	InWorkspace
	Teamspace string `path:"teamspace" maxLength:"128" doc:"Id, or name in the workspace"`
}

func (d *Door) teamspaces(a huma.API) {
	const noun = "teamspaces"
	const one, member = "/teamspaces/{teamspace}", "/teamspaces/{teamspace}/members/{user}"
	handle(d, a, call{method: http.MethodGet, path: "/teamspaces", id: "listTeamspaces", summary: "List a workspace's teamspaces that you may see", noun: noun}, d.listTeamspaces)
	handle(d, a, call{method: http.MethodPost, path: "/teamspaces", id: "createTeamspace", summary: "Add a teamspace to a workspace, with you as its owner", noun: noun, status: http.StatusCreated}, d.createTeamspace)
	handle(d, a, call{method: http.MethodGet, path: one, id: "getTeamspace", summary: "Show a teamspace", noun: noun}, d.getTeamspace)
	handle(d, a, call{method: http.MethodPatch, path: one, id: "updateTeamspace", summary: "Rename a teamspace, or change who sees it", noun: noun}, d.updateTeamspace)
	handle(d, a, call{method: http.MethodDelete, path: one, id: "deleteTeamspace", summary: "Remove a teamspace and the grants that name it", noun: noun, status: http.StatusNoContent}, d.deleteTeamspace)
	handle(d, a, call{method: http.MethodGet, path: "/teamspaces/{teamspace}/members", id: "listTeamspaceMembers", summary: "List a teamspace's members", noun: noun}, d.listTeamspaceMembers)
	handle(d, a, call{method: http.MethodPut, path: member, id: "putTeamspaceMember", summary: "Add a member, or change its role", noun: noun}, d.putTeamspaceMember)
	handle(d, a, call{method: http.MethodDelete, path: member, id: "removeTeamspaceMember", summary: "Remove a member; leases that rest on the membership close", noun: noun, status: http.StatusNoContent}, d.removeTeamspaceMember)
}

func (d *Door) listTeamspaces(ctx context.Context, c keyhatch.Caller, in *WorkspaceList) (*body[api.Page[api.Teamspace]], error) {
	teamspaces, err := d.broker.People.Teamspaces(ctx, c, in.Workspace, in.page())
	return pageOf(teamspaces, err, encodeTeamspace)
}

type createTeamspaceInput struct {
	InWorkspace
	Body api.NewTeamspace
}

func (d *Door) createTeamspace(ctx context.Context, c keyhatch.Caller, in *createTeamspaceInput) (*body[api.Teamspace], error) {
	s, err := d.broker.People.CreateTeamspace(ctx, c, people.NewTeamspace{
		Workspace: in.Workspace, Name: in.Body.Name, Visibility: keyhatch.Visibility(in.Body.Visibility),
	})
	return one(s, err, encodeTeamspace)
}

func (d *Door) getTeamspace(ctx context.Context, c keyhatch.Caller, in *TeamspaceRef) (*body[api.Teamspace], error) {
	s, err := d.broker.People.Teamspace(ctx, c, in.Workspace, in.Teamspace)
	return one(s, err, encodeTeamspace)
}

type updateTeamspaceInput struct {
	TeamspaceRef
	Body api.TeamspaceChange
}

func (d *Door) updateTeamspace(ctx context.Context, c keyhatch.Caller, in *updateTeamspaceInput) (*body[api.Teamspace], error) {
	change := people.TeamspaceChange{Name: in.Body.Name}
	if in.Body.Visibility != nil {
		visibility := keyhatch.Visibility(*in.Body.Visibility)
		change.Visibility = &visibility
	}
	s, err := d.broker.People.UpdateTeamspace(ctx, c, in.Workspace, in.Teamspace, change)
	return one(s, err, encodeTeamspace)
}

func (d *Door) deleteTeamspace(ctx context.Context, c keyhatch.Caller, in *TeamspaceRef) (*done, error) {
	return nil, d.broker.People.DeleteTeamspace(ctx, c, in.Workspace, in.Teamspace)
}

// TeamspacePage asks for a part of the list of one teamspace's members.
type TeamspacePage struct {
	TeamspaceRef
	OnePage
}

func (d *Door) listTeamspaceMembers(ctx context.Context, c keyhatch.Caller, in *TeamspacePage) (*body[api.Page[api.TeamspaceMember]], error) {
	members, err := d.broker.People.TeamspaceMembers(ctx, c, in.Workspace, in.Teamspace, in.page())
	return pageOf(members, err, encodeTeamspaceMember)
}

// TeamspaceMemberRef names a membership of a teamspace.
type TeamspaceMemberRef struct {
	TeamspaceRef
	UserRef
}

type putTeamspaceMemberInput struct {
	TeamspaceMemberRef
	Body api.TeamspaceRole
}

func (d *Door) putTeamspaceMember(ctx context.Context, c keyhatch.Caller, in *putTeamspaceMemberInput) (*body[api.TeamspaceMember], error) {
	m, err := d.broker.People.PutTeamspaceMember(ctx, c, in.Workspace, in.Teamspace, in.User, keyhatch.Role(in.Body.Role))
	return one(m, err, encodeTeamspaceMember)
}

func (d *Door) removeTeamspaceMember(ctx context.Context, c keyhatch.Caller, in *TeamspaceMemberRef) (*done, error) {
	return nil, d.broker.People.RemoveTeamspaceMember(ctx, c, in.Workspace, in.Teamspace, in.User)
}

func encodeTeamspace(s keyhatch.Teamspace) api.Teamspace {
	return api.Teamspace{
		ID: s.ID, Workspace: s.Workspace, Name: s.Name, Visibility: string(s.Visibility), CreatedBy: s.CreatedBy, CreatedAt: s.CreatedAt,
	}
}

func encodeTeamspaceMember(m keyhatch.CircleMember) api.TeamspaceMember {
	return api.TeamspaceMember{Teamspace: m.Circle, User: m.User, Role: string(m.Role), Since: m.Since}
}
