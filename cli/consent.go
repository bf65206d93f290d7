package cli

import (
	"context"
	"iter"
	"strings"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var consents = ask.Sheet[api.Consent]{
	{Title: "ID", Cell: func(_ *ask.Names, c api.Consent) string { return c.ID }},
	{Title: "PROGRAM", Cell: func(_ *ask.Names, c api.Consent) string { return c.Client }},
	{Title: "SCOPES", Cell: func(_ *ask.Names, c api.Consent) string { return strings.Join(c.Scopes, ", ") }},
	{Title: "CREATED", Cell: func(_ *ask.Names, c api.Consent) string { return ask.TimeOf(c.CreatedAt) }},
	{Title: "EXPIRES", Cell: func(_ *ask.Names, c api.Consent) string { return ask.TimeOf(c.ExpiresAt) }},
}

type consentCommand struct {
	List   consentList   `cmd:"" help:"List what you have let programs do."`
	Revoke consentRevoke `cmd:"" help:"End what a program was let do, with all tokens that came of it."`
}

type consentList struct{ ask.Listing }

func (l consentList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, l.Listing, consents, func(c *client.Client) iter.Seq2[api.Consent, error] { return c.Consents(ctx) })
}

type consentRevoke struct {
	ask.Question
	Consent string `arg:"" help:"Id."`
}

func (r consentRevoke) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, r.Question, ask.Ended{Action: "consent.end", Target: r.Consent}, "the program may not act for the user any more",
		func(c *client.Client) error { return c.EndConsent(ctx, r.Consent) })
}
