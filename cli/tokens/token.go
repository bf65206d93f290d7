package tokens

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
	"github.com/keyhatch/keyhatch/client"
)

var tokens = ask.Sheet[api.Token]{
	{Title: "ID", Cell: func(_ *ask.Names, t api.Token) string { return t.ID }},
	{Title: "NAME", Cut: 16, Cell: func(_ *ask.Names, t api.Token) string { return t.Name }},
	{Title: "USER", Cell: func(n *ask.Names, t api.Token) string { return n.User(t.User) }},
	{Title: "SCOPES", Cut: 16, Cell: func(_ *ask.Names, t api.Token) string { return strings.Join(t.Scopes, ", ") }},
	{Title: "WORKSPACE", Cell: func(n *ask.Names, t api.Token) string { return n.Workspace(t.Workspace) }},
	{Title: "EXPIRES", Cell: func(_ *ask.Names, t api.Token) string { return ask.TimeOr(t.ExpiresAt, ask.Never) }},
	{Title: "NETWORKS", Detail: true, Cell: func(_ *ask.Names, t api.Token) string { return strings.Join(t.Networks, ", ") }},
	{Title: "REQUESTS PER MINUTE", Detail: true, Cell: func(_ *ask.Names, t api.Token) string { return numberOr(t.RequestsPerMinute, "") }},
	{Title: "ANNOTATIONS", Detail: true, Cell: func(_ *ask.Names, t api.Token) string { return ask.Details(t.Annotations) }},
	{Title: "LAST USED", Detail: true, Cell: func(_ *ask.Names, t api.Token) string { return lastUse(t) }},
	{Title: "ROTATED", Detail: true, Cell: func(_ *ask.Names, t api.Token) string { return ask.TimeOr(t.RotatedAt, "") }},
	{Title: "GRACE UNTIL", Detail: true, Cell: func(_ *ask.Names, t api.Token) string { return ask.TimeOr(t.GraceUntil, "") }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, t api.Token) string { return ask.TimeOf(t.CreatedAt) }},
	{Title: "CREATED FROM", Detail: true, Cell: func(_ *ask.Names, t api.Token) string { return t.CreatedFrom }},
	{Title: "MADE WITH", Detail: true, Cell: func(_ *ask.Names, t api.Token) string { return t.MadeWith }},
	{Title: "UPDATED", Detail: true, Cell: func(_ *ask.Names, t api.Token) string { return ask.TimeOr(t.UpdatedAt, "") }},
}

// numberOr is a number that may be missing.
func numberOr(n int, none string) string {
	if n == 0 {
		return none
	}
	return strconv.Itoa(n)
}

func lastUse(t api.Token) string {
	when := ask.TimeOr(t.LastUsedAt, ask.Never)
	if t.LastUsedFrom == "" {
		return when
	}
	return when + " from " + t.LastUsedFrom
}

// createdTokens shows a token's secret, which the server shows this once.
var createdTokens = func() ask.Sheet[api.CreatedToken] {
	out := ask.Sheet[api.CreatedToken]{{Title: "SECRET", Cell: func(_ *ask.Names, t api.CreatedToken) string { return t.Secret }}}
	for _, c := range tokens {
		out = append(out, ask.Column[api.CreatedToken]{Title: c.Title, Cell: func(n *ask.Names, t api.CreatedToken) string { return c.Cell(n, t.Token) }})
	}
	return out
}()

// Token is what is done about API tokens.
type Token struct {
	List   tokenList   `cmd:"" help:"List your tokens; an installation admin may list anybody's."`
	Show   tokenShow   `cmd:"" help:"Show a token, without its secret."`
	Create tokenCreate `cmd:"" help:"Make a token within what yours may do, and show its secret, once."`
	Update tokenUpdate `cmd:"" help:"Change a token; narrowing it ends what was borrowed with it."`
	Rotate tokenRotate `cmd:"" help:"Give a token another secret, and show it, once; what was borrowed goes on."`
	Revoke tokenRevoke `cmd:"" help:"End a token, or all of a user, and what was borrowed with it, at once."`

	Leak     tokenLeak     `cmd:"" help:"Report a token that you have found: it ends at once. Needs no login."`
	Inspect  tokenInspect  `cmd:"" help:"Tell a whole token from a look-alike, without a server."`
	Generate tokenGenerate `cmd:"" help:"Print a fresh secret in the shape of a token, without a server."`
}

