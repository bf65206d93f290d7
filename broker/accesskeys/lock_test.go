package accesskeys_test

import (
	"context"
	"errors"
	"net/netip"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
)

// A lock is pending from the moment that it is set until the store has confirmed for each
// key that could write there that it cannot; keys that could not have no part in it.
func TestLockIsPending(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		ctx := t.Context()
		l, err := w.Broker.Places.CreateLocation(ctx, w.Admin, places.NewLocation{Workspace: "lab", Name: "raw", URL: "s3://xxx/raw/"})
		w.must(err)
		lock := func(to bool) keyhatch.Location {
			t.Helper()
			now, err := w.Broker.Places.UpdateLocation(ctx, w.Admin, "", l.ID, places.LocationChange{Locked: &to})
			w.must(err)
			return now
		}
		pending := func() bool {
			t.Helper()
			shown, err := w.Broker.Places.Location(ctx, w.Admin, "", l.ID)
			w.must(err)
			list, err := w.Broker.Places.Locations(ctx, w.Admin, "lab", kernel.Page{})
			if err != nil || len(list.Items) != 1 || list.Items[0].LockPending != shown.LockPending {
				t.Errorf("shown is %t, the list has %+v, %v", shown.LockPending, list.Items, err)
			}
			return shown.LockPending
		}
		w.theirs("reads", accesskeys.Rights{ReadAll: true, Write: []string{"yyy"}})
		settled()
		if now := lock(true); now.LockPending || pending() {
			t.Error("it is pending, and no key could write there")
		}
		lock(false)
		writes, all := w.theirs("writes", accesskeys.Rights{Write: []string{"xxx"}}), w.theirs("all", accesskeys.Rights{WriteAll: true})
		settled()
		away := errors.New("the store does not answer")
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what == "put" && !done {
				return away
			}
			return nil
		}
		k.mu.Unlock()
		if now := lock(true); !now.Locked || !now.LockPending {
			t.Errorf("as it is set, it is %+v", now)
		}
		time.Sleep(time.Hour)
		if !pending() {
			t.Error("it is not pending, and no key's rights were changed in the store")
		}
		if now := w.key("reads"); now.State != keyhatch.AccessKeyConfigured {
			t.Errorf("a key that does not write there is %s", now.State)
		}
		var once atomic.Bool
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, done bool) error {
			if what == "put" && !done {
				if once.Swap(true) {
					return away
				}
			}
			return nil
		}
		k.mu.Unlock()
		time.Sleep(20 * time.Minute)
		if !pending() {
			t.Error("it is not pending, and one of two keys was not changed in the store")
		}
		k.mu.Lock()
		k.breaks = func(context.Context, string, bool) error { return nil }
		k.mu.Unlock()
		time.Sleep(20 * time.Minute)
		if pending() {
			t.Error("it is pending for good")
		}
		wantHas(t, k, "locked", writes.ID, "xxx:w[raw/] []")
		wantHas(t, k, "locked", all.ID, "xxx:w[raw/] yyy:w[] []")
		if now := lock(false); now.LockPending {
			t.Error("what is not locked is pending")
		}
		settled()
		wantHas(t, k, "unlocked", writes.ID, "xxx:w[] []")

		// A key that has lost its right, or is deleted, writes there until its store knows.
		k.mu.Lock()
		k.breaks = func(_ context.Context, what string, _ bool) error {
			if what == "put" || what == "drop" {
				return away
			}
			return nil
		}
		k.mu.Unlock()
		_, err = w.Broker.AccessKeys.Update(ctx, w.ann, "lab", "writes", accesskeys.Change{Rights: &accesskeys.Rights{}})
		w.must(err)
		if now := lock(true); !now.LockPending {
			t.Error("it is not pending, and a key that has lost its right still writes there")
		}
		lock(false)
		for _, name := range []string{"writes", "all"} {
			w.must(w.Broker.AccessKeys.Delete(ctx, w.ann, "lab", name))
		}
		if now := lock(true); !now.LockPending {
			t.Error("it is not pending, and deleted keys still write there")
		}
		k.mu.Lock()
		k.breaks = func(context.Context, string, bool) error { return nil }
		k.mu.Unlock()
		time.Sleep(20 * time.Minute)
		if pending() {
			t.Error("it is pending when they have gone")
		}
	})
}

// TestDeletedLocationOpens: what a location has closed to keys, by its lock and its networks,
// is open to them again when the location is gone.
func TestDeletedLocationOpens(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		ctx, yes, here := t.Context(), true, []netip.Prefix{netip.MustParsePrefix("192.0.2.0/24")}
		for what, closed := range map[string]places.LocationChange{"locked": {Locked: &yes}, "for networks": {Networks: &here}} {
			l, err := w.Broker.Places.CreateLocation(ctx, w.Admin, places.NewLocation{Workspace: "lab", Name: "raw", URL: "s3://xxx/raw/"})
			w.must(err)
			key := w.theirs(what[:3], accesskeys.Rights{Write: []string{"xxx"}})
			settled()
			open := k.has(key.ID)
			_, err = w.Broker.Places.UpdateLocation(ctx, w.Admin, "", l.ID, closed)
			w.must(err)
			settled()
			if got := k.has(key.ID); got == open {
				t.Errorf("%s: the store has %q, as before", what, got)
			}
			w.must(w.Broker.Places.DeleteLocation(ctx, w.Admin, "", l.ID))
			settled()
			wantHas(t, k, what+", and deleted", key.ID, open)
		}
	})
}
