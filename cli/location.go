package cli

import (
	"context"
	"iter"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

var locations = sheet[api.Location]{
	{title: "NAME", cell: func(_ *names, l api.Location) string { return l.Name }},
	{title: "URL", cell: func(_ *names, l api.Location) string { return l.URL }},
	{title: "OWNER", cell: func(n *names, l api.Location) string { return n.user(l.Owner) }},
	{title: "LOCKED", cell: func(_ *names, l api.Location) string { return yes(l.Locked) }},
	{title: "LONGEST LEASE", cell: func(_ *names, l api.Location) string {
		return (time.Duration(l.MaxLeaseSeconds) * time.Second).String()
	}},
	{title: "STORE", detail: true, cell: func(n *names, l api.Location) string { return n.store(l.Store) }},
	{title: "WORKSPACE", detail: true, cell: func(n *names, l api.Location) string { return n.workspace(l.Workspace) }},
	{title: "ID", cell: func(_ *names, l api.Location) string { return l.ID }},
	{title: "CREATED", detail: true, cell: func(_ *names, l api.Location) string { return timeOf(l.CreatedAt) }},
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

type locationList struct{ listing }

func (l locationList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, l.listing, locations, func(c *client.Client) iter.Seq2[api.Location, error] { return c.Locations(ctx) })
}

type locationShow struct {
	question
	ofLocation
}

func (l locationShow) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, l.question, locations, func(c *client.Client) (api.Location, error) { return c.Location(ctx, l.Location) })
}

type locationCreate struct {
	question
	Name         string `arg:"" help:"Unique in the workspace."`
	URL          string `arg:"" name:"url" help:"What it names, as s3://bucket/prefix/."`
	Owner        string `placeholder:"NAME" help:"Who may grant on it, by name or id. Default: you."`
	LongestLease span   `placeholder:"TIME" help:"How long a lease may last: 15m to 7d. Default: 12h."`
}

func (l locationCreate) Run(ctx context.Context, s Streams) error {
	n := api.NewLocation{Name: l.Name, URL: l.URL, Owner: l.Owner, MaxLeaseSeconds: l.LongestLease.seconds()}
	return show(ctx, s, l.question, locations, func(c *client.Client) (api.Location, error) { return c.CreateLocation(ctx, n) })
}

type locationUpdate struct {
	question
	ofLocation
	Name         *string `placeholder:"NAME" help:"Another name."`
	Owner        *string `placeholder:"NAME" help:"Another owner, by name or id."`
	LongestLease span    `placeholder:"TIME" help:"How long a lease may last: 15m to 7d."`
}

func (l locationUpdate) Run(ctx context.Context, s Streams) error {
	change := api.LocationChange{Name: l.Name, Owner: l.Owner, MaxLeaseSeconds: l.LongestLease.seconds()}
	return l.change(ctx, s, l.question, change)
}

func (l ofLocation) change(ctx context.Context, s Streams, q question, change api.LocationChange) error {
	return show(ctx, s, q, locations, func(c *client.Client) (api.Location, error) { return c.UpdateLocation(ctx, l.Location, change) })
}

type locationLock struct {
	question
	ofLocation
}

func (l locationLock) Run(ctx context.Context, s Streams) error {
	locked := true
	return l.change(ctx, s, l.question, api.LocationChange{Locked: &locked})
}

type locationUnlock struct {
	question
	ofLocation
}

func (l locationUnlock) Run(ctx context.Context, s Streams) error {
	locked := false
	return l.change(ctx, s, l.question, api.LocationChange{Locked: &locked})
}

type locationDelete struct {
	question
	ofLocation
}

func (l locationDelete) Run(ctx context.Context, s Streams) error {
	return end(s, l.question, "the location is gone, with its grants; its objects stay",
		func(c *client.Client) error { return c.DeleteLocation(ctx, l.Location) })
}
