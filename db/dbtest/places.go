package dbtest

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

func testCredentials(t *testing.T, s *suite) {
	w := s.world()
	exercise(s, noun[db.SealedCredential]{
		missing: keyhatch.CodeCredentialNotFound, change: db.CredentialChanged,
		id:     func(c db.SealedCredential) string { return c.ID },
		fresh:  func() db.SealedCredential { return s.newCredential("") },
		insert: func(ctx context.Context, tx *db.Tx, c db.SealedCredential) error { return tx.InsertCredential(ctx, c) },
		get: func(ctx context.Context, r db.Reader, id string) (db.SealedCredential, error) {
			return r.SealedCredential(ctx, id)
		},
		update: func(ctx context.Context, tx *db.Tx, c db.SealedCredential) error { return tx.UpdateCredential(ctx, c) },
		changed: func(c db.SealedCredential) db.SealedCredential {
			c.Name, c.Provider, c.Kind, c.Principal, c.KeyID = "other-"+c.ID, keyhatch.GCP, keyhatch.TokenCredential, "other@example", "key"
			c.Endpoint, c.Default, c.Base, c.AnyExternalID, c.TasksSince = "https://other.example", true, true, true, s.Now()
			c.Sealed, c.UpdatedAt = []byte("other"), s.Now()
			c.Sessions = keyhatch.Sessions{WebIdentity: true, Longest: time.Hour, SourceIdentity: true, Name: "{user}é", Tags: map[string]string{"a": "é"}}
			return c
		},
		remove: func(ctx context.Context, tx *db.Tx, c db.SealedCredential) error {
			return tx.DeleteCredential(ctx, c.Credential)
		},
		namesake: []func(old, fresh db.SealedCredential) db.SealedCredential{
			func(old, c db.SealedCredential) db.SealedCredential { c.Name = old.Name; return c },
		},
		list: func(ctx context.Context, r db.Reader, p db.Page) (out []db.SealedCredential, err error) {
			list, err := r.Credentials(ctx, db.Place{}, db.CredentialFilter{}, p)
			for _, c := range list {
				out = append(out, db.SealedCredential{Credential: c})
			}
			return out, err
		},
	})
	shared, theirs := s.newCredential(""), s.newCredential(w.ws.ID)
	theirs.Name = shared.Name
	shareds := func() []keyhatch.Credential {
		return ground.OK[[]keyhatch.Credential](t)(s.Credentials(s.Ctx(), db.Place{}, db.CredentialFilter{}, db.Everything))
	}
	before := len(shareds())
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertCredential(ctx, theirs) }, func() error { return tx.InsertCredential(ctx, shared) })
	})
	if diff := cmp.Diff(shared, ground.OK[db.SealedCredential](t)(s.CredentialByName(s.Ctx(), db.Place{}, shared.Name))); diff != "" {
		t.Errorf("by name, with a namesake in a workspace (-want +got):\n%s", diff)
	}
	if got := shareds(); len(got) != before+1 {
		t.Errorf("a shared credential and a workspace's make %d shared ones of %d", len(got), before)
	}
	_, err := s.CredentialByName(s.Ctx(), db.Place{}, "none")
	ground.WantFail(t, "by name", err, keyhatch.NotFound, keyhatch.CodeCredentialNotFound)

	store := s.newS3Store(shared.ID)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertStore(ctx, store) })
	err = s.Try(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteCredential(ctx, shared.Credential) })
	ground.WantFail(t, "removing what a store stands on", err, keyhatch.Conflict, keyhatch.CodeInUse)
}

