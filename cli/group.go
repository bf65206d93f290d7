package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var groups = ask.Sheet[api.Group]{
	{Title: "NAME", Cell: func(_ *ask.Names, g api.Group) string { return g.Name }},
	{Title: "WORKSPACE", Cell: func(n *ask.Names, g api.Group) string { return n.Workspace(g.Workspace) }},
	{Title: "ID", Cell: func(_ *ask.Names, g api.Group) string { return g.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, g api.Group) string { return ask.TimeOf(g.CreatedAt) }},
}

var groupMembers = ask.Sheet[api.GroupMember]{
	{Title: "USER", Cell: func(n *ask.Names, m api.GroupMember) string { return n.User(m.User) }},
	{Title: "GROUP", Cell: func(n *ask.Names, m api.GroupMember) string { return n.Group(m.Group) }},
	{Title: "SINCE", Cell: func(_ *ask.Names, m api.GroupMember) string { return ask.TimeOf(m.Since) }},
}

type groupCommand struct {
	List         groupList         `cmd:"" help:"List the workspace's groups."`
	Show         groupShow         `cmd:"" help:"Show a group."`
	Create       groupCreate       `cmd:"" help:"Add a group to the workspace."`
	Update       groupUpdate       `cmd:"" help:"Rename a group."`
	Delete       groupDelete       `cmd:"" help:"Remove a group and the grants that name it."`
	Members      groupMembersList  `cmd:"" help:"List a group's members."`
	AddMember    groupAddMember    `cmd:"" help:"Add a member of the workspace to a group."`
	RemoveMember groupRemoveMember `cmd:"" help:"Remove a member; leases that rest on the membership close."`
}

type groupList struct{ ask.Listing }

func (g groupList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, g.Listing, groups, func(c *client.Client) iter.Seq2[api.Group, error] { return c.Groups(ctx) })
}

type groupShow struct {
	ask.Question
	Group string `arg:"" help:"Name or id."`
}

func (g groupShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, g.Question, groups, func(c *client.Client) (api.Group, error) { return c.Group(ctx, g.Group) })
}

type groupCreate struct {
	ask.Question
	Name string `arg:"" help:"Unique in the workspace."`
}

func (g groupCreate) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, g.Question, groups, func(c *client.Client) (api.Group, error) { return c.CreateGroup(ctx, api.Named{Name: g.Name}) })
}

type groupUpdate struct {
	ask.Question
	Group string `arg:"" help:"Name or id."`
	Name  string `required:"" placeholder:"NAME" help:"Another name."`
}

func (g groupUpdate) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, g.Question, groups, func(c *client.Client) (api.Group, error) {
		return c.RenameGroup(ctx, g.Group, api.Named{Name: g.Name})
	})
}

type groupDelete struct {
	ask.Question
	Group string `arg:"" help:"Name or id."`
}

func (g groupDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, g.Question, ask.Ended{Action: "group.delete", Target: g.Group}, "the group is gone, with the grants that named it",
		func(c *client.Client) error { return c.DeleteGroup(ctx, g.Group) })
}

type groupMembersList struct {
	ask.Listing
	Group string `arg:"" help:"Name or id."`
}

func (g groupMembersList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, g.Listing, groupMembers, func(c *client.Client) iter.Seq2[api.GroupMember, error] {
		return c.GroupMembers(ctx, g.Group)
	})
}

type groupAddMember struct {
	ask.Question
	Group string `arg:"" help:"Name or id."`
	User  string `arg:"" help:"Name or id."`
}

func (g groupAddMember) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, g.Question, groupMembers, func(c *client.Client) (api.GroupMember, error) {
		return c.PutGroupMember(ctx, g.Group, g.User)
	})
}

type groupRemoveMember struct {
	ask.Question
	Group string `arg:"" help:"Name or id."`
	User  string `arg:"" help:"Name or id."`
}

func (g groupRemoveMember) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, g.Question, ask.Ended{Action: "group.member.remove", Target: g.Group, User: g.User}, "the user is no member of the group any more",
		func(c *client.Client) error { return c.RemoveGroupMember(ctx, g.Group, g.User) })
}
