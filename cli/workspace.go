package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

var workspaces = sheet[api.Workspace]{
	{title: "NAME", cell: func(_ *names, w api.Workspace) string { return w.Name }},
	{title: "ID", cell: func(_ *names, w api.Workspace) string { return w.ID }},
	{title: "CREATED", cell: func(_ *names, w api.Workspace) string { return timeOf(w.CreatedAt) }},
}

var workspaceMembers = sheet[api.WorkspaceMember]{
	{title: "USER", cell: func(n *names, m api.WorkspaceMember) string { return n.user(m.User) }},
	{title: "ROLE", cell: func(_ *names, m api.WorkspaceMember) string { return m.Role }},
	{title: "WORKSPACE", cell: func(n *names, m api.WorkspaceMember) string { return n.workspace(m.Workspace) }},
	{title: "SINCE", cell: func(_ *names, m api.WorkspaceMember) string { return timeOf(m.Since) }},
}

type workspaceCommand struct {
	List         workspaceList         `cmd:"" help:"List your workspaces."`
	Show         workspaceShow         `cmd:"" help:"Show a workspace."`
	Create       workspaceCreate       `cmd:"" help:"Add a workspace, with you as its owner."`
	Update       workspaceUpdate       `cmd:"" help:"Rename a workspace."`
	Delete       workspaceDelete       `cmd:"" help:"Remove an empty workspace."`
	Members      workspaceMembersList  `cmd:"" help:"List a workspace's members."`
	AddMember    workspaceAddMember    `cmd:"" help:"Add a member, or change its role."`
	RemoveMember workspaceRemoveMember `cmd:"" help:"Remove a member, with its group memberships and the grants that name it."`
}

// inWorkspace names the workspace that a verb of this noun is about.
type inWorkspace struct {
	Name string `arg:"" name:"name" help:"The workspace's name or id."`
}

type workspaceList struct{ listing }

func (w workspaceList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, w.listing, workspaces, func(c *client.Client) iter.Seq2[api.Workspace, error] { return c.Workspaces(ctx) })
}

type workspaceShow struct {
	question
	inWorkspace
}

func (w workspaceShow) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, w.question, workspaces, func(c *client.Client) (api.Workspace, error) { return c.Workspace(ctx, w.Name) })
}

type workspaceCreate struct {
	question
	Name string `arg:"" help:"Unique in the installation."`
}

func (w workspaceCreate) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, w.question, workspaces, func(c *client.Client) (api.Workspace, error) {
		return c.CreateWorkspace(ctx, api.Named{Name: w.Name})
	})
}

type workspaceUpdate struct {
	question
	inWorkspace
	To string `name:"name" required:"" placeholder:"NAME" help:"Another name."`
}

func (w workspaceUpdate) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, w.question, workspaces, func(c *client.Client) (api.Workspace, error) {
		return c.RenameWorkspace(ctx, w.Name, api.Named{Name: w.To})
	})
}

type workspaceDelete struct {
	question
	inWorkspace
}

func (w workspaceDelete) Run(ctx context.Context, s Streams) error {
	return end(s, w.question, "the workspace is gone", func(c *client.Client) error { return c.DeleteWorkspace(ctx, w.Name) })
}

type workspaceMembersList struct {
	listing
	inWorkspace
}

func (w workspaceMembersList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, w.listing, workspaceMembers, func(c *client.Client) iter.Seq2[api.WorkspaceMember, error] {
		return c.WorkspaceMembers(ctx, w.Name)
	})
}

type workspaceAddMember struct {
	question
	inWorkspace
	User string `arg:"" help:"Name or id."`
	Role string `enum:"owner,admin,member" default:"member" help:"owner, admin or member."`
}

func (w workspaceAddMember) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, w.question, workspaceMembers, func(c *client.Client) (api.WorkspaceMember, error) {
		return c.PutWorkspaceMember(ctx, w.Name, w.User, api.MemberRole{Role: w.Role})
	})
}

type workspaceRemoveMember struct {
	question
	inWorkspace
	User string `arg:"" help:"Name or id."`
}

func (w workspaceRemoveMember) Run(ctx context.Context, s Streams) error {
	return end(s, w.question, "the user is no member of the workspace any more",
		func(c *client.Client) error { return c.RemoveWorkspaceMember(ctx, w.Name, w.User) })
}
