package cli

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
	"golang.org/x/term"
)

type loginCommand struct {
	ask.Connection
	Token bool `required:"" help:"With an API token, which is read from the terminal or from standard input."`
}

// Run asks the server whose the token is before it keeps it.
func (l loginCommand) Run(ctx context.Context, s ask.Streams) error {
	kept, err := ask.ReadLogins()
	if err != nil {
		return err
	}
	server, err := l.ServerURL(kept)
	if err != nil {
		return err
	}
	if !private(server) {
		fmt.Fprintf(s.Err, "keyhatch: %s is not encrypted: who is on the way can read the token, and use it; ask for an https:// address\n", server)
	}
	token, err := readSecret(s, "API token for "+server+": ")
	if err != nil {
		return err
	}
	if !keyhatch.IsTokenSecret(token) {
		return ask.UsageError{Err: errors.New("that is not a whole token: one begins with kh_ and has 52 characters")}
	}
	c := client.New(server, token)
	current, err := c.CurrentToken(ctx)
	if err != nil {
		return l.Explain(err)
	}
	if err := ask.ChangeLogins(func(kept *ask.Logins) { kept.Server, kept.Tokens[server] = server, token }); err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "logged in to %s as %s\n", server, ask.Printable(ask.NewNames(ctx, c).User(current.User)))
	return err
}

// private tells whether what is sent to a server is for its eyes only.
func private(server string) bool {
	u, err := url.Parse(server)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
}

// maxSecret bounds what is read of a secret.
const maxSecret = 4096

// readSecret reads a line that is not for other eyes: from a terminal without
// showing it, else from standard input.
func readSecret(s ask.Streams, prompt string) (string, error) {
	if f, ok := s.In.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		fmt.Fprint(s.Err, prompt)
		text, err := term.ReadPassword(int(f.Fd()))
		fmt.Fprintln(s.Err)
		return strings.TrimSpace(string(text)), err
	}
	line, err := bufio.NewReader(io.LimitReader(s.In, maxSecret)).ReadString('\n')
	if line = strings.TrimSpace(line); line == "" {
		return "", ask.UsageError{Err: errors.Join(errors.New("nothing was given: the secret is read from standard input"), notEnd(err))}
	}
	return line, nil
}

func notEnd(err error) error {
	if errors.Is(err, io.EOF) {
		return nil
	}
	return err
}

type logoutCommand struct{ ask.Connection }

// Run forgets the token of one server.
func (l logoutCommand) Run(s ask.Streams) error {
	kept, err := ask.ReadLogins()
	if err != nil {
		return err
	}
	server, err := l.ServerURL(kept)
	if err != nil {
		return err
	}
	if _, ok := kept.Tokens[server]; !ok {
		_, err := fmt.Fprintf(s.Out, "no token was kept for %s\n", server)
		return err
	}
	err = ask.ChangeLogins(func(kept *ask.Logins) {
		delete(kept.Tokens, server)
		if kept.Server == server {
			kept.Server = ""
		}
	})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.Out, "the token for %s is forgotten here; it stays valid until it is revoked\n", server)
	return err
}

type whoamiCommand struct{ ask.Question }

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
	{Title: "TOKEN", Cell: func(_ *ask.Names, i identity) string { return strings.TrimSpace(i.Token.ID + " " + i.Token.Name) }},
	{Title: "SCOPES", Cell: func(_ *ask.Names, i identity) string { return strings.Join(i.Token.Scopes, ", ") }},
	{Title: "UNTIL", Cell: func(_ *ask.Names, i identity) string { return ask.TimeOr(i.Token.ExpiresAt, "revoked") }},
	{Title: "WORKSPACES", Cell: func(_ *ask.Names, i identity) string {
		var all []string
		for _, w := range i.Workspaces {
			all = append(all, w.Name)
		}
		return strings.Join(all, ", ")
	}},
}

// Run asks for what the token may tell: one that only borrows does not see its
// user.
func (w whoamiCommand) Run(ctx context.Context, s ask.Streams) error {
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
