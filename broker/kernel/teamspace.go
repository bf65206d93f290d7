package kernel

import (
	"errors"

	"github.com/keyhatch/keyhatch"
)

// VisibleTeamspace finds a teamspace that the caller may see, by id or by name in
// a workspace: a public one of a workspace that it belongs to, one that it is in,
// or any of a workspace that it manages.
func (v View) VisibleTeamspace(workspace, ref string) (keyhatch.Teamspace, error) {
	s, err := v.findTeamspace(workspace, ref)
	if err != nil {
		return s, err
	}
	role, err := v.Role(s.Workspace)
	if err == nil && role != keyhatch.NoRole && !role.Manages() && s.Visibility != keyhatch.Public {
		role, err = v.roleInTeamspace(s.ID)
	}
	if err == nil && role == keyhatch.NoRole {
		err = NotFound(keyhatch.CodeTeamspaceNotFound)
	}
	if err != nil {
		return keyhatch.Teamspace{}, err
	}
	return s, nil
}

// ManagedTeamspace finds a teamspace and refuses who neither owns it nor manages
// its workspace.
func (v View) ManagedTeamspace(workspace, ref string) (keyhatch.Teamspace, error) {
	s, err := v.VisibleTeamspace(workspace, ref)
	if err != nil {
		return s, err
	}
	role, err := v.Role(s.Workspace)
	if err == nil && !role.Manages() {
		role, err = v.roleInTeamspace(s.ID)
	}
	if err == nil && !role.Manages() {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"only an owner of the teamspace and the workspace's admins may do this: ask one of them")
	}
	return s, err
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

// roleInTeamspace is the caller's own, NoRole for none.
func (v View) roleInTeamspace(id string) (keyhatch.Role, error) {
	m, err := v.CircleMember(v.Ctx, id, v.Caller.User.ID)
	if errors.Is(err, keyhatch.NotFound) {
		return keyhatch.NoRole, nil
	}
	return m.Role, err
}
