package cli

import (
	"context"
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
