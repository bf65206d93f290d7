package places_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// TestStoreFolders: a directory store lies inside a folder that the
// configuration names, and no two share a folder.
func TestStoreFolders(t *testing.T) {
	t.Parallel()
	c := coretest.New(t) // its store lies in ROOT/disk
	root := c.Root
	for i, s := range []struct {
		path string
		code keyhatch.Code
		kind keyhatch.Kind
	}{
		{"", keyhatch.CodeInvalidPath, keyhatch.Invalid},
		{"relative", keyhatch.CodeInvalidPath, keyhatch.Invalid},
		{"/", keyhatch.CodeInvalidPath, keyhatch.Invalid},
		{"/etc", keyhatch.CodeInvalidPath, keyhatch.Invalid},
		{filepath.Dir(root), keyhatch.CodeInvalidPath, keyhatch.Invalid},
		{root + "2", keyhatch.CodeInvalidPath, keyhatch.Invalid},
		{root + "/../elsewhere", keyhatch.CodeInvalidPath, keyhatch.Invalid},
		{root + "/a/../../elsewhere", keyhatch.CodeInvalidPath, keyhatch.Invalid},
		{root + "/disk", keyhatch.CodeInvalidPath, keyhatch.Conflict},
		{root + "/disk/", keyhatch.CodeInvalidPath, keyhatch.Conflict},
		{root + "/x/../disk", keyhatch.CodeInvalidPath, keyhatch.Conflict},
		{root + "/disk/inner", keyhatch.CodeInvalidPath, keyhatch.Conflict},
		{root, keyhatch.CodeInvalidPath, keyhatch.Conflict},
		{root + "/disk2", "", ""},
		{root + "/dis", "", ""},
		{root + "//deep/./er/", "", ""},
	} {
		made, err := c.Broker.Places.CreateStore(ctx, c.Admin, places.NewStore{Name: fmt.Sprintf("s%d", i), Kind: keyhatch.DirectoryStore, Path: s.path})
		if s.code != "" {
			wantFail(t, s.path, err, s.kind, s.code, "path")
		} else if err != nil || made.Path != filepath.Clean(s.path) {
			t.Errorf("%s: made at %q, %v", s.path, made.Path, err)
		}
	}
	_, err := c.Broker.Places.CreateStore(ctx, c.Admin, places.NewStore{Name: "tape", Kind: "tape", Path: root + "/tape"})
	wantFail(t, "another kind", err, keyhatch.Invalid, keyhatch.CodeInvalidRequest, "kind")
}

// TestS6_WhereAStoreLiesIsHidden: only who may make stores sees their folders.
func TestS6_WhereAStoreLiesIsHidden(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	lab := c.Workspace(t, "lab")
	owner := c.User(t, "owner")
	c.Member(t, lab, owner, keyhatch.OwnerRole)
	for _, who := range []struct {
		keyhatch.Caller
		want string
	}{{c.Admin, c.Store.Path}, {owner, ""}, {c.User(t, "stranger"), ""}} {
		s, err := c.Broker.Places.Store(ctx, who.Caller, "disk")
		if err != nil || s.Path != who.want {
			t.Errorf("%s sees the folder %q, %v", who.User.Name, s.Path, err)
		}
		list, err := c.Broker.Places.Stores(ctx, who.Caller, kernel.Page{})
		if err != nil || len(list.Items) != 1 || list.Items[0].Path != who.want {
			t.Errorf("%s lists %+v, %v", who.User.Name, list.Items, err)
		}
	}
}

