package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var workspaces = ask.Sheet[api.Workspace]{
	{Title: "NAME", Cell: func(_ *ask.Names, w api.Workspace) string { return w.Name }},
	{Title: "ID", Cell: func(_ *ask.Names, w api.Workspace) string { return w.ID }},
	{Title: "CREATED", Cell: func(_ *ask.Names, w api.Workspace) string { return ask.TimeOf(w.CreatedAt) }},
}

var workspaceMembers = ask.Sheet[api.WorkspaceMember]{
	{Title: "USER", Cell: func(n *ask.Names, m api.WorkspaceMember) string { return n.User(m.User) }},
	{Title: "ROLE", Cell: func(_ *ask.Names, m api.WorkspaceMember) string { return m.Role }},
	{Title: "WORKSPACE", Cell: func(n *ask.Names, m api.WorkspaceMember) string { return n.Workspace(m.Workspace) }},
	{Title: "SINCE", Cell: func(_ *ask.Names, m api.WorkspaceMember) string { return ask.TimeOf(m.Since) }},
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

type workspaceList struct{ ask.Listing }

func (w workspaceList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, w.Listing, workspaces, func(c *client.Client) iter.Seq2[api.Workspace, error] { return c.Workspaces(ctx) })
}

type workspaceShow struct {
	ask.Question
	inWorkspace
}

func (w workspaceShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, w.Question, workspaces, func(c *client.Client) (api.Workspace, error) { return c.Workspace(ctx, w.Name) })
}

type workspaceCreate struct {
	ask.Question
	Name string `arg:"" help:"Unique in the installation."`
}

func (w workspaceCreate) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, w.Question, workspaces, func(c *client.Client) (api.Workspace, error) {
		return c.CreateWorkspace(ctx, api.Named{Name: w.Name})
	})
}

type workspaceUpdate struct {
	ask.Question
	inWorkspace
	To string `name:"name" required:"" placeholder:"NAME" help:"Another name."`
}

func (w workspaceUpdate) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, w.Question, workspaces, func(c *client.Client) (api.Workspace, error) {
		return c.RenameWorkspace(ctx, w.Name, api.Named{Name: w.To})
	})
}

type workspaceDelete struct {
	ask.Question
	inWorkspace
}

func (w workspaceDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, w.Question, ask.Ended{Action: "workspace.delete", Target: w.Name}, "the workspace is gone",
		func(c *client.Client) error { return c.DeleteWorkspace(ctx, w.Name) })
}

type workspaceMembersList struct {
	ask.Listing
	inWorkspace
}

func (w workspaceMembersList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, w.Listing, workspaceMembers, func(c *client.Client) iter.Seq2[api.WorkspaceMember, error] {
		return c.WorkspaceMembers(ctx, w.Name)
	})
}

type workspaceAddMember struct {
	ask.Question
	inWorkspace
	User string `arg:"" help:"Name or id."`
	Role string `enum:"owner,admin,member" default:"member" help:"owner, admin or member."`
}

func (w workspaceAddMember) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, w.Question, workspaceMembers, func(c *client.Client) (api.WorkspaceMember, error) {
		return c.PutWorkspaceMember(ctx, w.Name, w.User, api.MemberRole{Role: w.Role})
	})
}

type workspaceRemoveMember struct {
	ask.Question
	inWorkspace
	User string `arg:"" help:"Name or id."`
}

func (w workspaceRemoveMember) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, w.Question, ask.Ended{Action: "workspace.member.remove", Target: w.Name, User: w.User}, "the user is no member of the workspace any more",
		func(c *client.Client) error { return c.RemoveWorkspaceMember(ctx, w.Name, w.User) })
}
