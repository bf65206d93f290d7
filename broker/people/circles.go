package people

import (
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// circle is a group or a teamspace as its memberships see it. Who may change
// them is asked before.
type circle struct {
	id, workspace string
	put, removed  keyhatch.Action // the events
}

// putMember makes a member of the workspace one of the circle, or gives one of
// the circle another role.
func (c circle) putMember(w *kernel.Work, user string, role keyhatch.Role) (m keyhatch.CircleMember, err error) {
	u, err := w.NameableUser(user)
	if err != nil {
		return m, err
	}
	_, err = w.WorkspaceMember(w.Ctx, c.workspace, u.ID)
	if errors.Is(err, keyhatch.NotFound) {
		return m, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeMemberNotFound,
			"only members of the workspace can be in its groups and teamspaces: add the user to the workspace first").In("user")
	}
	if err != nil {
		return m, err
	}
	err = w.Tx.PutCircleMember(w.Ctx, c.workspace, keyhatch.CircleMember{Circle: c.id, User: u.ID, Role: role, Since: w.Now})
	if err != nil {
		return m, err
	}
	if m, err = w.CircleMember(w.Ctx, c.id, u.ID); err != nil {
		return m, err
	}
	return m, w.Record(c.put, c.workspace, c.id, kernel.Detail("user", u.ID, "name", u.Name, "role", string(role)))
}

// removeMember ends a membership. Leases that rest on it close; joining again
// does not reopen them.
func (c circle) removeMember(w *kernel.Work, user string) error {
	u, err := w.NameableUser(user)
	if err != nil {
		return err
	}
	if err := w.Tx.DeleteCircleMember(w.Ctx, c.workspace, c.id, u.ID); err != nil {
		return err
	}
	return w.Record(c.removed, c.workspace, c.id, kernel.Detail("user", u.ID, "name", u.Name))
}

func circleMembers(v kernel.View, id string, p kernel.Page) (kernel.List[keyhatch.CircleMember], error) {
	return kernel.Paged(p, keyhatch.UserID, func(m keyhatch.CircleMember) string { return m.User },
		func(p kernel.Page) ([]keyhatch.CircleMember, error) { return v.CircleMembers(v.Ctx, id, p) })
}
