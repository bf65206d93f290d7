package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

var users = sheet[api.User]{
	{title: "NAME", cell: func(_ *names, u api.User) string { return u.Name }},
	{title: "FULL NAME", cell: func(_ *names, u api.User) string { return u.FullName }},
	{title: "EMAIL", cell: func(_ *names, u api.User) string { return u.Email }},
	{title: "ADMIN", cell: func(_ *names, u api.User) string { return yes(u.Admin) }},
	{title: "ACTIVE", cell: func(_ *names, u api.User) string { return yes(u.Active) }},
	{title: "ID", cell: func(_ *names, u api.User) string { return u.ID }},
	{title: "CREATED", detail: true, cell: func(_ *names, u api.User) string { return timeOf(u.CreatedAt) }},
}

type userCommand struct {
	List   userList   `cmd:"" help:"List the users that you may see."`
	Show   userShow   `cmd:"" help:"Show a user."`
	Create userCreate `cmd:"" help:"Add a user."`
	Update userUpdate `cmd:"" help:"Change a user; --no-active ends its tokens and leases at once."`
	Delete userDelete `cmd:"" help:"Remove a user with its tokens, memberships and grants."`
}

type userList struct{ listing }

func (u userList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, u.listing, users, func(c *client.Client) iter.Seq2[api.User, error] { return c.Users(ctx) })
}

type userShow struct {
	question
	User string `arg:"" help:"Name or id."`
}

func (u userShow) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, u.question, users, func(c *client.Client) (api.User, error) { return c.User(ctx, u.User) })
}

type userCreate struct {
	question
	Name     string `arg:"" help:"Unique in the installation."`
	FullName string `placeholder:"TEXT" help:"As people write it."`
	Email    string `placeholder:"ADDRESS" help:"Where mail reaches it."`
	Admin    bool   `help:"Administers the installation."`
}

func (u userCreate) Run(ctx context.Context, s Streams) error {
	n := api.NewUser{Name: u.Name, FullName: u.FullName, Email: u.Email, Admin: u.Admin}
	return show(ctx, s, u.question, users, func(c *client.Client) (api.User, error) { return c.CreateUser(ctx, n) })
}

type userUpdate struct {
	question
	User     string  `arg:"" help:"Name or id."`
	Name     *string `placeholder:"NAME" help:"Another name."`
	FullName *string `placeholder:"TEXT" help:"As people write it."`
	Email    *string `placeholder:"ADDRESS" help:"Where mail reaches it."`
	Admin    *bool   `negatable:"" help:"Administers the installation."`
	Active   *bool   `negatable:"" help:"May call. Without it, its tokens and leases are dead."`
}

func (u userUpdate) Run(ctx context.Context, s Streams) error {
	change := api.UserChange{Name: u.Name, FullName: u.FullName, Email: u.Email, Admin: u.Admin, Active: u.Active}
	return show(ctx, s, u.question, users, func(c *client.Client) (api.User, error) { return c.UpdateUser(ctx, u.User, change) })
}

type userDelete struct {
	question
	User string `arg:"" help:"Name or id."`
}

func (u userDelete) Run(ctx context.Context, s Streams) error {
	return end(s, u.question, "the user is gone, with its tokens, memberships and grants",
		func(c *client.Client) error { return c.DeleteUser(ctx, u.User) })
}
