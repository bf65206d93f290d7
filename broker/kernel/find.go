package kernel

import (
	"github.com/keyhatch/keyhatch"
)

// What a request names by id or by name.

// WorkspaceFor tells which workspace a request is about: the one it names, else
// its token's, else the only one that the caller is a member of. What the
// caller may do there is asked later.
func (v View) WorkspaceFor(asked string) (keyhatch.Workspace, error) {
	if asked != "" {
		w, err := v.FindWorkspace(asked)
		if own := v.Caller.Token.Workspace; own != "" && own != w.ID {
			return w, WorkspaceNotInToken() // there or not
		}
		return w, err
	}
	if id := v.Caller.Token.Workspace; id != "" {
		return v.Workspace(v.Ctx, id)
	}
	mine, err := v.Workspaces(v.Ctx, v.Caller.User.ID, Page{Limit: 2})
	if err != nil {
		return keyhatch.Workspace{}, err
	}
	if len(mine) != 1 {
		return keyhatch.Workspace{}, WorkspaceRequired()
	}
	return mine[0], nil
}

// MemberWorkspace is WorkspaceFor for what only members may see: a workspace that
// the caller does not belong to is not found.
func (v View) MemberWorkspace(asked string) (keyhatch.Workspace, error) {
	w, err := v.WorkspaceFor(asked)
	if err == nil {
		err = v.MustBelong(w.ID, keyhatch.CodeWorkspaceNotFound)
	}
	if err != nil {
		return keyhatch.Workspace{}, err
	}
	return w, nil
}

// WorkspaceRequired asks for what WorkspaceFor could not tell.
func WorkspaceRequired() error {
	return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeWorkspaceRequired,
		"say which workspace is meant: add ?workspace=NAME, or use a token of that workspace").In("workspace")
}

// WorkspaceNotInToken refuses a token in a workspace that is not its own.
func WorkspaceNotInToken() error {
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeWorkspaceNotInToken,
		"this token works in one workspace only, and that is another one").In("workspace")
}

// FindUser finds a user by id or name, seen by the caller or not.
func (v View) FindUser(ref string) (keyhatch.User, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.UserID, ref); ok {
		return v.User(v.Ctx, ref)
	}
	return v.UserByName(v.Ctx, ref)
}

// VisibleUser finds a user that the caller may see: itself, somebody of a
// common workspace, or for an installation admin anybody.
func (v View) VisibleUser(ref string) (keyhatch.User, error) {
	u, err := v.FindUser(ref)
	if err != nil || u.ID == v.Caller.User.ID || v.Installs() {
		return u, err
	}
	shared, err := v.ShareWorkspace(v.Ctx, v.Caller.User.ID, u.ID, v.Caller.Token.Workspace)
	if err != nil {
		return keyhatch.User{}, err
	}
	if !shared {
		return keyhatch.User{}, NotFound(keyhatch.CodeUserNotFound)
	}
	return u, nil
}

// NameableUser finds a user whom the caller gives something: by name those that
// it may see, by id anybody, since an id is only known to whom it was told.
func (v View) NameableUser(ref string) (keyhatch.User, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.UserID, ref); ok {
		return v.User(v.Ctx, ref)
	}
	return v.VisibleUser(ref)
}

// FindWorkspace finds a workspace by id or name.
func (v View) FindWorkspace(ref string) (keyhatch.Workspace, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.WorkspaceID, ref); ok {
		return v.Workspace(v.Ctx, ref)
	}
	return v.WorkspaceByName(v.Ctx, ref)
}

// FindStore finds a store by id or name.
func (v View) FindStore(ref string) (keyhatch.Store, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.StoreID, ref); ok {
		return v.Store(v.Ctx, ref)
	}
	return v.StoreByName(v.Ctx, ref)
}