// testS3Stores: a bucket that two stores of one endpoint have is the same one.
func testS3Stores(t *testing.T, s *suite) {
	w, credential := s.world(), s.newCredential("")
	one, same, plain, other := s.newS3Store(credential.ID), s.newS3Store(credential.ID), s.newS3Store(credential.ID), s.newS3Store(credential.ID)
	plain.Endpoint = strings.Replace(one.Endpoint, "https:", "http:", 1)
	other.Endpoint = "https://elsewhere.example"
	bucket := s.newBucket(w.ws.ID, one.ID)
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(
			func() error { return tx.InsertCredential(ctx, credential) }, func() error { return tx.InsertStore(ctx, one) },
			func() error { return tx.InsertStore(ctx, same) },
			func() error { return tx.InsertStore(ctx, plain) }, func() error { return tx.InsertStore(ctx, other) },
			func() error { return tx.InsertBucket(ctx, bucket) })
	})
	for _, c := range []struct {
		what  string
		store keyhatch.Store
		name  string
		want  bool
	}{
		{"the store itself", one, bucket.Name, false},
		{"another store of the endpoint", same, bucket.Name, true},
		{"the endpoint without TLS", plain, bucket.Name, true},
		{"another store of the endpoint, another bucket", same, "other", false},
		{"a store elsewhere", other, bucket.Name, false},
	} {
		if got := ground.OK[bool](t)(s.BucketElsewhere(s.Ctx(), c.store, c.name)); got != c.want {
			t.Errorf("%s: elsewhere %t, want %t", c.what, got, c.want)
		}
	}
}

// testProof: who writes a store from a row that was read before leaves the proof that it
// got meanwhile, and who writes a proof leaves the rest.
func testProof(t *testing.T, s *suite) {
	v := s.newStore()
	proven, renamed := v, v
	proven.Proof = &keyhatch.Proof{
		At: s.Now(), By: "user_1", Bucket: "abc", With: "AWS role é", AcceptedBy: "user_2", AcceptedAt: s.Now(),
		Checks: []keyhatch.Check{{Name: "put_inside", Outcome: keyhatch.Warning, Took: time.Second, Reason: "é"}},
	}
	renamed.Name, renamed.Lends, renamed.Console = "other-"+v.ID, keyhatch.LendsSTS, "https://console.é"
	want := renamed
	want.Proof = proven.Proof
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertStore(ctx, v) })
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.UpdateStoreProof(ctx, proven) })
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.UpdateStore(ctx, renamed) })
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.UpdateStoreProof(ctx, proven) })
	if diff := cmp.Diff(want, ground.OK[keyhatch.Store](t)(s.Store(s.Ctx(), v.ID))); diff != "" {
		t.Errorf("a store and its proof (-want +got):\n%s", diff)
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteStore(ctx, v) })
	if err := s.Write(s.Ctx(), func(tx *db.Tx) error { return tx.UpdateStoreProof(s.Ctx(), proven) }); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("the proof of a store that is gone: %v", err)
	}
}

func testStores(t *testing.T, s *suite) {
	credential := s.newCredential("")
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertCredential(ctx, credential) })
	exercise(s, noun[keyhatch.Store]{
		missing: keyhatch.CodeStoreNotFound, change: db.StoreChanged,
		id:     func(v keyhatch.Store) string { return v.ID },
		fresh:  s.newStore,
		insert: func(ctx context.Context, tx *db.Tx, v keyhatch.Store) error { return tx.InsertStore(ctx, v) },
		get:    func(ctx context.Context, r db.Reader, id string) (keyhatch.Store, error) { return r.Store(ctx, id) },
		update: func(ctx context.Context, tx *db.Tx, v keyhatch.Store) error { return tx.UpdateStore(ctx, v) },
		changed: func(v keyhatch.Store) keyhatch.Store {
			v.Name, v.Credential, v.Lends, v.Console = "other-"+v.ID, credential.ID, keyhatch.LendsSTS, "https://console.é"
			return v
		},
		remove: func(ctx context.Context, tx *db.Tx, v keyhatch.Store) error { return tx.DeleteStore(ctx, v) },
		namesake: []func(old, fresh keyhatch.Store) keyhatch.Store{
			func(old, v keyhatch.Store) keyhatch.Store { v.Name = old.Name; return v },
		},
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]keyhatch.Store, error) {
			return r.Stores(ctx, "", "", p)
		},
	})
	testProof(t, s)
	w := s.world()
	private, stranger := s.newStore(), s.NewUser()
	private.Workspace, private.OneBucket = w.ws.ID, true
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertStore(ctx, private) }, func() error { return tx.InsertUser(ctx, stranger) })
	})
	if diff := cmp.Diff(private, ground.OK[keyhatch.Store](t)(s.StoreByName(s.Ctx(), private.Name))); diff != "" {
		t.Errorf("a workspace's own store:\n%s", diff)
	}
	_, err := s.StoreByName(s.Ctx(), "none")
	ground.WantFail(t, "by name", err, keyhatch.NotFound, keyhatch.CodeStoreNotFound)
	all := len(ground.OK[[]keyhatch.Store](t)(s.Stores(s.Ctx(), "", "", db.Everything)))
	for member, want := range map[string]int{w.user.ID: all, stranger.ID: all - 1} {
		if got := ground.OK[[]keyhatch.Store](t)(s.Stores(s.Ctx(), member, "", db.Everything)); len(got) != want {
			t.Errorf("of %d stores, one of them a workspace's own, a user sees %d, want %d", all, len(got), want)
		}
	}
}

