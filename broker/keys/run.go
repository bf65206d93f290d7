package keys

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/seal"
)

// tidyEvery is how often it is looked whether an old key may go.
const tidyEvery = time.Minute

// running is what Run remembers of what it has seen. Times that matter are taken by
// this process's own clock, from when it saw something first: clocks of machines
// differ, and a key that is used too late does no harm.
type running struct {
	since map[seen]time.Time
	stuck map[string]bool // rows that do not open, of which the log has told
}

type seen struct {
	keyset string
	key    uint32
	state  keyhatch.KeyState
}

func newRunning() running { return running{since: map[seen]time.Time{}, stuck: map[string]bool{}} }

// Run does what follows from new keys, until ctx ends. Several processes may do it
// on one database: each step holds whoever takes it.
func (svc *Service) Run(ctx context.Context) {
	for {
		next, err := svc.Step(ctx)
		if err != nil && ctx.Err() == nil {
			svc.log.ErrorContext(ctx, "the data keys cannot be looked after", "error", err)
			next = tidyEvery
		}
		timer := time.NewTimer(next)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-svc.wake:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// Step does all that can be done now, and tells when to look again. Only one may run
// in a process at a time.
func (svc *Service) Step(ctx context.Context) (next time.Duration, err error) {
	next = tidyEvery
	if err := svc.k.Keys.Reload(ctx); err != nil {
		return next, err
	}
	for _, name := range Rotatable {
		wait, err := svc.promote(ctx, name)
		if err != nil {
			return next, err
		}
		next = min(next, wait)
	}
	if err := svc.reseal(ctx); err != nil {
		return next, err
	}
	wait, err := svc.drop(ctx)
	return min(next, wait), err
}

// wait tells how long something that is so now has to be so still, to have been so for
// long enough.
func (svc *Service) wait(s seen, enough time.Duration) time.Duration {
	now := time.Now()
	if _, ok := svc.run.since[s]; !ok {
		svc.run.since[s] = now
	}
	return svc.run.since[s].Add(enough).Sub(now)
}

// promote has the newest key of a keyset used, when every process knows it by now.
func (svc *Service) promote(ctx context.Context, name string) (wait time.Duration, err error) {
	keys := svc.k.Keys.Keys(name)
	newest, before := keys[len(keys)-1], primary(keys)
	if newest.Primary {
		return tidyEvery, nil
	}
	if wait := svc.wait(seen{name, newest.ID, keyhatch.ComingKey}, svc.pace.Settle); wait > 0 {
		return wait, nil
	}
	changed, err := svc.k.Keys.WithPrimary(name, newest.ID)
	if err != nil {
		return 0, err
	}
	err = svc.change(ctx, changed, func(tx *db.Tx, now time.Time) (keyhatch.Event, error) {
		was, err := recordOf(ctx, tx, changed.Old, before)
		if err != nil {
			return keyhatch.Event{}, err
		}
		was.RetiredAt = now
		return keyhatch.Event{Action: Used, Detail: kernel.Detail("key", KeyText(newest.ID), "instead_of", KeyText(before))}, tx.PutDataKey(ctx, was)
	})
	if err != nil {
		return svc.pace.Settle, err
	}
	svc.log.InfoContext(ctx, "a new data key is used", "keyset", name, "key", KeyText(newest.ID), "instead_of", KeyText(before))
	return 0, svc.tellOld(ctx, name)
}

// tellOld has the log say when the old keys of a keyset may go.
func (svc *Service) tellOld(ctx context.Context, name string) error {
	all, err := svc.keys(ctx, svc.k.DB.Reader, svc.k.Now())
	for _, k := range all {
		if k.Keyset == name && k.State == keyhatch.OldKey {
			svc.log.InfoContext(ctx, "an old data key goes by itself, when nothing needs it and not before that time",
				"keyset", name, "key", KeyText(k.ID), "needed_by", k.NeededBy, "not_before", k.Until)
		}
	}
	return err
}

// recordOf is what is on record about a key. The first one of a keyset is as old as
// that.
func recordOf(ctx context.Context, r *db.Tx, set keyhatch.Keyset, id uint32) (db.DataKey, error) {
	all, err := r.DataKeys(ctx)
	for _, k := range all {
		if k.Keyset == set.Name && k.ID == id {
			return k, err
		}
	}
	return db.DataKey{Keyset: set.Name, ID: id, CreatedAt: set.CreatedAt}, err
}

// change stores a keyset with its event, and takes it into memory. Of two processes
// that do the same one finds it done: that is no error.
func (svc *Service) change(ctx context.Context, c seal.Replacement, act func(*db.Tx, time.Time) (keyhatch.Event, error)) error {
	err := svc.k.DB.Write(ctx, func(tx *db.Tx) error {
		if err := tx.ReplaceKeyset(ctx, c.Old, c.New); err != nil {
			return err
		}
		now := svc.k.Now()
		e, err := act(tx, now)
		if err != nil {
			return err
		}
		e.ID, e.At, e.Target = keyhatch.NewID(keyhatch.EventID, now), now, c.New.Name
		return tx.Record(ctx, e)
	})
	if err != nil && !errors.Is(err, keyhatch.Conflict) {
		return err
	}
	return svc.k.Keys.Reload(ctx)
}

// drop removes old keys that nothing needs any more.
func (svc *Service) drop(ctx context.Context) (wait time.Duration, err error) {
	wait = tidyEvery
	old := slices.ContainsFunc(Rotatable, func(name string) bool { return !svc.k.Keys.Keys(name)[0].Primary })
	if !old { // nothing is to be counted
		return wait, nil
	}
	all, err := svc.keys(ctx, svc.k.DB.Reader, svc.k.Now())
	if err != nil {
		return wait, err
	}
	for _, k := range all {
		if k.State != keyhatch.OldKey {
			continue
		}
		if rest := svc.wait(seen{k.Keyset, k.ID, k.State}, svc.pace.Grace); rest > 0 {
			wait = min(wait, rest)
			continue
		}
		now := svc.k.Now()
		if k.NeededBy > 0 || now.Before(k.Until) {
			continue
		}
		if err := svc.dropKey(ctx, k); err != nil {
			return wait, err
		}
	}
	return wait, nil
}

// errStillNeeded: something was sealed with the key after it was counted.
var errStillNeeded = errors.New("the key is still needed")

func (svc *Service) dropKey(ctx context.Context, k keyhatch.DataKey) error {
	changed, err := svc.k.Keys.Without(k.Keyset, k.ID)
	if err != nil {
		return err
	}
	err = svc.change(ctx, changed, func(tx *db.Tx, now time.Time) (keyhatch.Event, error) {
		if err := svc.need(ctx, tx.Reader, &k, now); err != nil {
			return keyhatch.Event{}, err
		}
		if k.NeededBy > 0 || now.Before(k.Until) {
			return keyhatch.Event{}, errStillNeeded
		}
		return keyhatch.Event{Action: Dropped, Detail: kernel.Detail("key", KeyText(k.ID))}, tx.DropDataKey(ctx, k.Keyset, k.ID, now)
	})
	if errors.Is(err, errStillNeeded) {
		return nil
	}
	if err != nil {
		return err
	}
	svc.log.InfoContext(ctx, "an old data key is gone: nothing needed it any more", "keyset", k.Keyset, "key", KeyText(k.ID))
	return nil
}
