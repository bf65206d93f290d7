package policy_test

import (
	"slices"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"pgregory.net/rapid"
)

// TestKeysAreToldWhereTheyOpen: of every prefix in every bucket those keys are told that
// open something in it, as an independent reading of the rules says; and of each by which
// right, and as what its owner decides.
func TestKeysAreToldWhereTheyOpen(t *testing.T) {
	t.Parallel()
	told, without := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		w, k := drawKeyWorld(t)
		for _, b := range w.buckets {
			for _, prefix := range []keyhatch.Prefix{"", "a/", "a/b/", "ab/", "b/", "b/c/", "b/c/d/"} {
				for _, access := range []keyhatch.Access{keyhatch.Read, keyhatch.Write} {
					if toldWhereItOpens(t, w, k, b, prefix, access) {
						told++
					} else {
						without++
					}
				}
			}
		}
	})
	if told < 50 || without < 50 {
		t.Errorf("told %d times, and %d times not: the test lost its meaning", told, without)
	}
}

// toldWhereItOpens asks for one prefix of a bucket, and tells whether the key was told.
func toldWhereItOpens(t *rapid.T, w *keyWorld, k keyhatch.AccessKey, b keyhatch.Bucket, prefix keyhatch.Prefix, access keyhatch.Access) bool {
	q := policy.Question{Prefix: prefix, Access: access, At: keyNow}
	for i := range w.locations { // from which networks is not looked at
		w.locations[i].Networks = nil
	}
	var ways []policy.KeyWay
	for way, err := range q.Keys(slices.Values([]keyhatch.AccessKey{k}), b, w) {
		if err != nil {
			t.Fatal(err)
		}
		ways = append(ways, way)
	}
	if opens := mayKey(w, k, access, b.Name, string(prefix)+"x"); opens != (len(ways) == 1) {
		t.Fatalf("%s %s in %s: opens is %t, told is %+v", access, prefix, b.Name, opens, ways)
	}
	if len(ways) == 1 && (len(ways[0].Rights) == 0 || len(ways[0].Standings) == 0) {
		t.Fatalf("it is not told by what %+v opens it: %+v", k, ways[0])
	}
	return len(ways) == 1
}

