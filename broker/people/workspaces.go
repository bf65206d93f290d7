package people

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/db"
)

// The events of workspaces.
const (
	WorkspaceCreated       keyhatch.Action = "workspace.create"
	WorkspaceUpdated       keyhatch.Action = "workspace.update"
	WorkspaceDeleted       keyhatch.Action = "workspace.delete"
	WorkspaceMemberPut     keyhatch.Action = "workspace.member.put"
	WorkspaceMemberRemoved keyhatch.Action = "workspace.member.remove"
)

// CreateWorkspace adds a workspace with the caller as its owner. Installation
// admins only.
func (svc *Service) CreateWorkspace(ctx context.Context, c keyhatch.Caller, name string) (ws keyhatch.Workspace, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if err := w.MustInstall(); err != nil {
			return err
		}
		if err := keyhatch.CheckName(name); err != nil {
			return err
		}
		ws = keyhatch.Workspace{ID: keyhatch.NewID(keyhatch.WorkspaceID, w.Now), Name: name, CreatedAt: w.Now}
		if err := w.Tx.InsertWorkspace(ctx, ws); err != nil {
			return err
		}
		err := w.Tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{
			Workspace: ws.ID, User: w.Caller.User.ID, Role: keyhatch.OwnerRole, Since: w.Now,
		})
		if err != nil {
			return err
		}
		return w.Record(WorkspaceCreated, ws.ID, ws.ID, kernel.Detail("name", ws.Name))
	})
	return ws, err
}

// RenameWorkspace changes the name. Its admins only.
func (svc *Service) RenameWorkspace(ctx context.Context, c keyhatch.Caller, ref, name string) (ws keyhatch.Workspace, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if ws, err = w.FindWorkspace(ref); err != nil {
			return err
		}
		if err := w.MustManage(ws.ID, keyhatch.CodeWorkspaceNotFound); err != nil {
			return err
		}
		if err := keyhatch.CheckName(name); err != nil {
			return err
		}
		ws.Name = name
		if err := w.Tx.RenameWorkspace(ctx, ws.ID, name); err != nil {
			return err
		}
		return w.Record(WorkspaceUpdated, ws.ID, ws.ID, kernel.Detail("name", name))
	})
	return ws, err
}

// DeleteWorkspace removes a workspace to which nothing belongs any more but its
// members. Installation admins only.
func (svc *Service) DeleteWorkspace(ctx context.Context, c keyhatch.Caller, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		ws, err := w.FindWorkspace(ref)
		if err != nil {
			return err
		}
		if err := w.MustBelong(ws.ID, keyhatch.CodeWorkspaceNotFound); err != nil {
			return err
		}
		if err := w.MustInstall(); err != nil {
			return err
		}
		if err := w.Tx.DeleteWorkspace(ctx, ws.ID); err != nil {
			return err
		}
		return w.Record(WorkspaceDeleted, ws.ID, ws.ID, kernel.Detail("name", ws.Name))
	})
}

// Workspace returns one workspace that the caller belongs to.
func (svc *Service) Workspace(ctx context.Context, c keyhatch.Caller, ref string) (keyhatch.Workspace, error) {
	v := svc.k.View(ctx, c)
	ws, err := v.FindWorkspace(ref)
	if err != nil {
		return ws, err
	}
	return ws, v.MustBelong(ws.ID, keyhatch.CodeWorkspaceNotFound)
}

// Workspaces lists the workspaces that the caller belongs to; an installation
// admin's are all.
func (svc *Service) Workspaces(ctx context.Context, c keyhatch.Caller, p kernel.Page) (kernel.List[keyhatch.Workspace], error) {
	v := svc.k.View(ctx, c)
	if id := c.Token.Workspace; id != "" {
		if err := v.MustBelong(id, keyhatch.CodeWorkspaceNotFound); errors.Is(err, keyhatch.NotFound) {
			return kernel.List[keyhatch.Workspace]{}, nil // it did once
		} else if err != nil {
			return kernel.List[keyhatch.Workspace]{}, err
		}
		ws, err := v.Workspace(ctx, id)
		return kernel.List[keyhatch.Workspace]{Items: []keyhatch.Workspace{ws}}, err
	}
	member := c.User.ID
	if v.Installs() {
		member = ""
	}
	return kernel.Paged(p, keyhatch.WorkspaceID, func(w keyhatch.Workspace) string { return w.ID },
		func(p kernel.Page) ([]keyhatch.Workspace, error) { return v.Workspaces(ctx, member, p) })
}

