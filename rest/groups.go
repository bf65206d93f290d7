package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

// GroupRef names a group in the path.
type GroupRef struct {
	InWorkspace
	Group string `path:"group" maxLength:"128" doc:"Id, or name in the workspace"`
}

func (d *Door) groups(a huma.API) {
	const noun = "groups"
	const member = "/groups/{group}/members/{user}"
	handle(d, a, call{method: http.MethodGet, path: "/groups", id: "listGroups", summary: "List a workspace's groups", noun: noun}, d.listGroups)
	handle(d, a, call{method: http.MethodPost, path: "/groups", id: "createGroup", summary: "Add a group to a workspace", noun: noun, status: http.StatusCreated}, d.createGroup)
	handle(d, a, call{method: http.MethodGet, path: "/groups/{group}", id: "getGroup", summary: "Show a group", noun: noun}, d.getGroup)
	handle(d, a, call{method: http.MethodPatch, path: "/groups/{group}", id: "renameGroup", summary: "Rename a group", noun: noun}, d.renameGroup)
	handle(d, a, call{method: http.MethodDelete, path: "/groups/{group}", id: "deleteGroup", summary: "Remove a group and the grants that name it", noun: noun, status: http.StatusNoContent}, d.deleteGroup)
	handle(d, a, call{method: http.MethodGet, path: "/groups/{group}/members", id: "listGroupMembers", summary: "List a group's members", noun: noun}, d.listGroupMembers)
	handle(d, a, call{method: http.MethodPut, path: member, id: "putGroupMember", summary: "Add a member", noun: noun}, d.putGroupMember)
	handle(d, a, call{method: http.MethodDelete, path: member, id: "removeGroupMember", summary: "Remove a member; leases that rest on the membership close", noun: noun, status: http.StatusNoContent}, d.removeGroupMember)
}

// WorkspaceList asks for a part of a workspace's list.
type WorkspaceList struct {
	InWorkspace
	OnePage
}

func (d *Door) listGroups(ctx context.Context, c keyhatch.Caller, in *WorkspaceList) (*body[api.Page[api.Group]], error) {
	groups, err := d.broker.People.Groups(ctx, c, in.Workspace, in.page())
	return pageOf(groups, err, encodeGroup)
}

type createGroupInput struct {
	InWorkspace
	Body api.Named
}

func (d *Door) createGroup(ctx context.Context, c keyhatch.Caller, in *createGroupInput) (*body[api.Group], error) {
	g, err := d.broker.People.CreateGroup(ctx, c, in.Workspace, in.Body.Name)
	return one(g, err, encodeGroup)
}

func (d *Door) getGroup(ctx context.Context, c keyhatch.Caller, in *GroupRef) (*body[api.Group], error) {
	g, err := d.broker.People.Group(ctx, c, in.Workspace, in.Group)
	return one(g, err, encodeGroup)
}

type renameGroupInput struct {
	GroupRef
	Body api.Named
}

func (d *Door) renameGroup(ctx context.Context, c keyhatch.Caller, in *renameGroupInput) (*body[api.Group], error) {
	g, err := d.broker.People.RenameGroup(ctx, c, in.Workspace, in.Group, in.Body.Name)
	return one(g, err, encodeGroup)
}

func (d *Door) deleteGroup(ctx context.Context, c keyhatch.Caller, in *GroupRef) (*done, error) {
	return nil, d.broker.People.DeleteGroup(ctx, c, in.Workspace, in.Group)
}

// GroupPage asks for a part of the list of one group's members.
type GroupPage struct {
	GroupRef
	OnePage
}

func (d *Door) listGroupMembers(ctx context.Context, c keyhatch.Caller, in *GroupPage) (*body[api.Page[api.GroupMember]], error) {
	members, err := d.broker.People.GroupMembers(ctx, c, in.Workspace, in.Group, in.page())
	return pageOf(members, err, encodeGroupMember)
}

// GroupMemberRef names a membership of a group.
type GroupMemberRef struct {
	GroupRef
	UserRef
}

func (d *Door) putGroupMember(ctx context.Context, c keyhatch.Caller, in *GroupMemberRef) (*body[api.GroupMember], error) {
	m, err := d.broker.People.PutGroupMember(ctx, c, in.Workspace, in.Group, in.User)
	return one(m, err, encodeGroupMember)
}

func (d *Door) removeGroupMember(ctx context.Context, c keyhatch.Caller, in *GroupMemberRef) (*done, error) {
	return nil, d.broker.People.RemoveGroupMember(ctx, c, in.Workspace, in.Group, in.User)
}

func encodeGroup(g keyhatch.Group) api.Group {
	return api.Group{ID: g.ID, Workspace: g.Workspace, Name: g.Name, CreatedAt: g.CreatedAt}
}

func encodeGroupMember(m keyhatch.CircleMember) api.GroupMember {
	return api.GroupMember{Group: m.Circle, User: m.User, Since: m.Since}
}
