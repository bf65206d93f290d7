package storekeys

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

const (
	// reconcileEvery is how often stores that keep keys are compared with what is on
	// record, and reconcileAtOnce how many of them at a time.
	reconcileEvery  = time.Hour
	reconcileAtOnce = 8
	// retryFirst and retryLongest are how long a store is left alone at most that could
	// not be compared, at first and in the end.
	retryFirst   = 10 * time.Second
	retryLongest = 10 * time.Minute
	// askAtOnce is how many jobs are asked for in one transaction: others write too.
	askAtOnce = 200
	// maxSwept is how many keys of ours that are on nobody's record one look takes from a
	// store: what a store lists may be anything.
	maxSwept = 1000
)

// Sweeping is the kind of jobs that remove a key from a store that is not on record. They
// are apart from those of keys, since it is the store that says that there is such a key:
// their subject is the store's id and the key's, their detail the store's.
const Sweeping keyhatch.JobKind = "access_key.sweep"

func sweepJob(store, key string, now time.Time) keyhatch.Job {
	return keyhatch.Job{
		ID: keyhatch.NewID(keyhatch.JobID, now), Store: store, Kind: Sweeping, Subject: store + " " + key, Detail: store, CreatedAt: now,
	}
}

// Sweep does a job: a key goes from the store that is on record for no store. One that is
// on record for another one stays: both may be of one account, and list each other's.
func (svc *Service) Sweep(ctx context.Context, j keyhatch.Job) error {
	store, err := svc.k.DB.Store(ctx, j.Detail)
	if err != nil {
		return err
	}
	at, err := svc.Keeper(store)
	if err != nil {
		return err
	}
	_, id, _ := strings.Cut(j.Subject, " ")
	if _, err := svc.k.DB.AccessKey(ctx, id); !errors.Is(err, keyhatch.NotFound) {
		return err
	}
	j.Subject = id
	return svc.drop(ctx, at, j, "it is on no record")
}

// Reconcile compares stores that keep keys themselves with what is on record, at once and
// on a schedule until ctx ends. A key that is not on record goes from its store. One that
// the store does not have, or has with other pairs, is put right at once; each other one
// is put there anew some time before the next look, as stores lose policies too. A store
// that could not be compared is asked again, soon at first and then less often.
func (svc *Service) Reconcile(ctx context.Context) {
	looks := map[string]look{}
	for {
		wait := time.NewTimer(time.Until(svc.reconcile(ctx, looks)))
		select {
		case <-ctx.Done():
			wait.Stop()
			return
		case <-wait.C:
		}
	}
}

// look is when a store is compared next, and how often in a row that has failed.
type look struct {
	next   time.Time
	failed int
}

// after is the look that follows one.
func (l look) after(err error) look {
	if err == nil {
		return look{next: time.Now().Add(reconcileEvery)}
	}
	return look{time.Now().Add(backoff(l.failed)), l.failed + 1}
}

// backoff is how long a store is left alone that has failed, after so many failures
// before: half or more of a time that doubles, so that they do not come together again.
func backoff(failures int) time.Duration {
	most := retryLongest
	if failures < 16 {
		most = min(most, retryFirst<<failures)
	}
	return most/2 + rand.N(most/2)
}

// listing is the look at the list of stores, among those at the stores by their ids.
const listing = ""

// reconcile looks at all stores of which it is time, some at once: one that does not
// answer holds up the others for as long as listing takes at most. It returns when it is
// time again, and notes how it went in looks.
func (svc *Service) reconcile(ctx context.Context, looks map[string]look) (again time.Time) {
	stores, err := svc.k.DB.Stores(ctx, "", "", db.Everything)
	looks[listing] = looks[listing].after(err)
	if err != nil {
		svc.log.WarnContext(ctx, "stores could not be compared with the access keys on record", "error", err)
		return looks[listing].next
	}
	maps.DeleteFunc(looks, func(id string, _ look) bool { // of stores that were deleted
		return id != listing && !slices.ContainsFunc(stores, func(s keyhatch.Store) bool { return s.ID == id })
	})
	now := time.Now()
	room := make(chan struct{}, reconcileAtOnce)
	var mu sync.Mutex
	var all sync.WaitGroup
	for _, s := range stores {
		at, err := svc.Keeper(s)
		if err != nil || looks[s.ID].next.After(now) {
			continue
		}
		room <- struct{}{}
		all.Go(func() {
			defer func() { <-room }()
			err := svc.reconcileStore(ctx, at)
			if err != nil && ctx.Err() == nil {
				svc.log.WarnContext(ctx, "a store could not be compared with the access keys on record: it is asked again", "store", s.Name, "error", err)
			}
			mu.Lock()
			defer mu.Unlock()
			looks[s.ID] = looks[s.ID].after(err)
		})
	}
	all.Wait()
	again = looks[listing].next
	for _, l := range looks {
		if l.next.Before(again) {
			again = l.next
		}
	}
	return again
}

// reconcileStore asks for the jobs of a store. The store is asked first: a key that is
// made meanwhile is on record by then.
func (svc *Service) reconcileStore(ctx context.Context, at Keeper) error {
	there, err := at.keys(ctx)
	if err != nil {
		return err
	}
	here, err := svc.k.DB.AccessKeys(ctx, db.AccessKeyFilter{Store: at.store.ID}, db.Everything)
	if err != nil {
		return err
	}
	waiting, err := svc.k.DB.JobsNaming(ctx, at.store.ID)
	if err != nil {
		return err
	}
	due := map[string]bool{} // those for which a job runs at once, or when it may again
	now := svc.k.Now()
	for _, j := range waiting {
		due[j.Subject] = j.Attempts > 0 || !j.RunAt.After(now)
	}
	var asked []keyhatch.Job
	for _, k := range here {
		pairs, is := there[k.ID]
		delete(there, k.ID)
		switch {
		case due[k.ID]:
		case !is, !samePairs(k, pairs), k.State == keyhatch.AccessKeyPending:
			asked = append(asked, Job(k, now, time.Time{}))
		default:
			asked = append(asked, Job(k, now, now.Add(rand.N(reconcileEvery))))
		}
	}
	for id := range there {
		if sweep := sweepJob(at.store.ID, id, now); !due[id] && !due[sweep.Subject] {
			asked = append(asked, sweep)
		}
		if len(asked) > len(here)+maxSwept {
			break // the next look goes on
		}
	}
	defer svc.kick()
	for some := range slices.Chunk(asked, askAtOnce) {
		err := svc.k.DB.Write(ctx, func(tx *db.Tx) error {
			for _, j := range some {
				if err := tx.AskJob(ctx, j); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// samePairs tells whether a store has the pairs that are on record, also those whose
// grace is over.
func samePairs(k keyhatch.AccessKey, there []string) bool {
	var here []string
	for _, p := range k.Pairs {
		here = append(here, p.AccessKeyID)
	}
	slices.Sort(here)
	return slices.Equal(here, slices.Sorted(slices.Values(there)))
}
