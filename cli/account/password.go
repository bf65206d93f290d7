package account

import (
	"cmp"
	"context"
	"errors"
	"fmt"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

// SetPassword sets one's own password.
type SetPassword struct {
	ask.Question
	Reset bool `help:"With what an installation admin has made for it, instead of the password that you have. Needs no login."`
}

// Help is what --help says beside the flags.
func (SetPassword) Help() string {
	return `Reads the password that you have, or what an admin has made with "keyhatch user reset-password", and the new one: from the
terminal, which asks for the new one twice, or as two lines of standard input. Who has no password yet leaves the first line empty.
It has at least 15 characters. Tokens stay as they are.`
}

// passwordSet is what set-password tells programs.
type passwordSet struct {
	Action string `json:"action"`
	Server string `json:"server"`
}

// Run reads both before it asks the server anything.
func (p SetPassword) Run(ctx context.Context, s ask.Streams) error {
	kept, err := ask.ReadLogins()
	if err != nil {
		return err
	}
	server, err := p.ServerURL(kept)
	if err != nil {
		return err
	}
	if inTheClear(server) {
		fmt.Fprintf(s.Err, "keyhatch: the password can be read on its way to %s, which has no TLS\n", ask.Printable(server))
	}
	first := "Password that you have (empty: none): "
	if p.Reset {
		first = "What the admin has given you (khr_...): "
	}
	shown, password, err := twice(s, first)
	if err != nil {
		return err
	}
	if p.Reset {
		err = client.New(server, "").UseReset(ctx, api.UsedReset{Reset: shown, Password: password})
	} else {
		err = p.own(ctx, api.NewPassword{Current: shown, Password: password})
	}
	if err != nil {
		return p.Explain(err)
	}
	return p.Say(s.Out, passwordSet{"password.set", server}, "the password for "+server+" is set")
}

// own sets the password of whom the token in use is of.
func (p SetPassword) own(ctx context.Context, n api.NewPassword) error {
	c, err := p.Client()
	if err != nil {
		return err
	}
	current, err := c.CurrentToken(ctx)
	if err != nil {
		return err
	}
	return c.SetPassword(ctx, current.User, n)
}

// twice reads what is shown and a new password, which people type twice since they do not
// see it.
func twice(s ask.Streams, first string) (shown, password string, err error) {
	prompts := []string{first, "New password: "}
	if ask.AtTerminal(s) {
		prompts = append(prompts, "Again: ")
	}
	lines, err := ask.Passwords(s, prompts...)
	if err != nil {
		return "", "", err
	}
	if lines[len(lines)-1] != lines[1] {
		return "", "", ask.UsageError{Err: errors.New("nothing was set: the two differ")}
	}
	return lines[0], lines[1], nil
}

// ResetPassword makes what a user sets a password with.
type ResetPassword struct {
	ask.Question
	User         string `arg:"" help:"Name or id."`
	RevokeTokens bool   `help:"End all of the user's tokens first, for who may have lost more than a password."`
}

var resets = ask.Sheet[api.PasswordReset]{
	{Title: "RESET", Cell: func(_ *ask.Names, r api.PasswordReset) string { return r.Secret }},
	{Title: "USER", Cell: func(n *ask.Names, r api.PasswordReset) string { return n.User(r.User) }},
	{Title: "EXPIRES", Cell: func(_ *ask.Names, r api.PasswordReset) string { return ask.TimeOf(r.ExpiresAt) }},
	{Title: "USE", Cell: func(*ask.Names, api.PasswordReset) string {
		return "once: the user runs keyhatch user set-password --reset"
	}},
}

// Run shows the secret, which the server shows this once.
func (r ResetPassword) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, r.Question, resets, func(c *client.Client) (api.PasswordReset, error) {
		if r.RevokeTokens {
			if _, err := c.RevokeTokens(ctx, r.User, true); err != nil {
				return api.PasswordReset{}, err
			}
		}
		return c.ResetPassword(ctx, r.User)
	})
}

// RemovePassword takes a user's password away.
type RemovePassword struct {
	ask.Question
	User string `arg:"" optional:"" help:"Name or id; of another user for installation admins. Default: you."`
}

// Run takes one's own away when none is named.
func (r RemovePassword) Run(ctx context.Context, s ask.Streams) error {
	ended := ask.Ended{Action: "password.remove", Target: cmp.Or(r.User, "yourself")}
	return ask.End(s, r.Question, ended, "nobody logs in with that password any more, until another one is set", func(c *client.Client) error {
		user := r.User
		if user == "" {
			current, err := c.CurrentToken(ctx)
			if err != nil {
				return err
			}
			user = current.User
		}
		return c.RemovePassword(ctx, user)
	})
}
