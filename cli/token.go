package cli

import (
	"context"
	"errors"
	"io"
	"iter"
	"strings"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

var tokens = sheet[api.Token]{
	{title: "ID", cell: func(_ *names, t api.Token) string { return t.ID }},
	{title: "NAME", cell: func(_ *names, t api.Token) string { return t.Name }},
	{title: "USER", cell: func(n *names, t api.Token) string { return n.user(t.User) }},
	{title: "SCOPES", cell: func(_ *names, t api.Token) string { return strings.Join(t.Scopes, ", ") }},
	{title: "WORKSPACE", cell: func(n *names, t api.Token) string { return n.workspace(t.Workspace) }},
	{title: "UNTIL", cell: func(_ *names, t api.Token) string { return timeOr(t.ExpiresAt, "revoked") }},
	{title: "ROTATED", detail: true, cell: func(_ *names, t api.Token) string { return timeOr(t.RotatedAt, "") }},
	{title: "GRACE UNTIL", detail: true, cell: func(_ *names, t api.Token) string { return timeOr(t.GraceUntil, "") }},
	{title: "CREATED", detail: true, cell: func(_ *names, t api.Token) string { return timeOf(t.CreatedAt) }},
	{title: "CREATED FROM", detail: true, cell: func(_ *names, t api.Token) string { return t.CreatedFrom }},
}

// createdTokens shows a token's secret, which the server shows this once.
var createdTokens = func() sheet[api.CreatedToken] {
	out := sheet[api.CreatedToken]{{title: "SECRET", cell: func(_ *names, t api.CreatedToken) string { return t.Secret }}}
	for _, c := range tokens {
		out = append(out, column[api.CreatedToken]{title: c.title, cell: func(n *names, t api.CreatedToken) string { return c.cell(n, t.Token) }})
	}
	return out
}()

type tokenCommand struct {
	List   tokenList   `cmd:"" help:"List your tokens; an installation admin may list anybody's."`
	Show   tokenShow   `cmd:"" help:"Show a token, without its secret."`
	Create tokenCreate `cmd:"" help:"Make a token within what yours may do, and show its secret, once."`
	Rotate tokenRotate `cmd:"" help:"Give a token another secret, and show it, once; what was borrowed goes on."`
	Revoke tokenRevoke `cmd:"" help:"End a token, and what was borrowed with it, at once."`
}

type tokenList struct {
	listing
	User string `placeholder:"NAME" help:"Of another user, by name or id."`
}

func (t tokenList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, t.listing, tokens, func(c *client.Client) iter.Seq2[api.Token, error] { return c.Tokens(ctx, t.User) })
}

type tokenShow struct {
	question
	Token string `arg:"" optional:"" help:"Id. Default: the one that you are using."`
}

func (t tokenShow) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, t.question, tokens, func(c *client.Client) (api.Token, error) {
		if t.Token == "" {
			return c.CurrentToken(ctx)
		}
		return c.Token(ctx, t.Token)
	})
}

type tokenCreate struct {
	question
	Name    string   `arg:"" optional:"" help:"What it is for."`
	Scope   []string `sep:"none" placeholder:"SCOPE" help:"What it may do: all, a noun, noun:read, \"METHOD /path\", \"s3:read s3://bucket/prefix/\". May be repeated. Default: what your token may."`
	User    string   `placeholder:"NAME" help:"Of another user, by name or id; for installation admins."`
	Expires deadline `placeholder:"TIME" help:"When it ends. Default: never."`
}

// Help is what --help says beside the flags.
func (tokenCreate) Help() string { return deadlineForms }

func (t tokenCreate) Run(ctx context.Context, s Streams) error {
	n := api.NewToken{Name: t.Name, User: t.User, Scopes: t.Scope, Workspace: t.Workspace, ExpiresAt: t.Expires.or()}
	return show(ctx, s, t.question, createdTokens, func(c *client.Client) (api.CreatedToken, error) { return c.CreateToken(ctx, n) })
}

type tokenRevoke struct {
	question
	Token string `arg:"" help:"Id."`
}

func (t tokenRevoke) Run(ctx context.Context, s Streams) error {
	return end(s, t.question, "the token has ended, with the leases that it borrowed",
		func(c *client.Client) error { return c.RevokeToken(ctx, t.Token) })
}

type tokenRotate struct {
	question
	Token string `arg:"" optional:"" help:"Id. Default: the one that you are using."`
	Grace span   `placeholder:"TIME" help:"How long the secret before works too, up to 7d. Default: not at all."`
}

// Help is what --help says beside the flags.
func (tokenRotate) Help() string {
	return `Without an id, a token that login kept is replaced where it is kept, too.`
}

// Run shows the secret, and keeps it where the one before was kept: nobody should
// be locked out by it.
func (t tokenRotate) Run(ctx context.Context, s Streams) error {
	open, err := t.open()
	if err != nil {
		return err
	}
	made, err := open.RotateToken(ctx, t.Token, api.TokenRotation{GraceSeconds: t.Grace.seconds()})
	if err != nil {
		return t.explain(err)
	}
	now := open.Client
	if t.Token == "" {
		now = client.New(open.server, made.Secret)
		if open.kept {
			err = keepInstead(open, made.Secret)
		}
	}
	return errors.Join(t.write(s.Out, made, func(to io.Writer) error { return createdTokens.show(to, newNames(ctx, now), made) }), err)
}

// keepInstead keeps another secret for the server of a session.
func keepInstead(open session, secret string) error {
	kept, err := readLogins()
	if err != nil {
		return err
	}
	kept.Tokens[open.server] = secret
	return kept.keep()
}
