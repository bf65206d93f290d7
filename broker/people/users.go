package people

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/db"
)

// The events of users.
const (
	// Installed is that of a new installation, which begins with a user.
	Installed keyhatch.Action = "installation.create"
	// Restored is that of an installation that was put back from a backup, in which nobody
	// is let in then but one admin.
	Restored    keyhatch.Action = "installation.restore"
	UserCreated keyhatch.Action = "user.create"
	UserUpdated keyhatch.Action = "user.update"
	UserDeleted keyhatch.Action = "user.delete"
)

// NewUser is what a user is made from.
type NewUser struct {
	Name     string
	FullName string
	Email    string
	Admin    bool
}

// CreateUser adds an active user. Installation admins only.
func (svc *Service) CreateUser(ctx context.Context, c keyhatch.Caller, n NewUser) (u keyhatch.User, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if err := w.MustInstall(); err != nil {
			return err
		}
		u, err = addUser(w, n)
		return err
	})
	return u, err
}

func addUser(w *kernel.Work, n NewUser) (keyhatch.User, error) {
	u := keyhatch.User{
		ID: keyhatch.NewID(keyhatch.UserID, w.Now), Name: n.Name, FullName: n.FullName, Email: n.Email,
		Admin: n.Admin, Active: true, ActiveSince: w.Now, CreatedAt: w.Now,
	}
	if err := checkUser(u); err != nil {
		return u, err
	}
	if err := w.Tx.InsertUser(w.Ctx, u); err != nil {
		return u, err
	}
	return u, w.Record(UserCreated, "", u.ID, kernel.Detail("name", u.Name, "admin", kernel.Yes(u.Admin)))
}

// UserChange says what of a user changes; nil fields stay.
type UserChange struct {
	Name     *string
	FullName *string
	Email    *string
	Admin    *bool
	Active   *bool
}

// UpdateUser changes a user. Users may change their own full name and email,
// installation admins everything. Deactivating a user ends its tokens' use and
// its leases at once; activating it again does not bring those leases back, nor what it has let
// programs do. The last active admin can be neither deactivated nor demoted.
func (svc *Service) UpdateUser(ctx context.Context, c keyhatch.Caller, ref string, change UserChange) (u keyhatch.User, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if u, err = w.VisibleUser(ref); err != nil {
			return err
		}
		// A confined token works in its workspace; its user is of the installation.
		confined := w.Caller.Token.Workspace != ""
		restricted := confined || change.Name != nil || change.Admin != nil || change.Active != nil
		if restricted || u.ID != w.Caller.User.ID {
			if err := w.MustInstall(); err != nil {
				return err
			}
		}
		before := u
		kernel.Set(&u.Name, change.Name)
		kernel.Set(&u.FullName, change.FullName)
		kernel.Set(&u.Email, change.Email)
		kernel.Set(&u.Admin, change.Admin)
		kernel.Set(&u.Active, change.Active)
		if u.Active && !before.Active {
			u.ActiveSince = w.Now
		}
		return svc.changeUser(w, before, u)
	})
	return u, err
}

func (svc *Service) changeUser(w *kernel.Work, before, u keyhatch.User) error {
	if err := checkUser(u); err != nil {
		return err
	}
	if before.Active && !u.Active {
		if err := svc.endConsentsOf(w, u.ID, becauseInactive); err != nil {
			return err
		}
	}
	if err := w.Tx.UpdateUser(w.Ctx, u); err != nil {
		return err
	}
	if u.Name != before.Name {
		if err := w.Tx.PutFormerName(w.Ctx, before.Name, w.Now); err != nil {
			return err
		}
	}
	if err := keepAnAdmin(w); err != nil {
		return err
	}
	if u.Active != before.Active || u.Admin != before.Admin {
		if err := storekeys.FollowThose(w, db.AccessKeyFilter{Owner: u.ID}); err != nil {
			return err
		}
	}
	return w.Record(UserUpdated, "", u.ID, kernel.Detail("name", u.Name, "admin", kernel.Yes(u.Admin), "active", kernel.Yes(u.Active)))
}

// DeleteUser removes a user with its tokens, what it has let programs do, memberships and grants. A user who
// owns locations cannot be removed. Installation admins only.
func (svc *Service) DeleteUser(ctx context.Context, c keyhatch.Caller, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		u, err := w.VisibleUser(ref)
		if err != nil {
			return err
		}
		if err := w.MustInstall(); err != nil {
			return err
		}
		if err := svc.endConsentsOf(w, u.ID, becauseRemoved); err != nil {
			return err
		}
		if err := w.Tx.DeleteUser(ctx, u.ID); err != nil {
			return err
		}
		if err := w.Tx.PutFormerName(ctx, u.Name, w.Now); err != nil {
			return err
		}
		if err := keepAnAdmin(w); err != nil {
			return err
		}
		return w.Record(UserDeleted, "", u.ID, kernel.Detail("name", u.Name))
	})
}

// User returns one user: oneself, somebody of a common workspace, or for an
// installation admin anybody.
func (svc *Service) User(ctx context.Context, c keyhatch.Caller, ref string) (keyhatch.User, error) {
	return svc.k.View(ctx, c).VisibleUser(ref)
}

// Users lists the users that the caller may see.
func (svc *Service) Users(ctx context.Context, c keyhatch.Caller, p kernel.Page) (kernel.List[keyhatch.User], error) {
	v := svc.k.View(ctx, c)
	seenBy := c.User.ID
	if v.Installs() {
		seenBy = ""
	}
	return kernel.Paged(p, keyhatch.UserID, func(u keyhatch.User) string { return u.ID },
		func(p kernel.Page) ([]keyhatch.User, error) { return v.Users(ctx, seenBy, c.Token.Workspace, p) })
}

func keepAnAdmin(w *kernel.Work) error {
	n, err := w.ActiveAdmins(w.Ctx)
	if err != nil {
		return err
	}
	if n == 0 {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLastAdmin,
			"this is the last active installation admin: make another one first")
	}
	return nil
}

func checkUser(u keyhatch.User) error {
	if err := keyhatch.CheckName(u.Name); err != nil {
		return err
	}
	if err := keyhatch.CheckText("full_name", u.FullName); err != nil {
		return err
	}
	return keyhatch.CheckText("email", u.Email)
}
