package cli

import (
	"context"
	"fmt"
	"iter"
	"strings"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
	"github.com/keyhatch/keyhatch/client"
)

var locations = ask.Sheet[api.Location]{
	{Title: "NAME", Cell: func(_ *ask.Names, l api.Location) string { return l.Name }},
	{Title: "URL", Cut: 24, Cell: func(_ *ask.Names, l api.Location) string { return l.URL }},
	{Title: "OWNER", Cell: func(n *ask.Names, l api.Location) string { return n.User(l.Owner) }},
	{Title: "TEAMSPACE", Detail: true, Cell: func(n *ask.Names, l api.Location) string { return n.Teamspace(l.Teamspace) }},
	{Title: "DEFAULT", Detail: true, Cell: func(_ *ask.Names, l api.Location) string { return ask.Yes(l.Default) }},
	{Title: "LOCKED", Cell: func(_ *ask.Names, l api.Location) string { return locked(l) }},
	{Title: "RELEASE", Detail: true, Cell: func(_ *ask.Names, l api.Location) string { return l.Release }},
	{Title: "LONGEST LEASE", Cell: func(_ *ask.Names, l api.Location) string { return ask.Seconds(l.MaxLeaseSeconds) }},
	{Title: "KMS KEY", Detail: true, Cell: func(_ *ask.Names, l api.Location) string { return l.KMSKey }},
	{Title: "NETWORKS", Detail: true, Cell: func(_ *ask.Names, l api.Location) string { return strings.Join(l.Networks, ", ") }},
	{Title: "TERMS", Detail: true, Cell: func(_ *ask.Names, l api.Location) string { return toAccept(l) }},
	{Title: "SESSIONS", Detail: true, Cell: func(_ *ask.Names, l api.Location) string { return sharedOrNot(l) }},
	{Title: "STORE", Detail: true, Cell: func(n *ask.Names, l api.Location) string { return n.Store(l.Store) }},
	{Title: "WORKSPACE", Detail: true, Cell: func(n *ask.Names, l api.Location) string { return n.Workspace(l.Workspace) }},
	{Title: "ID", Cell: func(_ *ask.Names, l api.Location) string { return l.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, l api.Location) string { return ask.TimeOf(l.CreatedAt) }},
}

func locked(l api.Location) string {
	if l.LockPending {
		return "pending"
	}
	return ask.Yes(l.Locked)
}

func sharedOrNot(l api.Location) string {
	if l.SharedSessions {
		return "shared"
	}
	return ""
}

func toAccept(l api.Location) string {
	if l.Terms != "" {
		return "to accept"
	}
	return ""
}

type locationCommand struct {
	List   locationList   `cmd:"" help:"List the locations that you may see."`
	Show   locationShow   `cmd:"" help:"Show a location."`
	Create locationCreate `cmd:"" help:"Name a prefix of a bucket."`
	Update locationUpdate `cmd:"" help:"Rename or hand over a location, or change its release or its longest lease."`
	Lock   locationLock   `cmd:"" help:"Let nobody write to a location; leases to write close at once."`
	Unlock locationUnlock `cmd:"" help:"Let those write again who may."`

	Terms    locationTerms    `cmd:"" help:"Show the terms of use that have to be accepted before something of a location is lent."`
	SetTerms locationSetTerms `cmd:"" help:"Set the terms of use of a location; another text has to be accepted again."`
	Accepted locationAccepted `cmd:"" help:"List who has accepted the terms of use that a location has."`

	Delete locationDelete `cmd:"" help:"Remove a location and its grants; its objects stay."`
}

// ofLocation names the location that a verb is about.
type ofLocation struct {
	Location string `arg:"" help:"Name, id, or its s3:// address."`
}

// whole is what the API calls the location: one that an address lies inside of is not
// the one that is meant.
func (l ofLocation) whole(ctx context.Context, c *client.Client) (string, error) {
	ref, rest, err := locationOf(ctx, c, l.Location)
	if err == nil && rest != "" {
		err = ask.UsageError{Err: fmt.Errorf("this is about all of a location, and %s lies inside %s", l.Location, strings.TrimSuffix(l.Location, rest))}
	}
	return ref, err
}

// locationOf is what the API calls the location of a name, an id, or an address in it,
// and what of the address is behind the location's.
func locationOf(ctx context.Context, c *client.Client, name string) (ref, rest string, err error) {
	if !strings.HasPrefix(name, "s3://") {
		return name, "", nil
	}
	for l, err := range c.Locations(ctx) {
		if err != nil {
			return "", "", err
		}
		if name+"/" == l.URL {
			return l.ID, "", nil
		}
		if rest, ok := strings.CutPrefix(name, l.URL); ok {
			return l.ID, rest, nil
		}
	}
	return "", "", ask.StatusError{Status: ask.ExitNotFound, Err: fmt.Errorf("no location that you may see has the address %s: `keyhatch location list` lists them", name)}
}

