package policy_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"pgregory.net/rapid"
)

// keyLeaseWorld is a keyWorld that knows of revoked leases.
type keyLeaseWorld struct {
	*keyWorld
	revoked map[string]bool
	broken  error
}

func (w keyLeaseWorld) LeaseRevoked(id string) (bool, error) { return w.revoked[id], w.broken }

// TestS2_KeyLeasesOpenWhatKeysDo: whatever was lent with a key, it opens exactly what lies
// in its parts, was lent, and is the key's now.
func TestS2_KeyLeasesOpenWhatKeysDo(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, k := drawKeyWorld(t)
		l := keyhatch.Lease{
			ID: "lease", User: k.Owner, Store: k.Store, Workspace: k.Workspace, IssuedAt: keyNow.Add(-time.Minute),
			ExpiresAt: keyNow.Add(time.Minute), Access: rapid.SampledFrom([]keyhatch.Access{keyhatch.Read, keyhatch.Write}).Draw(t, "lent"),
		}
		for range rapid.IntRange(1, 3).Draw(t, "parts") {
			l.Parts = append(l.Parts, keyhatch.Part{
				Bucket: fmt.Sprint("bucket", rapid.IntRange(0, 5).Draw(t, "bucket")),
				Prefix: rapid.SampledFrom([]keyhatch.Prefix{"", "a/", "a/b/", "b/"}).Draw(t, "prefix"),
			})
		}
		open, err := policy.StandingWithKey(l, k, keyLeaseWorld{keyWorld: w}, keyNow)
		if err != nil && !errors.Is(err, policy.ErrLeaseRevoked) {
			t.Fatal(err)
		}
		open = open.From(w.from)
		for i := range 6 {
			bucket := fmt.Sprint("bucket", i)
			for _, key := range []string{"k", "a", "a/k", "a/b/k", "a/bb", "ab/k", "b/k", "b/c/k"} {
				inPart := false
				for _, p := range l.Parts {
					inPart = inPart || p.Bucket == bucket && p.Prefix.Holds(key)
				}
				for _, access := range []keyhatch.Access{keyhatch.Read, keyhatch.Write} {
					want := inPart && l.Access.Covers(access) && mayKey(w, k, access, bucket, key)
					if got := open.AllowsObject(access, bucket, key); got != want {
						t.Fatalf("%s of %s/%s: %v, want %v, of %+v", access, bucket, key, got, want, open)
					}
				}
			}
		}
	})
}

// TestS7_KeyLeaseHolder: a lease ends by itself, with one before it, with its owner's
// access even when that comes back, and never opens on another store or for another owner.
func TestS7_KeyLeaseHolder(t *testing.T) {
	t.Parallel()
	before := keyNow.Add(-time.Hour)
	broken := errors.New("not known")
	for name, tc := range map[string]struct {
		change func(*keyhatch.Lease, *keyhatch.AccessKey, *keyLeaseWorld)
		want   error
	}{
		"as it was lent":         {func(*keyhatch.Lease, *keyhatch.AccessKey, *keyLeaseWorld) {}, nil},
		"expired":                {func(l *keyhatch.Lease, _ *keyhatch.AccessKey, _ *keyLeaseWorld) { l.ExpiresAt = keyNow }, policy.ErrLeaseExpired},
		"revoked":                {func(_ *keyhatch.Lease, _ *keyhatch.AccessKey, w *keyLeaseWorld) { w.revoked["lease"] = true }, policy.ErrLeaseRevoked},
		"one before it revoked":  {func(_ *keyhatch.Lease, _ *keyhatch.AccessKey, w *keyLeaseWorld) { w.revoked["first"] = true }, policy.ErrLeaseRevoked},
		"revocations not known":  {func(_ *keyhatch.Lease, _ *keyhatch.AccessKey, w *keyLeaseWorld) { w.broken = broken }, broken},
		"the key expired":        {func(_ *keyhatch.Lease, k *keyhatch.AccessKey, _ *keyLeaseWorld) { k.ExpiresAt = keyNow }, policy.ErrLeaseRevoked},
		"a key of another store": {func(_ *keyhatch.Lease, k *keyhatch.AccessKey, _ *keyLeaseWorld) { k.Store = "far" }, policy.ErrLeaseRevoked},
		"a key of somebody else": {func(_ *keyhatch.Lease, k *keyhatch.AccessKey, _ *keyLeaseWorld) { k.Owner = "bob" }, policy.ErrLeaseRevoked},
		"the owner gone":         {func(_ *keyhatch.Lease, _ *keyhatch.AccessKey, w *keyLeaseWorld) { delete(w.users, "ann") }, policy.ErrLeaseRevoked},
		"the owner inactive": {func(_ *keyhatch.Lease, _ *keyhatch.AccessKey, w *keyLeaseWorld) {
			w.users["ann"] = keyhatch.User{ID: "ann"}
		}, policy.ErrLeaseRevoked},
		"the owner was inactive": {func(l *keyhatch.Lease, _ *keyhatch.AccessKey, w *keyLeaseWorld) {
			w.users["ann"] = keyhatch.User{ID: "ann", Active: true, ActiveSince: l.IssuedAt.Add(1)}
		}, policy.ErrLeaseRevoked},
	} {
		w := keyLeaseWorld{keyWorld: &keyWorld{
			users:   map[string]keyhatch.User{"ann": {ID: "ann", Active: true, ActiveSince: before}, "bob": {ID: "bob", Active: true, ActiveSince: before}},
			roles:   map[string]keyhatch.Role{"lab|ann": keyhatch.AdminRole, "lab|bob": keyhatch.AdminRole},
			buckets: []keyhatch.Bucket{{ID: "id1", Name: "bucket1", Workspace: "lab", Store: "disk"}, {ID: "id2", Name: "bucket1", Workspace: "lab", Store: "far"}},
		}, revoked: map[string]bool{}}
		k := keyhatch.AccessKey{Workspace: "lab", Store: "disk", Owner: "ann", Rights: keyhatch.KeyRights{ReadAll: true}}
		l := keyhatch.Lease{
			ID: "lease", Ancestors: []string{"first"}, User: "ann", Store: "disk", Access: keyhatch.Read, IssuedAt: keyNow.Add(-time.Minute),
			ExpiresAt: keyNow.Add(time.Microsecond), Parts: []keyhatch.Part{{Bucket: "bucket1", Prefix: "a/"}},
		}
		tc.change(&l, &k, &w)
		open, err := policy.StandingWithKey(l, k, w, keyNow)
		if !errors.Is(err, tc.want) || (tc.want == nil) != (len(open) == 1) {
			t.Errorf("%s: opens %v, %v; want %v", name, open, err, tc.want)
		}
	}
}
