package accesskeys_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
)

// What a store has lost, or has of a key that is not on record, is put right at the start
// and on a schedule. A pair that ended there with its user ends on record too.
func TestReconcile(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key, other := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}}), w.theirs("other", accesskeys.Rights{Read: []string{"yyy"}})
		settled()
		pair, lost := w.issue("key", 0), w.issue("other", 0)
		time.Sleep(time.Hour)
		stray := keyhatch.NewID(keyhatch.KeyID, time.Now())
		k.mu.Lock()
		k.orders[stray], k.pairs[stray] = driver.KeyOrder{Key: stray}, []string{"STRAY"}
		k.pairs[key.ID] = append(k.pairs[key.ID], "STRAY2")
		delete(k.orders, other.ID) // with its pairs, as a user goes
		delete(k.pairs, other.ID)
		k.mu.Unlock()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Broker.StoreKeys.Reconcile(ctx)
		settled()
		wantHas(t, k, "of a key that is not on record", stray, "nothing")
		if all := w.events(stray, storekeys.Removed); len(all) != 1 || all[0]["store"] != key.Store || all[0]["reason"] != "it is on no record" {
			t.Errorf("the events of a key that is not on record are %v", all)
		}
		if all := w.events(key.ID, storekeys.Surplus); len(all) != 1 || all[0]["access_key_id"] != "STRAY2" || all[0]["reason"] != "nobody was handed it out" {
			t.Errorf("the events of a pair that is not on record are %v", all)
		}
		wantHas(t, k, "of one with a pair that is not", key.ID, "xxx:r[] ["+pair+"]")
		wantHas(t, k, "of one that was lost", other.ID, "yyy:r[] []")
		w.same(k, "of one that was lost", "other")
		if all := w.events(other.ID, storekeys.Withdrawn); len(all) != 1 || all[0]["access_key_id"] != lost {
			t.Errorf("the events of the lost pair are %v", all)
		}
		w.issue("other", 0)
		settled()
		w.same(k, "after another pair", "other")

		k.mu.Lock()
		k.orders[key.ID] = driver.KeyOrder{Key: key.ID} // its policy was lost, and nobody can see that
		delete(k.orders, other.ID)
		delete(k.pairs, other.ID)
		k.mu.Unlock()
		time.Sleep(2 * time.Hour)
		wantHas(t, k, "of one without its policy, hours later", key.ID, "xxx:r[] ["+pair+"]")
		wantHas(t, k, "of one that was lost again, hours later", other.ID, "yyy:r[] []")
		w.same(k, "of one that was lost again, hours later", "other")
	})
}

// That a pair which its store does not end is not on record is told once, however often it
// is tried, and what is known of it is not looked for among the key's events: all of
// them used to be read each time.
func TestSurplusIsToldOnce(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		first := w.issue("key", 0)
		settled()
		k.mu.Lock()
		k.pairs[key.ID] = append(k.pairs[key.ID], "STRAY")
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what == "withdraw" && !done {
				return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "not now")
			}
			return nil
		}
		k.mu.Unlock()
		_, _, err := w.Broker.AccessKeys.Issue(t.Context(), w.ann, "lab", "key", 0)
		if err == nil {
			t.Error("another pair was issued beside one that is not on record")
		}
		time.Sleep(5 * time.Minute)
		if all := w.events(key.ID, storekeys.Surplus); len(all) != 1 || all[0]["access_key_id"] != "STRAY" || all[0]["reason"] != "nobody was handed it out" {
			t.Errorf("a pair of which nothing is on record is told as %v", all)
		}

		w.must(w.DB.Write(t.Context(), func(tx *db.Tx) error { // as ends without an event of its own
			return errors.Join(tx.DeletePair(t.Context(), w.key("key"), first), tx.AskJob(t.Context(), storekeys.Job(w.key("key"), time.Now(), time.Time{})))
		}))
		time.Sleep(5 * time.Minute)
		if all := w.events(key.ID, storekeys.Surplus); len(all) != 2 || all[1]["access_key_id"] != first || all[1]["reason"] != "it had ended on record" {
			t.Errorf("with one that had ended on record they are told as %v", all)
		}

		w.SQL(t, "delete from events where target = $1", key.ID)
		time.Sleep(5 * time.Minute)
		if all := w.events(key.ID, storekeys.Surplus); len(all) != 0 {
			t.Errorf("without the key's events they are told again: %v", all)
		}
		k.mu.Lock()
		k.breaks = func(context.Context, string, bool) error { return nil }
		k.mu.Unlock()
		time.Sleep(5 * time.Minute)
		w.same(k, "in the end", "key")
	})
}

// A store that could not be compared at the start is asked again soon, and then less
// often: it used to be an hour later. From what it tells and takes back nothing is
// concluded.
func TestReconcileAgain(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		stray := keyhatch.NewID(keyhatch.KeyID, time.Now())
		var asked []time.Time
		k.mu.Lock()
		k.orders[stray] = driver.KeyOrder{Key: stray}
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what != "keys" || !done {
				return nil
			}
			k.mu.Lock()
			defer k.mu.Unlock()
			asked = append(asked, time.Now())
			return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the list was cut")
		}
		puts := k.puts
		k.mu.Unlock()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Broker.StoreKeys.Reconcile(ctx)
		time.Sleep(20 * time.Minute)
		k.mu.Lock()
		if len(asked) < 5 || len(asked) > 12 || asked[1].Sub(asked[0]) > 11*time.Second {
			t.Errorf("in 20 minutes it is asked %d times, at first after %s", len(asked), asked[1].Sub(asked[0]))
		}
		for i := range asked[:len(asked)-1] {
			if gap := asked[i+1].Sub(asked[i]); gap < 5*time.Second || gap > 11*time.Minute {
				t.Errorf("after the %dth time it is asked again after %s", i+1, gap)
			}
		}
		if k.puts != puts || len(k.orders) != 2 {
			t.Errorf("meanwhile %d puts were done, and there are %d keys", k.puts-puts, len(k.orders))
		}
		k.breaks = func(context.Context, string, bool) error { return nil }
		k.mu.Unlock()
		time.Sleep(11 * time.Minute)
		wantHas(t, k, "of a key that is not on record, when it answers", stray, "nothing")
	})
}

