package buckets_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// keysWorld is a workspace "lab" that ann administers, of which bob is a member, with the
// keys "one" and "two" of ann's, and "bobs".
type keysWorld struct {
	*coretest.Core
	t        *testing.T
	ann, bob keyhatch.Caller
	key      map[string]string // ids
}

func newKeysWorld(t *testing.T) *keysWorld {
	t.Helper()
	t.Parallel()
	w := &keysWorld{Core: coretest.New(t), t: t, key: map[string]string{}}
	lab := w.Workspace(t, "lab")
	w.ann, w.bob = w.User(t, "ann"), w.User(t, "bob")
	w.Member(t, lab, w.ann, keyhatch.AdminRole)
	w.Member(t, lab, w.bob, keyhatch.MemberRole)
	for name, owner := range map[string]keyhatch.Caller{"one": w.ann, "two": w.ann, "bobs": w.bob} {
		k, err := w.Broker.AccessKeys.Create(t.Context(), owner, accesskeys.NewKey{Workspace: "lab", Store: w.Store.ID, Name: name})
		w.must(err)
		w.key[name] = k.ID
	}
	return w
}

func (w *keysWorld) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// keys are those of the names.
func (w *keysWorld) keys(names ...string) *[]string {
	ids := []string{}
	for _, name := range names {
		ids = append(ids, w.key[name])
	}
	return &ids
}

func (w *keysWorld) create(change buckets.Change) error {
	_, err := w.Broker.Buckets.Create(w.t.Context(), w.ann, buckets.NewBucket{Workspace: "lab", Store: w.Store.ID, Name: "data", Change: change})
	return err
}

// wantLists demands which keys' lists name which buckets to read and to write.
func (w *keysWorld) wantLists(what string, want ...string) {
	w.t.Helper()
	var got []string
	for _, name := range []string{"bobs", "one", "two"} {
		k, err := w.Broker.AccessKeys.DescribedKey(w.t.Context(), w.ann, "lab", name)
		w.must(err)
		if len(k.Read)+len(k.Write) > 0 {
			got = append(got, fmt.Sprintf("%s%v%v", name, k.Read, k.Write))
		}
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("%s: the lists are %q, want %q", what, got, want)
	}
}

// events counts those of an action.
func (w *keysWorld) events(a keyhatch.Action) (n int) {
	w.t.Helper()
	for _, row := range w.Dump(w.t, "events")["events"] {
		if strings.Contains(row, " action="+string(a)+" ") {
			n++
		}
	}
	return n
}

func codeOf(err error) keyhatch.Code {
	var e *keyhatch.Error
	if !errors.As(err, &e) {
		return ""
	}
	return e.Code
}

// Which keys read and write a bucket is said when it is made and with its other changes,
// and all of that holds or none.
func TestKeysOfABucket(t *testing.T) {
	w := newKeysWorld(t)
	ctx, b := t.Context(), w.Broker.Buckets
	w.must(w.create(buckets.Change{Keys: accesskeys.OnBucketChange{Read: w.keys("one"), Write: w.keys("one", "two")}}))
	w.wantLists("made", "one[data][data]", "two[][data]")

	label := "changed"
	_, err := b.Update(ctx, w.ann, "lab", "data", buckets.Change{Label: &label, Keys: accesskeys.OnBucketChange{Read: &[]string{"none"}}})
	if bk, _ := b.Bucket(ctx, w.ann, "lab", "data"); codeOf(err) != keyhatch.CodeAccessKeyNotFound || bk.Label != "" {
		t.Errorf("with a key that there is not: %v, and the label is %q", err, bk.Label)
	}
	_, err = b.Update(ctx, w.ann, "lab", "data", buckets.Change{Label: &label, Keys: accesskeys.OnBucketChange{Read: w.keys("bobs")}})
	if codeOf(err) != keyhatch.CodeNotPermitted {
		t.Errorf("with a key whose owner does not decide over the bucket: %v", err)
	}
	w.wantLists("refused", "one[data][data]", "two[][data]")
	bk, err := b.Update(ctx, w.ann, "lab", "data", buckets.Change{Label: &label, Keys: accesskeys.OnBucketChange{Write: w.keys()}})
	if err != nil || bk.Label != label {
		t.Errorf("with another list: %v, and the label is %q", err, bk.Label)
	}
	w.wantLists("changed", "one[data][]")

	w.Buckets.Put(w.Store.ID, "data", "object", 1)
	if err := b.DeleteNamed(ctx, w.ann, "lab", "data"); codeOf(err) != keyhatch.CodeBucketNotEmpty {
		t.Errorf("with an object: %v", err)
	}
	w.wantLists("not deleted", "one[data][]")
}

