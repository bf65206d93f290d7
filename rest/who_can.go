package rest

import (
	"context"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/past"
)

func (d *Door) whoCan(a huma.API) {
	// An s3:// address does not fit into a path: the location is a parameter.
	handle(d, a, call{method: http.MethodGet, path: "/who-can", id: "whoCan", summary: "Tell who can read or write a location, or could at a time", noun: "locations"}, d.askWhoCan)
}

type whoCanInput struct {
	InWorkspace
	Location string `query:"location" required:"true" maxLength:"1200" doc:"A location's id or name, or an s3:// address inside one. Admins of the workspace can name one that is gone by its id, and any address in the workspace's buckets" example:"s3://demo/alpha/"`
	Access   string `query:"access" required:"true" enum:"read,write"`
	At       string `query:"at" maxLength:"64" format:"date-time" doc:"A time that has passed. Default: now"`
}

func (d *Door) askWhoCan(ctx context.Context, c keyhatch.Caller, in *whoCanInput) (*body[api.WhoCan], error) {
	r := past.WhoCanRequest{Workspace: in.Workspace, Location: in.Location, Access: keyhatch.Access(in.Access)}
	if in.At != "" {
		at, err := time.Parse(time.RFC3339, in.At)
		if err != nil {
			return nil, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest,
				"a time is written 2026-07-01T12:00:00Z").In("at").Because(err)
		}
		r.At = timeOf(&at)
	}
	answer, err := d.broker.Past.WhoCan(ctx, c, r)
	return one(answer, err, encodeWhoCan)
}

func encodeWhoCan(a past.WhoCan) api.WhoCan {
	out := api.WhoCan{
		At: a.At, Access: string(a.Access), URL: a.URL.String(), Location: a.Location.ID, Name: a.Location.Name,
		Workspace: a.Workspace, Locked: a.Location.Locked, Closed: a.Closed, Ways: make([]api.Way, len(a.Ways)), Keys: make([]api.KeyWay, len(a.Keys)), Doubts: a.Doubts,
	}
	for i, w := range a.Ways {
		out.Ways[i] = api.Way{
			To: string(keyhatch.SubjectUser), User: w.User.ID, UserName: w.User.Name, Access: string(w.Grant.Access),
			Grant: w.Grant.ID, ExpiresAt: optTime(w.Grant.ExpiresAt),
		}
		switch w.Circle.Subject.Kind {
		case keyhatch.SubjectGroup:
			out.Ways[i].Group, out.Ways[i].GroupName = w.Circle.Subject.ID, w.Circle.Name
		case keyhatch.SubjectTeamspace:
			out.Ways[i].Teamspace, out.Ways[i].TeamspaceName = w.Circle.Subject.ID, w.Circle.Name
		}
		if w.User.ID == "" {
			out.Ways[i].To = string(keyhatch.SubjectEveryone)
		}
		if w.Part {
			out.Ways[i].Prefix = within(a.URL, w.Grant.Prefix)
		}
	}
	for i, w := range a.Keys {
		out.Keys[i] = api.KeyWay{
			Key: w.Key.ID, Name: w.Key.Name, Owner: w.Owner.ID, OwnerName: w.Owner.Name, Store: w.Store.ID, StoreName: w.Store.Name,
			Rights: texts(w.Rights), OwnerAs: texts(w.Standings), Pairs: texts(w.Pairs), ExpiresAt: optTime(w.Key.ExpiresAt), Unconfirmed: w.Unconfirmed,
		}
	}
	for _, u := range a.URLs {
		out.URLs = append(out.URLs, api.URLWay{
			Lease: u.Lease.ID, Object: u.Object, User: u.User.ID, UserName: u.User.Name, IssuedAt: u.Lease.IssuedAt, ExpiresAt: u.Lease.ExpiresAt,
		})
	}
	for _, w := range a.Sessions {
		out.Sessions = append(out.Sessions, api.SessionWay{
			Lease: w.Lease.ID, Vend: w.Lease.Vend, User: w.User.ID, UserName: w.User.Name, Store: w.Store.ID, StoreName: w.Store.Name,
			Access: string(w.Lease.Access), Prefixes: w.Lease.URLs(), IssuedAt: w.Lease.IssuedAt, ExpiresAt: w.Lease.ExpiresAt,
		})
	}
	for _, p := range a.LockedParts {
		out.LockedParts = append(out.LockedParts, within(a.URL, p))
	}
	return out
}

// within is the part of a prefix that lies below what was asked about.
func within(asked keyhatch.S3URL, p keyhatch.Prefix) string {
	return strings.TrimPrefix(string(p), string(asked.Prefix))
}

// texts are words of the core on the wire; a list without any is no null.
func texts[T ~string](words []T) []string {
	out := make([]string, len(words))
	for i, w := range words {
		out[i] = string(w)
	}
	return out
}
