package cli

import (
	"context"
	"errors"
	"iter"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var terms = ask.Sheet[api.Terms]{
	{Title: "TITLE", Cell: func(_ *ask.Names, t api.Terms) string { return t.Title }},
	{Title: "ACCEPTED", Cell: func(_ *ask.Names, t api.Terms) string { return timeOrNever(t.AcceptedAt) }},
	{Title: "VERSION", Detail: true, Cell: func(_ *ask.Names, t api.Terms) string { return t.Version }},
	{Title: "SET BY", Detail: true, Cell: func(n *ask.Names, t api.Terms) string { return n.User(t.SetBy) }},
	{Title: "SET", Detail: true, Cell: func(_ *ask.Names, t api.Terms) string { return timeOrNever(t.SetAt) }},
	{Title: "LOCATION", Cell: func(_ *ask.Names, t api.Terms) string { return t.Location }},
	{Title: "TEXT", Detail: true, Cell: func(_ *ask.Names, t api.Terms) string { return t.Text }},
}

var acceptances = ask.Sheet[api.Acceptance]{
	{Title: "USER", Cell: func(n *ask.Names, a api.Acceptance) string { return n.User(a.User) }},
	{Title: "ACCEPTED", Cell: func(_ *ask.Names, a api.Acceptance) string { return ask.TimeOf(a.AcceptedAt) }},
	{Title: "VERSION", Detail: true, Cell: func(_ *ask.Names, a api.Acceptance) string { return a.Version }},
}

func timeOrNever(t *time.Time) string {
	if t == nil {
		return ""
	}
	return ask.TimeOf(*t)
}

type locationTerms struct {
	ask.Question
	ofLocation
}

func (locationTerms) Help() string {
	return `They are accepted on the page /terms/ID of the server, by people who have logged in there: no token and no program accepts for them.`
}

func (l locationTerms) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, l.Question, terms, func(c *client.Client) (api.Terms, error) {
		ref, err := l.whole(ctx, c)
		if err != nil {
			return api.Terms{}, err
		}
		return c.Terms(ctx, ref)
	})
}

type locationSetTerms struct {
	ask.Question
	ofLocation
	Title string `xor:"what" placeholder:"TEXT" help:"One line that says what they are."`
	File  []byte `type:"filecontent" placeholder:"FILE" help:"The text: plain text in UTF-8, at most 64 KiB."`
	None  bool   `xor:"what" help:"None have to be accepted any more."`
}

func (l locationSetTerms) Run(ctx context.Context, s ask.Streams) error {
	n := api.NewTerms{Title: l.Title, Text: string(l.File)}
	if given := l.Title != "" && len(l.File) > 0; given == l.None || l.None && len(l.File) > 0 {
		return ask.UsageError{Err: errors.New("say --title and --file, or --none")}
	}
	return ask.Show(ctx, s, l.Question, terms, func(c *client.Client) (api.Terms, error) {
		ref, err := l.whole(ctx, c)
		if err != nil {
			return api.Terms{}, err
		}
		return c.SetTerms(ctx, ref, n)
	})
}

type locationAccepted struct {
	ask.Listing
	ofLocation
}

func (l locationAccepted) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, l.Listing, acceptances, func(c *client.Client) iter.Seq2[api.Acceptance, error] {
		return func(yield func(api.Acceptance, error) bool) {
			ref, err := l.whole(ctx, c)
			if err != nil {
				yield(api.Acceptance{}, err)
				return
			}
			c.Acceptances(ctx, ref)(yield)
		}
	})
}
