package lending_test

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/driver"
)

// TestRefusals is what a request for a lease can have wrong, and what it is
// told. Nothing of it leaves a trace.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	ctx := t.Context()
	// bea is a member of the workspace, and may read two folders of beta.
	bea := w.User(t, "bea")
	w.Member(t, w.ws, bea, keyhatch.MemberRole)
	beta := w.Location(t, w.ws, "s3://lab-data/beta/")
	folder := func(prefix string) keyhatch.Grant {
		return get[keyhatch.Grant](t)(w.Broker.Places.GiveGrant(ctx, w.Admin, places.NewGrant{
			Location: beta.ID, Prefix: prefix, Subject: keyhatch.SubjectUser, Name: "bea", Access: keyhatch.Read,
		}))
	}
	one, two := folder("one"), folder("two/deep")
	locked := w.Location(t, w.ws, "s3://lab-data/locked/")
	w.Grant(t, locked, bea, keyhatch.Write)
	yes := true
	did(t)(w.Broker.Places.UpdateLocation(ctx, w.Admin, "", locked.ID, places.LocationChange{Locked: &yes}))
	other := get[keyhatch.Store](t)(w.Broker.Places.CreateStore(ctx, w.Admin, places.NewStore{Name: "other", Kind: keyhatch.DirectoryStore, Path: filepath.Join(w.Root, "other")}))
	did(t)(w.Broker.Buckets.Register(ctx, w.Admin, buckets.Existing{Workspace: w.ws.ID, Store: other.ID, Name: "other-data"}))
	w.Grant(t, w.Location(t, w.ws, "s3://other-data/far/"), bea, keyhatch.Read)
	elsewhere := w.Workspace(t, "elsewhere")
	hidden := w.Location(t, elsewhere, "s3://elsewhere-data/secret/")
	abroad := w.Location(t, elsewhere, "s3://elsewhere-data/abroad/")
	w.Grant(t, abroad, bea, keyhatch.Read)
	inLab := w.Token(t, bea, people.NewToken{Workspace: w.ws.ID})
	scoped := w.Token(t, bea, people.NewToken{Workspace: w.ws.ID, Scopes: []keyhatch.Scope{"s3:read s3://lab-data/beta/one/in/"}})
	w.Member(t, elsewhere, w.User(t, "cy"), keyhatch.MemberRole)

	before := w.Dump(t)
	for _, r := range []struct {
		what     string
		who      keyhatch.Caller
		ask      lending.LeaseRequest
		kind     keyhatch.Kind
		code     keyhatch.Code
		field    string
		contains string
	}{
		{"no location", bea, lending.LeaseRequest{Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"an unknown name", bea, lending.LeaseRequest{Location: "gamma", Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"an unknown id", bea, lending.LeaseRequest{Location: "loc_000000000000000", Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"the id of a location that one may not see", bea, lending.LeaseRequest{Location: hidden.ID, Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"a member without a grant", bea, lending.LeaseRequest{Location: "alpha", Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"a URL outside every location", bea, lending.LeaseRequest{Location: "s3://lab-data/nothing/here/", Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"a URL above a location", bea, lending.LeaseRequest{Location: "s3://lab-data/", Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"a URL beside a location whose name it begins with", bea, lending.LeaseRequest{Location: "s3://lab-data/beta2/", Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"a URL that another's name begins", bea, lending.LeaseRequest{Location: "s3://lab-data/bet/", Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"a bucket that is not there", bea, lending.LeaseRequest{Location: "s3://no-bucket/beta/", Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"another workspace's bucket", bea, lending.LeaseRequest{Location: "s3://elsewhere-data/secret/", Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"no such workspace", bea, lending.LeaseRequest{Workspace: "nowhere", Location: "beta", Access: "read"}, notFound, keyhatch.CodeLocationNotFound, "location", ""},
		{"a climbing URL", bea, lending.LeaseRequest{Location: "s3://lab-data/beta/../alpha/", Access: "read"}, invalid, keyhatch.CodeInvalidPrefix, "location", ""},
		{"a bad bucket's name", bea, lending.LeaseRequest{Location: "s3://LAB/beta/", Access: "read"}, invalid, keyhatch.CodeInvalidBucketName, "location", ""},
		{"no access", bea, lending.LeaseRequest{Location: "beta"}, invalid, keyhatch.CodeInvalidRequest, "access", ""},
		{"an unknown access", bea, lending.LeaseRequest{Location: "beta", Access: "WRITE"}, invalid, keyhatch.CodeInvalidRequest, "access", ""},

		{"a climbing prefix", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"../alpha"}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", ""},
		{"a prefix that climbs and comes back", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one/../one"}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", ""},
		{"a dot segment", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"./one"}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", ""},
		{"an empty segment", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one//in"}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", ""},
		{"a leading slash", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"/one"}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", ""},
		{"a NUL", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one\x00"}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", ""},
		{"not UTF-8", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one\xff"}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", ""},
		{"too long", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{strings.Repeat("x", 1100)}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", ""},
		{"too long with the location's own", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{strings.Repeat("x", 1022)}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", ""},
		{"an absolute prefix that is nowhere", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one", "s3://lab-data/nothing/"}}, notFound, keyhatch.CodeLocationNotFound, "prefixes", ""},
		{"an absolute prefix that is another's", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one", "s3://lab-data/alpha/"}}, notFound, keyhatch.CodeLocationNotFound, "prefixes", ""},
		{"an absolute prefix that climbs", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"s3://lab-data/beta/one/../../alpha/"}}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", ""},
		{"two stores", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one", "s3://other-data/far/"}}, invalid, keyhatch.CodeStoresDiffer, "prefixes", ""},
		{"two workspaces", bea, lending.LeaseRequest{Location: abroad.ID, Access: "read", Prefixes: []string{"", "s3://lab-data/beta/one/"}}, invalid, keyhatch.CodeStoresDiffer, "prefixes", ""},
		{"far too many prefixes, which nobody looks at", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: slices.Repeat([]string{"s3://lab-data/nothing/"}, 101)}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", "at most 100"},
		{"more prefixes than the store's leases have", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: slices.Repeat([]string{"one"}, 21)}, invalid, keyhatch.CodeInvalidPrefix, "prefixes", "at most 20"},

		{"more than any grant", bea, lending.LeaseRequest{Location: "beta", Access: "read"}, forbidden, keyhatch.CodeAccessNotGranted, "", one.ID + ": read on s3://lab-data/beta/one/"},
		{"more access than the grant", bea, lending.LeaseRequest{Location: "beta", Access: "write", Prefixes: []string{"two/deep/er"}}, forbidden, keyhatch.CodeAccessNotGranted, "", two.ID + ": read on s3://lab-data/beta/two/deep/"},
		{"what two grants cover together", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"two"}}, forbidden, keyhatch.CodeAccessNotGranted, "", two.ID},
		{"beside the grant, its name longer", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one2"}}, forbidden, keyhatch.CodeAccessNotGranted, "", ""},
		{"one prefix of two", bea, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one", "three"}}, forbidden, keyhatch.CodeAccessNotGranted, "", ""},
		{"the owner, who has no grant", w.Admin, lending.LeaseRequest{Workspace: "lab", Location: "beta", Access: "read"}, forbidden, keyhatch.CodeAccessNotGranted, "", "ask its owner for one, or give one"},
		{"writing to what is locked", bea, lending.LeaseRequest{Location: "locked", Access: "write"}, conflict, keyhatch.CodeLocationLocked, "", ""},

		{"no workspace implied: none", w.ann, lending.LeaseRequest{Location: "alpha", Access: "read"}, invalid, keyhatch.CodeWorkspaceRequired, "workspace", ""},
		{"no workspace implied: a URL", w.ann, lending.LeaseRequest{Location: "s3://lab-data/alpha/", Access: "read"}, invalid, keyhatch.CodeWorkspaceRequired, "workspace", ""},
		{"no workspace implied: two", w.Admin, lending.LeaseRequest{Location: "alpha", Access: "read"}, invalid, keyhatch.CodeWorkspaceRequired, "workspace", ""},
		{"a workspace that is not the token's", inLab, lending.LeaseRequest{Workspace: "elsewhere", Location: "beta", Access: "read"}, forbidden, keyhatch.CodeWorkspaceNotInToken, "workspace", ""},
		{"above the token's scope", scoped, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one"}}, forbidden, keyhatch.CodeScopeNotGranted, "", ""},
		{"beside the token's scope", scoped, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one/in2"}}, forbidden, keyhatch.CodeScopeNotGranted, "", ""},
		{"one prefix beside the token's scope", scoped, lending.LeaseRequest{Location: "beta", Access: "read", Prefixes: []string{"one/in", "two/deep"}}, forbidden, keyhatch.CodeScopeNotGranted, "", ""},
		{"writing with a scope for reading", scoped, lending.LeaseRequest{Location: "beta", Access: "write", Prefixes: []string{"one/in"}}, forbidden, keyhatch.CodeScopeNotGranted, "", ""},
	} {
		lent, err := w.Broker.Lending.Lease(ctx, r.who, r.ask)
		wantFail(t, r.what, err, r.kind, r.code, r.field)
		if err != nil && !strings.Contains(err.Error(), r.contains) {
			t.Errorf("%s: %q does not say %q", r.what, err, r.contains)
		}
		if diff := cmp.Diff(lending.Lent{}, lent); diff != "" {
			t.Errorf("%s: the refusal came with an answer:\n%s", r.what, diff)
		}
	}
	if diff := cmp.Diff(before, w.Dump(t)); diff != "" {
		t.Errorf("the refusals left a trace:\n%s", diff)
	}

	for what, ask := range map[string]lending.LeaseRequest{
		"by name":                        {Location: "beta", Access: "read", Prefixes: []string{"one"}},
		"by id, with no workspace":       {Location: beta.ID, Access: "read", Prefixes: []string{"one/"}},
		"by URL":                         {Location: "s3://lab-data/beta/one", Access: "read"},
		"by URL, narrowed":               {Location: "s3://lab-data/beta/one/", Access: "read", Prefixes: []string{"in"}},
		"several, the same ones twice":   {Location: "beta", Access: "read", Prefixes: []string{"one", "one/", "s3://lab-data/beta/two/deep", "s3://lab-data/beta/one/"}},
		"in a location of another store": {Location: "far", Access: "read"},
		"reading what is locked":         {Location: "locked", Access: "read"},
	} {
		if _, err := w.Broker.Lending.Lease(ctx, bea, ask); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// TestS8_NoLender: a store whose kind of lease nobody lends, and a lender that
// fails, lend nothing and leave nothing.
func TestS8_NoLender(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	before := w.Dump(t)
	for what, lenders := range map[string]map[keyhatch.Lending]driver.Lender{
		"none": nil, "another": {"sts": failing{}}, "failing": {keyhatch.LendsOwn: failing{}},
	} {
		lent, err := w.With(lenders).Lending.Lease(t.Context(), w.ann, lending.LeaseRequest{Location: w.location.ID, Access: keyhatch.Read})
		if what == "failing" {
			if !errors.Is(err, errLender) {
				t.Errorf("a failing lender: %v", err)
			}
		} else {
			wantFail(t, what, err, keyhatch.Conflict, keyhatch.CodeStoreUnsupported, "")
		}
		if diff := cmp.Diff(lending.Lent{}, lent); diff != "" {
			t.Errorf("%s: something was lent:\n%s", what, diff)
		}
	}
	if diff := cmp.Diff(before, w.Dump(t)); diff != "" {
		t.Errorf("something was left:\n%s", diff)
	}
}

var errLender = errors.New("of the lender")

// failing is a lender whose store is not there.
type failing struct{}

func (failing) Capabilities() driver.Capabilities {
	return driver.Capabilities{MaxLife: day, MaxPrefixes: 1}
}

func (failing) Lend(context.Context, driver.LendRequest) (driver.Vended, error) {
	return driver.Vended{Credentials: keyhatch.Credentials{SecretAccessKey: "a secret"}}, fmt.Errorf("reach the store: %w", errLender)
}
