package storekeys

import (
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
	"github.com/keyhatch/keyhatch/policy"
)

// orderOf is what a store is to have of a key at the time. A key that has ended, or whose
// owner is inactive, opens nothing and stays: either may be taken back.
func orderOf(k keyhatch.AccessKey, facts policy.KeyFacts, now time.Time) (driver.KeyOrder, error) {
	order := driver.KeyOrder{Key: k.ID}
	open, err := policy.StandingKey(k, facts, now)
	switch {
	case errors.Is(err, policy.ErrKeyEnded):
		return order, nil
	case err != nil:
		return order, err
	}
	order.Until = k.ExpiresAt
	order.SeesAll = k.Rights.SeeAll && len(open) > 0 && len(open) == len(facts.BucketsOn(k.Workspace, k.Store))
	for _, o := range open {
		right := driver.BucketRight{
			Bucket: o.Bucket, Read: o.Access != "" && !o.WriteOnly, Write: o.Access == keyhatch.Write, Locked: slices.Clone(o.Locked),
		}
		slices.Sort(right.Locked)
		right.Confined = slices.SortedFunc(slices.Values(o.Confined), func(a, b policy.Confined) int { return strings.Compare(string(a.Prefix), string(b.Prefix)) })
		order.Buckets = append(order.Buckets, right)
	}
	slices.SortFunc(order.Buckets, func(a, b driver.BucketRight) int { return strings.Compare(a.Bucket, b.Bucket) })
	return order, nil
}

// digest tells one order from another.
func digest(order driver.KeyOrder) string {
	text, err := json.Marshal(order) // texts, lists, times and truth values always encode
	if err != nil {
		panic(err)
	}
	sum := sha256.Sum256(text)
	return hex.EncodeToString(sum[:])
}

// Provisioning is the kind of jobs that bring a key into the store that keeps it, as it
// is to be now, or out of it. Their detail is the store's id.
const Provisioning keyhatch.JobKind = "access_key"

// Job asks for a key to be brought into its store, not before the time.
func Job(k keyhatch.AccessKey, now, at time.Time) keyhatch.Job {
	return keyhatch.Job{
		ID: keyhatch.NewID(keyhatch.JobID, now), Workspace: k.Workspace, Store: k.Store, Kind: Provisioning, Subject: k.ID, Detail: k.Store, RunAt: at, CreatedAt: now,
	}
}

// Ask has a key brought into its store at once, when that keeps it. It is part of the
// change that it is asked for by.
func Ask(w *kernel.Work, k keyhatch.AccessKey) error {
	store, err := w.Store(w.Ctx, k.Store)
	if err != nil || !store.Keys.Kept() {
		return err
	}
	return w.Tx.AskJob(w.Ctx, Job(k, w.Now, time.Time{}))
}

// Follow is Ask for a change that the store has not made yet, and says so in the key,
// which is for the caller to write.
func Follow(w *kernel.Work, k *keyhatch.AccessKey) error {
	store, err := w.Store(w.Ctx, k.Store)
	if err != nil || !store.Keys.Kept() {
		return err
	}
	k.State, k.Reason = keyhatch.AccessKeyPending, ""
	k.Revision++
	return w.Tx.AskJob(w.Ctx, Job(*k, w.Now, time.Time{}))
}

// Relock has the stores that keep keys follow a lock that was set or taken away, in the
// change that does so: until its store has confirmed it, each key that may write there is
// pending, and so is the lock.
func Relock(w *kernel.Work, l keyhatch.Location) error {
	store, err := w.Store(w.Ctx, l.Store)
	if err != nil || !store.Keys.Kept() {
		return err
	}
	keys, err := w.AccessKeysWriting(w.Ctx, l.Workspace, l.Store, l.Bucket)
	if err != nil {
		return err
	}
	return followAll(w, keys)
}

// Reconfine has the stores that keep keys follow other networks of a location, in the change
// that sets them.
func Reconfine(w *kernel.Work, l keyhatch.Location) error {
	return FollowThose(w, db.AccessKeyFilter{Workspace: l.Workspace, Store: l.Store})
}

// FollowThose has the stores that keep keys follow a change that may concern these, in the
// change itself: it is durable with that that they are told, whatever ends then.
func FollowThose(w *kernel.Work, concerned db.AccessKeyFilter) error {
	keys, err := w.AccessKeys(w.Ctx, concerned, db.Everything)
	if err != nil {
		return err
	}
	return followAll(w, keys)
}

func followAll(w *kernel.Work, keys []keyhatch.AccessKey) error {
	for _, k := range keys {
		was := k.Revision
		if err := Follow(w, &k); err != nil {
			return err
		}
		if k.Revision == was { // no store keeps it
			continue
		}
		if err := w.Tx.UpdateAccessKeyState(w.Ctx, k); err != nil {
			return err
		}
	}
	return nil
}
