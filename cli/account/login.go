package account

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"net/url"

	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

// Login keeps a token for a server.
type Login struct {
	ask.Question
	Token bool `required:"" help:"With an API token, which is read from the terminal or from standard input."`
}

// loggedIn is what login tells programs.
type loggedIn struct {
	Server string `json:"server"`
	User   string `json:"user"`
	Token  string `json:"token"` // its id
}

// Run asks the server whose the token is before it keeps it.
func (l Login) Run(ctx context.Context, s ask.Streams) error {
	kept, err := ask.ReadLogins()
	if err != nil {
		return err
	}
	server, err := l.ServerURL(kept)
	if err != nil {
		return err
	}
	if inTheClear(server) {
		fmt.Fprintf(s.Err, "keyhatch: the token can be read on its way to %s, which has no TLS\n", ask.Printable(server))
	}
	token, err := ask.Secret(s, "API token for "+server+": ")
	if err != nil {
		return err
	}
	if why := ask.WhyNoToken(token); why != "" {
		return ask.UsageError{Err: errors.New(why)}
	}
	c := client.New(server, token)
	current, err := c.CurrentToken(ctx)
	if err != nil {
		return l.Explain(err)
	}
	if err := ask.ChangeLogins(func(kept *ask.Logins) { kept.Server, kept.Tokens[server] = server, token }); err != nil {
		return err
	}
	return l.Say(s.Out, loggedIn{server, current.User, current.ID}, "logged in to "+server+" as "+ask.NewNames(ctx, c).User(current.User))
}

// inTheClear tells of a server that is spoken to without TLS, and is not on this
// machine.
func inTheClear(server string) bool {
	u, err := url.Parse(server)
	if err != nil || u.Scheme != "http" || u.Hostname() == "localhost" {
		return false
	}
	a, err := netip.ParseAddr(u.Hostname())
	return err != nil || !a.IsLoopback()
}

// Logout forgets the token of one server.
type Logout struct{ ask.Question }

// loggedOut is what logout tells programs.
type loggedOut struct {
	Server    string `json:"server"`
	Forgotten bool   `json:"forgotten"` // not when none was kept
}

// Run forgets it.
func (l Logout) Run(s ask.Streams) error {
	kept, err := ask.ReadLogins()
	if err != nil {
		return err
	}
	server, err := l.ServerURL(kept)
	if err != nil {
		return err
	}
	out := loggedOut{Server: server}
	if _, out.Forgotten = kept.Tokens[server]; !out.Forgotten {
		return l.Say(s.Out, out, "no token was kept for "+server)
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
	return l.Say(s.Out, out, "the token for "+server+" is forgotten here; it stays valid until it is revoked")
}
