package places

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// Location returns one location that the caller may see: it manages the
// workspace, owns the location, or has a grant on it.
func (svc *Service) Location(ctx context.Context, c keyhatch.Caller, workspace, ref string) (keyhatch.Location, error) {
	return VisibleLocation(svc.k.View(ctx, c), workspace, ref)
}

// Locations lists the locations of a workspace that the caller may see.
func (svc *Service) Locations(ctx context.Context, c keyhatch.Caller, workspace string, p kernel.Page) (kernel.List[keyhatch.Location], error) {
	v := svc.k.View(ctx, c)
	ws, seenBy, err := visibleWorkspace(v, workspace)
	if err != nil {
		return kernel.List[keyhatch.Location]{}, err
	}
	return kernel.Paged(p, keyhatch.LocationID, func(l keyhatch.Location) string { return l.ID },
		func(p kernel.Page) ([]keyhatch.Location, error) { return v.Locations(ctx, ws.ID, seenBy, v.Now, p) })
}

// visibleWorkspace finds the workspace of a list of locations or grants, and
// whose eyes the list is for: nobody's in particular ("") for those who manage
// it, else the caller's. Who neither belongs to it nor has a grant in it does
// not learn that it exists.
func visibleWorkspace(v kernel.View, asked string) (ws keyhatch.Workspace, seenBy string, err error) {
	if ws, err = v.WorkspaceFor(asked); err != nil {
		return ws, "", err
	}
	role, err := v.Role(ws.ID)
	if err != nil || role.Manages() {
		return ws, "", err
	}
	if role == keyhatch.NoRole {
		reached, err := v.GrantReaches(v.Ctx, ws.ID, v.Caller.User.ID, v.Now)
		if err == nil && !reached {
			reached, err = v.OwnsLocation(v.Ctx, ws.ID, v.Caller.User.ID)
		}
		if err != nil {
			return ws, "", err
		}
		if !reached {
			return ws, "", kernel.NotFound(keyhatch.CodeWorkspaceNotFound)
		}
	}
	return ws, v.Caller.User.ID, nil
}

// location finds a location by id, or by name in a workspace.
func location(v kernel.View, workspace, ref string) (keyhatch.Location, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.LocationID, ref); ok {
		return v.Location(v.Ctx, ref)
	}
	ws, err := v.WorkspaceFor(workspace)
	if errors.Is(err, keyhatch.NotFound) { // like a location in one that the caller may not see
		return keyhatch.Location{}, kernel.NotFound(keyhatch.CodeLocationNotFound)
	}
	if err != nil {
		return keyhatch.Location{}, err
	}
	return v.LocationByName(v.Ctx, ws.ID, ref)
}

// VisibleLocation finds a location that the caller may see.
func VisibleLocation(v kernel.View, workspace, ref string) (keyhatch.Location, error) {
	l, err := location(v, workspace, ref)
	if err != nil {
		return l, err
	}
	rules, err := rules(v, l)
	if err != nil || rules {
		return l, err
	}
	reached := false
	if v.Within(l.Workspace) {
		reached, err = v.LocationReaches(v.Ctx, l.ID, v.Caller.User.ID, v.Now)
	}
	if err == nil && !reached {
		err = kernel.NotFound(keyhatch.CodeLocationNotFound)
	}
	if err != nil {
		return keyhatch.Location{}, err
	}
	return l, nil
}

// rules tells whether the caller decides over the location: its owner does, and
// who manages its workspace.
func rules(v kernel.View, l keyhatch.Location) (bool, error) {
	if !v.Within(l.Workspace) {
		return false, nil
	}
	if l.Owner == v.Caller.User.ID {
		return true, nil
	}
	role, err := v.Role(l.Workspace)
	return role.Manages(), err
}

// RuledLocation finds a location and refuses who does not decide over it.
func RuledLocation(v kernel.View, workspace, ref string) (keyhatch.Location, error) {
	l, err := VisibleLocation(v, workspace, ref)
	if err != nil {
		return l, err
	}
	rules, err := rules(v, l)
	if err == nil && !rules {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"only the location's owner and the workspace's admins may do this: ask one of them")
	}
	return l, err
}
