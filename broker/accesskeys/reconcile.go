package accesskeys

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// reconcileEvery is how often stores that keep keys are compared with what is on record.
const reconcileEvery = time.Hour

// Reconcile compares stores that keep keys themselves with what is on record, at once and
// on a schedule until ctx ends. A key that is not on record goes from its store; each that
// is gets there anew what it is to be, as stores lose things.
func (svc *Service) Reconcile(ctx context.Context) {
	tick := time.NewTicker(reconcileEvery)
	defer tick.Stop()
	for {
		if err := svc.reconcile(ctx); err != nil && ctx.Err() == nil {
			svc.log.WarnContext(ctx, "stores could not be compared with the access keys on record", "error", err)
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (svc *Service) reconcile(ctx context.Context) error {
	stores, err := svc.k.DB.Stores(ctx, "", "", db.Everything)
	if err != nil {
		return err
	}
	for _, s := range stores {
		if svc.keepers[s.Keys] == nil {
			continue
		}
		if err := svc.reconcileStore(ctx, s); err != nil {
			svc.log.WarnContext(ctx, "a store could not be compared with the access keys on record", "store", s.Name, "error", err)
		}
	}
	return nil
}

// reconcileStore asks for a job for each key that the store has, and for each that it is
// to have. The store is asked first: a key that is made meanwhile is on record by then.
func (svc *Service) reconcileStore(ctx context.Context, s keyhatch.Store) error {
	there, err := svc.keepers[s.Keys].Keys(ctx, s)
	if err != nil {
		return err
	}
	here, err := svc.k.DB.AccessKeys(ctx, db.AccessKeyFilter{Store: s.ID}, db.Everything)
	if err != nil {
		return err
	}
	all := map[string]keyhatch.AccessKey{}
	for id := range there {
		all[id] = keyhatch.AccessKey{ID: id, Store: s.ID}
	}
	for _, k := range here {
		all[k.ID] = k
	}
	defer svc.kick()
	return svc.k.DB.Write(ctx, func(tx *db.Tx) error {
		for _, k := range all {
			if err := tx.AskJob(ctx, provisioning(k, svc.k.Now())); err != nil {
				return err
			}
		}
		return nil
	})
}
