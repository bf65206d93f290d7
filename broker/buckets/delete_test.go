package buckets_test

import (
	"context"
	"errors"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/places"
)

func locationOf(bucket string) places.NewLocation {
	return places.NewLocation{Workspace: "lab", Name: "part-of-" + bucket, URL: "s3://" + bucket + "/part/"}
}

// TestDelete: what is in a bucket, and what names it, keeps it; a location over all of it
// goes with it.
func TestDelete(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	remove := func(name string) error { return w.Broker.Buckets.Delete(w.ctx, w.ann, "lab", name) }
	w.wantCode("with an object in it", remove("lab-data"), keyhatch.CodeBucketNotEmpty)
	if w.state("lab-data") != keyhatch.BucketConfigured || w.jobs() != 0 {
		t.Errorf("then it is %q, with %d jobs", w.state("lab-data"), w.jobs())
	}
	for _, name := range []string{"divided", "named", "whole"} {
		_, err := w.new(name, buckets.Change{PublicRead: ptr(name == "whole"), PublicList: ptr(name == "whole")})
		w.must(err)
	}
	_, err := w.Broker.Places.CreateLocation(w.ctx, w.ann, locationOf("divided"))
	w.must(err)
	w.wantCode("with a location in it", remove("divided"), keyhatch.CodeInUse)
	_, err = w.Broker.AccessKeys.Create(w.ctx, w.ann, accesskeys.NewKey{Workspace: "lab", Store: "disk", Name: "k", Rights: accesskeys.Rights{Read: []string{"named"}}})
	w.must(err)
	w.wantCode("with a key that names it", remove("named"), keyhatch.CodeInUse)
	_, err = w.Broker.AccessKeys.SetOnBucket(w.ctx, w.ann, "lab", "named", accesskeys.OnBucketChange{Read: &[]string{}})
	w.must(err)
	for _, name := range []string{"named", "whole"} {
		w.must(remove(name))
		if w.state(name) != "" || w.Buckets.Has(w.Store.ID, name) {
			t.Errorf("%s is left", name)
		}
	}
	w.wantCode("once more", remove("whole"), keyhatch.CodeBucketNotFound)
	if n := w.jobs(); n != 0 {
		t.Errorf("%d jobs are left", n)
	}
}

// TestDeleteInterrupted: a bucket that is being removed opens nothing and takes no key; a
// job goes on, and what is in it opens it again.
func TestDeleteInterrupted(t *testing.T) {
	t.Parallel()
	for _, after := range []bool{false, true} {
		w := newWorld(t)
		_, err := w.new("half", buckets.Change{AllKeysRead: ptr(true)})
		w.must(err)
		key, err := w.Broker.AccessKeys.Create(w.ctx, w.ann, accesskeys.NewKey{Workspace: "lab", Store: "disk", Name: "k"})
		w.must(err)
		_, pair, err := w.Broker.AccessKeys.Issue(w.ctx, w.ann, "lab", key.ID, 0)
		w.must(err)
		open := func() int {
			open, _, err := w.Broker.AccessKeys.Standing(w.ctx, pair.AccessKeyID)
			w.must(err)
			return len(open.Prefixes("half"))
		}
		if open() != 1 {
			t.Error("a bucket for all keys is closed to one")
		}
		lose := func(_ context.Context, what, _ string) error {
			if what == "delete" {
				return errLost
			}
			return nil
		}
		if w.Buckets.Before = lose; after {
			w.Buckets.Before, w.Buckets.After = nil, lose
		}
		if err := w.Broker.Buckets.Delete(w.ctx, w.ann, "lab", "half"); !errors.Is(err, errLost) {
			t.Errorf("an answer that got lost is told as %v", err)
		}
		w.Buckets.Before, w.Buckets.After = nil, nil
		if w.state("half") != keyhatch.BucketDeleting || open() != 0 {
			t.Errorf("it is %q, and opens %d", w.state("half"), open())
		}
		_, err = w.Broker.AccessKeys.SetOnBucket(w.ctx, w.ann, "lab", "half", accesskeys.OnBucketChange{Read: &[]string{"k"}})
		w.wantCode("a key for it", err, keyhatch.CodeBucketNotReady)
		_, err = w.Broker.Buckets.Update(w.ctx, w.ann, "lab", "half", buckets.Change{Label: ptr("x")})
		w.wantCode("a label for it", err, keyhatch.CodeBucketNotReady)
		want := keyhatch.BucketState("")
		if !after {
			want = keyhatch.BucketConfigured
			w.Buckets.Put(w.Store.ID, "half", "late", 1)
		}
		w.wait()
		if failed := w.Jobs(t); len(failed) != 0 {
			t.Errorf("the job fails: %v", failed)
		}
		if w.state("half") != want || w.jobs() != 0 || open() != len(want)/len(keyhatch.BucketConfigured) {
			t.Errorf("in the end it is %q, opens %d, and %d jobs are left", w.state("half"), open(), w.jobs())
		}
	}
}

// TestDeleteLeavesAnothers: a bucket that somebody deletes at the store and makes again,
// while it is being removed, is somebody's and stays; ours is gone then.
func TestDeleteLeavesAnothers(t *testing.T) {
	t.Parallel()
	for _, interrupted := range []bool{false, true} {
		w := newWorld(t)
		_, err := w.new("half", buckets.Change{})
		w.must(err)
		w.Buckets.Before = func(_ context.Context, what, _ string) error {
			if what == "delete" && interrupted {
				return errLost
			}
			if what == "delete" {
				w.Buckets.Swap(w.Store.ID, "half")
			}
			return nil
		}
		err = w.Broker.Buckets.Delete(w.ctx, w.ann, "lab", "half")
		if interrupted { // and while nobody is there to go on
			if !errors.Is(err, errLost) || w.state("half") != keyhatch.BucketDeleting {
				t.Errorf("it is %q, %v", w.state("half"), err)
			}
			w.Buckets.Swap(w.Store.ID, "half")
			w.Buckets.Before, err = nil, nil
			for range 2 { // a job that asks for itself is run once more
				w.wait()
				if failed := w.Jobs(t); len(failed) != 0 {
					t.Errorf("the job fails: %v", failed)
				}
			}
		}
		if err != nil || w.state("half") != "" || !w.Buckets.Has(w.Store.ID, "half") || w.jobs() != 0 {
			t.Errorf("interrupted %t: %v; on record it is %q, at the store %t, with %d jobs",
				interrupted, err, w.state("half"), w.Buckets.Has(w.Store.ID, "half"), w.jobs())
		}
	}
}

// TestDeleteNeedsTheAccount: a database that cannot tell of the account fails, and the bucket
// stays. What it failed with was swallowed, and the caller told that there is no account.
func TestDeleteNeedsTheAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	_, err := w.new("kept", change{})
	w.must(err)
	w.SQL(t, "alter table store_accounts rename to lost")
	if err := w.Broker.Buckets.Delete(w.ctx, w.ann, "lab", "kept"); err == nil || errors.Is(err, keyhatch.Conflict) {
		t.Errorf("it says %v", err)
	}
	w.SQL(t, "alter table lost rename to store_accounts")
	if got := w.state("kept"); got != keyhatch.BucketConfigured {
		t.Errorf("it is %q", got)
	}
	w.must(w.Broker.Buckets.Delete(w.ctx, w.ann, "lab", "kept"))
}
