package kernel

import (
	"errors"

	"github.com/keyhatch/keyhatch"
)

// VisibleTeamspace finds a teamspace that the caller may see, by id or by name in
// a workspace: a public one of a workspace that it belongs to, one that it is in,
// or any of a workspace that it manages.
func (v View) VisibleTeamspace(workspace, ref string) (keyhatch.Teamspace, error) {
	s, _, err := v.teamspace(workspace, ref)
	return s, err
}

// ManagedTeamspace finds a teamspace and refuses who neither owns it nor manages
// its workspace.
func (v View) ManagedTeamspace(workspace, ref string) (keyhatch.Teamspace, error) {
	s, role, err := v.teamspace(workspace, ref)
	if err == nil && !role.Manages() {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"only an owner of the teamspace and the workspace's admins may do this: ask one of them")
	}
	return s, err
}

// teamspace finds a teamspace that the caller may see, with its standing there.
func (v View) teamspace(workspace, ref string) (keyhatch.Teamspace, keyhatch.Role, error) {
	s, err := v.findTeamspace(workspace, ref)
	if err != nil {
		return keyhatch.Teamspace{}, keyhatch.NoRole, err
	}
	role, err := v.standingIn(s)
	if err == nil && role == keyhatch.NoRole {
		err = NotFound(keyhatch.CodeTeamspaceNotFound)
	}
	if err != nil {
		return keyhatch.Teamspace{}, keyhatch.NoRole, err
	}
	return s, role, nil
}

func (v View) findTeamspace(workspace, ref string) (keyhatch.Teamspace, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.TeamspaceID, ref); ok {
		return v.Teamspace(v.Ctx, ref)
	}
	ws, err := v.WorkspaceFor(workspace)
	if errors.Is(err, keyhatch.NotFound) { // like a teamspace in one that the caller may not see
		return keyhatch.Teamspace{}, NotFound(keyhatch.CodeTeamspaceNotFound)
	}
	if err != nil {
		return keyhatch.Teamspace{}, err
	}
	return v.TeamspaceByName(v.Ctx, ws.ID, ref)
}

// standingIn is the caller's role in the workspace when it manages that, else the
// one in the teamspace, which members of the workspace view when it is public.
func (v View) standingIn(s keyhatch.Teamspace) (keyhatch.Role, error) {
	role, err := v.Role(s.Workspace)
	if err != nil || role == keyhatch.NoRole || role.Manages() {
		return role, err
	}
	m, err := v.CircleMember(v.Ctx, s.ID, v.Caller.User.ID)
	if errors.Is(err, keyhatch.NotFound) {
		if s.Visibility == keyhatch.Public {
			return keyhatch.ViewerRole, nil
		}
		return keyhatch.NoRole, nil
	}
	return m.Role, err
}

// MustSeeStore refuses who neither belongs to a store's workspace nor, if it has one, sees
// its teamspace. missing is what they are told.
func (v View) MustSeeStore(s keyhatch.Store, missing keyhatch.Code) error {
	if s.Workspace == "" {
		return nil
	}
	if err := v.MustBelong(s.Workspace, missing); err != nil || s.Teamspace == "" {
		return err
	}
	_, err := v.VisibleTeamspace(s.Workspace, s.Teamspace)
	if errors.Is(err, keyhatch.NotFound) {
		err = NotFound(missing)
	}
	return err
}
