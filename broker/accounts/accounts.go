package accounts

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/driver"
)

// The events of store accounts.
const (
	Opened      keyhatch.Action = "store_account.open"
	Provisioned keyhatch.Action = "store_account.provision"
	Failed      keyhatch.Action = "store_account.fail"
	Suspended   keyhatch.Action = "store_account.suspend"
	Resumed     keyhatch.Action = "store_account.resume"
	Deleted     keyhatch.Action = "store_account.delete" // into the trash
	Restored    keyhatch.Action = "store_account.restore"
	Purged      keyhatch.Action = "store_account.purge"
)

// Service does the use cases.
type Service struct {
	k      *kernel.Kernel
	keeper driver.BucketKeeper
}

// New makes the service. keeper asks stores whether they answer.
func New(k *kernel.Kernel, keeper driver.BucketKeeper) *Service { return &Service{k, keeper} }

// Account is one with what the workspace has there.
type Account struct {
	keyhatch.StoreAccount
	keyhatch.AccountUsage
}

// Open asks for an account on a store, which a job provisions, or again for one that
// failed. Admins of the workspace only.
func (svc *Service) Open(ctx context.Context, c keyhatch.Caller, workspace, store string) (a keyhatch.StoreAccount, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		ws, err := w.WorkspaceFor(workspace)
		if err == nil {
			err = w.MustManage(ws.ID, keyhatch.CodeWorkspaceNotFound)
		}
		if err == nil {
			err = w.MustNotBeTask()
		}
		if err != nil {
			return err
		}
		s, err := StoreFor(w.View, ws.ID, store)
		if err != nil {
			return err
		}
		a, err = w.StoreAccountOn(ctx, ws.ID, s.ID)
		switch {
		case errors.Is(err, keyhatch.NotFound):
			a = keyhatch.StoreAccount{ID: keyhatch.NewID(keyhatch.StoreAccountID, w.Now), Workspace: ws.ID, Store: s.ID, State: keyhatch.AccountPending, CreatedAt: w.Now}
			err = w.Tx.InsertStoreAccount(ctx, a)
		case err != nil:
		case a.State == keyhatch.AccountFailed:
			a.State, a.Reason = keyhatch.AccountPending, ""
			err = w.Tx.UpdateStoreAccount(ctx, a)
		case !a.State.Opens():
			err = kernel.AccountOpens(a.State)
		default:
			err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeAccountExists, "the workspace has an account on the store already")
		}
		if err != nil {
			return err
		}
		if err := askProvision(w, a); err != nil {
			return err
		}
		return record(w, Opened, a)
	})
	return a, err
}

// record notes what became of an account.
func record(w *kernel.Work, what keyhatch.Action, a keyhatch.StoreAccount) error {
	return w.Record(what, a.Workspace, a.ID, kernel.Detail("store", a.Store, "state", string(a.State), "reason", a.Reason, "keep_until", kernel.TimeText(a.KeepUntil)))
}

// StoreFor finds a store on which the workspace can have something, for who sees it.
func StoreFor(v kernel.View, workspace, ref string) (keyhatch.Store, error) {
	s, err := v.FindStore(ref)
	if err == nil && s.Workspace != "" && s.Workspace != workspace {
		err = kernel.NotFound(keyhatch.CodeStoreNotFound)
	}
	if err == nil {
		err = v.MustSeeStore(s, keyhatch.CodeStoreNotFound)
	}
	if err != nil {
		return keyhatch.Store{}, err
	}
	return s, nil
}

// Ensure refuses to make something of a workspace on a store, unless its account there is
// provisioned. The workspace's admins get one where there is none.
func Ensure(w *kernel.Work, workspace, store string) error {
	a, err := w.StoreAccountOn(w.Ctx, workspace, store)
	if !errors.Is(err, keyhatch.NotFound) {
		if err == nil {
			err = kernel.AccountServes(a)
		}
		return err
	}
	role, err := w.Role(workspace)
	if err == nil && !role.Manages() {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted, "the workspace has no account on the store yet: ask one of its admins to open one").In("store")
	}
	if err != nil {
		return err
	}
	a = keyhatch.StoreAccount{
		ID: keyhatch.NewID(keyhatch.StoreAccountID, w.Now), Workspace: workspace, Store: store, State: keyhatch.AccountProvisioned,
		ProvisionedAt: w.Now, CreatedAt: w.Now,
	}
	if err := w.Tx.InsertStoreAccount(w.Ctx, a); err != nil {
		return err
	}
	return record(w, Opened, a)
}

// Account returns one account of a workspace that the caller belongs to, by its id, or by
// the id or name of its store. One on a store of a teamspace is for who sees that.
func (svc *Service) Account(ctx context.Context, c keyhatch.Caller, workspace, ref string) (Account, error) {
	v := svc.k.View(ctx, c)
	a, err := visible(v, workspace, ref)
	if err != nil {
		return Account{}, err
	}
	return withUsage(v, a)
}

func withUsage(v kernel.View, a keyhatch.StoreAccount) (Account, error) {
	u, err := v.AccountUsage(v.Ctx, a.Workspace, a.Store)
	return Account{a, u}, err
}

// Accounts lists a workspace's accounts, for its members as Account does.
func (svc *Service) Accounts(ctx context.Context, c keyhatch.Caller, workspace string, p kernel.Page) (kernel.List[Account], error) {
	v := svc.k.View(ctx, c)
	ws, err := v.MemberWorkspace(workspace)
	if err != nil {
		return kernel.List[Account]{}, err
	}
	role, err := v.Role(ws.ID)
	if err != nil {
		return kernel.List[Account]{}, err
	}
	seenBy := c.User.ID
	if role.Manages() {
		seenBy = ""
	}
	return kernel.Paged(p, keyhatch.StoreAccountID, func(a Account) string { return a.ID }, func(p kernel.Page) (out []Account, err error) {
		found, err := v.StoreAccounts(ctx, ws.ID, seenBy, p)
		for _, a := range found {
			if err != nil {
				break
			}
			var whole Account
			whole, err = withUsage(v, a)
			out = append(out, whole)
		}
		return out, err
	})
}

func visible(v kernel.View, workspace, ref string) (a keyhatch.StoreAccount, err error) {
	if _, ok := keyhatch.IDPayload(keyhatch.StoreAccountID, ref); ok {
		if a, err = v.StoreAccount(v.Ctx, ref); err == nil {
			err = v.MustBelong(a.Workspace, keyhatch.CodeAccountNotFound)
		}
	} else {
		var ws keyhatch.Workspace
		if ws, err = v.MemberWorkspace(workspace); err != nil {
			return a, err
		}
		var s keyhatch.Store
		if s, err = StoreFor(v, ws.ID, ref); err == nil {
			a, err = v.StoreAccountOn(v.Ctx, ws.ID, s.ID)
		}
	}
	if err == nil {
		_, err = StoreFor(v, a.Workspace, a.Store)
	}
	if errors.Is(err, keyhatch.NotFound) {
		err = kernel.NotFound(keyhatch.CodeAccountNotFound)
	}
	if err != nil {
		return keyhatch.StoreAccount{}, err
	}
	return a, nil
}
