package cli

import (
	"context"
	"iter"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var locations = ask.Sheet[api.Location]{
	{Title: "NAME", Cell: func(_ *ask.Names, l api.Location) string { return l.Name }},
	{Title: "URL", Cell: func(_ *ask.Names, l api.Location) string { return l.URL }},
	{Title: "OWNER", Cell: func(n *ask.Names, l api.Location) string { return n.User(l.Owner) }},
	{Title: "LOCKED", Cell: func(_ *ask.Names, l api.Location) string { return ask.Yes(l.Locked) }},
	{Title: "LONGEST LEASE", Cell: func(_ *ask.Names, l api.Location) string {
		return (time.Duration(l.MaxLeaseSeconds) * time.Second).String()
	}},
	{Title: "STORE", Detail: true, Cell: func(n *ask.Names, l api.Location) string { return n.Store(l.Store) }},
	{Title: "WORKSPACE", Detail: true, Cell: func(n *ask.Names, l api.Location) string { return n.Workspace(l.Workspace) }},
	{Title: "ID", Cell: func(_ *ask.Names, l api.Location) string { return l.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, l api.Location) string { return ask.TimeOf(l.CreatedAt) }},
}

type locationCommand struct {
	List   locationList   `cmd:"" help:"List the locations that you may see."`
	Show   locationShow   `cmd:"" help:"Show a location."`
	Create locationCreate `cmd:"" help:"Name a prefix of a bucket."`
	Update locationUpdate `cmd:"" help:"Rename or hand over a location, or change its longest lease."`
	Lock   locationLock   `cmd:"" help:"Let nobody write to a location; leases to write close at once."`
	Unlock locationUnlock `cmd:"" help:"Let those write again who may."`
	Delete locationDelete `cmd:"" help:"Remove a location and its grants; its objects stay."`
}

// ofLocation names the location that a verb is about.
type ofLocation struct {
	Location string `arg:"" help:"Name or id."`
}

type locationList struct{ ask.Listing }

func (l locationList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, l.Listing, locations, func(c *client.Client) iter.Seq2[api.Location, error] { return c.Locations(ctx) })
}

type locationShow struct {
	ask.Question
	ofLocation
}

func (l locationShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, l.Question, locations, func(c *client.Client) (api.Location, error) { return c.Location(ctx, l.Location) })
}

type locationCreate struct {
	ask.Question
	Name         string `arg:"" help:"Unique in the workspace."`
	URL          string `arg:"" name:"url" help:"What it names, as s3://bucket/prefix/."`
	Owner        string `placeholder:"NAME" help:"Who may grant on it, by name or id. Default: you."`
	LongestLease span   `placeholder:"TIME" help:"How long a lease may last: 15m to 7d. Default: 12h."`
}

func (l locationCreate) Run(ctx context.Context, s ask.Streams) error {
	n := api.NewLocation{Name: l.Name, URL: l.URL, Owner: l.Owner, MaxLeaseSeconds: l.LongestLease.seconds()}
	return ask.Show(ctx, s, l.Question, locations, func(c *client.Client) (api.Location, error) { return c.CreateLocation(ctx, n) })
}

type locationUpdate struct {
	ask.Question
	ofLocation
	Name         *string `placeholder:"NAME" help:"Another name."`
	Owner        *string `placeholder:"NAME" help:"Another owner, by name or id."`
	LongestLease span    `placeholder:"TIME" help:"How long a lease may last: 15m to 7d."`
}

func (l locationUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.LocationChange{Name: l.Name, Owner: l.Owner, MaxLeaseSeconds: l.LongestLease.seconds()}
	return l.change(ctx, s, l.Question, change)
}

func (l ofLocation) change(ctx context.Context, s ask.Streams, q ask.Question, change api.LocationChange) error {
	return ask.Show(ctx, s, q, locations, func(c *client.Client) (api.Location, error) { return c.UpdateLocation(ctx, l.Location, change) })
}

type locationLock struct {
	ask.Question
	ofLocation
}

func (l locationLock) Run(ctx context.Context, s ask.Streams) error {
	locked := true
	return l.change(ctx, s, l.Question, api.LocationChange{Locked: &locked})
}

type locationUnlock struct {
	ask.Question
	ofLocation
}

func (l locationUnlock) Run(ctx context.Context, s ask.Streams) error {
	locked := false
	return l.change(ctx, s, l.Question, api.LocationChange{Locked: &locked})
}

type locationDelete struct {
	ask.Question
	ofLocation
}

func (l locationDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, l.Question, "the location is gone, with its grants; its objects stay",
		func(c *client.Client) error { return c.DeleteLocation(ctx, l.Location) })
}
