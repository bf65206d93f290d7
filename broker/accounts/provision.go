package accounts

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// The jobs of accounts. They are of the installation: a workspace may go before.
const (
	ProvisionJob keyhatch.JobKind = "store_account.provision"
	PurgeJob     keyhatch.JobKind = "store_account.purge"
)

const (
	// answersWithin is how long a store has to answer.
	answersWithin = 20 * time.Second
	// maxSilences is how often it may stay silent until the account has failed.
	maxSilences = 5
)

// Jobs are the handlers of the jobs.
func (svc *Service) Jobs() map[keyhatch.JobKind]func(context.Context, keyhatch.Job) error {
	return map[keyhatch.JobKind]func(context.Context, keyhatch.Job) error{ProvisionJob: svc.provision, PurgeJob: svc.expire}
}

func askProvision(w *kernel.Work, a keyhatch.StoreAccount) error {
	return w.Tx.AskJob(w.Ctx, keyhatch.Job{ID: keyhatch.NewID(keyhatch.JobID, w.Now), Store: a.Store, Kind: ProvisionJob, Subject: a.ID, CreatedAt: w.Now})
}

func askPurge(w *kernel.Work, a keyhatch.StoreAccount) error {
	return w.Tx.AskJob(w.Ctx, keyhatch.Job{ID: keyhatch.NewID(keyhatch.JobID, w.Now), Kind: PurgeJob, Subject: a.ID, RunAt: a.KeepUntil, CreatedAt: w.Now})
}

// provision asks the store of a pending account whether it answers.
func (svc *Service) provision(ctx context.Context, j keyhatch.Job) error {
	a, err := svc.k.DB.StoreAccount(ctx, j.Subject)
	if errors.Is(err, keyhatch.NotFound) || err == nil && a.State != keyhatch.AccountPending {
		return nil
	}
	if err != nil {
		return err
	}
	store, err := svc.k.DB.Store(ctx, a.Store)
	if err != nil {
		return err
	}
	asking, cancel := context.WithTimeout(ctx, answersWithin)
	defer cancel()
	refused := svc.keeper.Answers(asking, store)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	if refused != nil && !errors.Is(refused, keyhatch.Conflict) && j.Attempts+1 < maxSilences {
		return refused
	}
	return svc.unlessChanged(ctx, a, func(w *kernel.Work) error {
		if refused != nil {
			a.State, a.Reason = keyhatch.AccountFailed, kernel.Said(refused)
			if err := w.Tx.UpdateStoreAccount(ctx, a); err != nil {
				return err
			}
			return record(w, Failed, a)
		}
		a.State, a.Reason, a.ProvisionedAt = keyhatch.AccountProvisioned, "", w.Now
		if err := w.Tx.UpdateStoreAccount(ctx, a); err != nil {
			return err
		}
		return record(w, Provisioned, a)
	})
}

// expire removes an account that has been in the trash for its time.
func (svc *Service) expire(ctx context.Context, j keyhatch.Job) error {
	a, err := svc.k.DB.StoreAccount(ctx, j.Subject)
	if errors.Is(err, keyhatch.NotFound) || err == nil && a.State != keyhatch.AccountTrash {
		return nil
	}
	if err != nil {
		return err
	}
	if svc.k.Now().Before(a.KeepUntil) { // it was restored and deleted again
		j.RunAt = a.KeepUntil
		return svc.k.DB.Write(ctx, func(tx *db.Tx) error { return tx.AskJob(ctx, j) })
	}
	return svc.unlessChanged(ctx, a, func(w *kernel.Work) error { return purge(w, a) })
}

// errChanged ends a change that nobody wants any more.
var errChanged = errors.New("the account was changed meanwhile")

// unlessChanged does something to an account that is as it was looked at.
func (svc *Service) unlessChanged(ctx context.Context, a keyhatch.StoreAccount, do func(*kernel.Work) error) error {
	err := svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
		now, err := w.StoreAccount(ctx, a.ID)
		if errors.Is(err, keyhatch.NotFound) || err == nil && now != a {
			return errChanged
		}
		if err != nil {
			return err
		}
		return do(w)
	})
	if errors.Is(err, errChanged) {
		return nil
	}
	return err
}
