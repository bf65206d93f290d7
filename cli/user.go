package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/account"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var users = ask.Sheet[api.User]{
	{Title: "NAME", Cell: func(_ *ask.Names, u api.User) string { return u.Name }},
	{Title: "FULL NAME", Cut: 12, Cell: func(_ *ask.Names, u api.User) string { return u.FullName }},
	{Title: "EMAIL", Cut: 12, Cell: func(_ *ask.Names, u api.User) string { return u.Email }},
	{Title: "ADMIN", Cell: func(_ *ask.Names, u api.User) string { return ask.Yes(u.Admin) }},
	{Title: "ACTIVE", Cell: func(_ *ask.Names, u api.User) string { return ask.Yes(u.Active) }},
	{Title: "ID", Cell: func(_ *ask.Names, u api.User) string { return u.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, u api.User) string { return ask.TimeOf(u.CreatedAt) }},
}

type userCommand struct {
	List   userList   `cmd:"" help:"List the users that you may see."`
	Show   userShow   `cmd:"" help:"Show a user."`
	Create userCreate `cmd:"" help:"Add a user."`
	Update userUpdate `cmd:"" help:"Change a user; --no-active ends its tokens and leases at once."`
	Delete userDelete `cmd:"" help:"Remove a user with its tokens, memberships and grants."`

	SetPassword    account.SetPassword    `cmd:"" help:"Set your password."`
	ResetPassword  account.ResetPassword  `cmd:"" help:"Make what a user sets a password with, once and within a day; for installation admins."`
	RemovePassword account.RemovePassword `cmd:"" help:"Let a user log in with a password no more."`
}

type userList struct{ ask.Listing }

func (u userList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, u.Listing, users, func(c *client.Client) iter.Seq2[api.User, error] { return c.Users(ctx) })
}

type userShow struct {
	ask.Question
	User string `arg:"" help:"Name or id."`
}

func (u userShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, u.Question, users, func(c *client.Client) (api.User, error) { return c.User(ctx, u.User) })
}

type userCreate struct {
	ask.Question
	Name     string `arg:"" help:"Unique in the installation."`
	FullName string `placeholder:"TEXT" help:"As people write it."`
	Email    string `placeholder:"ADDRESS" help:"Where mail reaches it."`
	Admin    bool   `help:"Administers the installation."`
}

func (u userCreate) Run(ctx context.Context, s ask.Streams) error {
	n := api.NewUser{Name: u.Name, FullName: u.FullName, Email: u.Email, Admin: u.Admin}
	return ask.Show(ctx, s, u.Question, users, func(c *client.Client) (api.User, error) { return c.CreateUser(ctx, n) })
}

type userUpdate struct {
	ask.Question
	User     string  `arg:"" help:"Name or id."`
	Name     *string `placeholder:"NAME" help:"Another name."`
	FullName *string `placeholder:"TEXT" help:"As people write it."`
	Email    *string `placeholder:"ADDRESS" help:"Where mail reaches it."`
	Admin    *bool   `negatable:"" help:"Administers the installation."`
	Active   *bool   `negatable:"" help:"May call. Without it, its tokens and leases are dead."`
}

func (u userUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.UserChange{Name: u.Name, FullName: u.FullName, Email: u.Email, Admin: u.Admin, Active: u.Active}
	if err := ask.Wanting(change); err != nil {
		return err
	}
	return ask.Show(ctx, s, u.Question, users, func(c *client.Client) (api.User, error) { return c.UpdateUser(ctx, u.User, change) })
}

type userDelete struct {
	ask.Question
	User string `arg:"" help:"Name or id."`
}

func (u userDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, u.Question, ask.Ended{Action: "user.delete", Target: u.User}, "the user is gone, with its tokens, memberships and grants",
		func(c *client.Client) error { return c.DeleteUser(ctx, u.User) })
}
