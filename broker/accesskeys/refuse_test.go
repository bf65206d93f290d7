package accesskeys_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/driver"
)

var tooLong = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodePolicyTooLarge, "a policy of the store has room for one bucket")

// A store that refuses what a key is to be opens nothing with it, also what it was
// narrowed from, and ends the pairs that have ended. It is not asked again before something
// else is wanted; the key tells why, and works again when it is what the store takes.
func TestStoreRefusesToNarrow(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		ctx := t.Context()
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}, Write: []string{"yyy"}})
		settled()
		w.issue("key", 0)
		kept := w.issue("key", time.Hour)
		settled()
		wantHas(t, k, "at first", key.ID, "xxx:r[] yyy:w[] [THEIRS1 THEIRS2]")

		k.puts = 0
		k.mu.Lock()
		k.refuses = func(o driver.KeyOrder) bool { return len(o.Buckets) > 0 }
		k.mu.Unlock()
		_, err := w.Broker.AccessKeys.Update(ctx, w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{Read: []string{"yyy"}}})
		w.must(err)
		settled()
		wantHas(t, k, "narrowed to what is refused", key.ID, " [THEIRS1 THEIRS2]")
		time.Sleep(time.Hour)
		wantHas(t, k, "after the grace", key.ID, " [THEIRS2]")
		time.Sleep(time.Hour)
		now := w.key("key")
		if now.State != keyhatch.AccessKeyFailed || now.Reason != tooLong.Message || k.puts > 4 || len(now.Pairs) != 1 || now.Pairs[0].AccessKeyID != kept {
			t.Errorf("it is %+v, after %d orders", now, k.puts)
		}
		if _, _, err := w.Broker.AccessKeys.Issue(ctx, w.ann, "lab", "key", 0); code(err) != keyhatch.CodeKeyFailed || !strings.Contains(err.Error(), tooLong.Message) {
			t.Errorf("issuing: %v", err)
		}
		k.mu.Lock()
		k.refuses = nil
		k.mu.Unlock()
		name := "key"
		_, err = w.Broker.AccessKeys.Update(ctx, w.ann, "lab", "key", accesskeys.Change{Name: &name})
		w.must(err)
		settled()
		wantHas(t, k, "with the same rights, when the store takes them", key.ID, "yyy:r[] [THEIRS2]")
		_, err = w.Broker.AccessKeys.Update(ctx, w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{Read: []string{"xxx"}}})
		w.must(err)
		settled()
		wantHas(t, k, "with rights that it takes", key.ID, "xxx:r[] [THEIRS2]")
		if now := w.key("key"); now.State != keyhatch.AccessKeyConfigured || now.Reason != "" {
			t.Errorf("with rights that it takes it is %s: %s", now.State, now.Reason)
		}
	})
}

// Where a store takes no order at all, not even one that opens nothing, nobody works with
// the key: its pairs end, in the store and on record, with an event of each.
func TestStoreRefusesEverything(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}, Write: []string{"yyy"}})
		settled()
		pair := w.issue("key", 0)
		settled()
		k.mu.Lock()
		k.refuses = func(driver.KeyOrder) bool { return true }
		k.mu.Unlock()
		_, err := w.Broker.AccessKeys.Update(t.Context(), w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{}})
		w.must(err)
		settled()
		wantHas(t, k, "refused", key.ID, "xxx:r[] yyy:w[] []")
		if now := w.key("key"); now.State != keyhatch.AccessKeyFailed || len(now.Pairs) != 0 {
			t.Errorf("it is %s with %v", now.State, now.Pairs)
		}
		if all := w.events(key.ID, storekeys.Withdrawn); len(all) != 1 || all[0]["access_key_id"] != pair {
			t.Errorf("the events of ended pairs are %v", all)
		}
	})
}

// A store that does not take orders for a while ends pairs all the same, and the key tells
// how often it was tried and why that failed.
func TestStoreThatTakesNoOrdersEndsPairs(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		ctx := t.Context()
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		w.issue("key", 0)
		w.issue("key", time.Hour)
		settled()
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what == "put" && !done {
				return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "it may not put policies")
			}
			return nil
		}
		k.mu.Unlock()
		_, err := w.Broker.AccessKeys.Update(ctx, w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{Read: []string{"yyy"}}})
		w.must(err)
		time.Sleep(time.Hour + 10*time.Minute)
		wantHas(t, k, "after the grace", key.ID, "xxx:r[] [THEIRS2]")
		now := w.key("key")
		if now.State != keyhatch.AccessKeyPending || now.Attempts < 3 || now.LastError != "it may not put policies" {
			t.Errorf("it is %s after %d attempts: %q", now.State, now.Attempts, now.LastError)
		}
		list, err := w.Broker.AccessKeys.Keys(ctx, w.ann, accesskeys.Filter{Workspace: "lab"}, kernel.Page{})
		if err != nil || len(list.Items) != 1 || list.Items[0].LastError != now.LastError {
			t.Errorf("the list has %+v, %v", list.Items, err)
		}
		k.mu.Lock()
		k.breaks = func(context.Context, string, bool) error { return nil }
		k.mu.Unlock()
		time.Sleep(10 * time.Minute)
		wantHas(t, k, "when it takes them again", key.ID, "yyy:r[] [THEIRS2]")
		if now := w.key("key"); now.State != keyhatch.AccessKeyConfigured || now.Attempts != 0 || now.LastError != "" {
			t.Errorf("then it is %s after %d attempts: %q", now.State, now.Attempts, now.LastError)
		}
	})
}

