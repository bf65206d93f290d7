package people

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// The events of groups.
const (
	GroupCreated       keyhatch.Action = "group.create"
	GroupUpdated       keyhatch.Action = "group.update"
	GroupDeleted       keyhatch.Action = "group.delete"
	GroupMemberPut     keyhatch.Action = "group.member.put"
	GroupMemberRemoved keyhatch.Action = "group.member.remove"
)

// CreateGroup adds a group to a workspace. Its admins only.
func (svc *Service) CreateGroup(ctx context.Context, c keyhatch.Caller, workspace, name string) (g keyhatch.Group, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		ws, err := w.WorkspaceFor(workspace)
		if err != nil {
			return err
		}
		if err := w.MustManage(ws.ID, keyhatch.CodeWorkspaceNotFound); err != nil {
			return err
		}
		if err := keyhatch.CheckName(name); err != nil {
			return err
		}
		g = keyhatch.Group{ID: keyhatch.NewID(keyhatch.GroupID, w.Now), Workspace: ws.ID, Name: name, CreatedAt: w.Now}
		if err := w.Tx.InsertGroup(ctx, g); err != nil {
			return err
		}
		return w.Record(GroupCreated, ws.ID, g.ID, kernel.Detail("name", name))
	})
	return g, err
}

// RenameGroup changes the name. Admins of its workspace only.
func (svc *Service) RenameGroup(ctx context.Context, c keyhatch.Caller, workspace, ref, name string) (g keyhatch.Group, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if g, err = managedGroup(w, workspace, ref); err != nil {
			return err
		}
		if err := keyhatch.CheckName(name); err != nil {
			return err
		}
		g.Name = name
		if err := w.Tx.RenameGroup(ctx, g.ID, name); err != nil {
			return err
		}
		return w.Record(GroupUpdated, g.Workspace, g.ID, kernel.Detail("name", name))
	})
	return g, err
}

// DeleteGroup removes a group and the grants that name it. Admins of its
// workspace only.
func (svc *Service) DeleteGroup(ctx context.Context, c keyhatch.Caller, workspace, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		g, err := managedGroup(w, workspace, ref)
		if err != nil {
			return err
		}
		if err := w.Tx.DeleteGroup(ctx, g); err != nil {
			return err
		}
		return w.Record(GroupDeleted, g.Workspace, g.ID, kernel.Detail("name", g.Name))
	})
}

// Group returns one group of a workspace that the caller belongs to, by its id, or
// by its name in the workspace.
func (svc *Service) Group(ctx context.Context, c keyhatch.Caller, workspace, ref string) (keyhatch.Group, error) {
	return visibleGroup(svc.k.View(ctx, c), workspace, ref)
}

// Groups lists a workspace's groups. Members only.
func (svc *Service) Groups(ctx context.Context, c keyhatch.Caller, workspace string, p kernel.Page) (kernel.List[keyhatch.Group], error) {
	v := svc.k.View(ctx, c)
	ws, err := v.MemberWorkspace(workspace)
	if err != nil {
		return kernel.List[keyhatch.Group]{}, err
	}
	return kernel.Paged(p, keyhatch.GroupID, func(g keyhatch.Group) string { return g.ID },
		func(p kernel.Page) ([]keyhatch.Group, error) { return v.Groups(ctx, ws.ID, p) })
}

// PutGroupMember adds a member of the workspace to a group. Admins of its
// workspace only.
func (svc *Service) PutGroupMember(ctx context.Context, c keyhatch.Caller, workspace, ref, user string) (m keyhatch.CircleMember, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		g, err := managedGroup(w, workspace, ref)
		if err != nil {
			return err
		}
		m, err = groupCircle(g).putMember(w, user, keyhatch.NoRole)
		return err
	})
	return m, err
}

// RemoveGroupMember takes a user out of a group. Leases that rest on the
// membership close; joining again does not reopen them. Admins of the workspace
// only.
func (svc *Service) RemoveGroupMember(ctx context.Context, c keyhatch.Caller, workspace, ref, user string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		g, err := managedGroup(w, workspace, ref)
		if err != nil {
			return err
		}
		return groupCircle(g).removeMember(w, user)
	})
}

// GroupMembers lists a group's members. Members of its workspace only.
func (svc *Service) GroupMembers(ctx context.Context, c keyhatch.Caller, workspace, ref string, p kernel.Page) (kernel.List[keyhatch.CircleMember], error) {
	v := svc.k.View(ctx, c)
	g, err := visibleGroup(v, workspace, ref)
	if err != nil {
		return kernel.List[keyhatch.CircleMember]{}, err
	}
	return circleMembers(v, g.ID, p)
}

func groupCircle(g keyhatch.Group) circle {
	return circle{id: g.ID, workspace: g.Workspace, put: GroupMemberPut, removed: GroupMemberRemoved}
}

func visibleGroup(v kernel.View, workspace, ref string) (keyhatch.Group, error) {
	g, err := findGroup(v, workspace, ref)
	if err != nil {
		return g, err
	}
	return g, v.MustBelong(g.Workspace, keyhatch.CodeGroupNotFound)
}

func managedGroup(w *kernel.Work, workspace, ref string) (keyhatch.Group, error) {
	g, err := findGroup(w.View, workspace, ref)
	if err != nil {
		return g, err
	}
	return g, w.MustManage(g.Workspace, keyhatch.CodeGroupNotFound)
}

// findGroup finds a group by its id, or by its name in a workspace of the caller.
func findGroup(v kernel.View, workspace, ref string) (keyhatch.Group, error) {
	if _, ok := keyhatch.IDPayload(keyhatch.GroupID, ref); ok {
		return v.Group(v.Ctx, ref)
	}
	ws, err := v.MemberWorkspace(workspace)
	if err != nil {
		return keyhatch.Group{}, err
	}
	return v.GroupByName(v.Ctx, ws.ID, ref)
}
