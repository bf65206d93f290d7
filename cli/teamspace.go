package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var teamspaces = ask.Sheet[api.Teamspace]{
	{Title: "NAME", Cell: func(_ *ask.Names, t api.Teamspace) string { return t.Name }},
	{Title: "VISIBILITY", Cell: func(_ *ask.Names, t api.Teamspace) string { return t.Visibility }},
	{Title: "WORKSPACE", Cell: func(n *ask.Names, t api.Teamspace) string { return n.Workspace(t.Workspace) }},
	{Title: "ID", Cell: func(_ *ask.Names, t api.Teamspace) string { return t.ID }},
	{Title: "CREATED BY", Detail: true, Cell: func(n *ask.Names, t api.Teamspace) string { return n.User(t.CreatedBy) }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, t api.Teamspace) string { return ask.TimeOf(t.CreatedAt) }},
}

var teamspaceMembers = ask.Sheet[api.TeamspaceMember]{
	{Title: "USER", Cell: func(n *ask.Names, m api.TeamspaceMember) string { return n.User(m.User) }},
	{Title: "ROLE", Cell: func(_ *ask.Names, m api.TeamspaceMember) string { return m.Role }},
	{Title: "TEAMSPACE", Cell: func(n *ask.Names, m api.TeamspaceMember) string { return n.Teamspace(m.Teamspace) }},
	{Title: "SINCE", Cell: func(_ *ask.Names, m api.TeamspaceMember) string { return ask.TimeOf(m.Since) }},
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

type teamspaceList struct{ ask.Listing }

func (t teamspaceList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, t.Listing, teamspaces, func(c *client.Client) iter.Seq2[api.Teamspace, error] { return c.Teamspaces(ctx) })
}

type teamspaceShow struct {
	ask.Question
	ofTeamspace
}

func (t teamspaceShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, t.Question, teamspaces, func(c *client.Client) (api.Teamspace, error) { return c.Teamspace(ctx, t.Teamspace) })
}

type teamspaceCreate struct {
	ask.Question
	Name       string `arg:"" help:"Unique in the workspace."`
	Visibility string `enum:"private,public" default:"private" help:"private: its members see it, and the workspace's owners and admins; public: every member of the workspace."`
}

func (t teamspaceCreate) Run(ctx context.Context, s ask.Streams) error {
	n := api.NewTeamspace{Name: t.Name, Visibility: t.Visibility}
	return ask.Show(ctx, s, t.Question, teamspaces, func(c *client.Client) (api.Teamspace, error) { return c.CreateTeamspace(ctx, n) })
}

type teamspaceUpdate struct {
	ask.Question
	ofTeamspace
	Name       *string `placeholder:"NAME" help:"Another name."`
	Visibility *string `enum:"private,public" placeholder:"private|public" help:"Who sees it."`
}

func (t teamspaceUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.TeamspaceChange{Name: t.Name, Visibility: t.Visibility}
	if err := ask.Wanting(change); err != nil {
		return err
	}
	return ask.Show(ctx, s, t.Question, teamspaces, func(c *client.Client) (api.Teamspace, error) {
		return c.UpdateTeamspace(ctx, t.Teamspace, change)
	})
}

type teamspaceDelete struct {
	ask.Question
	ofTeamspace
}

func (t teamspaceDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, t.Question, ask.Ended{Action: "teamspace.delete", Target: t.Teamspace}, "the teamspace is gone, with the grants that named it",
		func(c *client.Client) error { return c.DeleteTeamspace(ctx, t.Teamspace) })
}

type teamspaceMembersList struct {
	ask.Listing
	ofTeamspace
}

func (t teamspaceMembersList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, t.Listing, teamspaceMembers, func(c *client.Client) iter.Seq2[api.TeamspaceMember, error] {
		return c.TeamspaceMembers(ctx, t.Teamspace)
	})
}

type teamspaceAddMember struct {
	ask.Question
	ofTeamspace
	User string `arg:"" help:"Name or id."`
	Role string `enum:"owner,editor,viewer" default:"viewer" help:"owner, editor or viewer."`
}

func (t teamspaceAddMember) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, t.Question, teamspaceMembers, func(c *client.Client) (api.TeamspaceMember, error) {
		return c.PutTeamspaceMember(ctx, t.Teamspace, t.User, api.TeamspaceRole{Role: t.Role})
	})
}

type teamspaceRemoveMember struct {
	ask.Question
	ofTeamspace
	User string `arg:"" help:"Name or id."`
}

func (t teamspaceRemoveMember) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, t.Question, ask.Ended{Action: "teamspace.member.remove", Target: t.Teamspace, User: t.User}, "the user is no member of the teamspace any more",
		func(c *client.Client) error { return c.RemoveTeamspaceMember(ctx, t.Teamspace, t.User) })
}