// What is changed while the store is being asked stays pending, until the store has that.
func TestChangedMeanwhile(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		settled()
		var mu sync.Mutex
		states := []keyhatch.AccessKeyState{}
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what != "put" || done {
				return nil
			}
			state := w.key("key").State
			mu.Lock()
			states = append(states, state)
			first := len(states) == 1
			mu.Unlock()
			if first {
				_, err := w.Broker.AccessKeys.Update(t.Context(), w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{Read: []string{"xxx", "yyy"}}})
				w.must(err)
			}
			return nil
		}
		k.mu.Unlock()
		_, err := w.Broker.AccessKeys.Update(t.Context(), w.ann, "lab", "key", accesskeys.Change{Rights: &accesskeys.Rights{}})
		w.must(err)
		settled()
		mu.Lock()
		defer mu.Unlock()
		if want := []keyhatch.AccessKeyState{keyhatch.AccessKeyPending, keyhatch.AccessKeyPending}; !slices.Equal(states, want) {
			t.Errorf("when the store was asked, it was %q", states)
		}
		wantHas(t, k, "in the end", key.ID, "xxx:r[] yyy:r[] []")
		if now := w.key("key"); now.State != keyhatch.AccessKeyConfigured {
			t.Errorf("in the end it is %s", now.State)
		}
	})
}

// A store stays while a key is not gone from it, and says why it is not.
func TestStoreOfADeletedKey(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		ctx := t.Context()
		key := w.theirs("key", accesskeys.Rights{})
		settled()
		for _, bucket := range []string{"xxx", "yyy"} {
			w.must(w.Broker.Buckets.Unregister(ctx, w.Admin, "lab", bucket))
		}
		if err := w.Broker.Places.DeleteStore(ctx, w.Admin, "theirs"); code(err) != keyhatch.CodeInUse {
			t.Errorf("deleting the store of a key: %v", err)
		}
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what == "drop" && !done {
				return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse, "its user is in a group")
			}
			return nil
		}
		k.mu.Unlock()
		w.must(w.Broker.AccessKeys.Delete(ctx, w.ann, "lab", "key"))
		time.Sleep(time.Hour)
		if err := w.Broker.Places.DeleteStore(ctx, w.Admin, "theirs"); code(err) != keyhatch.CodeInUse {
			t.Errorf("deleting it while the key is there: %v", err)
		}
		if all := w.events(key.ID, storekeys.Failed); len(all) != 1 || all[0]["reason"] != "its user is in a group" {
			t.Errorf("the events are %v", all)
		}
		k.mu.Lock()
		k.breaks = func(context.Context, string, bool) error { return nil }
		k.mu.Unlock()
		time.Sleep(time.Hour)
		wantHas(t, k, "in the end", key.ID, "nothing")
		w.must(w.Broker.Places.DeleteStore(ctx, w.Admin, "theirs"))
	})
}

// A store that takes requests and answers none keeps no other waiting, and is given up
// each time.
func TestTarpit(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		ctx := t.Context()
		made, err := w.Broker.Credentials.Create(ctx, w.Admin, credentials.NewCredential{Name: "pit", Authority: keyhatch.AWSKeys("AKIA", "secret")})
		w.must(err)
		_, err = w.Broker.Places.CreateStore(ctx, w.Admin, places.NewStore{
			Name: "pit", Kind: keyhatch.S3Store, Endpoint: "https://pit.example", Credential: made.ID, Keys: keyhatch.KeysRGW,
		})
		w.must(err)
		for i := range 30 {
			_, err := w.Broker.AccessKeys.Create(ctx, w.ann, accesskeys.NewKey{Workspace: "lab", Store: "pit", Name: fmt.Sprint("stuck", i)})
			w.must(err)
		}
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		go w.Broker.StoreKeys.Reconcile(ctx)
		settled()
		key := w.theirs("key", accesskeys.Rights{Read: []string{"xxx"}})
		time.Sleep(5 * time.Second)
		wantHas(t, k, "beside it", key.ID, "xxx:r[] []")
		time.Sleep(10 * time.Minute)
		if stuck := w.key("stuck0"); stuck.State != keyhatch.AccessKeyPending || stuck.Attempts == 0 {
			t.Errorf("one at the tarpit is %s after %d attempts", stuck.State, stuck.Attempts)
		}
		if longest := time.Duration(w.pit.longest.Load()); longest == 0 || longest > 6*time.Minute {
			t.Errorf("it was waited for %s", longest)
		}
	})
}