type tokenList struct {
	ask.Listing
	User string `placeholder:"NAME" help:"Of another user, by name or id."`
}

func (t tokenList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, t.Listing, tokens, func(c *client.Client) iter.Seq2[api.Token, error] { return c.Tokens(ctx, t.User) })
}

type tokenShow struct {
	ask.Question
	Token string `arg:"" optional:"" help:"Id. Default: the one that you are using."`
}

func (t tokenShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, t.Question, tokens, func(c *client.Client) (api.Token, error) {
		if t.Token == "" {
			return c.CurrentToken(ctx)
		}
		return c.Token(ctx, t.Token)
	})
}

type tokenCreate struct {
	ask.Question
	Name    string         `arg:"" optional:"" help:"What it is for."`
	Scope   []string       `sep:"none" placeholder:"SCOPE" help:"What it may do: all, a noun, noun:read, \"METHOD /path\", \"s3:read s3://bucket/prefix/\". May be repeated. Default: what your token may."`
	User    string         `placeholder:"NAME" help:"Of another user, by name or id; for installation admins."`
	Expires times.Deadline `placeholder:"TIME" help:"When it ends. Default: as late as may be."`

	Network           []string          `sep:"none" placeholder:"CIDR" help:"Network or address from which alone it works, such as 10.1.0.0/16. May be repeated. Default: those of your token."`
	RequestsPerMinute int               `placeholder:"N" help:"How often it may ask, on average and at once. Default: as your token, or as the server says."`
	Annotate          map[string]string `mapsep:"none" placeholder:"KEY=TEXT" help:"What you want to note about it. May be repeated."`
}

// Help is what --help says beside the flags.
func (tokenCreate) Help() string { return times.DeadlineForms }

func (t tokenCreate) Run(ctx context.Context, s ask.Streams) error {
	n := api.NewToken{
		Name: t.Name, User: t.User, Scopes: t.Scope, Workspace: t.Workspace, ExpiresAt: t.Expires.Or(),
		Networks: t.Network, RequestsPerMinute: t.RequestsPerMinute, Annotations: t.Annotate,
	}
	return ask.Show(ctx, s, t.Question, createdTokens, func(c *client.Client) (api.CreatedToken, error) { return c.CreateToken(ctx, n) })
}

type tokenRotate struct {
	ask.Question
	Token string     `arg:"" optional:"" help:"Id. Default: the one that you are using."`
	Grace times.Span `placeholder:"TIME" help:"How long the secret before works too, up to 7d. Default: not at all."`
}

// Help is what --help says beside the flags.
func (tokenRotate) Help() string {
	return `Without an id, a token that login kept is replaced where it is kept, too.`
}

// Run shows the secret, and keeps it where the one before was kept: nobody should
// be locked out by it.
func (t tokenRotate) Run(ctx context.Context, s ask.Streams) error {
	open, err := t.Open()
	if err != nil {
		return err
	}
	made, err := open.RotateToken(ctx, t.Token, api.TokenRotation{GraceSeconds: t.Grace.WholeSeconds()})
	if err != nil {
		return t.Explain(err)
	}
	now := open.Client
	if t.Token == "" {
		now = client.New(open.Server, made.Secret)
		if open.Kept {
			err = keepInstead(open, made.Secret)
		}
	}
	return errors.Join(t.Write(s.Out, made, func(to io.Writer) error { return createdTokens.Show(to, ask.NewNames(ctx, now), made) }), err)
}

// keepInstead keeps another secret for the server of a session, unless somebody has
// logged in to it anew meanwhile.
func keepInstead(open ask.Session, secret string) error {
	return ask.ChangeLogins(func(kept *ask.Logins) {
		if kept.Tokens[open.Server] == open.Token {
			kept.Tokens[open.Server] = secret
		}
	})
}
