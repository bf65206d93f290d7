package cli

import (
	"context"
	"iter"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var oauthClients = ask.Sheet[api.OAuthClient]{
	{Title: "NAME", Cell: func(_ *ask.Names, c api.OAuthClient) string { return c.Name }},
	{Title: "FLOWS", Cell: func(_ *ask.Names, c api.OAuthClient) string { return strings.Join(c.Flows, ", ") }},
	{Title: "SCOPES", Cell: func(_ *ask.Names, c api.OAuthClient) string { return strings.Join(c.Scopes, ", ") }},
	{Title: "ID", Cell: func(_ *ask.Names, c api.OAuthClient) string { return c.ID }},
	{Title: "TITLE", Detail: true, Cell: func(_ *ask.Names, c api.OAuthClient) string { return c.Title }},
	{Title: "REDIRECTS", Detail: true, Cell: func(_ *ask.Names, c api.OAuthClient) string { return strings.Join(c.Redirects, ", ") }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, c api.OAuthClient) string { return ask.TimeOf(c.CreatedAt) }},
}

// createdClients shows a client's secret, which the server shows this once.
var createdClients = func() ask.Sheet[api.CreatedOAuthClient] {
	out := ask.Sheet[api.CreatedOAuthClient]{{Title: "SECRET", Cell: func(_ *ask.Names, c api.CreatedOAuthClient) string { return c.Secret }}}
	for _, column := range oauthClients {
		out = append(out, ask.Column[api.CreatedOAuthClient]{Title: column.Title, Cell: func(n *ask.Names, c api.CreatedOAuthClient) string {
			return column.Cell(n, c.OAuthClient)
		}})
	}
	return out
}()

type oauthClientCommand struct {
	List   oauthClientList   `cmd:"" help:"List the programs that users can let act for them."`
	Create oauthClientCreate `cmd:"" help:"Register a program that users can let act for them."`
	Delete oauthClientDelete `cmd:"" help:"Remove a program, and end all that users have let it do."`
}

type oauthClientList struct{ ask.Listing }

func (l oauthClientList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, l.Listing, oauthClients, func(c *client.Client) iter.Seq2[api.OAuthClient, error] { return c.OAuthClients(ctx) })
}

type oauthClientCreate struct {
	ask.Question
	Name         string        `arg:"" help:"Its client_id, which is never changed."`
	Title        string        `placeholder:"TEXT" help:"What users are shown."`
	Redirect     []string      `sep:"none" placeholder:"URL" help:"Where codes are sent, to the letter; may be repeated. It gives the flow code."`
	Device       bool          `help:"It may use the flow for devices without a browser."`
	Confidential bool          `help:"It keeps a secret, which is shown this once."`
	Trusted      bool          `help:"It is the installation's own: who is logged in is not asked, but for a device."`
	Signed       bool          `help:"Its access tokens are signed texts (JWT, RS256), which others can check too."`
	Earthdata    bool          `help:"It was made for Earthdata Login: confidential, with one address, and without PKCE."`
	Scope        []string      `required:"" sep:"none" placeholder:"SCOPE" help:"What its tokens may at most; may be repeated."`
	Life         time.Duration `default:"1h" help:"How long an access token lives."`
	Refresh      time.Duration `default:"0s" help:"How long it can be refreshed since it last was; 0s: not at all."`
}

func (o oauthClientCreate) Run(ctx context.Context, s ask.Streams) error {
	n := api.NewOAuthClient{
		Name: o.Name, Title: o.Title, Flows: []string{}, Redirects: o.Redirect, Confidential: o.Confidential, Trusted: o.Trusted, Signed: o.Signed, Earthdata: o.Earthdata, Scopes: o.Scope,
		AccessSeconds: int(o.Life.Seconds()), RefreshSeconds: int(o.Refresh.Seconds()),
	}
	if len(o.Redirect) > 0 {
		n.Flows = append(n.Flows, "code")
	}
	if o.Device {
		n.Flows = append(n.Flows, "device")
	}
	return ask.Show(ctx, s, o.Question, createdClients, func(c *client.Client) (api.CreatedOAuthClient, error) { return c.CreateOAuthClient(ctx, n) })
}

type oauthClientDelete struct {
	ask.Question
	Client string `arg:"" help:"Name or id."`
}

func (o oauthClientDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, o.Question, ask.Ended{Action: "oauth_client.delete", Target: o.Client}, "the program is gone, with all that users had let it do",
		func(c *client.Client) error { return c.DeleteOAuthClient(ctx, o.Client) })
}
