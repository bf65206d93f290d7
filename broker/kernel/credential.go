package kernel

import (
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// Place is where credentials live.
type Place = db.Place

// PlaceFor tells which place a request is about, and the caller's standing there: the
// teamspace that it names, by id or by name in a workspace; else the workspace that
// it names; else of an installation admin the installation, and of others the
// workspace that is implied. What the caller may not see is not found.
func (v View) PlaceFor(workspace, teamspace string) (Place, keyhatch.Role, error) {
	if teamspace != "" {
		s, role, err := v.teamspace(workspace, teamspace)
		return Place{Workspace: s.Workspace, Teamspace: s.ID}, role, err
	}
	if workspace == "" && v.Installs() {
		return Place{}, keyhatch.OwnerRole, nil
	}
	ws, err := v.MemberWorkspace(workspace)
	if err != nil {
		return Place{}, keyhatch.NoRole, err
	}
	role, err := v.Role(ws.ID)
	return Place{Workspace: ws.ID}, role, err
}

// ManagedPlace is PlaceFor, and refuses who may not change what lives there.
func (v View) ManagedPlace(workspace, teamspace string) (Place, error) {
	p, role, err := v.PlaceFor(workspace, teamspace)
	if err == nil {
		err = v.mustChange(role)
	}
	return p, err
}

// mustChange refuses a role, and a task's token, that may not change what lives in a
// place.
func (v View) mustChange(role keyhatch.Role) error {
	if role.Manages() || role == keyhatch.EditorRole {
		return v.MustNotBeTask()
	}
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
		"only the admins of the workspace may do this, and in a teamspace its owners and editors: ask one of them")
}

// VisibleCredential finds a credential that the caller may see: by id, or by name in
// a place.
func (v View) VisibleCredential(workspace, teamspace, ref string) (db.SealedCredential, error) {
	c, _, err := v.credential(workspace, teamspace, ref)
	return c, err
}

// ManagedCredential finds a credential and refuses who may not change it.
func (v View) ManagedCredential(workspace, teamspace, ref string) (db.SealedCredential, error) {
	c, role, err := v.credential(workspace, teamspace, ref)
	if err == nil {
		err = v.mustChange(role)
	}
	return c, err
}

func (v View) credential(workspace, teamspace, ref string) (db.SealedCredential, keyhatch.Role, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.CredentialID, ref); !ok {
		in, role, err := v.PlaceFor(workspace, teamspace)
		if err != nil {
			return db.SealedCredential{}, keyhatch.NoRole, err
		}
		c, err := v.CredentialByName(v.Ctx, in, ref)
		return c, role, err
	}
	c, err := v.SealedCredential(v.Ctx, ref)
	if err != nil {
		return c, keyhatch.NoRole, err
	}
	role, err := v.standingAt(Place{Workspace: c.Workspace, Teamspace: c.Teamspace})
	if err == nil && role == keyhatch.NoRole {
		err = NotFound(keyhatch.CodeCredentialNotFound)
	}
	if err != nil {
		return db.SealedCredential{}, keyhatch.NoRole, err
	}
	return c, role, nil
}

// standingAt is the caller's role in a place, NoRole where it may not look.
func (v View) standingAt(p Place) (keyhatch.Role, error) {
	switch {
	case p.Teamspace != "":
		_, role, err := v.teamspace(p.Workspace, p.Teamspace)
		if errors.Is(err, keyhatch.NotFound) {
			return keyhatch.NoRole, nil
		}
		return role, err
	case p.Workspace != "":
		return v.Role(p.Workspace)
	case v.Installs():
		return keyhatch.OwnerRole, nil
	}
	return keyhatch.NoRole, nil
}
