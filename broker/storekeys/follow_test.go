package storekeys_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/storekeys"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/mirror"
)

// kept is a world with a store that keeps keys, which has them all as they are to be.
type kept struct {
	*coretest.Core
	store keyhatch.Store
}

func newKept(t testing.TB) kept {
	t.Helper()
	c := coretest.New(t)
	c.Keepers = map[keyhatch.KeysOf]driver.KeyProvisioner{keyhatch.KeysIAM: nil}
	c.Broker = c.With(nil)
	made, err := c.Broker.Credentials.Create(t.Context(), c.Admin, credentials.NewCredential{Name: "theirs", Authority: keyhatch.AWSKeys("AKIA", "secret")})
	if err != nil {
		t.Fatal(err)
	}
	store, err := c.Broker.Places.CreateStore(t.Context(), c.Admin, places.NewStore{
		Name: "theirs", Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: made.ID, Keys: keyhatch.KeysIAM, KeysEndpoint: "https://iam.example",
	})
	if err != nil {
		t.Fatal(err)
	}
	return kept{c, store}
}

func (w kept) write(t testing.TB, act func(context.Context, *db.Tx) error) {
	t.Helper()
	if err := w.DB.Write(t.Context(), func(tx *db.Tx) error { return act(t.Context(), tx) }); err != nil {
		t.Fatal(err)
	}
	if err := w.Mirror.CatchUp(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// fill makes a workspace with an account, a bucket, and keys that read it.
func (w kept) fill(t testing.TB, name string, keys int) (keyhatch.Workspace, keyhatch.Bucket) {
	t.Helper()
	ws := w.Workspace(t, name)
	now := time.Now()
	b := keyhatch.Bucket{ID: keyhatch.NewID(keyhatch.BucketID, now), Workspace: ws.ID, Store: w.store.ID, Name: name + "-bucket", State: keyhatch.BucketConfigured, CreatedAt: now}
	all := make([]keyhatch.AccessKey, keys)
	w.write(t, func(ctx context.Context, tx *db.Tx) error {
		a := keyhatch.StoreAccount{ID: keyhatch.NewID(keyhatch.StoreAccountID, now), Workspace: ws.ID, Store: w.store.ID, State: keyhatch.AccountProvisioned, CreatedAt: now}
		if err := tx.InsertStoreAccount(ctx, a); err != nil {
			return err
		}
		if err := tx.InsertBucket(ctx, b); err != nil {
			return err
		}
		for i := range all {
			all[i] = keyhatch.AccessKey{
				ID: keyhatch.NewID(keyhatch.KeyID, now), Workspace: ws.ID, Store: w.store.ID, Name: fmt.Sprintf("key-%d", i), Owner: w.Admin.User.ID,
				Rights: keyhatch.KeyRights{Read: []string{b.ID}}, State: keyhatch.AccessKeyConfigured, CreatedAt: now,
			}
			if err := tx.InsertAccessKey(ctx, all[i]); err != nil {
				return err
			}
		}
		return nil
	})
	w.write(t, func(ctx context.Context, tx *db.Tx) error {
		return w.Mirror.View(ctx, func(image *mirror.Image) (err error) {
			for _, k := range all {
				if k.Applied, err = storekeys.Applied(k, image, now); err != nil {
					return err
				}
				if err := tx.UpdateAccessKeyState(ctx, k); err != nil {
					return err
				}
			}
			return nil
		})
	})
	return ws, b
}

// look looks, which must want nothing of any store.
func (w kept) look(t testing.TB, f storekeys.Follower) (keys int) {
	t.Helper()
	keys, err := f.Look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return keys
}

// A change has those keys looked at that it may concern, and no others.
func TestAChangeCostsWhatItConcerns(t *testing.T) {
	w := newKept(t)
	lab, bucket := w.fill(t, "lab", 3)
	w.fill(t, "shop", 5)
	f := storekeys.NewFollower(w.Broker.StoreKeys)
	if n := w.look(t, f); n != 8 {
		t.Errorf("at first it looks at %d keys", n)
	}
	user := w.User(t, "somebody")
	keys, err := w.DB.AccessKeys(t.Context(), db.AccessKeyFilter{Workspace: lab.ID}, db.Everything)
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		what string
		do   func(context.Context, *db.Tx) error
		want int
	}{
		{"nothing", func(context.Context, *db.Tx) error { return nil }, 0},
		{"a bucket", func(ctx context.Context, tx *db.Tx) error { return tx.UpdateBucket(ctx, bucket) }, 3},
		{"a member who owns no key", func(ctx context.Context, tx *db.Tx) error {
			return tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{Workspace: lab.ID, User: user.User.ID, Role: keyhatch.AdminRole, Since: time.Now()})
		}, 0},
		{"the owner of all", func(ctx context.Context, tx *db.Tx) error { return tx.UpdateUser(ctx, w.Admin.User) }, 8},
		{"a key", func(ctx context.Context, tx *db.Tx) error { return tx.UpdateAccessKeyState(ctx, keys[0]) }, 1},
		{"a store", func(ctx context.Context, tx *db.Tx) error { return tx.UpdateStore(ctx, w.store) }, 8},
		{"a deleted key", func(ctx context.Context, tx *db.Tx) error { return tx.DeleteAccessKey(ctx, keys[1]) }, 1},
		{"what is forgotten of the changes", func(ctx context.Context, tx *db.Tx) error {
			for range 2 {
				if err := tx.UpdateBucket(ctx, bucket); err != nil {
					return err
				}
			}
			_, err := tx.PruneChanges(ctx, time.Now().Add(time.Hour))
			return err
		}, 7},
	} {
		w.write(t, c.do)
		if n := w.look(t, f); n != c.want {
			t.Errorf("after %s it looks at %d keys, not %d", c.what, n, c.want)
		}
	}
}

