package idp_test

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/broker/people"
)

// TestS7_Logout: whatever is presented is ended, in each place and spelling.
func TestS7_Logout(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for place, show := range map[string]func(secret string) (method, target, body string, change func(*http.Request)){
		"Bearer": func(s string) (string, string, string, func(*http.Request)) { return "GET", "/logout", "", bearer(s) },
		"OAuth2": func(s string) (string, string, string, func(*http.Request)) {
			return "POST", "/logout", "", with("Authorization", "OAuth2 "+s)
		},
		"Basic": func(s string) (string, string, string, func(*http.Request)) {
			return "GET", "/logout", "", func(r *http.Request) { r.SetBasicAuth("ann", s) }
		},
		"TileDB's header": func(s string) (string, string, string, func(*http.Request)) {
			return "POST", "/logout", "", with("X-TILEDB-REST-API-KEY", s)
		},
		"the cookie": func(s string) (string, string, string, func(*http.Request)) {
			return "GET", "/logout", "", cookie(s)
		},
		"the cookie, padded": func(s string) (string, string, string, func(*http.Request)) {
			return "POST", "/logout", "", with("Cookie", "a=b; arvados_api_token="+base64.URLEncoding.EncodeToString([]byte(s)))
		},
		"the URL": func(s string) (string, string, string, func(*http.Request)) {
			return "GET", "/logout?api_token=" + url.QueryEscape(s), "", with("Sec-Fetch-Site", "cross-site")
		},
		"the body": func(s string) (string, string, string, func(*http.Request)) {
			return "POST", "/logout", "api_token=" + url.QueryEscape(s), with("Accept", "*/*")
		},
	} {
		for _, name := range []string{"bare", "as Arvados", "with its lab"} {
			token, secret := w.token(people.NewToken{})
			method, target, body, change := show(spellings(token.ID, w.lab.ID, secret)[name])
			a := w.call(method, target, body, change)
			if a.Code != 200 || w.works(secret) || !strings.HasPrefix(a.Body.String(), "You are logged out") || strings.Contains(a.Body.String(), secret) {
				t.Errorf("%s, %s: %d %s; it works: %t", place, name, a.Code, a.Body, w.works(secret))
			}
			w.wantNoSecrets(secret)
		}
	}
	_, one := w.token(people.NewToken{})
	_, two := w.token(people.NewToken{})
	_, three := w.token(people.NewToken{})
	a := w.call("GET", "/logout?api_token="+one, "", bearer(two), with("X-TILEDB-REST-API-KEY", three))
	if a.Code != 200 || w.works(one) || w.works(two) || w.works(three) {
		t.Errorf("three at once: %d %s", a.Code, a.Body)
	}
	want := a.Body.String()
	for what, a := range map[string]string{
		"nothing":    w.call("GET", "/logout", "").Body.String(),
		"no token":   w.call("GET", "/logout?api_token="+canary, "").Body.String(),
		"a bad head": w.call("POST", "/logout", "", with("Authorization", canary)).Body.String(),
	} {
		if a != want {
			t.Errorf("S6: %s: %s", what, a)
		}
	}
}

// cookie shows a token as browsers of Arvados' users do.
func cookie(secret string) func(*http.Request) {
	return with("Cookie", "arvados_api_token="+base64.RawURLEncoding.EncodeToString([]byte(secret)))
}

