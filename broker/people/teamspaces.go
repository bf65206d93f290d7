package people

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// The events of teamspaces.
const (
	TeamspaceCreated       keyhatch.Action = "teamspace.create"
	TeamspaceUpdated       keyhatch.Action = "teamspace.update"
	TeamspaceDeleted       keyhatch.Action = "teamspace.delete"
	TeamspaceMemberPut     keyhatch.Action = "teamspace.member.put"
	TeamspaceMemberRemoved keyhatch.Action = "teamspace.member.remove"
)

// NewTeamspace is what a teamspace is made from.
type NewTeamspace struct {
	Workspace  string // id or name; may be empty where one is implied
	Name       string
	Visibility keyhatch.Visibility // empty: private
}

// CreateTeamspace adds a teamspace to a workspace. A caller who is a member of
// the workspace becomes its owner. Admins of the workspace only: whether a name
// is taken is not for those to know who do not see every teamspace.
func (svc *Service) CreateTeamspace(ctx context.Context, c keyhatch.Caller, n NewTeamspace) (s keyhatch.Teamspace, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		ws, err := w.WorkspaceFor(n.Workspace)
		if err != nil {
			return err
		}
		if err := w.MustManage(ws.ID, keyhatch.CodeWorkspaceNotFound); err != nil {
			return err
		}
		s = keyhatch.Teamspace{
			ID: keyhatch.NewID(keyhatch.TeamspaceID, w.Now), Workspace: ws.ID, Name: n.Name, Visibility: n.Visibility,
			CreatedBy: w.Caller.User.ID, CreatedAt: w.Now,
		}
		if s.Visibility == "" {
			s.Visibility = keyhatch.Private
		}
		if err := checkTeamspace(s); err != nil {
			return err
		}
		if err := w.Tx.InsertTeamspace(ctx, s); err != nil {
			return err
		}
		owner, err := ownTeamspace(w, s)
		if err != nil {
			return err
		}
		return w.Record(TeamspaceCreated, ws.ID, s.ID, kernel.Detail("name", s.Name, "visibility", string(s.Visibility), "owner", owner))
	})
	return s, err
}

// ownTeamspace makes the caller the new teamspace's owner. An installation admin
// who is no member of the workspace cannot be: then it has none yet.
func ownTeamspace(w *kernel.Work, s keyhatch.Teamspace) (owner string, err error) {
	owner = w.Caller.User.ID
	_, err = w.WorkspaceMember(w.Ctx, s.Workspace, owner)
	if errors.Is(err, keyhatch.NotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	return owner, w.Tx.PutCircleMember(w.Ctx, s.Workspace, keyhatch.CircleMember{
		Circle: s.ID, User: owner, Role: keyhatch.OwnerRole, Since: w.Now,
	})
}

// TeamspaceChange says what of a teamspace changes; nil fields stay.
type TeamspaceChange struct {
	Name       *string
	Visibility *keyhatch.Visibility
}

// UpdateTeamspace changes a teamspace. Its owners and the workspace's admins may
// change its visibility, the admins alone its name, as with CreateTeamspace.
func (svc *Service) UpdateTeamspace(ctx context.Context, c keyhatch.Caller, workspace, ref string, change TeamspaceChange) (s keyhatch.Teamspace, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if s, err = w.ManagedTeamspace(workspace, ref); err != nil {
			return err
		}
		if change.Name != nil && *change.Name != s.Name {
			if err := w.MustManage(s.Workspace, keyhatch.CodeTeamspaceNotFound); err != nil {
				return err
			}
		}
		kernel.Set(&s.Name, change.Name)
		kernel.Set(&s.Visibility, change.Visibility)
		if err := checkTeamspace(s); err != nil {
			return err
		}
		if err := w.Tx.UpdateTeamspace(ctx, s); err != nil {
			return err
		}
		return w.Record(TeamspaceUpdated, s.Workspace, s.ID, kernel.Detail("name", s.Name, "visibility", string(s.Visibility)))
	})
	return s, err
}

