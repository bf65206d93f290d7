package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var browserSessions = ask.Sheet[api.Session]{
	{Title: "ID", Cell: func(_ *ask.Names, s api.Session) string { return s.ID }},
	{Title: "USER", Cell: func(n *ask.Names, s api.Session) string { return n.User(s.User) }},
	{Title: "LAST USED", Cell: func(_ *ask.Names, s api.Session) string { return ask.TimeOf(s.LastUsedAt) }},
	{Title: "FROM", Cell: func(_ *ask.Names, s api.Session) string { return s.LastUsedFrom }},
	{Title: "EXPIRES", Cell: func(_ *ask.Names, s api.Session) string { return ask.TimeOf(s.ExpiresAt) }},
	{Title: "BROWSER", Cut: 16, Cell: func(_ *ask.Names, s api.Session) string { return s.Browser }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, s api.Session) string { return ask.TimeOf(s.CreatedAt) }},
	{Title: "CREATED FROM", Detail: true, Cell: func(_ *ask.Names, s api.Session) string { return s.CreatedFrom }},
}

type sessionCommand struct {
	List   sessionList   `cmd:"" help:"List the browsers in which you are signed in."`
	Show   sessionShow   `cmd:"" help:"Show a session."`
	Revoke sessionRevoke `cmd:"" help:"End a session, or all of them: its browser has to sign in again."`
}

type sessionList struct {
	ask.Listing
	User string `placeholder:"NAME" help:"Of another user, by name or id; for installation admins."`
}

func (l sessionList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, l.Listing, browserSessions, func(c *client.Client) iter.Seq2[api.Session, error] { return c.Sessions(ctx, l.User) })
}

type sessionShow struct {
	ask.Question
	Session string `arg:"" help:"Id."`
}

func (l sessionShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, l.Question, browserSessions, func(c *client.Client) (api.Session, error) { return c.Session(ctx, l.Session) })
}

type sessionRevoke struct {
	ask.Question
	Session string `arg:"" optional:"" help:"Id."`

	All  bool   `help:"End all sessions of a user instead."`
	User string `placeholder:"NAME" help:"With --all: of another user, by name or id; for installation admins."`
}

// Run ends one session, or all. Without either it ends nothing.
func (l sessionRevoke) Run(ctx context.Context, s ask.Streams) error {
	switch {
	case l.All && l.Session != "":
		return ask.UsageError{Err: errors.New("--all is about every session of a user: name no session")}
	case l.All:
		return l.all(ctx, s)
	case l.Session == "":
		return ask.UsageError{Err: errors.New("say which session: name its id, or --all for all of yours")}
	case l.User != "":
		return ask.UsageError{Err: errors.New("--user goes with --all")}
	}
	return ask.End(s, l.Question, ask.Ended{Action: "session.end", Target: l.Session}, "the session has ended",
		func(c *client.Client) error { return c.RevokeSession(ctx, l.Session) })
}

func (l sessionRevoke) all(ctx context.Context, s ask.Streams) error {
	c, err := l.Client()
	if err != nil {
		return err
	}
	user := l.User
	if user == "" {
		current, err := c.CurrentToken(ctx)
		if err != nil {
			return l.Explain(err)
		}
		user = current.User
	}
	ended, err := c.RevokeSessions(ctx, user)
	if err != nil {
		return l.Explain(err)
	}
	return l.Write(s.Out, ended, func(to io.Writer) error {
		_, err := fmt.Fprintln(to, sessionsEnded(ended.Ended))
		return err
	})
}

func sessionsEnded(n int) string {
	switch n {
	case 0:
		return "there was no session to end"
	case 1:
		return "1 session has ended"
	}
	return fmt.Sprintf("%d sessions have ended", n)
}
