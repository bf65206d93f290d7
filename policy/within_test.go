package policy_test

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
	"pgregory.net/rapid"
)

func TestS4_Within(t *testing.T) {
	for _, tc := range []struct {
		inner, outer string
		want         bool
		why          string
	}{
		{"all", "all", true, "the same"},
		{"leases", "all", true, "all covers nouns"},
		{"GET /api/v1/leases", "all", true, "and routes"},
		{"all", "leases", false, "broader"},
		{"all", "GET /, HEAD /, POST /, PUT /, PATCH /, DELETE /", false, "all is within all only"},
		{"leases:read", "leases", true, "less"},
		{"leases", "leases:read", false, "more"},
		{"leases:read", "leases:read", true, "the same"},
		{"leases, tokens", "leases", false, "each must be within"},
		{"leases", "leases, tokens", true, "any may cover"},
		{"tokens", "leases", false, "another noun"},

		{"GET /a", "GET /a", true, "the same"},
		{"GET /a/b", "GET /a/", true, "below"},
		{"GET /a/b/", "GET /a/", true, "below"},
		{"GET /a/", "GET /a/", true, "the same"},
		{"GET /a", "GET /a/", false, "the path without the slash is not below it"},
		{"GET /a/", "GET /a", false, "a beginning is more than a path"},
		{"GET /a/", "GET /a/b", false, "more"},
		{"GET /ab", "GET /a/", false, "beside"},
		{"GET /ab", "GET /a", false, "beside"},
		{"GET /a", "GET /", true, "the root covers all"},
		{"GET /", "GET /", true, "the same"},
		{"GET /", "GET /a/", false, "more"},
		{"HEAD /a", "GET /a", true, "HEAD is GET without a body"},
		{"HEAD /a/b", "GET /a/", true, "also below"},
		{"GET /a", "HEAD /a", false, "but not the other way round"},
		{"POST /a", "GET /a", false, "another method"},
		{"GET /api/v1/leases", "leases", false, "routes and nouns are never within each other"},
		{"leases:read", "GET /api/v1/leases, GET /api/v1/leases/", false, "routes and nouns are never within each other"},

		{"s3:read s3://demo/a/", "s3:read s3://demo/a/", true, "the same"},
		{"s3:read s3://demo/a/b/", "s3:read s3://demo/a/", true, "below"},
		{"s3:read s3://demo/a/", "s3:write s3://demo/a/", true, "less"},
		{"s3:write s3://demo/a/", "s3:read s3://demo/a/", false, "more"},
		{"s3:read s3://demo/", "s3:read s3://demo/a/", false, "above"},
		{"s3:read s3://demo/ab/", "s3:read s3://demo/a/", false, "beside"},
		{"s3:read s3://other/a/", "s3:read s3://demo/a/", false, "another bucket"},
		{"s3:read s3://demo/a/", "s3:read s3://demo/b/, s3:write s3://demo/", true, "any may cover"},
		{"s3:read s3://demo/a/, s3:read s3://demo/c/", "s3:read s3://demo/a/, s3:read s3://demo/b/", false, "each must be within"},
		{"s3:write s3://demo/a/", "s3:read s3://demo/a/, s3:write s3://demo/b/", false, "one must cover it whole"},

		{"all", "all, s3:read s3://demo/", false, "without s3 scopes nothing would bound it"},
		{"leases", "all, s3:read s3://demo/", false, "nor this"},
		{"", "all, s3:read s3://demo/", false, "nor nothing at all"},
		{"leases, s3:read s3://demo/a/", "all, s3:read s3://demo/", true, "bounded as much"},
		{"leases, s3:write s3://demo/a/", "all, s3:read s3://demo/", false, "bounded less"},
		{"all, s3:read s3://demo/", "all", true, "bounded, under one that is not"},
		{"all, s3:write s3://demo/", "s3:write s3://demo/", false, "all is more than to borrow"},
		{"tokens, s3:write s3://demo/", "s3:write s3://demo/", false, "any route is"},

		{"s3:read s3://demo/", "all", true, "who may all may lend"},
		{"s3:read s3://demo/", "leases", true, "who may lend"},
		{"s3:read s3://demo/", "leases:read", false, "who may not lend cannot pass it on"},
		{"s3:read s3://demo/", "tokens", false, "nor this"},
		{"s3:read s3://demo/", "tokens, s3:read s3://demo/", false, "its bounds are no right to borrow"},
		{"s3:read s3://demo/", "leases, s3:read s3://demo/", true, "a right and bounds"},
		{"s3:read s3://demo/", "", false, "nothing lends nothing"},
		{"tokens, s3:read s3://demo/", "tokens", true, "it cannot borrow either"},

		{"", "", true, "nothing within nothing"},
		{"", "leases", true, "nothing within something"},
		{"leases", "", false, "something within nothing"},
	} {
		if got := scopes(t, tc.inner).Within(scopes(t, tc.outer)); got != tc.want {
			t.Errorf("%q within %q: %t, want %t: %s", tc.inner, tc.outer, got, tc.want, tc.why)
		}
	}
}

// The property's universe is small, so that scopes often meet.
var (
	someMethods  = []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"}
	somePaths    = []string{"/", "/a", "/a/", "/a/b", "/a/b/", "/a/b/c", "/ab", "/ab/", "/b"}
	someNouns    = []string{"leases", "tokens", "users"}
	someBuckets  = []string{"demo", "demo2"}
	somePrefixes = []string{"", "a/", "a/b/", "ab/", "b/"}
)

func anyScope() *rapid.Generator[string] {
	return rapid.OneOf(
		rapid.Just("all"),
		rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom(someMethods).Draw(t, "method") + " " + rapid.SampledFrom(somePaths).Draw(t, "path")
		}),
		rapid.Custom(func(t *rapid.T) string {
			return rapid.SampledFrom(someNouns).Draw(t, "noun") + rapid.SampledFrom([]string{"", ":read"}).Draw(t, "level")
		}),
		s3Scope(),
	)
}

