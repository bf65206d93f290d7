package cli

import (
	"context"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

// AuditVerbs ask the audit record. A program embeds them beside its own.
type AuditVerbs struct {
	Events eventsCommand `cmd:"" help:"List what was done, newest first."`
	Access accessCommand `cmd:"" help:"Tell who read or wrote what in a location."`
	WhoCan whoCanCommand `cmd:"" help:"Tell who can read or write a location, or could at a time."`
}

var accesses = sheet[api.ObjectRequest]{
	{title: "AT", cell: func(_ *names, r api.ObjectRequest) string { return timeOf(r.At) }},
	{title: "USER", cell: func(_ *names, r api.ObjectRequest) string {
		if r.UserName == "" {
			return r.User
		}
		return r.UserName
	}},
	{title: "ACCESS", cell: func(_ *names, r api.ObjectRequest) string { return r.Access }},
	{title: "OPERATION", cell: func(_ *names, r api.ObjectRequest) string { return r.Operation }},
	{title: "OBJECT", cell: func(_ *names, r api.ObjectRequest) string { return "s3://" + r.Bucket + "/" + r.Key }},
	{title: "BYTES", cell: func(_ *names, r api.ObjectRequest) string { return strconv.FormatInt(r.Bytes, 10) }},
	{title: "OUTCOME", cell: func(_ *names, r api.ObjectRequest) string { return outcome(r) }},
	{title: "FROM", cell: func(_ *names, r api.ObjectRequest) string { return r.Address }},
	{title: "LEASE", detail: true, cell: func(_ *names, r api.ObjectRequest) string { return r.Lease }},
	{title: "TOKEN", detail: true, cell: func(_ *names, r api.ObjectRequest) string { return r.Token }},
	{title: "REQUEST", detail: true, cell: func(_ *names, r api.ObjectRequest) string { return r.RequestID }},
}

type accessCommand struct {
	listing
	Location string `required:"" placeholder:"LOCATION" help:"Name, id, or an s3:// address inside one."`
	Since    moment `placeholder:"TIME" help:"What happened from then on. Default: 24 hours ago."`
	Until    moment `placeholder:"TIME" help:"What happened before. Default: now."`
	User     string `placeholder:"NAME" help:"What one user did, by name or id."`
	Access   string `enum:"read,write,any" default:"any" help:"read, write, or any."`
}

// Help is what --help says beside the flags.
func (accessCommand) Help() string {
	return `Tells from the audit record who read or wrote what at the S3 endpoint in a location, newest first, refused attempts
included. Its owner and the admins of its workspace may ask.

The lease and the token that borrowed it, which --wide shows, lead on: keyhatch audit events --target LEASE tells what was
lent and how it ended. The request id is the one that the client was told, and that the server's logs have.

` + momentForms
}

// Run asks the server, a page after the other.
func (a accessCommand) Run(ctx context.Context, s Streams) error {
	f := client.ObjectRequestFilter{Location: a.Location, User: a.User, Since: a.Since.Time, Until: a.Until.Time}
	if f.Since.IsZero() {
		f.Since = time.Now().Add(-24 * time.Hour)
	}
	if a.Access != "any" {
		f.Access = a.Access
	}
	return list(ctx, s, a.listing, accesses, func(c *client.Client) iter.Seq2[api.ObjectRequest, error] { return c.ObjectRequests(ctx, f) })
}

// outcome is how a request came out, in a word.
func outcome(r api.ObjectRequest) string {
	switch {
	case r.Status == 0:
		return "under way"
	case r.Code != "":
		return r.Code
	case r.Status >= 400:
		return "refused " + strconv.Itoa(r.Status)
	}
	return "done"
}

var events = sheet[api.Event]{
	{title: "AT", cell: func(_ *names, e api.Event) string { return timeOf(e.At) }},
	{title: "USER", cell: func(n *names, e api.Event) string { return n.user(e.User) }},
	{title: "ACTION", cell: func(_ *names, e api.Event) string { return e.Action }},
	{title: "TARGET", cell: func(_ *names, e api.Event) string { return e.Target }},
	{title: "DETAIL", cell: func(_ *names, e api.Event) string { return details(e.Detail) }},
	{title: "FROM", cell: func(_ *names, e api.Event) string { return e.Address }},
}

type eventsCommand struct {
	listing
	Target string `placeholder:"ID" help:"What was done to one thing, by its id."`
	Action string `placeholder:"ACTION" help:"What was done in one way, as lease.lend."`
}

// Help is what --help says beside the flags.
func (eventsCommand) Help() string {
	return `Lists what you did, newest first; with --workspace, for its admins, all that was done there.`
}

// Run asks the server.
func (e eventsCommand) Run(ctx context.Context, s Streams) error {
	f := client.EventFilter{Target: e.Target, Action: e.Action}
	return list(ctx, s, e.listing, events, func(c *client.Client) iter.Seq2[api.Event, error] { return c.Events(ctx, f) })
}

// details are an event's, in an order that does not change.
func details(d map[string]string) string {
	var out []string
	for _, name := range slices.Sorted(maps.Keys(d)) {
		out = append(out, name+"="+d[name])
	}
	return strings.Join(out, " ")
}
