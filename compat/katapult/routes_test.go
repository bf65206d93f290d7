package katapult

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/compat/katapult/arguments"
)

// TestTable: every line of it can be reached as it is written, needs what may be said of
// a scope, and takes what its path names.
func TestTable(t *testing.T) {
	for _, want := range routes {
		got, _, err := find(httptest.NewRequest(want.method, base+want.path, nil))
		if err != nil || got.method != want.method || got.path != want.path {
			t.Errorf("%s %s is taken for %s %s, %v", want.method, want.path, got.method, got.path, err)
		}
		for _, scope := range want.scopes {
			if !slices.Contains(keyhatch.KatapultScopes, scope) {
				t.Errorf("%s %s: no token can have the scope %s", want.method, want.path, scope)
			}
		}
		if !slices.Contains(keyhatch.ScopeNouns, want.noun) {
			t.Errorf("%s %s: no token can have the scope %s", want.method, want.path, want.noun)
		}
		if want.status != 200 && want.status != 201 || want.run == nil {
			t.Errorf("%s %s: %d", want.method, want.path, want.status)
		}
		for word := range strings.SplitSeq(want.path, "/") {
			takes := slices.ContainsFunc(want.takes, func(a arguments.Argument) bool { return a.Name == word })
			if slices.Contains(parameters, word) && !takes {
				t.Errorf("%s %s does not take %s", want.method, want.path, word)
			}
		}
		for _, a := range want.takes {
			checkArgument(t, want.path, a)
		}
	}
}

// checkArgument: what the reading of arguments rests on.
func checkArgument(t *testing.T, path string, a arguments.Argument) {
	t.Helper()
	if nested := a.Kind == arguments.Object || a.Kind == arguments.Lookup; nested != (len(a.Fields) > 0) || a.Kind == arguments.Lookup && a.List {
		t.Errorf("%s: %s is %+v", path, a.Name, a)
	}
	for _, f := range a.Fields {
		if a.Kind == arguments.Lookup && (f.Kind != arguments.Text || f.List) {
			t.Errorf("%s: %s is looked up by %s", path, a.Name, f.Name)
		}
		checkArgument(t, path, f)
	}
}

func TestFind(t *testing.T) {
	for asked, want := range map[string]string{
		"GET /core/v1/users/current":                   "users/current",
		"GET /core/v1/users/current/":                  "users/current",
		"GET /Core/V1/users/current":                   "users/current",
		"GET /core/v1/users/%63urrent":                 "users/current",
		"GET /core/v1/organizations":                   "organizations",
		"GET /core/v1/organizations/_":                 "organizations/organization organization=_",
		"GET /core/v1/organizations/%5f":               "organizations/organization organization=_",
		"GET /core/v1/organizations/:organization":     "organizations/organization organization=:organization",
		"GET /core/v1/organizations/a/api_tokens":      "organizations/organization/api_tokens organization=a",
		"POST /core/v1/organizations/a/api_tokens":     "organizations/organization/api_tokens organization=a",
		"OPTIONS /core/v1/organizations/a/api_tokens":  "organizations/organization/api_tokens organization=a",
		"DELETE /core/v1/api_tokens/tok_1":             "api_tokens/api_token api_token=tok_1",
		"POST /core/v1/api_tokens/x/regenerate_secret": "api_tokens/api_token/regenerate_secret api_token=x",
		"GET /core/v1/api_tokens/x/regenerate_secret":  "No route matches 'api_tokens/x/regenerate_secret' for GET",
		"HEAD /core/v1/organizations":                  "No route matches 'organizations' for HEAD",
		"PUT /core/v1/organizations":                   "No route matches 'organizations' for PUT",
		"GET /core/v1/":                                "No route matches '' for GET",
		"GET /core/v1/nonsense/":                       "No route matches 'nonsense/' for GET",
		"GET /core/v1/USERS/current":                   "No route matches 'USERS/current' for GET",
		"GET /core/v1/organizations/a%2Fb":             "No route matches 'organizations/a/b' for GET",
		"GET /core/v1/organizations/%2e%2e":            "No route matches 'organizations/..' for GET",
		"GET /core/v1/organizations/%00":               "No route matches 'organizations/\x00' for GET",
		"GET /core/v1/organizations//api_tokens":       "No route matches 'organizations//api_tokens' for GET",
		"OPTIONS /core/v1/nonsense":                    "No route matches 'nonsense' for OPTIONS",
		"GET /core/v1/x/kh_abc/kh-ws_0/y":              "No route matches 'x/[redacted]/[redacted]/y' for GET",
		"GET /core/v1/x/eyJhbGciOiJFZERTQSJ9.e30.c2ln": "No route matches 'x/[redacted]' for GET",
		"GET /core/v1/x/y.tar.gz":                      "No route matches 'x/y.tar.gz' for GET",
	} {
		method, path, _ := strings.Cut(asked, " ")
		if got := foundBy(t, method, path, ""); got != want {
			t.Errorf("%s: %q, want %q", asked, got, want)
		}
	}
	for asked, want := range map[string]string{"PATCH": "api_tokens/api_token api_token=x", "patch": "api_tokens/api_token api_token=x", "GET": "No route matches 'api_tokens/x' for OPTIONS"} {
		if got := foundBy(t, http.MethodOptions, "/core/v1/api_tokens/x", asked); got != want {
			t.Errorf("before a %s: %q, want %q", asked, got, want)
		}
	}
}

