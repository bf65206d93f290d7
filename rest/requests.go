package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/places"
)

func (d *Door) objectRequests(a huma.API) {
	handle(d, a, call{
		method: http.MethodGet, path: "/object-requests", id: "listObjectRequests",
		summary: "List who read or wrote what in a location, newest first", noun: "events",
	}, d.listObjectRequests)
}

type listObjectRequestsInput struct {
	InWorkspace
	OnePage
	Location string    `query:"location" required:"true" maxLength:"1200" doc:"Id, name, or an s3:// address inside one"`
	User     string    `query:"user" maxLength:"128" doc:"Id or name"`
	Access   string    `query:"access" enum:"read,write" doc:"What the request takes"`
	Since    time.Time `query:"since" doc:"RFC 3339"`
	Until    time.Time `query:"until" doc:"RFC 3339"`
}

func (d *Door) listObjectRequests(ctx context.Context, c keyhatch.Caller, in *listObjectRequestsInput) (*body[api.Page[api.ObjectRequest]], error) {
	requests, err := d.broker.Places.ObjectRequests(ctx, c, places.ObjectRequestFilter{
		Workspace: in.Workspace, Location: in.Location, User: in.User, Access: keyhatch.Access(in.Access), Since: in.Since, Until: in.Until,
	}, in.page())
	return pageOf(requests, err, encodeObjectRequest)
}

func encodeObjectRequest(r places.ObjectRequest) api.ObjectRequest {
	out := api.ObjectRequest{
		ID: r.ID, At: r.At, User: r.User, UserName: r.UserName, Token: r.Token, Pair: r.Pair, Operation: r.Operation, Access: string(r.Access),
		Bucket: r.Bucket, Key: r.Key, Bytes: r.Bytes, Status: r.Status, Code: r.Code, Address: r.Address, RequestID: r.RequestID,
	}
	if _, ok := keyhatch.IDPayload(keyhatch.KeyID, r.SignedBy); ok {
		out.AccessKey = r.SignedBy
	} else {
		out.Lease = r.SignedBy
	}
	return out
}