// TestRules is what the use cases about places ask of their input, beyond who
// may.
func TestRules(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	lab, other := c.Workspace(t, "lab"), c.Workspace(t, "other")
	l, beside := c.Location(t, lab, "s3://lab-data/alpha/"), c.Location(t, lab, "s3://lab-data/beta/")
	owner, stranger := c.User(t, "owner"), c.User(t, "stranger")
	c.Member(t, lab, owner, keyhatch.OwnerRole)
	foreign, err := c.Broker.People.CreateGroup(ctx, c.Admin, other.ID, "team")
	if err != nil {
		t.Fatal(err)
	}
	p := c.Broker.Places
	crowded := c.Location(t, lab, "s3://lab-data/crowded/")
	c.SQL(t, `with recursive n (i) as (select 1 union all select i + 1 from n where i < 999)
		insert into grants (id, workspace, location, prefix, subject_kind, subject, access, since, created_by, created_at)
		select 'grant' || i, $1, $2, '', 'everyone', '', 'read', 0, '', 0 from n`, lab.ID, crowded.ID)
	give := func(n places.NewGrant) error {
		if n.Location == "" {
			n.Location = "alpha"
		}
		if n.Access == "" {
			n.Access = keyhatch.Read
		}
		return second(p.GiveGrant(ctx, owner, n))
	}
	locate := func(n places.NewLocation) error { return second(p.CreateLocation(ctx, owner, n)) }
	change := func(ch places.LocationChange) error { return second(p.UpdateLocation(ctx, owner, "", l.ID, ch)) }
	ptr := func(d time.Duration) *time.Duration { return &d }
	bucket := func(n buckets.Existing) error { return second(c.Broker.Buckets.Register(ctx, c.Admin, n)) }
	const user, everyone = keyhatch.SubjectUser, keyhatch.SubjectEveryone
	const invalid, notFound, conflict = keyhatch.Invalid, keyhatch.NotFound, keyhatch.Conflict
	for _, r := range []struct {
		what  string
		err   error
		kind  keyhatch.Kind // "": it is right
		code  keyhatch.Code
		field string
	}{
		{"a prefix that climbs out", give(places.NewGrant{Subject: everyone, Prefix: "../beta"}), invalid, keyhatch.CodeInvalidPrefix, ""},
		{"a prefix with a leading slash", give(places.NewGrant{Subject: everyone, Prefix: "/a"}), invalid, keyhatch.CodeInvalidPrefix, ""},
		{"everyone, by name", give(places.NewGrant{Subject: everyone, Name: "owner"}), invalid, keyhatch.CodeInvalidRequest, "subject"},
		{"nobody", give(places.NewGrant{Subject: user}), notFound, keyhatch.CodeUserNotFound, ""},
		{"somebody unknown", give(places.NewGrant{Subject: user, Name: "nemo"}), notFound, keyhatch.CodeUserNotFound, ""},
		{"somebody whom one may not see, by name", give(places.NewGrant{Subject: user, Name: "stranger"}), notFound, keyhatch.CodeUserNotFound, ""},
		{"another workspace's group, by id", give(places.NewGrant{Subject: keyhatch.SubjectGroup, Name: foreign.ID}), notFound, keyhatch.CodeGroupNotFound, ""},
		{"another workspace's group, by name", give(places.NewGrant{Subject: keyhatch.SubjectGroup, Name: "team"}), notFound, keyhatch.CodeGroupNotFound, ""},
		{"a strange subject", give(places.NewGrant{Subject: "world"}), invalid, keyhatch.CodeInvalidRequest, "to"},
		{"a strange access", give(places.NewGrant{Subject: everyone, Access: "admin"}), invalid, keyhatch.CodeInvalidRequest, "access"},
		{"a grant that has expired", give(places.NewGrant{Subject: everyone, ExpiresAt: time.Now().Add(-time.Second)}), invalid, keyhatch.CodeInvalidExpiry, "expires_at"},
		{"the 1000th grant on a location", give(places.NewGrant{Subject: everyone, Location: crowded.ID}), "", "", ""},
		{"the 1001st", give(places.NewGrant{Subject: everyone, Location: crowded.ID}), conflict, keyhatch.CodeLimitReached, ""},
		{"an unknown location", give(places.NewGrant{Subject: everyone, Location: "gamma"}), notFound, keyhatch.CodeLocationNotFound, ""},

		{"no URL", locate(places.NewLocation{Name: "a"}), invalid, keyhatch.CodeInvalidPrefix, ""},
		{"a URL that climbs", locate(places.NewLocation{Name: "a", URL: "s3://lab-data/c/../alpha/"}), invalid, keyhatch.CodeInvalidPrefix, ""},
		{"another workspace's bucket", locate(places.NewLocation{Name: "a", URL: "s3://other-data/a/"}), notFound, keyhatch.CodeBucketNotFound, ""},
		{"a name twice", locate(places.NewLocation{Name: "alpha", URL: "s3://lab-data/c/"}), conflict, keyhatch.CodeNameTaken, "name"},
		{"a name like an id", locate(places.NewLocation{Name: l.ID, URL: "s3://lab-data/c/"}), invalid, keyhatch.CodeInvalidName, "name"},
		{"an owner who is unknown", locate(places.NewLocation{Name: "c", URL: "s3://lab-data/c/", Owner: "nemo"}), notFound, keyhatch.CodeUserNotFound, ""},
		{"leases too short", locate(places.NewLocation{Name: "c", URL: "s3://lab-data/c/", MaxLease: time.Minute}), invalid, keyhatch.CodeInvalidDuration, "max_lease_seconds"},
		{"leases too long", change(places.LocationChange{MaxLease: ptr(keyhatch.LongestMaxLeaseLife + 1)}), invalid, keyhatch.CodeInvalidDuration, "max_lease_seconds"},
		{"leases of no length", change(places.LocationChange{MaxLease: ptr(0)}), invalid, keyhatch.CodeInvalidDuration, "max_lease_seconds"},
		{"a change to a name that is taken", change(places.LocationChange{Name: &beside.Name}), conflict, keyhatch.CodeNameTaken, "name"},

		{"a bucket twice on a store", bucket(buckets.Existing{Workspace: "other", Store: "disk", Name: "lab-data"}), conflict, keyhatch.CodeNameTaken, "name"},
		{"a bucket's name of capitals", bucket(buckets.Existing{Workspace: "lab", Store: "disk", Name: "LAB"}), invalid, keyhatch.CodeInvalidBucketName, ""},
		{"a bucket's name that climbs", bucket(buckets.Existing{Workspace: "lab", Store: "disk", Name: "..."}), invalid, keyhatch.CodeInvalidBucketName, ""},
		{"a bucket on no store", bucket(buckets.Existing{Workspace: "lab", Store: "tape", Name: "abc"}), notFound, keyhatch.CodeStoreNotFound, ""},
		{"a bucket with a location goes", c.Broker.Buckets.Unregister(ctx, c.Admin, "", l.Bucket), conflict, keyhatch.CodeInUse, ""},
		{"a store with a bucket goes", p.DeleteStore(ctx, c.Admin, "disk"), conflict, keyhatch.CodeInUse, ""},
		{"the owner of a location goes", second(0, c.Broker.People.DeleteUser(ctx, c.Admin, c.Admin.User.ID)), conflict, keyhatch.CodeInUse, ""},
		{"which workspace", second(c.Broker.Buckets.Buckets(ctx, c.Admin, "", kernel.Page{})), invalid, keyhatch.CodeWorkspaceRequired, "workspace"},

		{"somebody whom one may not see, by id", give(places.NewGrant{Subject: user, Name: stranger.User.ID}), "", "", ""},
		{"the longest prefix", give(places.NewGrant{Subject: everyone, Prefix: strings.Repeat("x", keyhatch.MaxKeyBytes-len("alpha/")-1)}), "", "", ""},
		{"the workspace is implied", second(c.Broker.Buckets.Buckets(ctx, owner, "", kernel.Page{})), "", "", ""},
		{"the token's workspace is implied", second(c.Broker.Buckets.Buckets(ctx, c.Token(t, c.Admin, people.NewToken{Workspace: "other"}), "", kernel.Page{})), "", "", ""},
	} {
		if r.kind != "" {
			wantFail(t, r.what, r.err, r.kind, r.code, r.field)
		} else if r.err != nil {
			t.Errorf("%s: %v", r.what, r.err)
		}
	}
}

// second drops the answer of a use case.
func second[T any](_ T, err error) error { return err }

func wantFail(t *testing.T, what string, err error, kind keyhatch.Kind, code keyhatch.Code, field string) {
	t.Helper()
	var e *keyhatch.Error
	if !errors.As(err, &e) || e.Kind != kind || e.Code != code || e.Field != field {
		t.Errorf("%s: got %#v, want %s, %s in %q", what, err, kind, code, field)
	}
}
