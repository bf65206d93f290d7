package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

var groups = sheet[api.Group]{
	{title: "NAME", cell: func(_ *names, g api.Group) string { return g.Name }},
	{title: "WORKSPACE", cell: func(n *names, g api.Group) string { return n.workspace(g.Workspace) }},
	{title: "ID", cell: func(_ *names, g api.Group) string { return g.ID }},
	{title: "CREATED", detail: true, cell: func(_ *names, g api.Group) string { return timeOf(g.CreatedAt) }},
}

var groupMembers = sheet[api.GroupMember]{
	{title: "USER", cell: func(n *names, m api.GroupMember) string { return n.user(m.User) }},
	{title: "GROUP", cell: func(n *names, m api.GroupMember) string { return n.group(m.Group) }},
	{title: "SINCE", cell: func(_ *names, m api.GroupMember) string { return timeOf(m.Since) }},
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

type groupList struct{ listing }

func (g groupList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, g.listing, groups, func(c *client.Client) iter.Seq2[api.Group, error] { return c.Groups(ctx) })
}

type groupShow struct {
	question
	Group string `arg:"" help:"Name or id."`
}

func (g groupShow) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, g.question, groups, func(c *client.Client) (api.Group, error) { return c.Group(ctx, g.Group) })
}

type groupCreate struct {
	question
	Name string `arg:"" help:"Unique in the workspace."`
}

func (g groupCreate) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, g.question, groups, func(c *client.Client) (api.Group, error) { return c.CreateGroup(ctx, api.Named{Name: g.Name}) })
}

type groupUpdate struct {
	question
	Group string `arg:"" help:"Name or id."`
	Name  string `required:"" placeholder:"NAME" help:"Another name."`
}

func (g groupUpdate) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, g.question, groups, func(c *client.Client) (api.Group, error) {
		return c.RenameGroup(ctx, g.Group, api.Named{Name: g.Name})
	})
}

type groupDelete struct {
	question
	Group string `arg:"" help:"Name or id."`
}

func (g groupDelete) Run(ctx context.Context, s Streams) error {
	return end(s, g.question, "the group is gone, with the grants that named it",
		func(c *client.Client) error { return c.DeleteGroup(ctx, g.Group) })
}

type groupMembersList struct {
	listing
	Group string `arg:"" help:"Name or id."`
}

func (g groupMembersList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, g.listing, groupMembers, func(c *client.Client) iter.Seq2[api.GroupMember, error] {
		return c.GroupMembers(ctx, g.Group)
	})
}

type groupAddMember struct {
	question
	Group string `arg:"" help:"Name or id."`
	User  string `arg:"" help:"Name or id."`
}

func (g groupAddMember) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, g.question, groupMembers, func(c *client.Client) (api.GroupMember, error) {
		return c.PutGroupMember(ctx, g.Group, g.User)
	})
}

type groupRemoveMember struct {
	question
	Group string `arg:"" help:"Name or id."`
	User  string `arg:"" help:"Name or id."`
}

func (g groupRemoveMember) Run(ctx context.Context, s Streams) error {
	return end(s, g.question, "the user is no member of the group any more",
		func(c *client.Client) error { return c.RemoveGroupMember(ctx, g.Group, g.User) })
}
