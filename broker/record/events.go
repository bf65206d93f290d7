package record

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// Service does the use cases.
type Service struct{ k *kernel.Kernel }

// New makes the service.
func New(k *kernel.Kernel) *Service { return &Service{k} }

// EventFilter narrows a list of events.
type EventFilter struct {
	Workspace string // id or name
	Target    string // id
	Action    keyhatch.Action
}

// Events lists events, newest first: for an installation admin all of them, for
// who manages the named workspace all of that, for everybody else what they did
// themselves.
func (svc *Service) Events(ctx context.Context, c keyhatch.Caller, f EventFilter, p kernel.Page) (kernel.List[keyhatch.Event], error) {
	v := svc.k.View(ctx, c)
	where := db.EventFilter{User: c.User.ID, Workspace: c.Token.Workspace, Target: f.Target, Action: f.Action}
	if v.Installs() {
		where.User = ""
	}
	if f.Action == "" { // who asks what happened wants to know what was decided, not what was read
		where.Except = []keyhatch.Action{ObjectsRecorded, ObjectsPruned, Checkpointed}
	}
	if f.Workspace != "" {
		ws, err := v.MemberWorkspace(f.Workspace)
		if err != nil {
			return kernel.List[keyhatch.Event]{}, err
		}
		where.Workspace = ws.ID
		role, err := v.Role(ws.ID)
		if err != nil {
			return kernel.List[keyhatch.Event]{}, err
		}
		if role.Manages() {
			where.User = ""
		}
	}
	return kernel.Paged(p, keyhatch.EventID, func(e keyhatch.Event) string { return e.ID },
		func(p kernel.Page) ([]keyhatch.Event, error) { return v.Events(ctx, where, p) })
}

// Event returns one event that the caller may see.
func (svc *Service) Event(ctx context.Context, c keyhatch.Caller, id string) (keyhatch.Event, error) {
	v := svc.k.View(ctx, c)
	e, err := v.Event(ctx, id)
	if err != nil || v.Installs() || e.User == c.User.ID && v.Within(e.Workspace) {
		return e, err
	}
	if e.Workspace != "" {
		role, err := v.Role(e.Workspace)
		if err != nil || role.Manages() {
			return e, err
		}
	}
	return keyhatch.Event{}, kernel.NotFound(keyhatch.CodeEventNotFound)
}
