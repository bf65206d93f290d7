package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

var teamspaces = sheet[api.Teamspace]{
	{title: "NAME", cell: func(_ *names, t api.Teamspace) string { return t.Name }},
	{title: "VISIBILITY", cell: func(_ *names, t api.Teamspace) string { return t.Visibility }},
	{title: "WORKSPACE", cell: func(n *names, t api.Teamspace) string { return n.workspace(t.Workspace) }},
	{title: "ID", cell: func(_ *names, t api.Teamspace) string { return t.ID }},
	{title: "CREATED BY", detail: true, cell: func(n *names, t api.Teamspace) string { return n.user(t.CreatedBy) }},
	{title: "CREATED", detail: true, cell: func(_ *names, t api.Teamspace) string { return timeOf(t.CreatedAt) }},
}

var teamspaceMembers = sheet[api.TeamspaceMember]{
	{title: "USER", cell: func(n *names, m api.TeamspaceMember) string { return n.user(m.User) }},
	{title: "ROLE", cell: func(_ *names, m api.TeamspaceMember) string { return m.Role }},
	{title: "TEAMSPACE", cell: func(n *names, m api.TeamspaceMember) string { return n.teamspace(m.Teamspace) }},
	{title: "SINCE", cell: func(_ *names, m api.TeamspaceMember) string { return timeOf(m.Since) }},
}

type teamspaceCommand struct {
	List         teamspaceList         `cmd:"" help:"List the workspace's teamspaces that you may see."`
	Show         teamspaceShow         `cmd:"" help:"Show a teamspace."`
	Create       teamspaceCreate       `cmd:"" help:"Add a teamspace to the workspace, with you as its owner."`
	Update       teamspaceUpdate       `cmd:"" help:"Rename a teamspace, or change who sees it."`
	Delete       teamspaceDelete       `cmd:"" help:"Remove a teamspace and the grants that name it."`
	Members      teamspaceMembersList  `cmd:"" help:"List a teamspace's members."`
	AddMember    teamspaceAddMember    `cmd:"" help:"Add a member of the workspace to a teamspace, or change its role."`
	RemoveMember teamspaceRemoveMember `cmd:"" help:"Remove a member; leases that rest on the membership close."`
}

// ofTeamspace names the teamspace that a verb is about.
type ofTeamspace struct {
	Teamspace string `arg:"" help:"Name or id."`
}

type teamspaceList struct{ listing }

func (t teamspaceList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, t.listing, teamspaces, func(c *client.Client) iter.Seq2[api.Teamspace, error] { return c.Teamspaces(ctx) })
}

type teamspaceShow struct {
	question
	ofTeamspace
}

func (t teamspaceShow) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, t.question, teamspaces, func(c *client.Client) (api.Teamspace, error) { return c.Teamspace(ctx, t.Teamspace) })
}

type teamspaceCreate struct {
	question
	Name       string `arg:"" help:"Unique in the workspace."`
	Visibility string `enum:"private,public" default:"private" help:"private: its members see it, and the workspace's owners and admins; public: every member of the workspace."`
}

func (t teamspaceCreate) Run(ctx context.Context, s Streams) error {
	n := api.NewTeamspace{Name: t.Name, Visibility: t.Visibility}
	return show(ctx, s, t.question, teamspaces, func(c *client.Client) (api.Teamspace, error) { return c.CreateTeamspace(ctx, n) })
}

type teamspaceUpdate struct {
	question
	ofTeamspace
	Name       *string `placeholder:"NAME" help:"Another name."`
	Visibility *string `enum:"private,public" placeholder:"private|public" help:"Who sees it."`
}

func (t teamspaceUpdate) Run(ctx context.Context, s Streams) error {
	change := api.TeamspaceChange{Name: t.Name, Visibility: t.Visibility}
	return show(ctx, s, t.question, teamspaces, func(c *client.Client) (api.Teamspace, error) {
		return c.UpdateTeamspace(ctx, t.Teamspace, change)
	})
}

type teamspaceDelete struct {
	question
	ofTeamspace
}

func (t teamspaceDelete) Run(ctx context.Context, s Streams) error {
	return end(s, t.question, "the teamspace is gone, with the grants that named it",
		func(c *client.Client) error { return c.DeleteTeamspace(ctx, t.Teamspace) })
}

type teamspaceMembersList struct {
	listing
	ofTeamspace
}

func (t teamspaceMembersList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, t.listing, teamspaceMembers, func(c *client.Client) iter.Seq2[api.TeamspaceMember, error] {
		return c.TeamspaceMembers(ctx, t.Teamspace)
	})
}

type teamspaceAddMember struct {
	question
	ofTeamspace
	User string `arg:"" help:"Name or id."`
	Role string `enum:"owner,editor,viewer" default:"viewer" help:"owner, editor or viewer."`
}

func (t teamspaceAddMember) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, t.question, teamspaceMembers, func(c *client.Client) (api.TeamspaceMember, error) {
		return c.PutTeamspaceMember(ctx, t.Teamspace, t.User, api.TeamspaceRole{Role: t.Role})
	})
}

type teamspaceRemoveMember struct {
	question
	ofTeamspace
	User string `arg:"" help:"Name or id."`
}

func (t teamspaceRemoveMember) Run(ctx context.Context, s Streams) error {
	return end(s, t.question, "the user is no member of the teamspace any more",
		func(c *client.Client) error { return c.RemoveTeamspaceMember(ctx, t.Teamspace, t.User) })
}