// After a database was put back to an earlier state, which gives the numbers of the feed
// once more, all keys are looked at. What was changed under numbers that had been looked at
// before was never seen.
func TestAPutBackFeedHasAllLookedAt(t *testing.T) {
	w := newKept(t)
	_, lab := w.fill(t, "lab", 3)
	_, shop := w.fill(t, "shop", 5)
	f := storekeys.NewFollower(w.Broker.StoreKeys)
	w.look(t, f)
	update := func(b keyhatch.Bucket) {
		w.write(t, func(ctx context.Context, tx *db.Tx) error { return tx.UpdateBucket(ctx, b) })
	}
	update(lab)
	if n := w.look(t, f); n != 3 {
		t.Errorf("after a bucket it looks at %d keys", n)
	}
	w.SQL(t, "delete from changes where seq = (select max(seq) from changes)")
	for _, b := range []keyhatch.Bucket{shop, lab} { // the first takes the number that was looked at
		update(b)
	}
	if n := w.look(t, f); n != 8 {
		t.Errorf("after the database was put back it looks at %d keys, not all", n)
	}
}

// BenchmarkFollow measures what a change of one workspace with ten keys costs beside no
// others, and beside thousands: the same.
func BenchmarkFollow(b *testing.B) {
	for _, others := range []int{0, 1000, 5000} {
		b.Run(fmt.Sprint("beside ", others), func(b *testing.B) {
			w := newKept(b)
			_, bucket := w.fill(b, "lab", 10)
			for i := range others / 1000 {
				w.fill(b, fmt.Sprint("other-", i), 1000)
			}
			f := storekeys.NewFollower(w.Broker.StoreKeys)
			w.look(b, f)
			for b.Loop() {
				b.StopTimer()
				w.write(b, func(ctx context.Context, tx *db.Tx) error { return tx.UpdateBucket(ctx, bucket) })
				b.StartTimer()
				if n := w.look(b, f); n != 10 {
					b.Fatalf("it looks at %d keys", n)
				}
			}
		})
	}
}
