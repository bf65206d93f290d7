package account

import (
	"context"
	"errors"
	"strings"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

// Whoami shows who one is, and by which token.
type Whoami struct{ ask.Question }

// identity is who a token is.
type identity struct {
	Server     string          `json:"server"`
	User       api.User        `json:"user"`
	Token      api.Token       `json:"token"`
	Workspaces []api.Workspace `json:"workspaces,omitempty"`
}

var identities = ask.Sheet[identity]{
	{Title: "SERVER", Cell: func(_ *ask.Names, i identity) string { return i.Server }},
	{Title: "USER", Cell: func(_ *ask.Names, i identity) string {
		if i.User.Name == "" {
			return i.User.ID
		}
		return i.User.Name
	}},
	{Title: "FULL NAME", Cell: func(_ *ask.Names, i identity) string { return i.User.FullName }},
	{Title: "ADMIN", Cell: func(_ *ask.Names, i identity) string {
		if i.User.Admin {
			return "of the installation"
		}
		return ""
	}},
	{Title: "MEMBER OF", Cell: func(_ *ask.Names, i identity) string {
		var all []string
		for _, w := range i.Workspaces {
			all = append(all, w.Name)
		}
		return strings.Join(all, ", ")
	}},
	{Title: "TOKEN", Cell: func(_ *ask.Names, i identity) string { return strings.TrimSpace(i.Token.ID + " " + i.Token.Name) }},
	{Title: "SCOPES", Cell: func(_ *ask.Names, i identity) string { return strings.Join(i.Token.Scopes, ", ") }},
	{Title: "WORKSPACE", Cell: func(n *ask.Names, i identity) string {
		if i.Token.Workspace == "" {
			return "any"
		}
		return n.Workspace(i.Token.Workspace)
	}},
	{Title: "EXPIRES", Cell: func(_ *ask.Names, i identity) string { return ask.TimeOr(i.Token.ExpiresAt, ask.Never) }},
}

// Run asks for what the token may tell: one that only borrows does not see its
// user.
func (w Whoami) Run(ctx context.Context, s ask.Streams) error {
	kept, err := ask.ReadLogins()
	if err != nil {
		return err
	}
	server, err := w.ServerURL(kept)
	if err != nil {
		return err
	}
	return ask.Show(ctx, s, w.Question, identities, func(c *client.Client) (identity, error) {
		token, err := c.CurrentToken(ctx)
		if err != nil {
			return identity{}, err
		}
		who := identity{Server: server, Token: token, User: api.User{ID: token.User}}
		if user, err := c.User(ctx, token.User); err == nil {
			who.User = user
		} else if !refused(err) {
			return identity{}, err
		}
		for ws, err := range c.Workspaces(ctx) {
			if err == nil {
				who.Workspaces = append(who.Workspaces, ws)
			} else if !refused(err) {
				return identity{}, err
			}
		}
		return who, nil
	})
}

// refused tells that the server answered, and that one may not.
func refused(err error) bool {
	var p *api.Problem
	return errors.As(err, &p)
}
