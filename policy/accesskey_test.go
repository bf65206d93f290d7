package policy_test

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"pgregory.net/rapid"
)

// keyWorld is what a key can be about: two workspaces, two stores, and in each a few
// buckets with locations.
type keyWorld struct {
	users     map[string]keyhatch.User
	roles     map[string]keyhatch.Role // workspace|user
	buckets   []keyhatch.Bucket
	locations []keyhatch.Location
	from      netip.Addr // from where it is asked
}

func (w *keyWorld) User(id string) (keyhatch.User, error) {
	u, ok := w.users[id]
	if !ok {
		return u, keyhatch.NotFoundError(keyhatch.CodeUserNotFound)
	}
	return u, nil
}

func (w keyWorld) Role(workspace, user string) keyhatch.Role { return w.roles[workspace+"|"+user] }

func (w keyWorld) BucketsOn(workspace, store string) (out []keyhatch.Bucket) {
	for _, b := range w.buckets {
		if b.Workspace == workspace && b.Store == store {
			out = append(out, b)
		}
	}
	return out
}

func (w keyWorld) LocationsIn(bucket string) (out []keyhatch.Location) {
	for _, l := range w.locations {
		if l.Bucket == bucket {
			out = append(out, l)
		}
	}
	return out
}

var (
	keyNow   = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	keyRoles = []keyhatch.Role{keyhatch.NoRole, keyhatch.MemberRole, keyhatch.AdminRole, keyhatch.OwnerRole}
)

func drawKeyWorld(t *rapid.T) (*keyWorld, keyhatch.AccessKey) {
	w := &keyWorld{users: map[string]keyhatch.User{}, roles: map[string]keyhatch.Role{}}
	w.from = netip.MustParseAddr(pick(t, someAddresses, "address"))
	users := []string{"ann", "bob"}
	for _, u := range users {
		w.users[u] = keyhatch.User{ID: u, Active: rapid.IntRange(0, 5).Draw(t, u+" active") > 0, Admin: rapid.IntRange(0, 5).Draw(t, u+" admin") == 0}
		for _, ws := range []string{"lab", "shop"} {
			w.roles[ws+"|"+u] = rapid.SampledFrom(keyRoles).Draw(t, u+" in "+ws)
		}
	}
	var ids []string
	for i := range rapid.IntRange(1, 5).Draw(t, "buckets") {
		b := keyhatch.Bucket{
			ID: fmt.Sprint("id", i), Name: fmt.Sprint("bucket", i), Workspace: rapid.SampledFrom([]string{"lab", "lab", "shop"}).Draw(t, "workspace"),
			Store: rapid.SampledFrom([]string{"disk", "disk", "far"}).Draw(t, "store"), Owner: rapid.SampledFrom([]string{"", "ann", "bob"}).Draw(t, "owner"),
			AllKeysRead: rapid.IntRange(0, 3).Draw(t, "all keys read") == 0, AllKeysWrite: rapid.IntRange(0, 3).Draw(t, "all keys write") == 0,
		}
		w.buckets, ids = append(w.buckets, b), append(ids, b.ID)
		prefixes := []keyhatch.Prefix{"a/", "b/c/"}
		if rapid.IntRange(0, 4).Draw(t, "one location") == 0 {
			prefixes = []keyhatch.Prefix{""}
		}
		for _, p := range prefixes {
			l := keyhatch.Location{Bucket: b.ID, Prefix: p, Locked: rapid.Bool().Draw(t, "locked")}
			if rapid.IntRange(0, 2).Draw(t, "for networks") == 0 {
				l.Networks = pick(t, someNetworks, "networks")
			}
			w.locations = append(w.locations, l)
		}
	}
	some := rapid.SliceOfDistinct(rapid.SampledFrom(ids), func(id string) string { return id })
	key := keyhatch.AccessKey{
		Workspace: "lab", Store: "disk", Owner: rapid.SampledFrom([]string{"ann", "bob", "gone"}).Draw(t, "key of"),
		Rights: keyhatch.KeyRights{
			SeeAll: rapid.Bool().Draw(t, "see all"), ReadAll: rapid.IntRange(0, 3).Draw(t, "read all") == 0, WriteAll: rapid.IntRange(0, 3).Draw(t, "write all") == 0,
			Read: some.Draw(t, "read"), Write: some.Draw(t, "write"),
		},
	}
	switch rapid.IntRange(0, 5).Draw(t, "end") {
	case 0:
		key.ExpiresAt = keyNow
	case 1:
		key.ExpiresAt = keyNow.Add(time.Microsecond)
	}
	return w, key
}