// A bucket that goes, or that the store did not make, goes off the lists of keys, and each
// of those keys has its event.
func TestKeysOfABucketThatGoes(t *testing.T) {
	w := newKeysWorld(t)
	keys := buckets.Change{Keys: accesskeys.OnBucketChange{Read: w.keys("one", "two")}}
	w.must(w.create(keys))
	before := w.events(accesskeys.Updated)
	if err := w.Broker.Buckets.Delete(t.Context(), w.ann, "lab", "data"); codeOf(err) != keyhatch.CodeInUse {
		t.Errorf("while keys name it: %v", err)
	}
	w.wantLists("kept", "one[data][]", "two[data][]")
	w.must(w.Broker.Buckets.DeleteNamed(t.Context(), w.ann, "lab", "data"))
	w.wantLists("deleted")
	if n := w.events(accesskeys.Updated) - before; n != 2 {
		t.Errorf("%d events tell of it", n)
	}

	w.Buckets.Put(w.Store.ID, "data", "", 0)
	if err := w.create(keys); codeOf(err) != keyhatch.CodeBucketExists {
		t.Errorf("of a bucket that there is: %v", err)
	}
	w.wantLists("not made")

	mark, err := w.Buckets.Mark(t.Context(), w.Store, "data")
	w.must(err)
	w.must(w.Buckets.Delete(t.Context(), w.Store, "data", mark))
	w.Buckets.Before = func(context.Context, string, string) error { return errors.New("the network is down") }
	w.must(w.create(keys))
	w.wantLists("pending", "one[data][]", "two[data][]")
	w.Buckets.Before = nil
	w.Buckets.Put(w.Store.ID, "data", "", 0) // somebody else was faster
	w.runJobs()
	w.wantLists("somebody else's")
}

// runJobs does all jobs, also those that wait.
func (w *keysWorld) runJobs() {
	w.t.Helper()
	w.SQL(w.t, "update jobs set run_at = 0")
	if failed := w.Jobs(w.t); failed != nil {
		w.t.Fatal(failed)
	}
}

// No other bucket on a store has its name; who may not see it is told that it is not there.
func TestOnStore(t *testing.T) {
	w := newKeysWorld(t)
	w.must(w.create(buckets.Change{}))
	for what, tc := range map[string]struct {
		keyhatch.Caller
		store, name string
		code        keyhatch.Code
	}{
		"its admin": {w.ann, w.Store.ID, "data", ""}, "by the store's name": {w.bob, w.Store.Name, "data", ""}, "a stranger": {w.User(t, "eve"), w.Store.ID, "data", keyhatch.CodeBucketNotFound},
		"no bucket": {w.ann, w.Store.ID, "none", keyhatch.CodeBucketNotFound}, "no store": {w.ann, "none", "data", keyhatch.CodeStoreNotFound}, "nothing": {w.ann, "", "", keyhatch.CodeStoreNotFound},
	} {
		bk, err := w.Broker.Buckets.OnStore(t.Context(), tc.Caller, tc.store, tc.name)
		if codeOf(err) != tc.code || err == nil && bk.Name != tc.name {
			t.Errorf("%s: %q, %v", what, bk.Name, err)
		}
	}
}

// Who may what of these: as with Bucket, Update and Delete.
func TestWhoMayWithKeys(t *testing.T) {
	w := newKeysWorld(t)
	ctx, b := t.Context(), w.Broker.Buckets
	w.Workspace(t, "shop")
	eve := w.User(t, "eve")
	_, err := w.Broker.People.PutWorkspaceMember(ctx, w.Admin, "shop", eve.User.ID, keyhatch.AdminRole)
	w.must(err)
	narrow := w.Token(t, w.ann, people.NewToken{Workspace: "lab", Scopes: []keyhatch.Scope{"buckets", "s3:read s3://other/"}})
	for who, tc := range map[string]struct {
		keyhatch.Caller
		see, keys, remove keyhatch.Kind
	}{
		"the installation's admin": {w.Admin, "", "", ""}, "the workspace's admin": {w.ann, "", "", ""},
		"a member":              {w.bob, "", keyhatch.Forbidden, keyhatch.Forbidden},
		"a narrow token":        {narrow, "", keyhatch.Forbidden, ""},
		"another's admin":       {eve, keyhatch.NotFound, keyhatch.NotFound, keyhatch.NotFound},
		"somebody from nowhere": {w.User(t, "nobody"), keyhatch.NotFound, keyhatch.NotFound, keyhatch.NotFound},
	} {
		w.must(w.create(buckets.Change{Keys: accesskeys.OnBucketChange{Write: w.keys("two")}}))
		bk, err := b.OnStore(ctx, w.ann, w.Store.ID, "data")
		w.must(err)
		_, sees := b.OnStore(ctx, tc.Caller, w.Store.ID, "data")
		_, changes := b.Update(ctx, tc.Caller, "", bk.ID, buckets.Change{Keys: accesskeys.OnBucketChange{Read: w.keys("one")}})
		removes := b.DeleteNamed(ctx, tc.Caller, "", bk.ID)
		for what, both := range map[string]struct {
			err  error
			want keyhatch.Kind
		}{"see": {sees, tc.see}, "say which keys read": {changes, tc.keys}, "remove": {removes, tc.remove}} {
			if both.want == "" && both.err != nil || both.want != "" && !errors.Is(both.err, both.want) {
				t.Errorf("%s may %s: %v", who, what, both.err)
			}
		}
		if tc.keys != "" {
			if on, err := w.Broker.AccessKeys.DescribedKey(ctx, w.ann, "lab", "one"); err != nil || len(on.Read) > 0 {
				t.Errorf("%s has given a key %q, %v", who, on.Read, err)
			}
		}
		if removes != nil {
			w.must(b.DeleteNamed(ctx, w.ann, "", bk.ID))
		}
	}
}
