package keyhatch_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"pgregory.net/rapid"
)

func TestParseScope(t *testing.T) {
	route := func(method, path string) keyhatch.ParsedScope {
		return keyhatch.ParsedScope{Kind: keyhatch.RouteScope, Method: method, Path: path}
	}
	s3 := func(access keyhatch.Access, bucket string, prefix keyhatch.Prefix) keyhatch.ParsedScope {
		return keyhatch.ParsedScope{Kind: keyhatch.S3Scope, Access: access, URL: keyhatch.S3URL{Bucket: bucket, Prefix: prefix}}
	}
	for in, want := range map[string]keyhatch.ParsedScope{
		"all":                               {Kind: keyhatch.AllScope},
		"leases":                            {Kind: keyhatch.NounScope, Noun: "leases"},
		"leases:read":                       {Kind: keyhatch.NounScope, Noun: "leases", ReadOnly: true},
		"GET /":                             route("GET", "/"),
		"GET /api/v1/leases":                route("GET", "/api/v1/leases"),
		"HEAD /api/v1/leases/":              route("HEAD", "/api/v1/leases/"),
		"POST /api/v1/leases":               route("POST", "/api/v1/leases"),
		"PUT /a":                            route("PUT", "/a"),
		"PATCH /a":                          route("PATCH", "/a"),
		"DELETE /a/b.c/":                    route("DELETE", "/a/b.c/"),
		"GET /a/...":                        route("GET", "/a/..."),
		"s3:read s3://demo":                 s3("read", "demo", ""),
		"s3:read s3://demo/alpha":           s3("read", "demo", "alpha/"),
		"s3:write s3://demo/alpha/":         s3("write", "demo", "alpha/"),
		"s3:read s3://demo/with a space/":   s3("read", "demo", "with a space/"),
		"s3:read s3://demo/*":               s3("read", "demo", "*/"),
		"s3:read s3://demo/all":             s3("read", "demo", "all/"),
		"s3:write s3://demo/s3:read /x":     s3("write", "demo", "s3:read /x/"),
		"GET /" + strings.Repeat("a", 1024): route("GET", "/"+strings.Repeat("a", 1024)),
	} {
		got, err := keyhatch.ParseScope(in)
		if err != nil || got != want {
			t.Errorf("ParseScope(%.60q) = %+v, %v; want %+v", in, got, err, want)
		}
	}
}

func TestParseScopeKnowsEveryNoun(t *testing.T) {
	for _, noun := range keyhatch.ScopeNouns {
		for _, readOnly := range []bool{false, true} {
			in := noun
			if readOnly {
				in += ":read"
			}
			want := keyhatch.ParsedScope{Kind: keyhatch.NounScope, Noun: noun, ReadOnly: readOnly}
			if got, err := keyhatch.ParseScope(in); err != nil || got != want {
				t.Errorf("ParseScope(%q) = %+v, %v", in, got, err)
			}
		}
	}
}

// Katapult's words mean the same with their prefix, and nothing else may have it.
func TestParseScopeKnowsKatapultsWords(t *testing.T) {
	for _, word := range keyhatch.KatapultScopes {
		for _, in := range []string{word, "api.katapult.io/core/v1/" + word} {
			want := keyhatch.ParsedScope{Kind: keyhatch.NounScope, Noun: word}
			if got, err := keyhatch.ParseScope(in); err != nil || got != want {
				t.Errorf("ParseScope(%q) = %+v, %v", in, got, err)
			}
		}
		if slices.Contains(keyhatch.ScopeNouns, strings.TrimSuffix(word, ":read")) {
			t.Errorf("%s is a noun of ours too", word)
		}
	}
	for _, in := range []string{
		"api.katapult.io/core/v1/", "api.katapult.io/core/v1/all", "api.katapult.io/core/v1/tokens", "api.katapult.io/core/v1/GET /",
		"api.katapult.io/core/v1/api.katapult.io/core/v1/api_tokens", "https://api.katapult.io/core/v1/api_tokens", "API.katapult.io/core/v1/api_tokens",
		"api.katapult.io/core/v2/api_tokens", "object_storage:write", "object_storage:read:read", "trash_objects", "organizations", "api_tokens ",
	} {
		if _, err := keyhatch.ParseScope(in); err == nil {
			t.Errorf("ParseScope(%q) is taken", in)
		}
	}
}

