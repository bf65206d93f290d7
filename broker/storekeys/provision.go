package storekeys

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/mirror"
)

// lostAfter is how long a store may not know a pair yet that it has just issued. Later a
// pair that it does not list has ended there.
const lostAfter = 10 * time.Minute

// Provision does a job: the store of a key gets it as it is to be now, and has the pairs
// that are on record and no others. Afterwards the key is configured or has failed, or is
// gone from the store too.
//
// While the job is claimed nobody begins to issue a pair, and while one is being issued
// the job waits: calls about one key come one after the other, in whichever process.
func (svc *Service) Provision(ctx context.Context, j keyhatch.Job) error {
	store, err := svc.k.DB.Store(ctx, j.Detail)
	if err != nil {
		return err
	}
	key, missing := svc.k.DB.AccessKey(ctx, j.Subject)
	if missing == nil && key.Store != store.ID { // it is another's, and this one shall hear nothing of it
		return svc.askAgain(ctx, key)
	}
	at, err := svc.Keeper(store)
	if err != nil {
		return err
	}
	waits, err := false, missing
	if missing == nil {
		waits, err = svc.awaitIssue(ctx, j, key)
	}
	if errors.Is(err, keyhatch.NotFound) {
		return svc.drop(ctx, at, j, "it was deleted")
	}
	if err != nil || waits {
		return err
	}
	// What the store has is asked before what is on record: a pair that is listed and
	// not on record has no way to get there any more.
	there, err := at.Pairs(ctx, j.Subject)
	if err != nil {
		return err
	}
	var order driver.KeyOrder
	key, order, err = svc.present(ctx, j.Subject)
	pairs := pairsOf(key, there, svc.k.Now())
	if err == nil {
		err = svc.NoteSurplus(ctx, key, pairs.unknown())
	}
	if errors.Is(err, keyhatch.NotFound) {
		return svc.drop(ctx, at, j, "it was deleted")
	}
	if err != nil {
		return err
	}
	done, err := bring(ctx, at, order, pairs)
	if err != nil {
		return err
	}
	err = svc.settle(ctx, j, key, done)
	if errors.Is(err, db.ErrClaimLost) { // what this run did may have come after what the next one did
		return svc.askAgain(ctx, key)
	}
	return err
}

// askAgain has the job of a key run once more, at the key's own store.
func (svc *Service) askAgain(ctx context.Context, key keyhatch.AccessKey) error {
	return svc.k.DB.Write(ctx, func(tx *db.Tx) error { return tx.AskJob(ctx, Job(key, svc.k.Now(), time.Time{})) })
}

// awaitIssue tells whether a pair of the key is being issued, and has the job run again
// when that is over at the latest. What was begun and has not come to an end in its time
// is over: nobody can put its pair on record any more. Where none came on record that is
// an event, and the key is pending until its store has none of it.
func (svc *Service) awaitIssue(ctx context.Context, j keyhatch.Job, key keyhatch.AccessKey) (waits bool, err error) {
	if key.IssuingUntil.IsZero() {
		return false, nil
	}
	err = svc.k.ByItself(ctx, func(w *kernel.Work) error {
		if err := w.Tx.MustHoldJob(ctx, j); err != nil {
			return err
		}
		if key, err = w.AccessKey(ctx, j.Subject); err != nil {
			return err
		}
		if waits = w.Now.Before(key.IssuingUntil); waits {
			return w.Tx.AskJob(ctx, Job(key, w.Now, key.IssuingUntil))
		}
		if err := giveUp(w, &key); err != nil {
			return err
		}
		return w.Tx.UpdateAccessKeyState(ctx, key)
	})
	return waits, err
}

// giveUp ends the issuing of a pair whose time is over.
func giveUp(w *kernel.Work, key *keyhatch.AccessKey) error {
	begun := key.IssuingUntil.Add(-IssueFor)
	key.IssuingUntil = time.Time{}
	if begun.IsZero() || len(key.Pairs) > 0 && !key.Pairs[0].IssuedAt.Before(begun) {
		return nil
	}
	key.State = keyhatch.AccessKeyPending
	key.Revision++
	return w.Record(NotIssued, key.Workspace, key.ID, kernel.Detail("name", key.Name, "store", key.Store, "reason", "it came to no end in its time"))
}

// present is a key on record, and what the store is to have of it now.
func (svc *Service) present(ctx context.Context, id string) (key keyhatch.AccessKey, order driver.KeyOrder, err error) {
	if key, err = svc.k.DB.AccessKey(ctx, id); err != nil {
		return key, order, err
	}
	if err = svc.k.Mirror.CatchUp(ctx); err != nil {
		return key, order, err
	}
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		order, err = orderOf(key, image, svc.k.Now())
		return err
	})
	return key, order, err
}

// drop removes a key that is not on record from its store, with an event of why. What the
// store's people have to cure is told in an event, once, and tried until they have.
func (svc *Service) drop(ctx context.Context, at Keeper, j keyhatch.Job, why string) error {
	err := at.drop(ctx, j.Subject)
	if err == nil {
		return svc.k.ByItself(ctx, func(w *kernel.Work) error {
			return w.Record(Removed, j.Workspace, j.Subject, kernel.Detail("store", at.store.ID, "reason", why))
		})
	}
	var e *keyhatch.Error
	if j.Attempts > 0 || !errors.As(err, &e) || e.Kind != keyhatch.Conflict {
		return err
	}
	return errors.Join(err, svc.k.ByItself(ctx, func(w *kernel.Work) error {
		return w.Record(Failed, j.Workspace, j.Subject, kernel.Detail("store", at.store.ID, "reason", e.Message))
	}))
}

