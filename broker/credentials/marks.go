package credentials

import (
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// setMarks puts marks into a row that is about to be written. Those of which there is
// one are taken from the credential that has them.
func setMarks(w *kernel.Work, row *db.SealedCredential, m Marks) error {
	in := kernel.Place{Workspace: row.Workspace, Teamspace: row.Teamspace}
	if m.AllowedInTasks != nil && *m.AllowedInTasks != row.AllowedInTasks() {
		row.TasksSince = time.Time{}
		if *m.AllowedInTasks {
			row.TasksSince = w.Now
		}
	}
	kernel.Set(&row.Default, m.Default)
	kernel.Set(&row.Base, m.Base)
	if err := setAnyExternalID(w, row, m.AnyExternalID); err != nil {
		return err
	}
	if row.Base && row.Provider != keyhatch.AWS {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidCredential, "roles are assumed through credentials of AWS only").In("base")
	}
	if row.Default {
		err := takeFrom(w, row.ID, func(r db.Reader) (db.SealedCredential, error) {
			return r.DefaultCredential(w.Ctx, in, row.Provider)
		}, func(c *db.SealedCredential) { c.Default = false }, "default")
		if err != nil {
			return err
		}
	}
	if !row.Base {
		return nil
	}
	return takeFrom(w, row.ID, func(r db.Reader) (db.SealedCredential, error) { return r.BaseCredential(w.Ctx, in) },
		func(c *db.SealedCredential) { c.Base = false }, "base")
}

// setAnyExternalID is for installation admins: a workspace's own would let others in
// by a role that does not ask who sends us.
func setAnyExternalID(w *kernel.Work, row *db.SealedCredential, to *bool) error {
	if row.Kind != keyhatch.RoleCredential {
		row.AnyExternalID = false
	}
	switch {
	case to == nil || *to == row.AnyExternalID:
		return nil
	case row.Kind != keyhatch.RoleCredential:
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidCredential, "only roles have external ids").In("any_external_id")
	}
	if err := w.MustInstall(); *to && err != nil {
		return err
	}
	row.AnyExternalID = *to
	return nil
}

// takeFrom takes a mark from the other credential that has it, with an event of its
// own.
func takeFrom(w *kernel.Work, id string, find func(db.Reader) (db.SealedCredential, error), unset func(*db.SealedCredential), mark string) error {
	other, err := find(w.Reader)
	if errors.Is(err, keyhatch.NotFound) || err == nil && other.ID == id {
		return nil
	}
	if err != nil {
		return err
	}
	unset(&other)
	if err := w.Tx.UpdateCredential(w.Ctx, other); err != nil {
		return err
	}
	return w.Record(Updated, other.Workspace, other.ID, kernel.Detail("name", other.Name, "teamspace", other.Teamspace, mark, "passed on"))
}

// claim makes a role with its external id the workspace's own, so that nobody else
// has us act as that role with the same word (the confused deputy). It returns the
// mark under which the claim is kept; other authorities have none.
func (svc *Service) claim(w *kernel.Work, workspace string, a keyhatch.Authority) (string, error) {
	if a.Kind != keyhatch.RoleCredential {
		return "", nil
	}
	mark := svc.roleMark(a)
	owner, err := w.Tx.ClaimRole(w.Ctx, mark, workspace)
	if err == nil && owner != workspace {
		err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeRoleTaken, "%s", roleTaken).In("external_id")
	}
	return mark, err
}

const roleTaken = "another workspace acts as this role with this external id: put an external id of your own into the role's trust policy"

func (svc *Service) roleMark(a keyhatch.Authority) string {
	return svc.mark("role", a.Principal, a.Secret.Reveal())
}

// claimedElsewhere tells whether a role with its external id is another workspace's.
func (svc *Service) claimedElsewhere(v kernel.View, workspace string, a keyhatch.Authority) (bool, error) {
	if a.Kind != keyhatch.RoleCredential {
		return false, nil
	}
	owner, err := v.RoleOwner(v.Ctx, svc.roleMark(a))
	if errors.Is(err, keyhatch.NotFound) {
		return false, nil
	}
	return owner != workspace, err
}
