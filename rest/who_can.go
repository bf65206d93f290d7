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
	Location string `query:"location" required:"true" maxLength:"1200" doc:"A location's id or name, or an s3:// address inside one. Admins of the workspace can name one that is gone by its id, or by its address" example:"s3://demo/alpha/"`
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
		Workspace: a.Location.Workspace, Locked: a.Location.Locked, Ways: make([]api.Way, len(a.Ways)), Doubts: a.Doubts,
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
			out.Ways[i].Prefix = strings.TrimPrefix(string(w.Grant.Prefix), string(a.URL.Prefix))
		}
	}
	return out
}
