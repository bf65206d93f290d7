package people

import (
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// What a provider vouches for at which somebody has logged in: who asks is nobody's caller yet,
// and whether that is to be done was decided before.

// Provision adds an active user.
func (svc *Service) Provision(w *kernel.Work, n NewUser) (keyhatch.User, error) { return addUser(w, n) }

// Give gives a user a place, as a member, or the installation to administer. It is not done where the
// user has that already.
func (svc *Service) Give(w *kernel.Work, u keyhatch.User, g db.Gift) (done bool, err error) {
	has, err := holds(w, &u, g)
	if err != nil || has {
		return false, err
	}
	switch {
	case g.Workspace == "":
		before := u
		u.Admin = true
		err = svc.changeUser(w, before, u)
	case g.Circle == "":
		_, err = putWorkspaceMember(w, g.Workspace, u, keyhatch.MemberRole)
	default:
		_, err = groupCircle(keyhatch.Group{ID: g.Circle, Workspace: g.Workspace}).putMember(w, u.ID, keyhatch.NoRole)
	}
	return err == nil, err
}

// Take takes it away again. What cannot be is left, and not done: the last active admin stays
// one, and who owns locations of a workspace stays in it. A role that was given meanwhile is
// another's gift, and stays.
func (svc *Service) Take(w *kernel.Work, u keyhatch.User, g db.Gift) (done bool, err error) {
	has, err := holds(w, &u, g)
	if err != nil || !has {
		return err == nil, err
	}
	switch {
	case g.Workspace == "":
		if n, err := w.ActiveAdmins(w.Ctx); err != nil || n < 2 {
			return false, err
		}
		before := u
		u.Admin = false
		err = svc.changeUser(w, before, u)
	case g.Circle == "":
		m, err := w.WorkspaceMember(w.Ctx, g.Workspace, u.ID)
		if err != nil || m.Role != keyhatch.MemberRole {
			return err == nil, err
		}
		if owns, err := w.OwnsLocation(w.Ctx, g.Workspace, u.ID); err != nil || owns {
			return false, err
		}
		return true, removeWorkspaceMember(w, g.Workspace, u)
	default:
		err = groupCircle(keyhatch.Group{ID: g.Circle, Workspace: g.Workspace}).removeMember(w, u.ID)
	}
	return err == nil, err
}

// holds tells whether a user has what is given, and reads the user as it is now.
func holds(w *kernel.Work, u *keyhatch.User, g db.Gift) (has bool, err error) {
	if *u, err = w.User(w.Ctx, u.ID); err != nil {
		return false, err
	}
	switch {
	case g.Workspace == "":
		return u.Admin, nil
	case g.Circle == "":
		_, err = w.WorkspaceMember(w.Ctx, g.Workspace, u.ID)
	default:
		_, err = w.CircleMember(w.Ctx, g.Circle, u.ID)
	}
	if errors.Is(err, keyhatch.NotFound) {
		return false, nil
	}
	return err == nil, err
}