func TestParseScopeRefuses(t *testing.T) {
	for _, in := range []string{
		"", " ", "All", "ALL", "all ", " all", "all:read", "all,leases", "*",
		"lease", "Leases", "leases ", " leases", "leases:", "leases:write", "leases:Read", "leases:read:read", ":read", "read",
		"leases\n", "leases\x00", "leases:read ", "leases,tokens",
		"GET", "GET ", "GET api", "GET  /a", "GET\t/a", "get /a", "Get /a", "OPTIONS /a", "TRACE /a", "CONNECT /a", "* /a", "GET,POST /a",
		"GET //", "GET /a//b", "GET //a", "GET /a//", "GET /.", "GET /..", "GET /a/../b", "GET /a/./b", "GET /a/..", "GET /../",
		"GET /a%2fb", "GET /a?b", "GET /a#b", "GET /a b", "GET /a ", "GET /a\n", "GET /a\r", "GET /a\tb", "GET /a\x00", `GET /a\b`,
		"GET /\xff", "GET http://h/a", "GET *", "GET /" + strings.Repeat("a", 1025),
		"s3:", "s3:read", "s3:read ", "s3:read demo/a", "s3:read /demo", "s3:read s3://", "s3:read s3:///a", "s3:read s3://D/a",
		"s3:read  s3://demo/a", "s3: s3://demo/a", "s3:all s3://demo/a", "s3:Read s3://demo/a", "S3:read s3://demo/a", "s3:* s3://demo/a",
		"s3:readwrite s3://demo/a", "s3:read,write s3://demo/a", "s3:read S3://demo/a", "s3:write s3://demo//a", "s3:write s3://demo/../x",
		"s3:write s3://demo/a/./b", "s3:write s3://demo/a\x00", "s3:write s3://demo/a\n", "s3:write s3://de*o/a", "s3:write s3://*",
		"s3:read s3://demo/" + strings.Repeat("a", 1024), "GET s3://demo/a", "read s3://demo/a",
		"GET /" + strings.Repeat("a/", 1<<20),
	} {
		got, err := keyhatch.ParseScope(in)
		wantInvalid(t, in[:min(len(in), 60)], keyhatch.CodeInvalidScope, err)
		if got != (keyhatch.ParsedScope{}) {
			t.Errorf("ParseScope(%.60q) refuses and returns %+v", in, got)
		}
	}
}

// scopeText writes a parsed scope as it would be typed.
func scopeText(p keyhatch.ParsedScope) string {
	switch p.Kind {
	case keyhatch.AllScope:
		return "all"
	case keyhatch.RouteScope:
		return p.Method + " " + p.Path
	case keyhatch.NounScope:
		if p.ReadOnly {
			return p.Noun + ":read"
		}
		return p.Noun
	case keyhatch.S3Scope:
		return "s3:" + string(p.Access) + " " + p.URL.String()
	}
	return "no such kind"
}

func TestScopesReadAsTheyAreWritten(t *testing.T) {
	word := rapid.SampledFrom([]string{"GET", "HEAD", "POST", "get", "leases", "s3:read", "s3:write", "all", "x"})
	rapid.Check(t, func(t *rapid.T) {
		in := word.Draw(t, "word")
		if rapid.Bool().Draw(t, "two words") {
			in += " " + rapid.SampledFrom([]string{"/", "s3://demo/", "/api/", ""}).Draw(t, "begin") + anyPath().Draw(t, "path")
		}
		p, err := keyhatch.ParseScope(in)
		if err != nil {
			return
		}
		if again, err := keyhatch.ParseScope(scopeText(p)); err != nil || again != p {
			t.Fatalf("%q is %+v; written again it is %+v, %v", in, p, again, err)
		}
	})
}