type locationList struct{ ask.Listing }

func (l locationList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, l.Listing, locations, func(c *client.Client) iter.Seq2[api.Location, error] { return c.Locations(ctx) })
}

type locationShow struct {
	ask.Question
	Location string `arg:"" help:"Name, id, or an s3:// address inside one."`
}

func (l locationShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, l.Question, locations, func(c *client.Client) (api.Location, error) {
		ref, _, err := locationOf(ctx, c, l.Location)
		if err != nil {
			return api.Location{}, err
		}
		return c.Location(ctx, ref)
	})
}

type locationCreate struct {
	ask.Question
	Name         string     `arg:"" help:"Unique in the workspace."`
	URL          string     `arg:"" name:"url" help:"What it names, as s3://bucket/prefix/."`
	Teamspace    string     `placeholder:"NAME" help:"Whose it is, by name or id. Default: the workspace's."`
	Default      bool       `help:"Make it the one of its teamspace or workspace, instead of another."`
	Owner        string     `placeholder:"NAME" help:"Who may grant on it, by name or id. Default: you."`
	LongestLease times.Span `placeholder:"TIME" help:"How long a lease may last: 15m to 7d. Default: 12h."`
	KMSKey       string     `name:"kms-key" placeholder:"ARN" help:"The KMS key that its objects are encrypted with, for sessions of a store that lends sts."`

	SharedSessions bool `help:"Let a session that the store minted for one user serve others who may have the same."`

	Network []string `sep:"none" placeholder:"CIDR" help:"Network or address from which alone it is reached, such as 10.1.0.0/16. May be repeated. Default: everywhere."`
}

func (l locationCreate) Run(ctx context.Context, s ask.Streams) error {
	n := api.NewLocation{Name: l.Name, URL: l.URL, Teamspace: l.Teamspace, Default: l.Default, Owner: l.Owner, MaxLeaseSeconds: l.LongestLease.WholeSeconds(), KMSKey: l.KMSKey, SharedSessions: l.SharedSessions, Networks: l.Network}
	return ask.Show(ctx, s, l.Question, locations, func(c *client.Client) (api.Location, error) { return c.CreateLocation(ctx, n) })
}

type locationUpdate struct {
	ask.Question
	ofLocation
	Name         *string    `placeholder:"NAME" help:"Another name."`
	Default      *bool      `negatable:"" help:"Make it the one of its teamspace or workspace, instead of another."`
	Owner        *string    `placeholder:"NAME" help:"Another owner, by name or id."`
	Release      *string    `enum:"none,pending,released" help:"How far publishing it has come: none, pending or released. The last two lock it, and keep it locked."`
	LongestLease times.Span `placeholder:"TIME" help:"How long a lease may last: 15m to 7d."`
	KMSKey       *string    `name:"kms-key" placeholder:"ARN" help:"The KMS key that its objects are encrypted with; empty for none."`

	SharedSessions *bool `negatable:"" help:"Let a session that the store minted for one user serve others who may have the same."`

	Network []string `sep:"none" placeholder:"CIDR" help:"Network or address from which alone it is reached, instead of all that there are now; everywhere for no bound. May be repeated."`
}

func (l locationUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.LocationChange{Name: l.Name, Default: l.Default, Owner: l.Owner, Release: l.Release, MaxLeaseSeconds: l.LongestLease.WholeSeconds(), KMSKey: l.KMSKey, SharedSessions: l.SharedSessions}
	var err error
	if change.Networks, err = ask.ListOr(l.Network, ask.Everywhere); err != nil {
		return err
	}
	if err := ask.Wanting(change); err != nil {
		return err
	}
	return l.change(ctx, s, l.Question, change)
}

func (l ofLocation) change(ctx context.Context, s ask.Streams, q ask.Question, change api.LocationChange) error {
	return ask.Show(ctx, s, q, locations, func(c *client.Client) (api.Location, error) {
		ref, err := l.whole(ctx, c)
		if err != nil {
			return api.Location{}, err
		}
		return c.UpdateLocation(ctx, ref, change)
	})
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
	return ask.End(s, l.Question, ask.Ended{Action: "location.delete", Target: l.Location}, "the location is gone, with its grants; its objects stay",
		func(c *client.Client) error {
			ref, err := l.whole(ctx, c)
			if err != nil {
				return err
			}
			return c.DeleteLocation(ctx, ref)
		})
}
