package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/record"
)

// EventRef names an event in the path.
type EventRef struct {
	Event string `path:"event" maxLength:"64" doc:"Id"`
}

func (d *Door) events(a huma.API) {
	const noun = "events"
	handle(d, a, call{method: http.MethodGet, path: "/events", id: "listEvents", summary: "List the audit record, newest first", noun: noun}, d.listEvents)
	handle(d, a, call{method: http.MethodGet, path: "/events/{event}", id: "getEvent", summary: "Show an event", noun: noun}, d.getEvent)
}

type listEventsInput struct {
	OnePage
	Workspace string `query:"workspace" maxLength:"128" doc:"Id or name. For its admins: all that happened there"`
	Target    string `query:"target" maxLength:"64" doc:"Id of what it was done to"`
	Action    string `query:"action" maxLength:"64" doc:"Such as lease.lend"`
}

func (d *Door) listEvents(ctx context.Context, c keyhatch.Caller, in *listEventsInput) (*body[api.Page[api.Event]], error) {
	events, err := d.broker.Record.Events(ctx, c, record.EventFilter{
		Workspace: in.Workspace, Target: in.Target, Action: keyhatch.Action(in.Action),
	}, in.page())
	return pageOf(events, err, encodeEvent)
}

func (d *Door) getEvent(ctx context.Context, c keyhatch.Caller, in *EventRef) (*body[api.Event], error) {
	e, err := d.broker.Record.Event(ctx, c, in.Event)
	return one(e, err, encodeEvent)
}

func encodeEvent(e keyhatch.Event) api.Event {
	return api.Event{
		ID: e.ID, Chain: e.Chain, Seq: e.Seq, At: e.At, Workspace: e.Workspace, User: e.User, Token: e.Token,
		Address: e.Address, RequestID: e.RequestID, Action: string(e.Action), Target: e.Target, Detail: e.Detail, Hash: e.Hash.String(),
	}
}