// TestLogoutFromElsewhere: another site that sends a browser here does not end what the
// browser sends by itself.
func TestLogoutFromElsewhere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.PublicURL = "https://example.com"
	w.reopen()
	_, own := w.token(people.NewToken{})
	_, held := w.token(people.NewToken{})
	for _, site := range []string{"cross-site", "same-site", canary} {
		for _, method := range []string{"GET", "POST"} {
			a := w.call(method, "/logout", "", func(r *http.Request) { r.SetBasicAuth("ann", own) }, with("Sec-Fetch-Site", site))
			w.refused(method+" from "+site, a, 403, "access_denied", own)
		}
		w.refused("a cookie from "+site, w.call("GET", "/logout", "", cookie(own), with("Sec-Fetch-Site", site)), 403, "access_denied", own)
		a := w.call("GET", "/logout?return_to=/docs", "", bearer(own), with("Sec-Fetch-Site", site))
		w.refused("with a way back", a, 403, "access_denied", own)
	}
	for _, origin := range []string{"https://evil.example", "http://example.com", "http://example.com.evil.example", "null", "http://evil.example:80@x", canary, "%"} {
		a := w.call("POST", "/logout", "", func(r *http.Request) { r.SetBasicAuth("ann", own) }, with("Origin", origin))
		w.refused("POST from "+origin, a, 403, "access_denied", own)
	}
	_, page := w.token(people.NewToken{})
	if a := w.call("POST", "/logout", "", bearer(page), with("Origin", "https://example.com")); a.Code != 200 || w.works(page) {
		t.Errorf("from our own page, of a browser that says no more: %d %s", a.Code, a.Body)
	}
	if a := w.call("GET", "/logout?api_token="+held, "", bearer(own), with("Sec-Fetch-Site", "cross-site")); a.Code != 200 || w.works(held) || !w.works(own) {
		t.Errorf("one that it holds: %d %s", a.Code, a.Body)
	}
	for _, site := range []string{"same-origin", "none"} {
		_, own := w.token(people.NewToken{})
		if a := w.call("GET", "/logout", "", bearer(own), with("Sec-Fetch-Site", site)); a.Code != 200 || w.works(own) {
			t.Errorf("from %s: %d %s", site, a.Code, a.Body)
		}
	}
}

// TestS11_ReturnTo: one is led to our own paths and to no other.
func TestS11_ReturnTo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	led := func(to string) string {
		t.Helper()
		parameters := url.Values{"return_to": {to}}.Encode()
		a := w.call("GET", "/logout?"+parameters, "")
		b := w.call("POST", "/logout", parameters)
		if a.Code != b.Code || a.Header().Get("Location") != b.Header().Get("Location") {
			t.Errorf("%q: GET leads to %q, POST to %q", to, a.Header().Get("Location"), b.Header().Get("Location"))
		}
		location, led := a.Header().Get("Location"), a.Code == http.StatusSeeOther
		if led != (location != "") || !led && a.Code != http.StatusOK {
			t.Errorf("%q: %d, Location %q", to, a.Code, location)
		}
		return location
	}
	for _, to := range []string{"/", "/docs", "/docs/", "/a/b.c-d_e~f", "/login?next=docs", "/login?a=b&c=/d/e", "/.well-known/x", "/a..b/c"} {
		if got := led(to); got != to {
			t.Errorf("%q leads to %q", to, got)
		}
	}
	for _, to := range []string{
		"", "docs", "https://evil.example/", "HTTPS://evil.example", "https:/evil.example", "https:evil.example", "javascript:alert(1)", "data:text/html,x",
		"//evil.example", "///evil.example", "////evil.example", "/\\evil.example", "\\evil.example", "\\\\evil.example", "/\\/evil.example", "\\/evil.example",
		"/a//evil.example", "/./evil", "/../evil", "/a/..", "/a/../..//evil.example", "/.//evil.example", "/..//evil.example", "/a/.", "/...",
		"/%2fevil.example", "/%2Fevil.example", "/%5cevil.example", "/%252fevil.example", "/%2e%2e//evil.example", "/%09/evil.example", "%2f%2fevil.example",
		"/\t/evil.example", "/\n/evil.example", "/\r\nSet-Cookie: a=b", "/\x00", " /docs", "\t//evil.example", "/docs ", "/ /evil.example",
		"/@evil.example", "/a:b@evil.example", "//user@evil.example", "/;//evil.example", "/a#//evil.example", "/a?b#c", "/a?x=\\", "/a?https://evil.example", "/a?x=%2f",
		"/é", "/\u2025/x", "/\u2215\u2215evil.example", "\uff0f\uff0fevil.example", "\u00a0//evil.example", "/" + strings.Repeat("a", 1024),
		"http://example.com/docs", // the host that is asked
	} {
		if got := led(to); got != "" {
			t.Errorf("%q leads to %q", to, got)
		}
	}
	_, secret := w.token(people.NewToken{})
	if a := w.call("GET", "/logout?return_to=/docs&api_token="+secret, ""); a.Header().Get("Location") != "/docs" || a.Header().Get("Referrer-Policy") != "no-referrer" || w.works(secret) {
		t.Errorf("with a token: %d %v", a.Code, a.Header())
	}
}