func testBuckets(t *testing.T, s *suite) {
	w := s.world()
	other, store := s.NewWorkspace(), s.newStore()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertWorkspace(ctx, other) }, func() error { return tx.InsertStore(ctx, store) })
	})
	exercise(s, noun[keyhatch.Bucket]{
		missing: keyhatch.CodeBucketNotFound, change: db.BucketChanged,
		id:     func(b keyhatch.Bucket) string { return b.ID },
		fresh:  func() keyhatch.Bucket { return s.newBucket(w.ws.ID, w.store.ID) },
		insert: func(ctx context.Context, tx *db.Tx, b keyhatch.Bucket) error { return tx.InsertBucket(ctx, b) },
		get: func(ctx context.Context, r db.Reader, id string) (keyhatch.Bucket, error) {
			return r.Bucket(ctx, id)
		},
		update: func(ctx context.Context, tx *db.Tx, b keyhatch.Bucket) error { return tx.UpdateBucket(ctx, b) },
		changed: func(b keyhatch.Bucket) keyhatch.Bucket {
			b.Owner, b.State, b.Label, b.Site = w.user.ID, keyhatch.BucketDeleting, "ü", keyhatch.StaticSite{Serve: true, Index: "i", Error: "e"}
			b.AllKeysRead, b.AllKeysWrite, b.PresignedSince, b.MaxPresigned, b.ListWholeSince = true, true, s.Now(), time.Hour, s.Now()
			return b
		},
		remove: func(ctx context.Context, tx *db.Tx, b keyhatch.Bucket) error { return tx.DeleteBucket(ctx, b) },
		namesake: []func(old, fresh keyhatch.Bucket) keyhatch.Bucket{
			func(old, b keyhatch.Bucket) keyhatch.Bucket { b.Name, b.Workspace = old.Name, other.ID; return b }, // on the store
			func(old, b keyhatch.Bucket) keyhatch.Bucket { b.Name, b.Store = old.Name, store.ID; return b },     // in the workspace
		},
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]keyhatch.Bucket, error) {
			return r.Buckets(ctx, w.ws.ID, p)
		},
	})
	same := s.newBucket(other.ID, store.ID)
	same.Name = w.bucket.Name
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertBucket(ctx, same) })
	if diff := cmp.Diff(same, ground.OK[keyhatch.Bucket](t)(s.BucketByName(s.Ctx(), other.ID, same.Name))); diff != "" {
		t.Errorf("the same name in another workspace and store:\n%s", diff)
	}
	_, err := s.BucketByName(s.Ctx(), other.ID, "none")
	ground.WantFail(t, "by name", err, keyhatch.NotFound, keyhatch.CodeBucketNotFound)
	mine, all := ground.OK[[]keyhatch.Bucket](t)(s.Buckets(s.Ctx(), w.ws.ID, db.Everything)), ground.OK[[]keyhatch.Bucket](t)(s.Buckets(s.Ctx(), "", db.Everything))
	if len(all) != len(mine)+1 {
		t.Errorf("%d buckets in one workspace, 1 in the other, %d in all", len(mine), len(all))
	}
}

