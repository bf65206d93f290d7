package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

// WorkspaceRef names a workspace in the path.
type WorkspaceRef struct {
	Workspace string `path:"workspace" maxLength:"128" doc:"Id or name"`
}

func (d *Door) workspaces(a huma.API) {
	const noun = "workspaces"
	const member = "/workspaces/{workspace}/members/{user}"
	handle(d, a, call{method: http.MethodGet, path: "/workspaces", id: "listWorkspaces", summary: "List your workspaces", noun: noun}, d.listWorkspaces)
	handle(d, a, call{method: http.MethodPost, path: "/workspaces", id: "createWorkspace", summary: "Add a workspace, with you as its owner", noun: noun, status: http.StatusCreated}, d.createWorkspace)
	handle(d, a, call{method: http.MethodGet, path: "/workspaces/{workspace}", id: "getWorkspace", summary: "Show a workspace", noun: noun}, d.getWorkspace)
	handle(d, a, call{method: http.MethodPatch, path: "/workspaces/{workspace}", id: "renameWorkspace", summary: "Rename a workspace", noun: noun}, d.renameWorkspace)
	handle(d, a, call{method: http.MethodDelete, path: "/workspaces/{workspace}", id: "deleteWorkspace", summary: "Remove an empty workspace", noun: noun, status: http.StatusNoContent}, d.deleteWorkspace)
	handle(d, a, call{method: http.MethodGet, path: "/workspaces/{workspace}/members", id: "listWorkspaceMembers", summary: "List a workspace's members", noun: noun}, d.listWorkspaceMembers)
	handle(d, a, call{method: http.MethodPut, path: member, id: "putWorkspaceMember", summary: "Add a member or change its role", noun: noun}, d.putWorkspaceMember)
	handle(d, a, call{method: http.MethodDelete, path: member, id: "removeWorkspaceMember", summary: "Remove a member, with its group memberships and the grants that name it", noun: noun, status: http.StatusNoContent}, d.removeWorkspaceMember)
}

func (d *Door) listWorkspaces(ctx context.Context, c keyhatch.Caller, in *OnePage) (*body[api.Page[api.Workspace]], error) {
	ws, err := d.broker.People.Workspaces(ctx, c, in.page())
	return pageOf(ws, err, encodeWorkspace)
}

type namedInput struct{ Body api.Named }

func (d *Door) createWorkspace(ctx context.Context, c keyhatch.Caller, in *namedInput) (*body[api.Workspace], error) {
	ws, err := d.broker.People.CreateWorkspace(ctx, c, in.Body.Name)
	return one(ws, err, encodeWorkspace)
}

func (d *Door) getWorkspace(ctx context.Context, c keyhatch.Caller, in *WorkspaceRef) (*body[api.Workspace], error) {
	ws, err := d.broker.People.Workspace(ctx, c, in.Workspace)
	return one(ws, err, encodeWorkspace)
}

type renameWorkspaceInput struct {
	WorkspaceRef
	Body api.Named
}

func (d *Door) renameWorkspace(ctx context.Context, c keyhatch.Caller, in *renameWorkspaceInput) (*body[api.Workspace], error) {
	ws, err := d.broker.People.RenameWorkspace(ctx, c, in.Workspace, in.Body.Name)
	return one(ws, err, encodeWorkspace)
}

func (d *Door) deleteWorkspace(ctx context.Context, c keyhatch.Caller, in *WorkspaceRef) (*done, error) {
	return nil, d.broker.People.DeleteWorkspace(ctx, c, in.Workspace)
}

// WorkspacePage asks for a part of the list of one workspace's members.
type WorkspacePage struct {
	WorkspaceRef
	OnePage
}

func (d *Door) listWorkspaceMembers(ctx context.Context, c keyhatch.Caller, in *WorkspacePage) (*body[api.Page[api.WorkspaceMember]], error) {
	members, err := d.broker.People.WorkspaceMembers(ctx, c, in.Workspace, in.page())
	return pageOf(members, err, encodeMember)
}

// MemberRef names a membership of a workspace.
type MemberRef struct {
	WorkspaceRef
	UserRef
}

type putMemberInput struct {
	MemberRef
	Body api.MemberRole
}

func (d *Door) putWorkspaceMember(ctx context.Context, c keyhatch.Caller, in *putMemberInput) (*body[api.WorkspaceMember], error) {
	m, err := d.broker.People.PutWorkspaceMember(ctx, c, in.Workspace, in.User, keyhatch.Role(in.Body.Role))
	return one(m, err, encodeMember)
}

func (d *Door) removeWorkspaceMember(ctx context.Context, c keyhatch.Caller, in *MemberRef) (*done, error) {
	return nil, d.broker.People.RemoveWorkspaceMember(ctx, c, in.Workspace, in.User)
}

func encodeWorkspace(w keyhatch.Workspace) api.Workspace {
	return api.Workspace{ID: w.ID, Name: w.Name, CreatedAt: w.CreatedAt}
}

func encodeMember(m keyhatch.WorkspaceMember) api.WorkspaceMember {
	return api.WorkspaceMember{Workspace: m.Workspace, User: m.User, Role: string(m.Role), Since: m.Since}
}