// PutWorkspaceMember gives a user a role in a workspace. Its admins only, and
// owners are appointed and changed by owners only.
func (svc *Service) PutWorkspaceMember(ctx context.Context, c keyhatch.Caller, workspace, user string, role keyhatch.Role) (m keyhatch.WorkspaceMember, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		ws, u, err := membership(w, workspace, user)
		if err != nil {
			return err
		}
		switch role {
		case keyhatch.OwnerRole, keyhatch.AdminRole, keyhatch.MemberRole:
		default:
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, `send a role: "owner", "admin" or "member"`).In("role")
		}
		if role == keyhatch.OwnerRole {
			if err := mustOwn(w, ws.ID); err != nil {
				return err
			}
		}
		m, err = putWorkspaceMember(w, ws.ID, u, role)
		return err
	})
	return m, err
}

func putWorkspaceMember(w *kernel.Work, workspace string, u keyhatch.User, role keyhatch.Role) (m keyhatch.WorkspaceMember, err error) {
	err = w.Tx.PutWorkspaceMember(w.Ctx, keyhatch.WorkspaceMember{Workspace: workspace, User: u.ID, Role: role, Since: w.Now})
	if err != nil {
		return m, err
	}
	if m, err = w.WorkspaceMember(w.Ctx, workspace, u.ID); err != nil {
		return m, err
	}
	if err := storekeys.FollowThose(w, db.AccessKeyFilter{Workspace: workspace, Owner: u.ID}); err != nil {
		return m, err
	}
	return m, w.Record(WorkspaceMemberPut, workspace, u.ID, kernel.Detail("user", u.Name, "role", string(role)))
}

// RemoveWorkspaceMember ends a membership, the user's memberships in the
// workspace's groups and teamspaces, and the workspace's grants that name the
// user. Admins of
// the workspace only.
func (svc *Service) RemoveWorkspaceMember(ctx context.Context, c keyhatch.Caller, workspace, user string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		ws, u, err := membership(w, workspace, user)
		if err != nil {
			return err
		}
		owns, err := w.OwnsLocation(ctx, ws.ID, u.ID)
		if err != nil {
			return err
		}
		if owns {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse,
				"the user owns locations of the workspace, and who owns one can grant on it: give them to another owner first").In("user")
		}
		return removeWorkspaceMember(w, ws.ID, u)
	})
}

func removeWorkspaceMember(w *kernel.Work, workspace string, u keyhatch.User) error {
	if err := w.Tx.DeleteWorkspaceMember(w.Ctx, workspace, u.ID); err != nil {
		return err
	}
	if err := storekeys.FollowThose(w, db.AccessKeyFilter{Workspace: workspace, Owner: u.ID}); err != nil {
		return err
	}
	return w.Record(WorkspaceMemberRemoved, workspace, u.ID, kernel.Detail("user", u.Name))
}

// membership resolves a workspace and a user and checks that the caller may
// change the user's standing there.
func membership(w *kernel.Work, workspace, user string) (ws keyhatch.Workspace, u keyhatch.User, err error) {
	if ws, err = w.FindWorkspace(workspace); err != nil {
		return ws, u, err
	}
	if err = w.MustManage(ws.ID, keyhatch.CodeWorkspaceNotFound); err != nil {
		return ws, u, err
	}
	if u, err = w.NameableUser(user); err != nil {
		return ws, u, err
	}
	m, err := w.WorkspaceMember(w.Ctx, ws.ID, u.ID)
	if err != nil && !errors.Is(err, keyhatch.NotFound) {
		return ws, u, err
	}
	if m.Role == keyhatch.OwnerRole {
		return ws, u, mustOwn(w, ws.ID)
	}
	return ws, u, nil
}

func mustOwn(w *kernel.Work, workspace string) error {
	role, err := w.Role(workspace)
	if err != nil || role == keyhatch.OwnerRole {
		return err
	}
	return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted, "only an owner of the workspace may do this: ask one")
}

// WorkspaceMembers lists a workspace's members. Members only.
func (svc *Service) WorkspaceMembers(ctx context.Context, c keyhatch.Caller, workspace string, p kernel.Page) (kernel.List[keyhatch.WorkspaceMember], error) {
	v := svc.k.View(ctx, c)
	ws, err := v.FindWorkspace(workspace)
	if err != nil {
		return kernel.List[keyhatch.WorkspaceMember]{}, err
	}
	if err := v.MustBelong(ws.ID, keyhatch.CodeWorkspaceNotFound); err != nil {
		return kernel.List[keyhatch.WorkspaceMember]{}, err
	}
	return kernel.Paged(p, keyhatch.UserID, func(m keyhatch.WorkspaceMember) string { return m.User },
		func(p kernel.Page) ([]keyhatch.WorkspaceMember, error) { return v.WorkspaceMembers(ctx, ws.ID, p) })
}
