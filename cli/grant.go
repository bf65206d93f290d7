package cli

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
	"github.com/keyhatch/keyhatch/client"
)

var grants = ask.Sheet[api.Grant]{
	{Title: "ID", Cell: func(_ *ask.Names, g api.Grant) string { return g.ID }},
	{Title: "LOCATION", Cell: func(n *ask.Names, g api.Grant) string { return n.Location(g.Location) }},
	{Title: "URL", Cut: 24, Cell: func(_ *ask.Names, g api.Grant) string { return g.URL }},
	{Title: "TO", Cell: subjectOf},
	{Title: "ACCESS", Cell: func(_ *ask.Names, g api.Grant) string { return g.Access }},
	{Title: "EXPIRES", Cell: func(_ *ask.Names, g api.Grant) string { return ask.TimeOr(g.ExpiresAt, ask.Never) }},
	{Title: "GIVEN BY", Detail: true, Cell: func(n *ask.Names, g api.Grant) string { return n.User(g.CreatedBy) }},
	{Title: "GIVEN", Detail: true, Cell: func(_ *ask.Names, g api.Grant) string { return ask.TimeOf(g.CreatedAt) }},
}

func subjectOf(n *ask.Names, g api.Grant) string {
	switch g.To {
	case "user":
		return "user:" + n.User(g.Subject)
	case "group":
		return "group:" + n.Group(g.Subject)
	case "teamspace":
		return "teamspace:" + n.Teamspace(g.Subject)
	}
	return g.To
}

type grantCommand struct {
	List   grantList   `cmd:"" help:"List the grants that you may see."`
	Show   grantShow   `cmd:"" help:"Show a grant."`
	Give   grantGive   `cmd:"" help:"Let a user, a group, a teamspace or everyone read or write a location."`
	Update grantUpdate `cmd:"" help:"Change a grant; narrowing it closes what rests on it."`
	Take   grantTake   `cmd:"" help:"Take a grant back, and close what rests on it at once."`
}

type grantList struct {
	ask.Listing
	Location string `placeholder:"LOCATION" help:"Those on one location: its name, id, or an s3:// address inside it."`
}

func (g grantList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, g.Listing, grants, func(c *client.Client) iter.Seq2[api.Grant, error] {
		ref, _, err := locationOf(ctx, c, g.Location)
		if err != nil {
			return func(yield func(api.Grant, error) bool) { yield(api.Grant{}, err) }
		}
		return c.Grants(ctx, ref)
	})
}

type grantShow struct {
	ask.Question
	Grant string `arg:"" help:"Id."`
}

func (g grantShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, g.Question, grants, func(c *client.Client) (api.Grant, error) { return c.Grant(ctx, g.Grant) })
}

// subject is who a grant is for.
type subject struct{ kind, ref string }

// UnmarshalText reads user:NAME, group:NAME, teamspace:NAME or everyone.
func (s *subject) UnmarshalText(text []byte) error {
	kind, ref, named := strings.Cut(string(text), ":")
	switch kind {
	case "everyone":
		if named {
			break
		}
		*s = subject{kind: kind}
		return nil
	case "user", "group", "teamspace":
		if ref == "" {
			break
		}
		*s = subject{kind, ref}
		return nil
	}
	return errors.New("a grant is to user:NAME, group:NAME, teamspace:NAME or everyone")
}

type grantGive struct {
	ask.Question
	Location string         `arg:"" help:"Name, id, or an s3:// address inside one, which is the same as --prefix."`
	To       subject        `required:"" placeholder:"WHO" help:"user:NAME, group:NAME, teamspace:NAME, or everyone (every active user; never the anonymous)."`
	Access   string         `required:"" enum:"read,write" placeholder:"read|write" help:"read, or write, which includes read."`
	Prefix   string         `placeholder:"PREFIX" help:"A part of the location, as 2024/. Default: all of it."`
	Expires  times.Deadline `placeholder:"TIME" help:"When it ends. Default: when it is taken back."`
}

// Help is what --help says beside the flags.
func (grantGive) Help() string { return times.DeadlineForms }

func (g grantGive) Run(ctx context.Context, s ask.Streams) error {
	n := api.NewGrant{Prefix: g.Prefix, To: g.To.kind, Subject: g.To.ref, Access: g.Access, ExpiresAt: g.Expires.Or()}
	return ask.Show(ctx, s, g.Question, grants, func(c *client.Client) (made api.Grant, err error) {
		var inside string
		if n.Location, inside, err = locationOf(ctx, c, g.Location); err != nil {
			return made, err
		}
		switch {
		case inside != "" && n.Prefix != "":
			return made, ask.UsageError{Err: fmt.Errorf("%s has a prefix of its own: leave --prefix out", g.Location)}
		case inside != "":
			n.Prefix = inside
		}
		return c.GiveGrant(ctx, n)
	})
}

type grantUpdate struct {
	ask.Question
	Grant   string         `arg:"" help:"Id."`
	Access  *string        `enum:"read,write" placeholder:"read|write" help:"read, or write, which includes read."`
	Expires times.Deadline `placeholder:"TIME" help:"When it ends; never lets it stand until it is taken back."`
}

// Help is what --help says beside the flags.
func (grantUpdate) Help() string { return times.DeadlineForms }

func (g grantUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.GrantChange{Access: g.Access, ExpiresAt: g.Expires.Or(), NoExpiry: g.Expires.Never}
	if err := ask.Wanting(change); err != nil {
		return err
	}
	return ask.Show(ctx, s, g.Question, grants, func(c *client.Client) (api.Grant, error) { return c.UpdateGrant(ctx, g.Grant, change) })
}

type grantTake struct {
	ask.Question
	Grant string `arg:"" help:"Id."`
}

func (g grantTake) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, g.Question, ask.Ended{Action: "grant.take", Target: g.Grant}, "the grant is taken back; what rested on it is closed",
		func(c *client.Client) error { return c.TakeGrant(ctx, g.Grant) })
}
