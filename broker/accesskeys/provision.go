package accesskeys

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/mirror"
	"github.com/keyhatch/keyhatch/policy"
)

// Provisioning is the kind of jobs that bring a key into the store that keeps it, as it
// is to be now, or out of it. Their detail is the store's id.
const Provisioning keyhatch.JobKind = "access_key"

// The events of what a store has done with a key.
const (
	Configured keyhatch.Action = "access_key.configured"
	Failed     keyhatch.Action = "access_key.failed"
)

// wanted is what a store is to have of a key.
type wanted struct {
	Order driver.KeyOrder
	Kept  []string // access key ids of the pairs that work
}

// digest tells one wanted from another.
func (w wanted) digest() string {
	text, err := json.Marshal(w) // texts, lists and truth values always encode
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// wants tells what the store is to have of a key at the time.
func wants(k keyhatch.AccessKey, facts policy.KeyFacts, now time.Time) (w wanted, err error) {
	w.Order.Key = k.ID
	open, err := policy.StandingKey(k, facts, now)
	switch {
	case errors.Is(err, policy.ErrKeyEnded): // it may come back with its owner
		return w, nil
	case err != nil:
		return w, err
	}
	w.Order.SeesAll = k.Rights.SeeAll && len(open) > 0 && len(open) == len(facts.BucketsOn(k.Workspace, k.Store))
	for _, o := range open {
		writes := o.Access == keyhatch.Write
		right := driver.BucketRight{Bucket: o.Bucket, Read: o.Access != "" && !o.WriteOnly, Write: writes, Locked: slices.Clone(o.Locked)}
		slices.Sort(right.Locked)
		w.Order.Buckets = append(w.Order.Buckets, right)
	}
	slices.SortFunc(w.Order.Buckets, func(a, b driver.BucketRight) int { return strings.Compare(a.Bucket, b.Bucket) })
	for _, p := range k.Pairs {
		if p.EndsAt.IsZero() || now.Before(p.EndsAt) {
			w.Kept = append(w.Kept, p.AccessKeyID)
		}
	}
	slices.Sort(w.Kept)
	return w, nil
}

// ask has a key brought into its store, when that keeps it. It is part of the change that
// it is asked for by.
func (svc *Service) ask(w *kernel.Work, k keyhatch.AccessKey) error {
	store, err := w.Store(w.Ctx, k.Store)
	if err != nil || store.Keys == keyhatch.KeysOwn {
		return err
	}
	return w.Tx.AskJob(w.Ctx, provisioning(k, w.Now))
}

// pending is ask for a key that is changed, and says so in it.
func (svc *Service) pending(w *kernel.Work, k *keyhatch.AccessKey) error {
	store, err := w.Store(w.Ctx, k.Store)
	if err != nil || store.Keys == keyhatch.KeysOwn {
		return err
	}
	k.State, k.Reason = keyhatch.AccessKeyPending, ""
	return svc.ask(w, *k)
}

func provisioning(k keyhatch.AccessKey, now time.Time) keyhatch.Job {
	return keyhatch.Job{ID: keyhatch.NewID(keyhatch.JobID, now), Workspace: k.Workspace, Kind: Provisioning, Subject: k.ID, Detail: k.Store, CreatedAt: now}
}

// Provision does a job: the store of a key gets it as it is to be now. Afterwards the key
// is configured or has failed, or is gone from the store too.
func (svc *Service) Provision(ctx context.Context, j keyhatch.Job) error {
	store, err := svc.k.DB.Store(ctx, j.Detail)
	if errors.Is(err, keyhatch.NotFound) { // no key is on it any more
		return nil
	}
	if err != nil {
		return err
	}
	keeper, ok := svc.keepers[store.Keys]
	if !ok {
		return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreUnsupported, "this process cannot reach stores with such keys")
	}
	key, err := svc.k.DB.AccessKey(ctx, j.Subject)
	if errors.Is(err, keyhatch.NotFound) {
		return keeper.Drop(ctx, store, j.Subject)
	}
	if err != nil {
		return err
	}
	if err := svc.k.Mirror.CatchUp(ctx); err != nil {
		return err
	}
	var want wanted
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) (err error) {
		want, err = wants(key, image, svc.k.Now())
		return err
	})
	if err != nil {
		return err
	}
	return svc.settle(ctx, key, want, svc.bring(ctx, keeper, store, key, want))
}

