package kernel

import (
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/mirror"
)

// Who may: the few questions that the use cases ask about their caller.

// Installs tells whether the caller administers the installation. A token that
// is confined to a workspace never does.
func (v View) Installs() bool { return v.Caller.User.Admin && v.Caller.Token.Workspace == "" }

// Within tells whether the caller's token works in the workspace.
func (v View) Within(workspace string) bool {
	return v.Caller.Token.Workspace == "" || v.Caller.Token.Workspace == workspace
}

// Role is the caller's role in the workspace; an installation admin owns every
// one.
func (v View) Role(workspace string) (keyhatch.Role, error) {
	if !v.Within(workspace) {
		return keyhatch.NoRole, nil
	}
	if v.Caller.User.Admin {
		return keyhatch.OwnerRole, nil
	}
	m, err := v.WorkspaceMember(v.Ctx, workspace, v.Caller.User.ID)
	if errors.Is(err, keyhatch.NotFound) {
		return keyhatch.NoRole, nil
	}
	return m.Role, err
}

// MustInstall refuses who does not administer the installation.
func (v View) MustInstall() error {
	if v.Installs() {
		return nil
	}
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
		"only an installation admin may do this, with a token that is not confined to a workspace")
}

// MustNotBeTask refuses a task's token: what it may use is not for it to say.
func (v View) MustNotBeTask() error {
	if _, task := v.Caller.Token.OfTask(); !task {
		return nil
	}
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
		"the token is a task's, which changes and verifies no credentials, stores, buckets and access keys: use a person's")
}

// NotForTasks refuses a task's token where what acts for a store was not allowed in tasks.
func NotForTasks() error {
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
		"the token is a task's, and the store's credential is not allowed in tasks: who manages the credential can allow it")
}

// MustManage refuses who does not manage the workspace. missing is what those
// are told who may not even see what it is about.
func (v View) MustManage(workspace string, missing keyhatch.Code) error {
	role, err := v.Role(workspace)
	switch {
	case err != nil:
		return err
	case role.Manages():
		return nil
	case role == keyhatch.NoRole:
		return NotFound(missing)
	}
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
		"only an admin of the workspace may do this: ask one of them")
}

// MustBelong refuses who is no member of the workspace.
func (v View) MustBelong(workspace string, missing keyhatch.Code) error {
	role, err := v.Role(workspace)
	if err != nil {
		return err
	}
	if role == keyhatch.NoRole {
		return NotFound(missing)
	}
	return nil
}

// NotFound is what does not exist and what the caller may not see.
func NotFound(code keyhatch.Code) error {
	return keyhatch.NotFoundError(code)
}

// Belongs tells whether the user has a place in a workspace: installation admins do in
// every one.
func Belongs(image *mirror.Image, workspace string, user keyhatch.User) bool {
	if !user.Admin {
		return image.Role(workspace, user.ID) != keyhatch.NoRole
	}
	w, err := image.Workspace(workspace)
	return err == nil && w.ID == workspace
}