// mayKey decides one question from the rules as they are told in docs/access-keys.md, one
// after the other.
func mayKey(w *keyWorld, k keyhatch.AccessKey, access keyhatch.Access, bucket, key string) bool {
	owner, exists := w.users[k.Owner]
	at := slices.IndexFunc(w.buckets, func(b keyhatch.Bucket) bool { return b.Name == bucket })
	if !exists || !owner.Active || at < 0 || !k.ExpiresAt.IsZero() && !k.ExpiresAt.After(keyNow) {
		return false
	}
	b := w.buckets[at]
	if b.Workspace != "lab" || b.Store != "disk" {
		return false
	}
	role := w.roles["lab|"+owner.ID]
	admin := owner.Admin || role == keyhatch.AdminRole || role == keyhatch.OwnerRole
	if !admin && (b.Owner != owner.ID || role == keyhatch.NoRole) {
		return false
	}
	for _, l := range w.locations {
		if l.Bucket == b.ID && !keyhatch.InNetworks(w.from, l.Networks) && strings.HasPrefix(key, string(l.Prefix)) {
			return false
		}
	}
	list, all, toAll := k.Rights.Read, k.Rights.ReadAll, b.AllKeysRead
	if access == keyhatch.Write {
		list, all, toAll = k.Rights.Write, k.Rights.WriteAll, b.AllKeysWrite
		for _, l := range w.locations {
			if l.Bucket == b.ID && l.Locked && strings.HasPrefix(key, string(l.Prefix)) {
				return false
			}
		}
	}
	return slices.Contains(list, b.ID) || all && admin || toAll
}

// mayKeyList decides about a list: nothing that it would show may be elsewhere.
func mayKeyList(w *keyWorld, k keyhatch.AccessKey, access keyhatch.Access, bucket, prefix string) bool {
	for _, l := range w.locations {
		id := slices.IndexFunc(w.buckets, func(b keyhatch.Bucket) bool { return b.Name == bucket && b.ID == l.Bucket })
		if id >= 0 && !keyhatch.InNetworks(w.from, l.Networks) && strings.HasPrefix(string(l.Prefix), prefix) {
			return false
		}
	}
	return mayKey(w, k, access, bucket, prefix)
}

// TestS2_KeysOpenWhatTheirRulesSay: what of a key is open is what an independent reading
// of the rules says, about every bucket, in locked places and beside them, for both
// accesses; and a list is open where every object is that it would show.
func TestS2_KeysOpenWhatTheirRulesSay(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w, k := drawKeyWorld(t)
		open, err := policy.StandingKey(k, w, keyNow)
		if err != nil && !errors.Is(err, policy.ErrKeyEnded) {
			t.Fatal(err)
		}
		open = open.From(w.from)
		unlocked := *w // to begin an upload is to write; to list those that were begun is not
		unlocked.locations = slices.Clone(w.locations)
		for i := range unlocked.locations {
			unlocked.locations[i].Locked = false
		}
		for i := range 6 {
			bucket := fmt.Sprint("bucket", i)
			for _, key := range []string{"", "x", "a/x", "ab", "a", "b/x", "b/c/x", "b/c", "b/cd"} {
				for _, access := range []keyhatch.Access{keyhatch.Read, keyhatch.Write} {
					if key == "" { // no object
						continue
					}
					if got, want := open.AllowsObject(access, bucket, key), mayKey(w, k, access, bucket, key); got != want {
						t.Fatalf("%s %s in %s: %t, want %t; the key is %+v, open is %+v", access, key, bucket, got, want, k, open)
					}
				}
				if got, want := open.AllowsList(keyhatch.Read, bucket, key), mayKeyList(w, k, keyhatch.Read, bucket, key); got != want {
					t.Fatalf("list %s in %s: %t, want %t", key, bucket, got, want)
				}
				if got, want := open.AllowsList(keyhatch.Write, bucket, key), mayKeyList(&unlocked, k, keyhatch.Write, bucket, key); got != want {
					t.Fatalf("list uploads of %s in %s: %t, want %t", key, bucket, got, want)
				}
			}
			sees := k
			sees.Rights.ReadAll = k.Rights.ReadAll || k.Rights.SeeAll
			seen := mayKey(w, sees, keyhatch.Read, bucket, "x") || mayKey(&unlocked, k, keyhatch.Write, bucket, "x")
			if got := len(open.Prefixes(bucket)) > 0; got != seen || seen && !slices.Contains(open.Buckets(), bucket) {
				t.Fatalf("that %s is there is seen: %t, want %t", bucket, got, seen)
			}
		}
	})
}