// DeleteTeamspace removes a teamspace and the grants that name it. Its owners and
// the workspace's admins only.
func (svc *Service) DeleteTeamspace(ctx context.Context, c keyhatch.Caller, workspace, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		s, err := w.ManagedTeamspace(workspace, ref)
		if err != nil {
			return err
		}
		if err := w.Tx.DeleteTeamspace(ctx, s); err != nil {
			return err
		}
		return w.Record(TeamspaceDeleted, s.Workspace, s.ID, kernel.Detail("name", s.Name))
	})
}

// Teamspace returns one teamspace that the caller may see.
func (svc *Service) Teamspace(ctx context.Context, c keyhatch.Caller, workspace, ref string) (keyhatch.Teamspace, error) {
	return svc.k.View(ctx, c).VisibleTeamspace(workspace, ref)
}

// Teamspaces lists the teamspaces of a workspace that the caller may see. Members
// of the workspace only.
func (svc *Service) Teamspaces(ctx context.Context, c keyhatch.Caller, workspace string, p kernel.Page) (kernel.List[keyhatch.Teamspace], error) {
	v := svc.k.View(ctx, c)
	ws, err := v.MemberWorkspace(workspace)
	if err != nil {
		return kernel.List[keyhatch.Teamspace]{}, err
	}
	role, err := v.Role(ws.ID)
	if err != nil {
		return kernel.List[keyhatch.Teamspace]{}, err
	}
	seenBy := c.User.ID
	if role.Manages() {
		seenBy = ""
	}
	return kernel.Paged(p, keyhatch.TeamspaceID, func(s keyhatch.Teamspace) string { return s.ID },
		func(p kernel.Page) ([]keyhatch.Teamspace, error) { return v.Teamspaces(ctx, ws.ID, seenBy, p) })
}

// PutTeamspaceMember gives a member of the workspace a role in a teamspace. A new
// role changes nothing in what grants to the teamspace give. Its owners and the
// workspace's admins only.
func (svc *Service) PutTeamspaceMember(ctx context.Context, c keyhatch.Caller, workspace, ref, user string, role keyhatch.Role) (m keyhatch.CircleMember, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		s, err := w.ManagedTeamspace(workspace, ref)
		if err != nil {
			return err
		}
		switch role {
		case keyhatch.OwnerRole, keyhatch.EditorRole, keyhatch.ViewerRole:
		default:
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidRequest, `send a role: "owner", "editor" or "viewer"`).In("role")
		}
		m, err = teamspaceCircle(s).putMember(w, user, role)
		return err
	})
	return m, err
}

// RemoveTeamspaceMember takes a user out of a teamspace. Leases that rest on the
// membership close; joining again does not reopen them. Its owners and the
// workspace's admins only; members may take themselves out. One without an owner
// stays with the admins.
func (svc *Service) RemoveTeamspaceMember(ctx context.Context, c keyhatch.Caller, workspace, ref, user string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		find := w.ManagedTeamspace
		if user == w.Caller.User.ID || user == w.Caller.User.Name {
			find = w.VisibleTeamspace
		}
		s, err := find(workspace, ref)
		if err != nil {
			return err
		}
		return teamspaceCircle(s).removeMember(w, user)
	})
}

// TeamspaceMembers lists a teamspace's members, for whoever may see it.
func (svc *Service) TeamspaceMembers(ctx context.Context, c keyhatch.Caller, workspace, ref string, p kernel.Page) (kernel.List[keyhatch.CircleMember], error) {
	v := svc.k.View(ctx, c)
	s, err := v.VisibleTeamspace(workspace, ref)
	if err != nil {
		return kernel.List[keyhatch.CircleMember]{}, err
	}
	return circleMembers(v, s.ID, p)
}

func checkTeamspace(s keyhatch.Teamspace) error {
	if err := keyhatch.CheckName(s.Name); err != nil {
		return err
	}
	_, err := keyhatch.ParseVisibility(string(s.Visibility))
	return err
}

func teamspaceCircle(s keyhatch.Teamspace) circle {
	return circle{id: s.ID, workspace: s.Workspace, put: TeamspaceMemberPut, removed: TeamspaceMemberRemoved}
}