func testLocations(t *testing.T, s *suite) {
	w := s.world()
	exercise(s, noun[keyhatch.Location]{
		missing: keyhatch.CodeLocationNotFound, change: db.LocationChanged,
		id:     func(l keyhatch.Location) string { return l.ID },
		fresh:  func() keyhatch.Location { return s.newLocation(w.bucket, w.user.ID) },
		insert: func(ctx context.Context, tx *db.Tx, l keyhatch.Location) error { return tx.InsertLocation(ctx, l) },
		get: func(ctx context.Context, r db.Reader, id string) (keyhatch.Location, error) {
			return r.Location(ctx, id)
		},
		update: func(ctx context.Context, tx *db.Tx, l keyhatch.Location) error { return tx.UpdateLocation(ctx, l) },
		changed: func(l keyhatch.Location) keyhatch.Location {
			l.Name, l.Locked, l.WritableSince, l.MaxLease = "other-"+l.ID, false, s.Now(), time.Hour
			l.KMSKey, l.SharedSessions = "", false
			l.Release = keyhatch.ReleasePending
			l.Networks, l.NetworksSince, l.Terms = nil, time.Time{}, ""
			return l
		},
		remove: func(ctx context.Context, tx *db.Tx, l keyhatch.Location) error {
			_, err := tx.DeleteLocation(ctx, l)
			return err
		},
		namesake: []func(old, fresh keyhatch.Location) keyhatch.Location{
			func(old, l keyhatch.Location) keyhatch.Location { l.Name = old.Name; return l },
			func(old, l keyhatch.Location) keyhatch.Location { l.Prefix = old.Prefix; return l },
		},
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]keyhatch.Location, error) {
			return r.Locations(ctx, w.ws.ID, "", s.Now(), p)
		},
	})
	if diff := cmp.Diff(w.location, ground.OK[keyhatch.Location](t)(s.LocationByName(s.Ctx(), w.ws.ID, w.location.Name)), networks); diff != "" {
		t.Error(diff)
	}
	_, err := s.LocationByName(s.Ctx(), w.ws.ID, "none")
	ground.WantFail(t, "by name", err, keyhatch.NotFound, keyhatch.CodeLocationNotFound)
	in := ground.OK[[]keyhatch.Location](t)(s.LocationsOfBucket(s.Ctx(), w.bucket.ID))
	if all := ground.OK[[]keyhatch.Location](t)(s.AllLocations(s.Ctx())); len(in) != len(all) || len(in) == 0 {
		t.Errorf("%d locations in the one bucket, %d in all", len(in), len(all))
	}
}

func testGrants(t *testing.T, s *suite) {
	w := s.world()
	exercise(s, noun[keyhatch.Grant]{
		missing: keyhatch.CodeGrantNotFound, change: db.GrantChanged,
		id: func(g keyhatch.Grant) string { return g.ID },
		fresh: func() keyhatch.Grant {
			return s.newGrant(w.location, keyhatch.Subject{Kind: keyhatch.SubjectEveryone})
		},
		insert: func(ctx context.Context, tx *db.Tx, g keyhatch.Grant) error { return tx.InsertGrant(ctx, g) },
		get:    func(ctx context.Context, r db.Reader, id string) (keyhatch.Grant, error) { return r.Grant(ctx, id) },
		update: func(ctx context.Context, tx *db.Tx, g keyhatch.Grant) error { return tx.UpdateGrant(ctx, g) },
		changed: func(g keyhatch.Grant) keyhatch.Grant {
			g.Access, g.ExpiresAt, g.Since = keyhatch.Read, time.Time{}, s.Now()
			return g
		},
		remove: func(ctx context.Context, tx *db.Tx, g keyhatch.Grant) error { return tx.DeleteGrant(ctx, g) },
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]keyhatch.Grant, error) {
			return r.Grants(ctx, db.GrantFilter{Workspace: w.ws.ID, Location: w.location.ID}, s.Now(), p)
		},
	})
	elsewhere := s.world()
	if got := ground.OK[[]keyhatch.Grant](t)(s.GrantsOn(s.Ctx(), elsewhere.location.ID)); len(got) != 2 {
		t.Errorf("%d grants on a location that has 2", len(got))
	}
	got := ground.OK[[]keyhatch.Grant](t)(s.Grants(s.Ctx(), db.GrantFilter{Workspace: w.ws.ID}, s.Now(), db.Everything))
	if all := ground.OK[[]keyhatch.Grant](t)(s.AllGrants(s.Ctx())); len(all) != len(got)+2 {
		t.Errorf("%d grants in one workspace, 2 in the other, %d in all", len(got), len(all))
	}
}
