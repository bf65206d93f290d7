package policy_test

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// FuzzScopes: whatever the scopes and the call, a call is open when a model that knows
// nothing of parsed scopes says so; and when one token's scopes are within another's,
// whatever they open the other's open too (S4).
func FuzzScopes(f *testing.F) {
	for _, seed := range [][5]string{
		{"all", "leases", "GET", "/api/v1/leases", "leases"},
		{"GET /api/v1/", "HEAD /api/v1/leases", "HEAD", "/api/v1/leases", "leases"},
		{"leases,GET /a/", "leases:read", "POST", "/a/b", "leases"},
		{"s3:read s3://demo/a/", "s3:read s3://demo/a/b/", "POST", "/api/v1/leases", "leases"},
		{"leases,s3:write s3://demo/", "s3:read s3://demo/a/", "GET", "/", ""},
		{"GET /arvados/v1/users", "GET /arvados/v1/users/", "GET", "/arvados/v1/users/current", ""},
	} {
		f.Add(seed[0], seed[1], seed[2], seed[3], seed[4], true, false)
	}
	f.Fuzz(func(t *testing.T, outerText, innerText, method, path, noun string, reads, lending bool) {
		outer, outerErr := policy.ParseScopes(scopeList(outerText))
		inner, innerErr := policy.ParseScopes(scopeList(innerText))
		if outerErr != nil {
			return
		}
		r := policy.Route{Method: method, Path: path, Noun: noun, Reads: reads, Lending: lending}
		if got, want := outer.Allows(r), modelAllows(scopeList(outerText), r); got != want {
			t.Fatalf("%q allows %+v: %v, and the model says %v", outerText, r, got, want)
		}
		if innerErr != nil {
			return
		}
		// What lends is of the noun leases, or shows the token itself, which all may who
		// may lend; hence only the first is asked here.
		if lending && (noun != "leases" || reads) {
			return
		}
		if inner.Within(outer) && inner.Allows(r) && !outer.Allows(r) {
			t.Fatalf("%q is within %q, and opens more: %+v", innerText, outerText, r)
		}
		if inner.Within(outer) && outer.BoundsS3() && !inner.BoundsS3() {
			t.Fatalf("%q is within %q, and has no bounds", innerText, outerText)
		}
		if !outer.Within(outer) {
			t.Fatalf("%q is not within itself", outerText)
		}
	})
}

func scopeList(text string) (out []keyhatch.Scope) {
	for s := range strings.SplitSeq(text, ",") {
		if s != "" {
			out = append(out, keyhatch.Scope(s))
		}
	}
	return out
}

// modelAllows reads the scopes as they are written.
func modelAllows(scopes []keyhatch.Scope, r policy.Route) bool {
	onlyS3 := len(scopes) > 0
	for _, s := range scopes {
		text := string(s)
		if strings.HasPrefix(text, "s3:") {
			continue
		}
		onlyS3 = false
		asked := []string{r.Method + " " + r.Path}
		if r.Method == "HEAD" {
			asked = append(asked, "GET "+r.Path)
		}
		for _, a := range asked {
			if text == "all" || text == a || strings.HasSuffix(text, "/") && strings.Contains(text, " ") && strings.HasPrefix(a, text) {
				return true
			}
		}
		if r.Noun != "" && (text == r.Noun || r.Reads && text == r.Noun+":read") {
			return true
		}
	}
	return onlyS3 && r.Lending
}