// TestOpenToAllKeys: what a bucket opens to all keys it opens to those whose owner decides
// over it, and to write is not to read.
func TestOpenToAllKeys(t *testing.T) {
	t.Parallel()
	read, write, both := keyhatch.Bucket{AllKeysRead: true}, keyhatch.Bucket{AllKeysWrite: true}, keyhatch.Bucket{AllKeysRead: true, AllKeysWrite: true}
	for _, c := range []struct {
		what          string
		b             keyhatch.Bucket
		of            string
		role          keyhatch.Role
		reads, writes bool
	}{
		{"to read, an admin's", read, "", keyhatch.AdminRole, true, false},
		{"to read, the owner's", read, "ann", keyhatch.MemberRole, true, false},
		{"to write, an admin's", write, "", keyhatch.AdminRole, false, true},
		{"to write, the owner's", write, "ann", keyhatch.MemberRole, false, true},
		{"both, the owner's", both, "ann", keyhatch.MemberRole, true, true},
		{"both, a member's", both, "", keyhatch.MemberRole, false, false},
		{"both, of another", both, "bob", keyhatch.MemberRole, false, false},
		{"both, of an owner who left", both, "ann", keyhatch.NoRole, false, false},
	} {
		b := c.b
		b.ID, b.Name, b.Workspace, b.Store, b.Owner = "id", "demo", "lab", "disk", c.of
		w := keyWorld{users: map[string]keyhatch.User{"ann": {ID: "ann", Active: true}}, roles: map[string]keyhatch.Role{"lab|ann": c.role}, buckets: []keyhatch.Bucket{b}}
		open, err := policy.StandingKey(keyhatch.AccessKey{Workspace: "lab", Store: "disk", Owner: "ann"}, &w, keyNow)
		if err != nil {
			t.Fatal(err)
		}
		reads, writes := open.AllowsObject(keyhatch.Read, "demo", "x"), open.AllowsObject(keyhatch.Write, "demo", "x")
		if reads != c.reads || writes != c.writes || (len(open) > 0) != (c.reads || c.writes) {
			t.Errorf("%s: reads %t, writes %t, open is %+v", c.what, reads, writes, open)
		}
	}
}

// TestStandingKeyNeedsThePresent: when it cannot be told who the owner is now, nothing is
// open, and the key has not ended.
func TestStandingKeyNeedsThePresent(t *testing.T) {
	t.Parallel()
	broken := keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "not now")
	open, err := policy.StandingKey(keyhatch.AccessKey{Owner: "ann"}, unknowing{err: broken}, keyNow)
	if !errors.Is(err, keyhatch.Unavailable) || errors.Is(err, policy.ErrKeyEnded) || len(open) > 0 {
		t.Errorf("%v, %v", open, err)
	}
}

type unknowing struct {
	keyWorld
	err error
}

func (u unknowing) User(string) (keyhatch.User, error) { return keyhatch.User{}, u.err }

// TestSeeingFromElsewhere: a key that sees all buckets, and opens nothing in them, was shown one
// of which nothing is open from where it is asked.
func TestSeeingFromElsewhere(t *testing.T) {
	t.Parallel()
	b := keyhatch.Bucket{ID: "id", Name: "demo", Workspace: "lab", Store: "disk"}
	w := keyWorld{
		users: map[string]keyhatch.User{"ann": {ID: "ann", Active: true}}, roles: map[string]keyhatch.Role{"lab|ann": keyhatch.AdminRole},
		buckets: []keyhatch.Bucket{b}, locations: []keyhatch.Location{{Bucket: b.ID, Networks: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}},
	}
	standing, err := policy.StandingKey(keyhatch.AccessKey{Workspace: "lab", Store: "disk", Owner: "ann", Rights: keyhatch.KeyRights{SeeAll: true}}, &w, keyNow)
	if err != nil {
		t.Fatal(err)
	}
	for from, seen := range map[string]bool{"10.1.2.3": true, "192.0.2.1": false} {
		open := standing.From(netip.MustParseAddr(from))
		if got := len(open.Prefixes("demo")) > 0; got != seen {
			t.Errorf("from %s: seen %t", from, got)
		}
		if open.ElsewhereAlone("demo", "x") || open.ListsElsewhereAlone(keyhatch.Read, "demo", "") {
			t.Errorf("from %s it is told that what the key never opens is open elsewhere", from)
		}
	}
}