// bring makes the store have what is wanted. While a pair is being issued none is ended:
// the new one is not on record yet.
func (svc *Service) bring(ctx context.Context, keeper driver.KeyProvisioner, store keyhatch.Store, key keyhatch.AccessKey, want wanted) error {
	if err := keeper.Put(ctx, store, want.Order); err != nil {
		return err
	}
	if svc.k.Now().Before(key.IssuingUntil) {
		return nil
	}
	return keeper.Withdraw(ctx, store, key.ID, want.Kept)
}

// settle writes down what has become of a key. A store that refuses is not asked again
// until something else is wanted.
func (svc *Service) settle(ctx context.Context, was keyhatch.AccessKey, want wanted, brought error) error {
	state, reason := keyhatch.AccessKeyConfigured, ""
	if brought != nil {
		var e *keyhatch.Error
		if !errors.As(brought, &e) || e.Kind != keyhatch.Conflict {
			return brought
		}
		state, reason = keyhatch.AccessKeyFailed, e.Message
	}
	err := svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
		key, err := w.AccessKey(ctx, was.ID)
		if errors.Is(err, keyhatch.NotFound) { // deleting it has asked for another job
			return errNothingNew
		}
		if err != nil {
			return err
		}
		before := key
		key.State, key.Reason, key.Applied = state, reason, want.digest()
		if key.State == before.State && key.Reason == before.Reason && key.Applied == before.Applied {
			return errNothingNew
		}
		if err := w.Tx.UpdateAccessKey(ctx, key); err != nil {
			return err
		}
		what := Configured
		if state == keyhatch.AccessKeyFailed {
			what = Failed
		}
		return w.Record(what, key.Workspace, key.ID, kernel.Detail("name", key.Name, "reason", reason))
	})
	if errors.Is(err, errNothingNew) {
		err = nil
	}
	return err
}

var errNothingNew = errors.New("nothing has changed")

// followEvery is how often it is looked whether stores have what they are to have.
const followEvery = time.Second

// Follow has stores that keep keys themselves follow the present, until ctx ends: what an
// owner loses, a lock, a new bucket, the end of a pair or of a key.
func (svc *Service) Follow(ctx context.Context) {
	tick := time.NewTicker(followEvery)
	defer tick.Stop()
	asked := map[string]string{} // digests by key
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := svc.askForAll(ctx, asked); err != nil && ctx.Err() == nil {
			svc.log.WarnContext(ctx, "it cannot be told what stores are to have of access keys", "error", err)
		}
	}
}

// askForAll asks for the keys of which stores have something else than they are to have,
// once for each thing that they are to have.
func (svc *Service) askForAll(ctx context.Context, asked map[string]string) error {
	var stale []keyhatch.AccessKey
	err := svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
		now := svc.k.Now()
		for k := range image.AccessKeys() {
			store, err := image.Store(k.Store)
			if err != nil || store.Keys == keyhatch.KeysOwn {
				continue
			}
			want, err := wants(k, image, now)
			if err != nil {
				return err
			}
			if digest := want.digest(); digest != k.Applied && digest != asked[k.ID] {
				asked[k.ID] = digest
				stale = append(stale, k)
			}
		}
		return nil
	})
	if err != nil || len(stale) == 0 {
		return err
	}
	defer svc.kick()
	return svc.k.DB.Write(ctx, func(tx *db.Tx) error {
		now := svc.k.Now()
		for _, k := range stale {
			if err := tx.AskJob(ctx, provisioning(k, now)); err != nil {
				return err
			}
		}
		return nil
	})
}
