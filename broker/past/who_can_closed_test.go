package past_test

import (
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
)

// TestBucketForAllKeys: one that is made open to all keys is so from the event of its
// making on; that had left it out.
func TestBucketForAllKeys(t *testing.T) {
	inLab(t, func(w *lab) {
		yes := true
		w.newKey(w.Admin, "any", accesskeys.Rights{})
		made, err := w.Broker.Buckets.Create(w.ctx, w.Admin, buckets.NewBucket{
			Workspace: "lab", Store: w.Store.ID, Name: "for-all", Change: buckets.Change{AllKeysRead: &yes},
		})
		w.must(err)
		if made.State != keyhatch.BucketConfigured {
			t.Fatalf("it is %s", made.State)
		}
		time.Sleep(time.Minute)
		w.wantKeys("s3://for-all/", keyhatch.Read, time.Time{}, "any of admin [all_keys][installation_admin workspace_admin bucket_owner]1")
		w.wantKeys("s3://for-all/", keyhatch.Write, time.Time{}, "")
	})
}

// TestSuspendedThen: while the workspace's account on the store was suspended, nobody
// could anything; before and after it, who could.
func TestSuspendedThen(t *testing.T) {
	inLab(t, func(w *lab) {
		w.newKey(w.Admin, "reader", accesskeys.Rights{Read: []string{"lab-data"}})
		var at []time.Time
		then := func(err error) {
			t.Helper()
			w.must(err)
			time.Sleep(time.Minute)
			at = append(at, time.Now())
			time.Sleep(time.Minute)
		}
		then(nil)
		_, err := w.Broker.Accounts.Suspend(w.ctx, w.Admin, "lab", w.Store.ID)
		then(err)
		_, err = w.Broker.Accounts.Resume(w.ctx, w.Admin, "lab", w.Store.ID)
		then(err)
		for i, want := range []bool{false, true, false} {
			a, err := w.ask(w.Admin, "s3://lab-data/", keyhatch.Read, at[i])
			if err != nil || a.Closed != want || (len(a.Keys) == 0) != want || len(a.Doubts) > 0 {
				t.Errorf("at %d it was closed %t, with keys %q, in doubt of %v, %v", i, a.Closed, keysOf(a), a.Doubts, err)
			}
		}
	})
}