// A pair that a store does not list yet, because it was just issued, stays.
func TestReconcileWithAStoreThatIsBehind(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		pair := w.issue("key", 0)
		k.mu.Lock()
		k.pairs[key.ID] = nil
		k.mu.Unlock()
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Broker.StoreKeys.Reconcile(ctx)
		settled()
		k.mu.Lock()
		k.pairs[key.ID] = []string{pair}
		k.mu.Unlock()
		time.Sleep(3 * time.Hour)
		wantHas(t, k, "in the end", key.ID, "xxx:r[] ["+pair+"]")
		w.same(k, "in the end", "key")
	})
}

// What is to be and what was take turns: the store follows each time.
func TestStoreFollowsToAndFro(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key := w.theirs("key", accesskeys.Rights{ReadAll: true})
		settled()
		for range 4 {
			w.Member(t, w.lab, w.ann, keyhatch.MemberRole)
			settled()
			wantHas(t, k, "of who is no admin", key.ID, " []")
			w.Member(t, w.lab, w.ann, keyhatch.AdminRole)
			settled()
			wantHas(t, k, "of who is one", key.ID, "xxx:r[] yyy:r[] []")
		}
		// Also when it could not be written down at first that the store has to follow.
		mend := w.BreakCommits(t, "jobs")
		w.must(w.Broker.Buckets.Unregister(t.Context(), w.Admin, "lab", "yyy"))
		settled()
		mend()
		settled()
		wantHas(t, k, "without a bucket", key.ID, "xxx:r[] []")
	})
}

// TestS2_StoresThatListOthersKeys: a store can list what it likes, also keys that are of
// other stores. It hears nothing of them, what waits for their own store goes on waiting for that, and nothing of
// them is lost: the job of a key used to go to whatever store had listed it last.
func TestS2_StoresThatListOthersKeys(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		liar := newKeeper()
		w.Keepers[keyhatch.KeysRGW] = liar
		made, err := w.Broker.Credentials.Create(t.Context(), w.Admin, credentials.NewCredential{Name: "liar", Authority: keyhatch.AWSKeys("AKIB", "secret")})
		w.must(err)
		_, err = w.Broker.Places.CreateStore(t.Context(), w.Admin, places.NewStore{
			Name: "liar", Kind: keyhatch.S3Store, Endpoint: "https://s3.liar.example", Credential: made.ID, Keys: keyhatch.KeysRGW,
		})
		w.must(err)
		narrowed := w.theirs("narrowed", accesskeys.Rights{Read: []string{"xxx", "yyy"}})
		deleted, kept := w.theirs("deleted", accesskeys.Rights{Read: []string{"xxx"}}), w.theirs("kept", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		w.issue("narrowed", 0)
		w.issue("deleted", 0)
		pair := w.issue("kept", 0)
		time.Sleep(time.Hour)
		silent := errors.New("no answer")
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, _ bool) error {
			if what == "keys" {
				return nil
			}
			return silent
		}
		k.mu.Unlock()
		_, err = w.Broker.AccessKeys.Update(t.Context(), w.ann, "lab", "narrowed", accesskeys.Change{Rights: &accesskeys.Rights{Read: []string{"yyy"}}})
		w.must(err)
		w.must(w.Broker.AccessKeys.Delete(t.Context(), w.ann, "lab", "deleted"))
		stray := keyhatch.NewID(keyhatch.KeyID, time.Now())
		for _, id := range []string{narrowed.ID, deleted.ID, kept.ID, stray} {
			liar.orders[id] = driver.KeyOrder{Key: id}
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go w.Broker.StoreKeys.Reconcile(ctx)
		settled()
		liar.mu.Lock()
		if liar.puts != 0 {
			t.Errorf("the store was told of keys that are not its own: %+v", liar.orders)
		}
		liar.mu.Unlock()
		if got := liar.has(stray); got != "nothing" {
			t.Errorf("what is on no record is still there: %s", got)
		}
		k.mu.Lock()
		k.breaks = func(context.Context, string, bool) error { return nil }
		k.mu.Unlock()
		time.Sleep(10 * time.Minute) // until what failed is tried again
		k.mu.Lock()
		its := fmt.Sprint(k.pairs[narrowed.ID])
		k.mu.Unlock()
		wantHas(t, k, "narrowed", narrowed.ID, "yyy:r[] "+its)
		wantHas(t, k, "deleted", deleted.ID, "nothing")
		wantHas(t, k, "kept", kept.ID, "xxx:r[] ["+pair+"]")
		w.same(k, "kept", "kept")
		if got := w.key("narrowed"); got.State != keyhatch.AccessKeyConfigured {
			t.Errorf("the narrowed one is %s", got.State)
		}
	})
}
