package policy_test

import (
	"net/netip"
	"time"

	"github.com/keyhatch/keyhatch"
)

// The networks of locations, and addresses inside and outside of them.
var (
	someNetworks = [][]netip.Prefix{
		{netip.MustParsePrefix("10.0.0.0/8")}, {netip.MustParsePrefix("10.1.0.0/16"), netip.MustParsePrefix("2001:db8::/32")}, {netip.MustParsePrefix("192.0.2.7/32")},
	}
	someAddresses = []string{"10.1.2.3", "10.2.0.1", "192.0.2.7", "2001:db8::1", "198.51.100.1"}
)

// world is the present as a test sets it.
type world struct {
	users     map[string]keyhatch.User
	tokens    map[string]keyhatch.Token
	locations map[string]keyhatch.Location
	grants    map[string]keyhatch.Grant
	members   map[[2]string]keyhatch.CircleMember // by circle and user
	revoked   map[string]bool
	closed    map[string]bool                        // buckets
	buckets   map[[2]string]keyhatch.Bucket          // by workspace and name
	belongs   map[[2]string]keyhatch.WorkspaceMember // by workspace and user
	broken    map[string]error                       // by method: what it fails with
}

func newWorld() *world {
	return &world{
		users: map[string]keyhatch.User{}, tokens: map[string]keyhatch.Token{}, locations: map[string]keyhatch.Location{},
		grants: map[string]keyhatch.Grant{}, members: map[[2]string]keyhatch.CircleMember{}, closed: map[string]bool{},
		buckets: map[[2]string]keyhatch.Bucket{}, belongs: map[[2]string]keyhatch.WorkspaceMember{}, revoked: map[string]bool{}, broken: map[string]error{},
	}
}

func look[K comparable, V any](w *world, method string, from map[K]V, key K) (V, error) {
	v, ok := from[key]
	if err := w.broken[method]; err != nil {
		return v, err // with the value: an error must count for more
	}
	if !ok {
		return v, keyhatch.Fail(keyhatch.NotFound, keyhatch.CodeInternal, "it does not exist")
	}
	return v, nil
}

func (w *world) User(id string) (keyhatch.User, error)   { return look(w, "User", w.users, id) }
func (w *world) Token(id string) (keyhatch.Token, error) { return look(w, "Token", w.tokens, id) }
func (w *world) Location(id string) (keyhatch.Location, error) {
	return look(w, "Location", w.locations, id)
}
func (w *world) Grant(id string) (keyhatch.Grant, error) { return look(w, "Grant", w.grants, id) }
func (w *world) CircleMember(circle, user string) (keyhatch.CircleMember, error) {
	return look(w, "CircleMember", w.members, [2]string{circle, user})
}

func (w *world) BucketByName(workspace, name string) (keyhatch.Bucket, error) {
	return look(w, "BucketByName", w.buckets, [2]string{workspace, name})
}

func (w *world) WorkspaceMember(workspace, user string) (keyhatch.WorkspaceMember, error) {
	return look(w, "WorkspaceMember", w.belongs, [2]string{workspace, user})
}

func (w *world) LocationAround(bucket string, prefix keyhatch.Prefix) (keyhatch.Location, error) {
	for _, l := range w.locations {
		if l.Bucket == bucket && l.Prefix.Covers(prefix) {
			return l, w.broken["LocationAround"]
		}
	}
	return look(w, "LocationAround", w.locations, "")
}

// BucketOpen: all are but those that a test closes.
func (w *world) BucketOpen(id string) (bool, error) { return !w.closed[id], w.broken["BucketOpen"] }

func (w *world) LeaseRevoked(id string) (bool, error) { return w.revoked[id], w.broken["LeaseRevoked"] }

func change[K comparable, V any](m map[K]V, key K, set func(*V)) {
	v := m[key]
	set(&v)
	m[key] = v
}

// The scene of the tables: a lease that was issued at noon for one hour, and
// everything that it rests on, an hour older.
func scene() (*world, keyhatch.Lease) {
	w, before := newWorld(), noon.Add(-time.Hour)
	w.users["user_1"] = keyhatch.User{ID: "user_1", Active: true, ActiveSince: before}
	w.tokens["tok_1"] = keyhatch.Token{ID: "tok_1", User: "user_1", Since: before}
	w.members[[2]string{"group_1", "user_1"}] = keyhatch.CircleMember{Circle: "group_1", User: "user_1", Since: before}
	w.locations["loc_1"] = keyhatch.Location{
		ID: "loc_1", Workspace: "ws_1", Store: "store_1", Bucket: "bucket_1", BucketName: "demo", Prefix: "data/", WritableSince: before,
	}
	w.locations["loc_2"] = keyhatch.Location{
		ID: "loc_2", Workspace: "ws_1", Store: "store_1", Bucket: "bucket_1", BucketName: "demo", Prefix: "other/", WritableSince: before,
	}
	w.grants["grant_1"] = keyhatch.Grant{
		ID: "grant_1", Location: "loc_1", Bucket: "demo", Prefix: "data/a/", Access: keyhatch.Write, Since: before,
		Subject: keyhatch.Subject{Kind: keyhatch.SubjectGroup, ID: "group_1"},
	}
	w.grants["grant_2"] = keyhatch.Grant{
		ID: "grant_2", Location: "loc_2", Bucket: "demo", Prefix: "other/", Access: keyhatch.Write, Since: before,
		Subject: keyhatch.Subject{Kind: keyhatch.SubjectUser, ID: "user_1"},
	}
	return w, keyhatch.Lease{
		ID: "lease_1", Workspace: "ws_1", User: "user_1", Token: "tok_1", Store: "store_1", Access: keyhatch.Write,
		IssuedAt: noon, ExpiresAt: noon.Add(time.Hour),
		Parts: []keyhatch.Part{
			{Bucket: "demo", Prefix: "data/a/b/", Location: "loc_1", Grant: "grant_1"},
			{Bucket: "demo", Prefix: "other/", Location: "loc_2", Grant: "grant_2"},
		},
	}
}
