package dbtest

import (
	"context"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

func testStoreAccounts(t *testing.T, s *suite) {
	w := s.world()
	var stores []keyhatch.Store // each account takes one
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		for range 100 {
			stores = append(stores, s.newStore())
			if err := tx.InsertStore(ctx, stores[len(stores)-1]); err != nil {
				return err
			}
		}
		return nil
	})
	fresh := func() keyhatch.StoreAccount {
		store := stores[0]
		stores = stores[1:]
		return keyhatch.StoreAccount{
			ID: keyhatch.NewID(keyhatch.StoreAccountID, s.Now()), Workspace: w.ws.ID, Store: store.ID, State: keyhatch.AccountPending, CreatedAt: s.Now(),
		}
	}
	exercise(s, noun[keyhatch.StoreAccount]{
		missing: keyhatch.CodeAccountNotFound, change: db.StoreAccountChanged,
		id:    func(a keyhatch.StoreAccount) string { return a.ID },
		fresh: fresh,
		insert: func(ctx context.Context, tx *db.Tx, a keyhatch.StoreAccount) error {
			return tx.InsertStoreAccount(ctx, a)
		},
		get: func(ctx context.Context, r db.Reader, id string) (keyhatch.StoreAccount, error) {
			return r.StoreAccount(ctx, id)
		},
		update: func(ctx context.Context, tx *db.Tx, a keyhatch.StoreAccount) error {
			return tx.UpdateStoreAccount(ctx, a)
		},
		changed: func(a keyhatch.StoreAccount) keyhatch.StoreAccount {
			a.State, a.Reason, a.ProvisionedAt, a.KeepUntil = keyhatch.AccountTrash, "why", s.Now(), s.Now()
			return a
		},
		remove: func(ctx context.Context, tx *db.Tx, a keyhatch.StoreAccount) error {
			return tx.DeleteStoreAccount(ctx, a)
		},
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]keyhatch.StoreAccount, error) {
			return r.StoreAccounts(ctx, w.ws.ID, "", p)
		},
	})
	a := fresh()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertStoreAccount(ctx, a) })
	if diff := cmp.Diff(a, ground.OK[keyhatch.StoreAccount](t)(s.StoreAccountOn(s.Ctx(), w.ws.ID, a.Store))); diff != "" {
		t.Errorf("by its store:\n%s", diff)
	}
	second := a
	second.ID = keyhatch.NewID(keyhatch.StoreAccountID, s.Now())
	if err := s.Try(func(ctx context.Context, tx *db.Tx) error { return tx.InsertStoreAccount(ctx, second) }); err == nil {
		t.Error("a workspace has two accounts on a store")
	}
	if ground.OK[bool](t)(s.OnStoreAccount(s.Ctx(), w.ws.ID, a.Store)) {
		t.Error("something is on a new account")
	}
	bucket := s.newBucket(w.ws.ID, a.Store)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertBucket(ctx, bucket) })
	if !ground.OK[bool](t)(s.OnStoreAccount(s.Ctx(), w.ws.ID, a.Store)) {
		t.Error("a bucket is not on its account")
	}
	err := s.Try(func(ctx context.Context, tx *db.Tx) error {
		store, err := tx.Store(ctx, a.Store)
		if err != nil {
			return err
		}
		return tx.DeleteStore(ctx, store)
	})
	ground.WantFail(t, "a store with a bucket goes", err, keyhatch.Conflict, keyhatch.CodeInUse)
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		store, err := tx.Store(ctx, a.Store)
		if err != nil {
			return err
		}
		return ground.FirstError(func() error { return tx.DeleteBucket(ctx, bucket) }, func() error { return tx.DeleteStore(ctx, store) })
	})
	_, err = s.StoreAccount(s.Ctx(), a.ID)
	ground.WantFail(t, "the account of a store that went", err, keyhatch.NotFound, keyhatch.CodeAccountNotFound)
}

func testBucketUsage(t *testing.T, s *suite) {
	w := s.world()
	one, two := s.newBucket(w.ws.ID, w.store.ID), s.newBucket(w.ws.ID, w.store.ID)
	u := keyhatch.BucketUsage{Objects: 3, Bytes: 1 << 40, CountedAt: s.Now()}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertBucket(ctx, one) }, func() error { return tx.InsertBucket(ctx, two) },
			func() error { return tx.SetBucketUsage(ctx, one, keyhatch.BucketUsage{Objects: 9, CountedAt: s.Now()}) },
			func() error { return tx.SetBucketUsage(ctx, one, u) })
	})
	if diff := cmp.Diff(map[string]keyhatch.BucketUsage{one.ID: u}, ground.OK[map[string]keyhatch.BucketUsage](t)(s.BucketUsages(s.Ctx(), w.ws.ID, ""))); diff != "" {
		t.Error(diff)
	}
	if got := ground.OK[map[string]keyhatch.BucketUsage](t)(s.BucketUsages(s.Ctx(), w.ws.ID, two.ID)); len(got) != 0 {
		t.Errorf("of one that nobody has counted: %v", got)
	}
	before := ground.OK[keyhatch.AccountUsage](t)(s.AccountUsage(s.Ctx(), w.ws.ID, w.store.ID))
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteBucket(ctx, one) })
	after := ground.OK[keyhatch.AccountUsage](t)(s.AccountUsage(s.Ctx(), w.ws.ID, w.store.ID))
	if before.Bytes != 1<<40 || after.Bytes != 0 || before.Buckets != after.Buckets+1 {
		t.Errorf("the account has %+v, and without it %+v", before, after)
	}
	l := s.newLocation(two, w.user.ID)
	l.Prefix = ""
	all, part := s.newGrant(l, keyhatch.Subject{Kind: keyhatch.SubjectEveryone}), s.newGrant(l, keyhatch.Subject{Kind: keyhatch.SubjectEveryone})
	all.Prefix, part.Prefix, all.ExpiresAt = "", "a/", s.Now()
	public := func() bool {
		t.Helper()
		ids := ground.OK[[]string](t)(s.PublicBuckets(s.Ctx(), w.ws.ID, "", all.ExpiresAt.Add(-1000)))
		return slices.Contains(ids, two.ID)
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertLocation(ctx, l) }, func() error { return tx.InsertGrant(ctx, part) })
	})
	if public() {
		t.Error("a grant on a part makes it public")
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertGrant(ctx, all) })
	if !public() {
		t.Error("it is not public")
	}
	if ids := ground.OK[[]string](t)(s.PublicBuckets(s.Ctx(), w.ws.ID, "", all.ExpiresAt)); slices.Contains(ids, two.ID) {
		t.Error("it is public when the grant has ended")
	}
}
