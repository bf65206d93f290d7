package accesskeys_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/people"
)

// What goes wrong with the keys of one workspace keeps no other's from following: it used
// to be all or nothing.
func TestStoresFollowPastAFailure(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		far := w.Workspace(t, "far")
		all := accesskeys.Rights{ReadAll: true}
		ours := w.theirs("key", all)
		others, err := w.Broker.AccessKeys.Create(t.Context(), w.Admin, accesskeys.NewKey{Workspace: "far", Store: "theirs", Name: "key", Rights: all})
		w.must(err)
		settled()
		w.SQL(t, fmt.Sprintf("create trigger ours before update on access_keys when new.workspace = '%s' begin select raise(abort, 'broken'); end", w.lab.ID))
		for ws, name := range map[string]string{w.lab.ID: "zzz", far.ID: "www"} {
			_, err := w.Broker.Buckets.Register(t.Context(), w.Admin, buckets.Existing{Workspace: ws, Store: "theirs", Name: name})
			w.must(err)
		}
		settled()
		wantHas(t, k, "of the workspace of which it cannot be noted", ours.ID, "xxx:r[] yyy:r[] []")
		wantHas(t, k, "of the other one", others.ID, "www:r[] []")
		w.SQL(t, "drop trigger ours")
		settled()
		wantHas(t, k, "when it can be noted again", ours.ID, "xxx:r[] yyy:r[] zzz:r[] []")
	})
}

// What takes rights from keys has their stores told in the same transaction: it is on
// record with that, and nobody has to come and see it first.
func TestStoresAreToldWithTheChange(t *testing.T) {
	inKeepersWorld(t, func(t *testing.T, w *world, k *keeper) {
		ctx := t.Context()
		yes, no := true, false
		for _, c := range []struct {
			what      string
			do        func() error
			told, not string // keys
		}{
			{"a bucket for all keys", func() error {
				_, err := w.Broker.Buckets.Update(ctx, w.ann, "lab", "xxx", buckets.Change{AllKeysRead: &yes})
				return err
			}, "anns bobs", ""},
			{"a label", func() error {
				_, err := w.Broker.Buckets.Update(ctx, w.ann, "lab", "xxx", buckets.Change{Label: new(string)})
				return err
			}, "", "anns bobs"},
			{"a bucket's new owner", func() error {
				_, err := w.Broker.Buckets.Update(ctx, w.ann, "lab", "yyy", buckets.Change{Owner: &w.ann.User.ID})
				return err
			}, "anns bobs", ""},
			{"a role", func() error {
				_, err := w.Broker.People.PutWorkspaceMember(ctx, w.Admin, "lab", w.ann.User.ID, keyhatch.OwnerRole)
				return err
			}, "anns", "bobs"},
			{"an inactive owner", func() error {
				_, err := w.Broker.People.UpdateUser(ctx, w.Admin, w.bob.User.ID, people.UserChange{Active: &no})
				return err
			}, "bobs", "anns"},
			{"a name", func() error {
				_, err := w.Broker.People.UpdateUser(ctx, w.Admin, w.bob.User.ID, people.UserChange{FullName: new(string)})
				return err
			}, "", "anns bobs"},
			{"a suspended account", func() error {
				_, err := w.Broker.Accounts.Suspend(ctx, w.Admin, "lab", "theirs")
				return err
			}, "anns bobs", ""},
			{"a resumed one", func() error {
				_, err := w.Broker.Accounts.Resume(ctx, w.Admin, "lab", "theirs")
				return err
			}, "anns bobs", ""},
			{"who leaves", func() error { return w.Broker.People.RemoveWorkspaceMember(ctx, w.Admin, "lab", w.bob.User.ID) }, "bobs", "anns"},
		} {
			if c.what == "a bucket for all keys" {
				w.theirs("anns", accesskeys.Rights{Read: []string{"yyy"}})
				_, err := w.Broker.Buckets.Update(ctx, w.ann, "lab", "yyy", buckets.Change{Owner: &w.bob.User.ID})
				w.must(err)
				_, err = w.Broker.AccessKeys.Create(ctx, w.bob, accesskeys.NewKey{Workspace: "lab", Store: "theirs", Name: "bobs", Rights: accesskeys.Rights{Read: []string{"yyy"}}})
				w.must(err)
			}
			settled()
			w.stop() // nobody looks
			w.must(c.do())
			for names, want := range map[string]keyhatch.AccessKeyState{c.told: keyhatch.AccessKeyPending, c.not: keyhatch.AccessKeyConfigured} {
				for _, name := range fields(names) {
					if got, err := w.DB.AccessKeyByName(ctx, w.lab.ID, name); err != nil || got.State != want {
						t.Errorf("%s: the key %s is %s, %v", c.what, name, got.State, err)
					}
				}
			}
			w.stop = w.run(t)
			time.Sleep(time.Second)
		}
	})
}