func foundBy(t *testing.T, method, path, before string) string {
	t.Helper()
	u, err := url.ParseRequestURI(path)
	if err != nil {
		t.Fatal(err)
	}
	r := &http.Request{Method: method, URL: u, Header: http.Header{}}
	if before != "" {
		r.Header.Set("Access-Control-Request-Method", before)
	}
	found, words, err := find(r)
	if err != nil {
		return err.(*failure).description
	}
	out := found.path
	for name, v := range words {
		out += " " + name + "=" + v
	}
	return out
}

func TestSpellings(t *testing.T) {
	all := spellings("/a1/b")
	slices.Sort(all)
	if want := []string{"/A1/B", "/A1/b", "/a1/B", "/a1/b"}; !slices.Equal(all, want) {
		t.Errorf("got %q", all)
	}
}

// TestRequestID: it is a UUID that begins with our own.
func TestRequestID(t *testing.T) {
	form := regexp.MustCompile(`^[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-8[0-9a-f]{3}-[0-9a-f]{12}$`)
	for ours, begins := range map[string]string{"0123456789ABCDEF": "01234567-89ab-8", "": "00000000-0000-8"} {
		got := requestID(ours)
		if !form.MatchString(got) || !strings.HasPrefix(got, begins) || got == requestID(ours) {
			t.Errorf("%q is %s", ours, got)
		}
	}
}

func TestBare(t *testing.T) {
	for value, want := range map[string]string{
		"Bearer x": "x", "bearer x": "x", "BEARER   x ": "x", "Bearer": "", "": "", "x": "x", "Basic x": "Basic x", "Bearer x y": "x y",
	} {
		if got := bare(value); got != want {
			t.Errorf("%q is %q", value, got)
		}
	}
}

// FuzzFind: whatever a path is spelled like, what stands for its parameters is what it
// says between its slashes.
func FuzzFind(f *testing.F) {
	for _, path := range []string{"/core/v1/organizations/a", "/core/v1/organizations/%2e%2e/api_tokens", "/CORE/v1/api_tokens/x%2Fy/regenerate_secret", "/core/v1//", "/core/v1/%00"} {
		f.Add("GET", path)
		f.Add("POST", path)
		f.Add("OPTIONS", path)
	}
	f.Fuzz(func(t *testing.T, method, path string) {
		u, err := url.ParseRequestURI(path)
		if err != nil || !strings.HasPrefix(strings.ToLower(u.EscapedPath()), base) {
			return
		}
		found, words, err := find(&http.Request{Method: method, URL: u, Header: http.Header{}})
		if err != nil {
			if err.(*failure).code != routeNotFound || strings.Contains(err.(*failure).description, "kh_") {
				t.Errorf("%s %q: %v", method, path, err)
			}
			return
		}
		said := strings.Split(strings.Trim(u.EscapedPath()[len(base):], "/"), "/")
		for i, want := range strings.Split(found.path, "/") {
			plain, err := url.PathUnescape(said[i])
			if word, ok := words[want]; ok {
				want = word
			}
			if err != nil || plain != want || strings.ContainsAny(plain, "/\x00") || plain == ".." {
				t.Errorf("%q: %q was taken for %q", path, said[i], want)
			}
		}
	})
}
