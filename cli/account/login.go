package account

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
	"github.com/keyhatch/keyhatch/client"
)

// Login keeps a token for a server.
type Login struct {
	ask.Question
	Token   bool           `xor:"how" help:"With an API token, which is read from the terminal or from standard input. Without this and --user: in a browser, on any machine."`
	User    string         `xor:"how" placeholder:"NAME" help:"With a password, which is read in the same way: it makes a token for this machine. Name or e-mail address."`
	Expires times.Deadline `placeholder:"TIME" help:"With --user: when the token that is made ends: a time, or how long from now. Default: as late as may be."`
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
		fmt.Fprintf(s.Err, "keyhatch: %s can be read on its way to %s, which has no TLS\n", l.sent(), ask.Printable(server))
	}
	token, err := l.token(ctx, s, server)
	if err != nil {
		return err
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

func (l Login) sent() string {
	if l.User != "" {
		return "the password"
	}
	return "the token"
}

// token reads a token, or makes one with a password, or is given one in a browser.
func (l Login) token(ctx context.Context, s ask.Streams, server string) (string, error) {
	if !l.Token && l.User == "" {
		return l.inBrowser(ctx, s, server)
	}
	if l.User == "" {
		token, err := ask.Secret(s, "API token for "+server+": ")
		if err != nil {
			return "", err
		}
		if why := ask.WhyNoToken(token); why != "" {
			return "", ask.UsageError{Err: errors.New(why)}
		}
		return token, nil
	}
	password, err := ask.Passwords(s, "Password of "+l.User+" for "+server+": ")
	if err != nil {
		return "", err
	}
	name := "keyhatch login"
	if host, err := os.Hostname(); err == nil {
		name += " on " + host
	}
	made, err := client.New(server, "").Login(ctx, api.Login{User: l.User, Password: password[0], Name: name, ExpiresAt: l.Expires.Or()})
	if err != nil {
		return "", l.Explain(err)
	}
	return made.Secret, nil
}

// inBrowser has somebody allow this in a browser, where it logs in.
func (l Login) inBrowser(ctx context.Context, s ask.Streams, server string) (string, error) {
	c := client.New(server, "")
	device, err := c.StartDeviceLogin(ctx)
	if errors.Is(err, client.ErrNoPages) {
		return "", ask.UsageError{Err: fmt.Errorf("%s has no pages on which one can log in: use --token, or --user with a password", ask.Printable(server))}
	}
	if err != nil {
		return "", l.Explain(err)
	}
	fmt.Fprintf(s.Err, "Open %s in a browser, and allow this there if it shows the code %s.\n", ask.Printable(device.Complete), ask.Printable(device.Code))
	token, err := c.FinishDeviceLogin(ctx, device)
	if err != nil {
		return "", l.Explain(err)
	}
	if why := ask.WhyNoToken(token); why != "" {
		return "", fmt.Errorf("what the server has given is no token: %s", why)
	}
	return token, nil
}

// inTheClear tells of a server that is spoken to without TLS, and is not on this
// machine.
func inTheClear(server string) bool {
	u, err := url.Parse(server)
	return err == nil && u.Scheme == "http" && !keyhatch.IsLoopback(u.Hostname())
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
