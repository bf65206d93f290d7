package client

import (
	"context"
	"iter"
	"net/http"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

// EventFilter says which events of the audit record are asked for. What is empty
// does not count.
type EventFilter struct {
	Target string // id of what it was done to
	Action string // such as lease.lend
}

// Events lists events of the audit record, newest first: what the caller did or,
// for who manages it, all that happened in the workspace that In names.
func (c *Client) Events(ctx context.Context, f EventFilter) iter.Seq2[api.Event, error] {
	return list[api.Event](ctx, c, "/events", queryOf("workspace", c.workspace, "target", f.Target, "action", f.Action))
}

// Event shows an event.
func (c *Client) Event(ctx context.Context, id string) (e api.Event, err error) {
	err = c.call(ctx, http.MethodGet, at("events", id), nil, nil, &e)
	return e, err
}

// ObjectRequestFilter says which requests to the S3 endpoint are asked for. What
// is empty does not count.
type ObjectRequestFilter struct {
	Location     string    // id, name, or an s3:// address inside one; needed
	User         string    // id or name
	Access       string    // read or write: what the request takes
	Since, Until time.Time // from the one on, and before the other
}

// ObjectRequests lists who did what in a location, newest first.
func (c *Client) ObjectRequests(ctx context.Context, f ObjectRequestFilter) iter.Seq2[api.ObjectRequest, error] {
	return list[api.ObjectRequest](ctx, c, "/object-requests", queryOf("workspace", c.workspace, "location", f.Location,
		"user", f.User, "access", f.Access, "since", timeText(f.Since), "until", timeText(f.Until)))
}

// WhoCan tells who can read or write a location, by its id or name or an s3://
// address, or could at a time that is not zero, and with which access keys.
func (c *Client) WhoCan(ctx context.Context, location, access string, when time.Time) (answer api.WhoCan, err error) {
	q := queryOf("workspace", c.workspace, "location", location, "access", access, "at", timeText(when))
	err = c.call(ctx, http.MethodGet, "/who-can", q, nil, &answer)
	return answer, err
}
