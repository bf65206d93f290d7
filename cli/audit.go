package cli

import (
	"context"
	"errors"
	"iter"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
	"github.com/keyhatch/keyhatch/client"
)

// AuditVerbs ask the audit record. A program embeds them beside its own.
type AuditVerbs struct {
	Events eventsCommand `cmd:"" help:"List what was done, newest first."`
	Access accessCommand `cmd:"" help:"Tell who read or wrote what in a location."`
	WhoCan whoCanCommand `cmd:"" help:"Tell who can read or write a location, or could at a time."`
}

var accesses = ask.Sheet[api.ObjectRequest]{
	{Title: "AT", Cell: func(_ *ask.Names, r api.ObjectRequest) string { return ask.TimeOf(r.At) }},
	{Title: "USER", Cell: func(_ *ask.Names, r api.ObjectRequest) string {
		if r.UserName == "" {
			return r.User
		}
		return r.UserName
	}},
	{Title: "ACCESS", Cell: func(_ *ask.Names, r api.ObjectRequest) string { return r.Access }},
	{Title: "OPERATION", Cell: func(_ *ask.Names, r api.ObjectRequest) string { return r.Operation }},
	{Title: "OBJECT", Cut: 24, Cell: func(_ *ask.Names, r api.ObjectRequest) string { return "s3://" + r.Bucket + "/" + r.Key }},
	{Title: "BYTES", Cell: func(_ *ask.Names, r api.ObjectRequest) string { return strconv.FormatInt(r.Bytes, 10) }},
	{Title: "OUTCOME", Cell: func(_ *ask.Names, r api.ObjectRequest) string { return outcome(r) }},
	{Title: "FROM", Cell: func(_ *ask.Names, r api.ObjectRequest) string { return r.Address }},
	{Title: "LEASE", Detail: true, Cell: func(_ *ask.Names, r api.ObjectRequest) string { return r.Lease }},
	{Title: "KEY", Detail: true, Cell: func(_ *ask.Names, r api.ObjectRequest) string { return r.AccessKey }},
	{Title: "PAIR", Detail: true, Cell: func(_ *ask.Names, r api.ObjectRequest) string { return r.Pair }},
	{Title: "TOKEN", Detail: true, Cell: func(_ *ask.Names, r api.ObjectRequest) string { return r.Token }},
	{Title: "REQUEST", Detail: true, Cell: func(_ *ask.Names, r api.ObjectRequest) string { return r.RequestID }},
}

// audited is the location that the record is asked about.
type audited struct {
	Location string `arg:"" optional:"" help:"Name, id, or an s3:// address inside one."`
	Flag     string `name:"location" placeholder:"LOCATION" help:"The same, as a flag."`
}

func (a audited) location() (string, error) {
	switch {
	case a.Location != "" && a.Flag != "":
		return "", ask.UsageError{Err: errors.New("name the location as an argument or with --location, not both")}
	case a.Location+a.Flag == "":
		return "", ask.UsageError{Err: errors.New("which location? Name one, as in: keyhatch audit access s3://demo/alpha/")}
	}
	return a.Location + a.Flag, nil
}

type accessCommand struct {
	ask.Listing
	audited
	Since  times.Moment `placeholder:"TIME" help:"What happened from then on. Default: 24 hours ago."`
	Until  times.Moment `placeholder:"TIME" help:"What happened before. Default: now."`
	User   string       `placeholder:"NAME" help:"What one user did, by name or id."`
	Access string       `enum:"read,write,any" default:"any" help:"read, write, or any."`
}

// Help is what --help says beside the flags.
func (accessCommand) Help() string {
	return `Tells from the audit record who read or wrote what at the S3 endpoint in a location, newest first, refused attempts
included. Its owner and the admins of its workspace may ask.

The lease and the token that borrowed it, which --wide shows, lead on: keyhatch audit events --target LEASE tells what was
lent and how it ended. So do an access key and the pair of it that was used, with --target KEY. The request id is the one that the client was told, and that the server's logs have.

` + times.MomentForms
}

// Run asks the server, a page after the other.
func (a accessCommand) Run(ctx context.Context, s ask.Streams) error {
	location, err := a.location()
	if err != nil {
		return err
	}
	f := client.ObjectRequestFilter{Location: location, User: a.User, Since: a.Since.Time, Until: a.Until.Time}
	if f.Since.IsZero() {
		f.Since = time.Now().Add(-24 * time.Hour)
	}
	if a.Access != "any" {
		f.Access = a.Access
	}
	if !f.Until.IsZero() && !f.Until.After(f.Since) {
		return ask.UsageError{Err: errors.New("--until is not after --since (24 hours ago, where it is not given): nothing is between them")}
	}
	return ask.List(ctx, s, a.Listing, accesses, func(c *client.Client) iter.Seq2[api.ObjectRequest, error] { return c.ObjectRequests(ctx, f) })
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

var events = ask.Sheet[api.Event]{
	{Title: "AT", Cell: func(_ *ask.Names, e api.Event) string { return ask.TimeOf(e.At) }},
	{Title: "USER", Cell: func(n *ask.Names, e api.Event) string { return n.User(e.User) }},
	{Title: "ACTION", Cell: func(_ *ask.Names, e api.Event) string { return e.Action }},
	{Title: "TARGET", Cell: func(_ *ask.Names, e api.Event) string { return e.Target }},
	{Title: "DETAIL", Cut: 10, Cell: func(_ *ask.Names, e api.Event) string { return ask.Details(e.Detail) }},
	{Title: "FROM", Detail: true, Cell: func(_ *ask.Names, e api.Event) string { return e.Address }},
}

type eventsCommand struct {
	ask.Listing
	Target string `placeholder:"ID" help:"What was done to one thing, by its id."`
	Action string `placeholder:"ACTION" help:"What was done in one way, as lease.lend."`
}

// Help is what --help says beside the flags.
func (eventsCommand) Help() string {
	return `Lists what you did, newest first; with --workspace, for its admins, all that was done there.`
}

// Run asks the server.
func (e eventsCommand) Run(ctx context.Context, s ask.Streams) error {
	f := client.EventFilter{Target: e.Target, Action: e.Action}
	return ask.List(ctx, s, e.Listing, events, func(c *client.Client) iter.Seq2[api.Event, error] { return c.Events(ctx, f) })
}
