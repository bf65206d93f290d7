package kernel

import (
	"errors"

	"github.com/keyhatch/keyhatch"
)

// MustOpen refuses what rests on the account of a workspace on a store, if that opens
// nothing, or there is none.
func (v View) MustOpen(workspace, store string) error {
	a, err := v.StoreAccountOn(v.Ctx, workspace, store)
	if err != nil && !errors.Is(err, keyhatch.NotFound) {
		return err
	}
	return AccountOpens(a.State)
}

// AccountOpens refuses what rests on an account of a state that opens nothing.
func AccountOpens(s keyhatch.AccountState) error {
	switch {
	case s.Opens():
		return nil
	case s == keyhatch.AccountTrash:
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeAccountInTrash,
			"the workspace's account on the store is in the trash: an admin of the workspace can restore it")
	case s == keyhatch.AccountSuspended:
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeAccountSuspended,
			"the workspace's account on the store is suspended: ask an installation admin")
	}
	return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeAccountNotReady, "the workspace has no account on the store")
}

// AccountServes refuses to make anything on an account that the store has not been seen to
// answer for.
func AccountServes(a keyhatch.StoreAccount) error {
	switch a.State {
	case keyhatch.AccountProvisioned:
		return nil
	case keyhatch.AccountPending:
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeAccountNotReady,
			"the workspace's account on the store is being provisioned: try again soon")
	case keyhatch.AccountFailed:
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeAccountNotReady,
			"the workspace's account on the store could not be provisioned: keyhatch store-account show tells why, and opening it tries again")
	}
	return AccountOpens(a.State)
}