func s3Scope() *rapid.Generator[string] {
	return rapid.Custom(func(t *rapid.T) string {
		return "s3:" + rapid.SampledFrom([]string{"read", "write"}).Draw(t, "access") +
			" s3://" + rapid.SampledFrom(someBuckets).Draw(t, "bucket") + "/" + rapid.SampledFrom(somePrefixes).Draw(t, "prefix")
	})
}

// narrower draws a scope that is often within the other.
func narrower(t *rapid.T, scope string) string {
	word, path, ok := strings.Cut(scope, " ")
	switch {
	case scope == "all":
		return anyScope().Draw(t, "narrower")
	case !ok:
		return strings.TrimSuffix(scope, ":read") + rapid.SampledFrom([]string{"", ":read"}).Draw(t, "level")
	case strings.HasPrefix(word, "s3:"):
		return rapid.SampledFrom([]string{"s3:read", word}).Draw(t, "word") + " " + path + rapid.SampledFrom([]string{"", "a/", "b/c"}).Draw(t, "below")
	case strings.HasSuffix(path, "/"):
		return word + " " + path + rapid.SampledFrom([]string{"", "b", "b/"}).Draw(t, "below")
	}
	return rapid.SampledFrom([]string{word, "HEAD"}).Draw(t, "method") + " " + path
}

func scopeLists(t *rapid.T) (inner, outer string) {
	out := rapid.SliceOfN(anyScope(), 0, 4).Draw(t, "outer")
	var in []string
	for _, s := range out {
		if rapid.IntRange(0, 3).Draw(t, "keep") > 0 {
			in = append(in, narrower(t, s))
		}
	}
	in = append(in, rapid.SliceOfN(anyScope(), 0, 1).Draw(t, "more")...)
	return strings.Join(in, ", "), strings.Join(out, ", ")
}

// TestS4_WithinMeansNoMore asks of every call and every lease in the universe:
// whatever the inner scopes allow, the outer ones allow too.
func TestS4_WithinMeansNoMore(t *testing.T) {
	within, not := 0, 0
	rapid.Check(t, func(t *rapid.T) {
		in, out := scopeLists(t)
		inner, outer := scopes(t, in), scopes(t, out)
		if !inner.Within(outer) {
			not++
			return
		}
		within++
		for _, r := range universe() {
			if inner.Allows(r) && !outer.Allows(r) {
				t.Fatalf("%q within %q, but it alone allows %+v", in, out, r)
			}
		}
		borrow := policy.Route{Method: "POST", Path: "/api/v1/leases", Noun: "leases", Lending: true}
		for _, access := range []keyhatch.Access{keyhatch.Read, keyhatch.Write} {
			for _, bucket := range someBuckets {
				for _, prefix := range somePrefixes {
					url := keyhatch.S3URL{Bucket: bucket, Prefix: keyhatch.Prefix(prefix)}
					if inner.AllowsS3(access, url) && !outer.AllowsS3(access, url) {
						t.Fatalf("%q within %q, but it alone allows %s on %s", in, out, access, url)
					}
					if inner.Allows(borrow) && inner.AllowsS3(access, url) && (!outer.Allows(borrow) || !outer.AllowsS3(access, url)) {
						t.Fatalf("%q within %q, but it alone lends %s on %s", in, out, access, url)
					}
				}
			}
		}
		if inner.All() && !outer.All() {
			t.Fatalf("%q within %q is all", in, out)
		}
	})
	if within < 10 || not < 10 {
		t.Errorf("%d lists were within the other, %d were not: too few to tell", within, not)
	}
}

// universe is every call of the property. Only borrowing is a lending call here:
// that a token can look at itself is no right that its maker must have.
func universe() []policy.Route {
	var all []policy.Route
	for _, method := range someMethods {
		for _, path := range append(somePaths, "/api/v1/leases") {
			for _, noun := range append(someNouns, "") {
				for _, reads := range []bool{true, false} {
					all = append(all, policy.Route{Method: method, Path: path, Noun: noun, Reads: reads, Lending: noun == "leases" && !reads})
				}
			}
		}
	}
	return all
}

func TestS4_WithinIsAnOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		a, b := scopeLists(t)
		_, c := scopeLists(t)
		for _, list := range []string{a, b, c} {
			if !scopes(t, list).Within(scopes(t, list)) {
				t.Fatalf("%q is not within itself", list)
			}
		}
		for _, chain := range [][3]string{{a, b, c}, {c, a, b}, {a, b, "all"}} {
			x, y, z := scopes(t, chain[0]), scopes(t, chain[1]), scopes(t, chain[2])
			if x.Within(y) && y.Within(z) && !x.Within(z) {
				t.Fatalf("each within the next, but the first not within the last: %q", chain)
			}
		}
	})
}

func TestS4_AnUncoveredScopeIsNeverWithin(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in, out := scopeLists(t)
		extra := s3Scope().Draw(t, "extra")
		url, access := parseS3Scope(t, extra)
		inner, outer := scopes(t, strings.TrimPrefix(in+", "+extra, ", ")), scopes(t, out)
		if !outer.AllowsS3(access, url) && inner.Within(outer) {
			t.Fatalf("%q with %q is within %q", in, extra, out)
		}
	})
}

func parseS3Scope(t *rapid.T, s string) (keyhatch.S3URL, keyhatch.Access) {
	p, err := keyhatch.ParseScope(s)
	if err != nil || p.Kind != keyhatch.S3Scope {
		t.Fatalf("%q: %v", s, err)
	}
	return p.URL, p.Access
}