// pairSets are the pairs of a key as its store and the record have them.
type pairSets struct {
	there   []string // in the store
	surplus []string // in the store, and not to be there
	over    []string // on record, and their grace is over
	lost    []string // on record, and not in the store any more
}

func pairsOf(k keyhatch.AccessKey, there []string, now time.Time) pairSets {
	p := pairSets{there: there}
	var kept []string
	for _, pair := range k.Pairs {
		switch {
		case !pair.Live(now):
			p.over = append(p.over, pair.AccessKeyID)
			continue
		case !slices.Contains(there, pair.AccessKeyID) && now.Sub(pair.IssuedAt) > lostAfter:
			p.lost = append(p.lost, pair.AccessKeyID)
		}
		kept = append(kept, pair.AccessKeyID)
	}
	for _, id := range there {
		if !slices.Contains(kept, id) {
			p.surplus = append(p.surplus, id)
		}
	}
	return p
}

// unknown are those in the store that are not on record: of the others that are ended an
// event tells when they have.
func (p pairSets) unknown() []string {
	return slices.DeleteFunc(slices.Clone(p.surplus), func(id string) bool { return slices.Contains(p.over, id) })
}

// brought is what has become of a key in its store.
type brought struct {
	applied string // digest of what was ordered
	refusal string // why the store does not take it; it opens nothing there then
	pairs   pairSets
}

// bring makes the store have what is ordered, and ends pairs first, whatever becomes of the
// rest. In a store that refuses the order the key opens nothing: what it had before may be
// more than it is to have.
func bring(ctx context.Context, at Keeper, order driver.KeyOrder, pairs pairSets) (done brought, err error) {
	done = brought{applied: digest(order), pairs: pairs}
	withdrawn := at.Withdraw(ctx, order.Key, pairs.surplus)
	refused := at.put(ctx, order)
	var e *keyhatch.Error
	if refused == nil || !errors.As(refused, &e) || e.Kind != keyhatch.Conflict {
		return done, errors.Join(withdrawn, refused)
	}
	done.refusal = e.Message
	shut := at.put(ctx, driver.KeyOrder{Key: order.Key})
	if errors.Is(shut, keyhatch.Conflict) { // then nobody may work with it
		shut = at.Withdraw(ctx, order.Key, pairs.there)
		done.pairs.lost = append(done.pairs.lost, pairs.there...)
	}
	return done, errors.Join(withdrawn, shut)
}

// settle writes down what has become of a key, and has the job run again when the next
// of its pairs, or the key itself, ends. What was changed meanwhile, and has asked for
// another run, stays pending.
func (svc *Service) settle(ctx context.Context, j keyhatch.Job, was keyhatch.AccessKey, done brought) error {
	return svc.k.ByItself(ctx, func(w *kernel.Work) error {
		if err := w.Tx.MustHoldJob(ctx, j); err != nil {
			return err
		}
		key, err := w.AccessKey(ctx, was.ID)
		if errors.Is(err, keyhatch.NotFound) { // deleting it has asked for another run
			return nil
		}
		if err == nil {
			err = forgetPairs(w, &key, done.pairs)
		}
		if err != nil {
			return err
		}
		before := key
		key.Applied = done.applied
		if key.Revision == was.Revision {
			key.State, key.Reason = keyhatch.AccessKeyConfigured, done.refusal
			if done.refusal != "" {
				key.State = keyhatch.AccessKeyFailed
			}
		}
		if end := nextEnd(key, w.Now); !end.IsZero() {
			if err := w.Tx.AskJob(ctx, Job(key, w.Now, end)); err != nil {
				return err
			}
		}
		if key.State == before.State && key.Reason == before.Reason && key.Applied == before.Applied {
			return nil
		}
		if err := w.Tx.UpdateAccessKeyState(ctx, key); err != nil || key.Revision != was.Revision {
			return err // what was changed meanwhile its store has not confirmed
		}
		what := Configured
		if done.refusal != "" {
			what = Failed
		}
		return w.Record(what, key.Workspace, key.ID, kernel.Detail("name", key.Name, "reason", done.refusal))
	})
}

// forgetPairs removes what has ended in the store from the record, with an event of each.
func forgetPairs(w *kernel.Work, key *keyhatch.AccessKey, ended pairSets) error {
	for _, e := range []struct {
		ids []string
		why string
	}{{ended.over, "its grace is over"}, {ended.lost, "the store does not have it any more"}} {
		for _, id := range e.ids {
			at := slices.IndexFunc(key.Pairs, func(p keyhatch.IssuedPair) bool { return p.AccessKeyID == id })
			if at < 0 {
				continue
			}
			if err := EndPair(w, *key, id, e.why); err != nil {
				return err
			}
			key.Pairs = slices.Delete(key.Pairs, at, at+1)
		}
	}
	return nil
}

// nextEnd is when the first of a key's pairs ends that are there, or the key; zero: no
// time is set.
func nextEnd(k keyhatch.AccessKey, now time.Time) (next time.Time) {
	ends := []time.Time{k.ExpiresAt}
	for _, p := range k.Pairs {
		ends = append(ends, p.EndsAt)
	}
	for _, end := range ends {
		if end.After(now) && (next.IsZero() || end.Before(next)) {
			next = end
		}
	}
	return next
}