// TestByWhatAKeyOpens: each right and each standing is told by its name, and of the pairs
// those that worked.
func TestByWhatAKeyOpens(t *testing.T) {
	t.Parallel()
	b := keyhatch.Bucket{ID: "id", Name: "demo", Workspace: "lab", Store: "disk", Owner: "bob"}
	toAll := b
	toAll.AllKeysRead = true
	admin, owner := []policy.KeyStanding{policy.AsWorkspaceAdmin}, []policy.KeyStanding{policy.AsBucketOwner}
	all, listed, ofAll := []policy.KeyRight{policy.RightOnAll}, []policy.KeyRight{policy.RightOnBucket}, []policy.KeyRight{policy.RightOfAll}
	for what, c := range map[string]struct {
		bucket    keyhatch.Bucket
		user      keyhatch.User
		role      keyhatch.Role
		rights    keyhatch.KeyRights
		access    keyhatch.Access
		by        []policy.KeyRight
		standings []policy.KeyStanding
	}{
		"all, admin":             {b, keyhatch.User{ID: "ann"}, keyhatch.AdminRole, keyhatch.KeyRights{ReadAll: true}, keyhatch.Read, all, admin},
		"all, of the other kind": {b, keyhatch.User{ID: "ann"}, keyhatch.AdminRole, keyhatch.KeyRights{ReadAll: true, SeeAll: true}, keyhatch.Write, nil, nil},
		"write all":              {b, keyhatch.User{ID: "ann"}, keyhatch.OwnerRole, keyhatch.KeyRights{WriteAll: true}, keyhatch.Write, all, admin},
		"both":                   {b, keyhatch.User{ID: "ann"}, keyhatch.AdminRole, keyhatch.KeyRights{ReadAll: true, Read: []string{"id"}}, keyhatch.Read, []policy.KeyRight{policy.RightOnBucket, policy.RightOnAll}, admin},
		"installation admin":     {b, keyhatch.User{ID: "ann", Admin: true}, keyhatch.NoRole, keyhatch.KeyRights{Write: []string{"id"}}, keyhatch.Write, listed, []policy.KeyStanding{policy.AsInstallationAdmin}},
		"bucket's owner":         {b, keyhatch.User{ID: "bob"}, keyhatch.MemberRole, keyhatch.KeyRights{Read: []string{"id"}, ReadAll: true}, keyhatch.Read, listed, owner},
		"a member":               {b, keyhatch.User{ID: "ann"}, keyhatch.MemberRole, keyhatch.KeyRights{Read: []string{"id"}}, keyhatch.Read, nil, nil},
		"open to all keys":       {toAll, keyhatch.User{ID: "bob"}, keyhatch.MemberRole, keyhatch.KeyRights{}, keyhatch.Read, ofAll, owner},
		"to read alone":          {toAll, keyhatch.User{ID: "bob"}, keyhatch.MemberRole, keyhatch.KeyRights{}, keyhatch.Write, nil, nil},
		"by all three":           {toAll, keyhatch.User{ID: "ann"}, keyhatch.AdminRole, keyhatch.KeyRights{ReadAll: true, Read: []string{"id"}}, keyhatch.Read, []policy.KeyRight{policy.RightOnBucket, policy.RightOnAll, policy.RightOfAll}, admin},
		"a member, to all keys":  {toAll, keyhatch.User{ID: "ann"}, keyhatch.MemberRole, keyhatch.KeyRights{}, keyhatch.Read, nil, nil},
		"owner who left":         {b, keyhatch.User{ID: "bob"}, keyhatch.NoRole, keyhatch.KeyRights{Read: []string{"id"}}, keyhatch.Read, nil, nil},
	} {
		c.user.Active = true
		w := &keyWorld{users: map[string]keyhatch.User{c.user.ID: c.user}, roles: map[string]keyhatch.Role{"lab|" + c.user.ID: c.role}}
		key := keyhatch.AccessKey{
			Workspace: "lab", Store: "disk", Owner: c.user.ID, Rights: c.rights,
			Pairs: []keyhatch.IssuedPair{{AccessKeyID: "new"}, {AccessKeyID: "old", EndsAt: keyNow}, {AccessKeyID: "works", EndsAt: keyNow.Add(time.Microsecond)}},
		}
		var by []policy.KeyRight
		var standings []policy.KeyStanding
		for way, err := range (policy.Question{Access: c.access, At: keyNow}).Keys(slices.Values([]keyhatch.AccessKey{key}), c.bucket, w) {
			by, standings = way.Rights, way.Standings
			if err != nil || !slices.Equal(way.Pairs, []string{"new", "works"}) {
				t.Errorf("%s: the pairs %q worked, %v", what, way.Pairs, err)
			}
		}
		if !slices.Equal(by, c.by) || !slices.Equal(standings, c.standings) {
			t.Errorf("%s: by %q as %q, want %q as %q", what, by, standings, c.by, c.standings)
		}
	}
}

// TestKeysNeedThePast: when it cannot be told who the owner was, no answer passes for one.
func TestKeysNeedThePast(t *testing.T) {
	t.Parallel()
	broken := keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "not now")
	q := policy.Question{Access: keyhatch.Read, At: keyNow}
	failed := 0
	for _, err := range q.Keys(slices.Values([]keyhatch.AccessKey{{Owner: "ann"}, {Owner: "bob"}}), keyhatch.Bucket{}, unknowing{err: broken}) {
		if err == nil {
			t.Error("a key was told")
		}
		failed++
	}
	if failed != 1 {
		t.Errorf("it failed %d times", failed)
	}
}
