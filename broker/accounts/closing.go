package accounts

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/db"
)

// Suspend closes an account: what rests on it opens nothing until it is resumed, at our S3
// endpoint at once, and within seconds at a store that keeps keys. Installation admins only.
func (svc *Service) Suspend(ctx context.Context, c keyhatch.Caller, workspace, ref string) (keyhatch.StoreAccount, error) {
	return svc.change(ctx, c, workspace, ref, kernel.View.MustInstall, Suspended, func(w *kernel.Work, a *keyhatch.StoreAccount) error {
		if !a.State.Opens() {
			return kernel.AccountOpens(a.State)
		}
		a.State = keyhatch.AccountSuspended
		return followed(w, *a)
	})
}

// Resume opens a suspended account again. Installation admins only.
func (svc *Service) Resume(ctx context.Context, c keyhatch.Caller, workspace, ref string) (keyhatch.StoreAccount, error) {
	return svc.change(ctx, c, workspace, ref, kernel.View.MustInstall, Resumed, func(w *kernel.Work, a *keyhatch.StoreAccount) error {
		if a.State != keyhatch.AccountSuspended {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeAccountExists, "the account is not suspended")
		}
		if err := followed(w, *a); err != nil {
			return err
		}
		return reopen(w, a)
	})
}

// followed has the store follow, when it keeps the workspace's keys.
func followed(w *kernel.Work, a keyhatch.StoreAccount) error {
	return storekeys.FollowThose(w, db.AccessKeyFilter{Workspace: a.Workspace, Store: a.Store})
}

// reopen puts an account back to where it was before it was closed.
func reopen(w *kernel.Work, a *keyhatch.StoreAccount) error {
	a.State, a.Reason, a.KeepUntil = keyhatch.AccountProvisioned, "", time.Time{}
	if !a.ProvisionedAt.IsZero() {
		return nil
	}
	a.State = keyhatch.AccountPending
	return askProvision(w, *a)
}

// Delete puts an account with no buckets and no access keys into the trash, for
// keyhatch.TrashKept. Admins of the workspace only; a suspended one stays.
func (svc *Service) Delete(ctx context.Context, c keyhatch.Caller, workspace, ref string) (keyhatch.StoreAccount, error) {
	return svc.change(ctx, c, workspace, ref, nil, Deleted, func(w *kernel.Work, a *keyhatch.StoreAccount) error {
		if !a.State.Opens() {
			return kernel.AccountOpens(a.State)
		}
		if has, err := w.OnStoreAccount(ctx, a.Workspace, a.Store); err != nil || has {
			if err == nil {
				err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse, "the workspace has buckets or access keys on the store: delete those first")
			}
			return err
		}
		a.State, a.Reason, a.KeepUntil = keyhatch.AccountTrash, "", kernel.Stored(w.Now.Add(keyhatch.TrashKept))
		return askPurge(w, *a)
	})
}

// Restore takes an account out of the trash. Admins of the workspace only.
func (svc *Service) Restore(ctx context.Context, c keyhatch.Caller, workspace, ref string) (keyhatch.StoreAccount, error) {
	return svc.change(ctx, c, workspace, ref, nil, Restored, func(w *kernel.Work, a *keyhatch.StoreAccount) error {
		if err := mustBeTrash(*a); err != nil {
			return err
		}
		if err := w.Tx.ForgetJob(ctx, PurgeJob, a.ID); err != nil {
			return err
		}
		return reopen(w, a)
	})
}

func mustBeTrash(a keyhatch.StoreAccount) error {
	if a.State == keyhatch.AccountTrash {
		return nil
	}
	return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeAccountExists, "the account is not in the trash: delete it first")
}

// Purge removes an account from the trash before its time. Admins of the workspace only.
func (svc *Service) Purge(ctx context.Context, c keyhatch.Caller, workspace, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		a, err := managed(w, workspace, ref)
		if err == nil {
			err = mustBeTrash(a)
		}
		if err != nil {
			return err
		}
		return purge(w, a)
	})
}

func purge(w *kernel.Work, a keyhatch.StoreAccount) error {
	if err := w.Tx.ForgetJob(w.Ctx, PurgeJob, a.ID); err != nil {
		return err
	}
	if err := w.Tx.DeleteStoreAccount(w.Ctx, a); err != nil {
		return err
	}
	return record(w, Purged, a)
}

// managed finds an account and refuses who does not manage its workspace.
func managed(w *kernel.Work, workspace, ref string) (keyhatch.StoreAccount, error) {
	a, err := visible(w.View, workspace, ref)
	if err == nil {
		err = w.MustNotBeTask()
	}
	if err == nil {
		err = w.MustManage(a.Workspace, keyhatch.CodeAccountNotFound)
	}
	return a, err
}

// change does something to an account, with its event. may refuses who may manage the
// workspace and yet not do this; nil refuses none of them.
func (svc *Service) change(ctx context.Context, c keyhatch.Caller, workspace, ref string, may func(kernel.View) error, what keyhatch.Action, do func(*kernel.Work, *keyhatch.StoreAccount) error) (a keyhatch.StoreAccount, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if a, err = managed(w, workspace, ref); err != nil {
			return err
		}
		if may != nil {
			if err := may(w.View); err != nil {
				return err
			}
		}
		if err := do(w, &a); err != nil {
			return err
		}
		if err := w.Tx.UpdateStoreAccount(ctx, a); err != nil {
			return err
		}
		return record(w, what, a)
	})
	return a, err
}
