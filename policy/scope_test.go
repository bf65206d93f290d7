package policy_test

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// routes are calls of each sort, by a short name.
var routes = map[string]policy.Route{
	"list":    {Method: "GET", Path: "/api/v1/leases", Noun: "leases", Reads: true},
	"peek":    {Method: "HEAD", Path: "/api/v1/leases", Noun: "leases", Reads: true},
	"borrow":  {Method: "POST", Path: "/api/v1/leases", Noun: "leases", Lending: true},
	"show":    {Method: "GET", Path: "/api/v1/leases/lease_1", Noun: "leases", Reads: true},
	"end":     {Method: "DELETE", Path: "/api/v1/leases/lease_1", Noun: "leases"},
	"self":    {Method: "GET", Path: "/api/v1/tokens/current", Noun: "tokens", Reads: true, Lending: true},
	"mint":    {Method: "POST", Path: "/api/v1/tokens", Noun: "tokens"},
	"foreign": {Method: "GET", Path: "/arvados/v1/users/current", Reads: true},
	"change":  {Method: "PATCH", Path: "/arvados/v1/users/1"},
}

func TestScopesAllow(t *testing.T) {
	for _, tc := range []struct{ scopes, allowed string }{
		{"", ""},
		{"all", "list peek borrow show end self mint foreign change"},
		{"leases", "list peek borrow show end"},
		{"leases:read", "list peek show"},
		{"tokens", "self mint"},
		{"tokens:read", "self"},
		{"users", ""}, // a route without a noun is opened by none
		{"leases:read, tokens", "list peek show self mint"},
		{"GET /api/v1/leases", "list peek"},
		{"HEAD /api/v1/leases", "peek"},
		{"POST /api/v1/leases", "borrow"},
		{"GET /api/v1/leases/", "show"},
		{"GET /api/v1/leases, GET /api/v1/leases/", "list peek show"},
		{"DELETE /api/v1/leases/", "end"},
		{"DELETE /api/v1/leases/lease_1", "end"},
		{"DELETE /api/v1/leases/lease_", ""},
		{"DELETE /api/v1/leases/lease_1/", ""},
		{"GET /api/v1/lease", ""},
		{"GET /api/v1/LEASES", ""},
		{"GET /", "list peek show self foreign"},
		{"POST /", "borrow mint"},
		{"PUT /", ""},
		{"PATCH /arvados/", "change"},
		{"s3:read s3://demo/", "borrow self"},
		{"s3:write s3://demo/a/, s3:read s3://demo/b/", "borrow self"},
		{"s3:read s3://demo/, leases:read", "list peek show"}, // another scope beside them: they only bound
		{"s3:read s3://demo/, leases", "list peek borrow show end"},
		{"s3:read s3://demo/, all", "list peek borrow show end self mint foreign change"},
	} {
		var got []string
		for name, r := range routes {
			if scopes(t, tc.scopes).Allows(r) {
				got = append(got, name)
			}
		}
		want := strings.Fields(tc.allowed)
		slices.Sort(got)
		slices.Sort(want)
		if diff := cmp.Diff(want, got); diff != "" && len(want)+len(got) > 0 {
			t.Errorf("%q (-want +got):\n%s", tc.scopes, diff)
		}
	}
}

func TestScopesBoundS3(t *testing.T) {
	for _, tc := range []struct {
		scopes string
		access keyhatch.Access
		url    string
		want   bool
	}{
		{"all", keyhatch.Write, "s3://demo/", true},
		{"leases", keyhatch.Write, "s3://demo/a/", true},
		{"s3:read s3://demo/a/", keyhatch.Read, "s3://demo/a/", true},
		{"s3:read s3://demo/a/", keyhatch.Read, "s3://demo/a/b/", true},
		{"s3:read s3://demo/a/", keyhatch.Write, "s3://demo/a/", false},
		{"s3:write s3://demo/a/", keyhatch.Read, "s3://demo/a/", true},
		{"s3:write s3://demo/a/", keyhatch.Write, "s3://demo/a/", true},
		{"s3:read s3://demo/a/", keyhatch.Read, "s3://demo/ab/", false},
		{"s3:read s3://demo/a/", keyhatch.Read, "s3://demo/", false},
		{"s3:read s3://demo/a/", keyhatch.Read, "s3://demo2/a/", false},
		{"s3:read s3://demo/a/, s3:read s3://demo/b/", keyhatch.Read, "s3://demo/b/", true},
		{"s3:read s3://demo/a/, s3:read s3://demo/b/", keyhatch.Read, "s3://demo/", false},
		{"s3:read s3://demo/, s3:write s3://demo/a/", keyhatch.Write, "s3://demo/a/x/", true},
		{"s3:read s3://demo/, s3:write s3://demo/a/", keyhatch.Write, "s3://demo/b/", false},
		{"all, s3:read s3://demo/a/", keyhatch.Read, "s3://demo/b/", false}, // all is not all then
		{"all, s3:read s3://demo/a/", keyhatch.Write, "s3://demo/a/", false},
		{"s3:read s3://demo/a/", "admin", "s3://demo/a/", false},
		{"s3:read s3://demo/a/", "", "s3://demo/a/", false},
	} {
		url, err := keyhatch.ParseS3URL(tc.url)
		if err != nil {
			t.Fatal(err)
		}
		if got := scopes(t, tc.scopes).AllowsS3(tc.access, url); got != tc.want {
			t.Errorf("%q allows %s on %s: %t", tc.scopes, tc.access, tc.url, got)
		}
	}
}

func TestScopesAll(t *testing.T) {
	for list, want := range map[string]bool{
		"all": true, "leases, all": true, "": false, "leases": false, "GET /, POST /, PUT /, PATCH /, DELETE /": false,
		"all, s3:write s3://demo/": false, "s3:write s3://demo/": false,
	} {
		s := scopes(t, list)
		if s.All() != want {
			t.Errorf("%q is all: %t", list, s.All())
		}
		if s.BoundsS3() != strings.Contains(list, "s3:") {
			t.Errorf("%q bounds S3: %t", list, s.BoundsS3())
		}
	}
}

// TestS8_OneBadScopeSpoilsAll: a scope that cannot be read is not skipped, which
// could drop the one that bounds.
func TestS8_OneBadScopeSpoilsAll(t *testing.T) {
	for _, bad := range []keyhatch.Scope{"", "s3:read demo", "nonsense", "GET"} {
		s, err := policy.ParseScopes([]keyhatch.Scope{"all", bad, "leases"})
		if !errors.Is(err, keyhatch.Invalid) {
			t.Errorf("with %q: %v", bad, err)
		}
		if s.Allows(routes["list"]) {
			t.Errorf("with %q: what is returned allows something", bad)
		}
	}
}

// scopes parses a list that is written with commas between.
func scopes(t interface {
	Helper()
	Fatalf(string, ...any)
}, list string,
) policy.Scopes {
	t.Helper()
	var all []keyhatch.Scope
	if list != "" {
		for s := range strings.SplitSeq(list, ", ") {
			all = append(all, keyhatch.Scope(s))
		}
	}
	parsed, err := policy.ParseScopes(all)
	if err != nil {
		t.Fatalf("%q: %v", list, err)
	}
	return parsed
}
