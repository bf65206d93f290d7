package auth

import (
	"crypto/tls"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/policy"
)

// visit is a request of a browser.
func visit(method, url string, changes ...func(*http.Request)) *http.Request {
	r := httptest.NewRequest(method, url, nil)
	r.RemoteAddr = "127.0.0.1:5000"
	for _, change := range changes {
		change(r)
	}
	return r
}

func with(name string, values ...string) func(*http.Request) {
	return func(r *http.Request) { r.Header[http.CanonicalHeaderKey(name)] = values }
}

func overTLS(r *http.Request) { r.TLS = &tls.ConnectionState{} }

func peer(address string) func(*http.Request) {
	return func(r *http.Request) { r.RemoteAddr = address }
}

// TestSessionCookie: by the address under which browsers come, a session's cookie is one that nobody else can set, or one of
// loopback, and the other one does not count. Once that went by the request: behind a proxy on the same machine that
// says nothing of TLS the cookie was one that went in the clear.
func TestSessionCookie(t *testing.T) {
	const strict, loose = "__Host-keyhatch", "keyhatch"
	for public, want := range map[string]string{
		"https://keys.test": strict, "https://localhost:8750": strict, "https://127.0.0.1": strict, "": strict, "http://keys.test": strict, "http://localhost.evil.test": strict,
		"http://localhost:8750": loose, "http://127.0.0.1:8750": loose, "http://[::1]:8750": loose,
	} {
		cookies, secret := CookiesAt(public), keyhatch.NewSessionSecret()
		w := httptest.NewRecorder()
		cookies.SetSession(w, secret)
		cookies.ForgetSession(w)
		set := w.Result().Cookies()
		if len(set) != 2 || set[0].Name != want || set[0].Value != secret.Reveal() || set[0].Domain != "" || set[0].Path != "/" || !set[0].HttpOnly ||
			set[0].SameSite != http.SameSiteLaxMode || set[0].Secure != (want == strict) || set[0].MaxAge != 0 || set[1].Name != want || set[1].MaxAge >= 0 || set[1].Value != "" {
			t.Errorf("%s: set %v", public, set)
		}
		for what, r := range map[string]*http.Request{
			"over TLS":             visit("GET", "https://keys.test/", overTLS),
			"from a silent proxy":  visit("GET", "http://127.0.0.1:8750/"),
			"from a proxy":         visit("GET", "http://keys.test/", with("X-Forwarded-Proto", "https")),
			"from another machine": visit("GET", "http://localhost:8750/", peer("192.0.2.1:1")),
		} {
			for name, counts := range map[string]bool{strict: want == strict, loose: want == loose} {
				r.Header.Set("Cookie", "other=x; "+name+"="+secret.Reveal())
				if got, ok := cookies.Session(r); ok != counts || ok && got != secret {
					t.Errorf("%s, %s: %s counts: %v", public, what, name, ok)
				}
				r.Header.Set("Cookie", name+"="+secret.Reveal()+"; "+name+"="+keyhatch.NewSessionSecret().Reveal())
				if _, ok := cookies.Session(r); ok {
					t.Errorf("%s, %s: one of two counts", public, what)
				}
			}
		}
	}
}

// TestS11_OtherSites: a session counts where the browser says that a page of ours has asked, or
// its user has looked; whatever else is in the headers, a page of others does nothing with it.
func TestS11_OtherSites(t *testing.T) {
	t.Parallel()
	core := coretest.New(t)
	g, secret := signedIn(t, core.Broker, core)
	const site = "Sec-Fetch-Site"
	for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"} {
		looks := method == "GET" || method == "HEAD"
		for what, c := range map[string]struct {
			headers map[string][]string
			counts  bool
		}{
			"our own page":             {map[string][]string{site: {"same-origin"}}, true},
			"by hand":                  {map[string][]string{site: {"none"}}, looks},
			"another port":             {map[string][]string{site: {"same-site"}}, false},
			"another site":             {map[string][]string{site: {"cross-site"}}, false},
			"a link of another site":   {map[string][]string{site: {"cross-site"}, "Sec-Fetch-Mode": {"navigate"}, "Sec-Fetch-Dest": {"document"}}, false},
			"nothing is said":          {nil, false},
			"our own origin, no more":  {map[string][]string{"Origin": {"https://keys.test"}}, false},
			"two things are said":      {map[string][]string{site: {"same-origin", "cross-site"}}, false},
			"two things in one header": {map[string][]string{site: {"same-origin, same-origin"}}, false},
			"in other letters":         {map[string][]string{site: {"Same-Origin"}}, false},
		} {
			r := visit(method, "https://keys.test/api/v1/users", overTLS, with("Cookie", "__Host-keyhatch="+secret.Reveal()))
			for name, values := range c.headers {
				with(name, values...)(r)
			}
			caller, err := g.AdmitRequest(t.Context(), r, policy.Route{Method: method, Path: "/api/v1/users", Noun: "users"})
			if c.counts && (err != nil || caller.Session == "") || !c.counts && (!errors.Is(err, keyhatch.Forbidden) || caller.User.ID != "") {
				t.Errorf("%s, %s: %v", method, what, err)
			}
		}
	}
}

// TestOwnOrigin: of a browser that says only which page a request is from, the pages of ours are those
// of the public URL's origin. Once the host was compared, and not the scheme: who is on the way
// to http://keys.test passed for https://keys.test.
func TestOwnOrigin(t *testing.T) {
	for public, pages := range map[string]map[string]bool{
		"https://keys.test":          {"https://keys.test": true, "http://keys.test": false, "https://keys.test:444": false, "https://evil.test": false, "null": false, "": false},
		"https://Keys.test:443/a":    {"https://keys.test": true, "http://keys.test": false, "http://keys.test:443": false},
		"http://127.0.0.1:8750":      {"http://127.0.0.1:8750": true, "https://127.0.0.1:8750": false, "http://127.0.0.1": false, "http://127.0.0.1:87500": false},
		"http://keys.test:80":        {"http://keys.test": true, "https://keys.test": false},
		"":                           {"http://keys.test": false, "https://keys.test": false, "": false},
		"https://keys.test:44300/a/": {"https://keys.test:44300": true, "https://keys.test": false},
	} {
		for page, own := range pages {
			r := visit("POST", "https://keys.test/", overTLS, with("Origin", page))
			if got := CookiesAt(public).ByOneself(r); got != own {
				t.Errorf("%q, of %q: %v", page, public, got)
			}
		}
		if !CookiesAt(public).ByOneself(visit("POST", "https://keys.test/")) {
			t.Errorf("of %q: one that no browser has made is somebody else's", public)
		}
		if CookiesAt(public).ByOneself(visit("POST", "https://keys.test/", with("Origin", "https://keys.test", "http://evil.test"))) {
			t.Errorf("of %q: one with two origins is one's own", public)
		}
	}
}

// TestTokensBeforeSessions: who shows a token is who the token says, good or not; a session beside it
// does not count.
func TestTokensBeforeSessions(t *testing.T) {
	t.Parallel()
	core := coretest.New(t)
	g, secret := signedIn(t, core.Broker, core)
	admit := func(g *Guard, changes ...func(*http.Request)) (keyhatch.Caller, error) {
		r := visit("POST", "https://keys.test/api/v1/users", append([]func(*http.Request){overTLS, with("Cookie", "__Host-keyhatch="+secret.Reveal()), with("Sec-Fetch-Site", "same-origin")}, changes...)...)
		return g.AdmitRequest(t.Context(), r, policy.Route{Method: "POST", Path: "/api/v1/users", Noun: "users"})
	}
	if c, err := admit(g); err != nil || c.User.Name != "ann" || c.Session == "" {
		t.Fatalf("a session: %+v, %v", c.User, err)
	}
	if c, err := admit(g, with("Authorization", "Bearer "+core.AdminSecret.Reveal())); err != nil || c.User.Name != "admin" || c.Session != "" {
		t.Errorf("a token beside it: %+v, %v", c.User, err)
	}
	for what, change := range map[string]func(*http.Request){
		"a wrong token":  with("Authorization", "Bearer "+keyhatch.NewTokenSecret().Reveal()),
		"no token":       with("Authorization", ""),
		"a wrong key":    with(apiKey, "x"),
		"half a session": with("Cookie", "__Host-keyhatch="+strings.TrimSuffix(secret.Reveal(), "a")+"b"),
	} {
		r := visit("POST", "https://keys.test/api/v1/users", overTLS, with("Cookie", "__Host-keyhatch="+secret.Reveal()), with("Sec-Fetch-Site", "same-origin"), change)
		if c, err := g.AdmitRequest(t.Context(), r, policy.Route{}); !errors.Is(err, keyhatch.Unauthenticated) || c.User.ID != "" {
			t.Errorf("%s: %v", what, err)
		}
	}
	if _, err := admit(NewGuard(core.Broker.People)); !errors.Is(err, keyhatch.Unauthenticated) {
		t.Errorf("where no sessions count: %v", err)
	}
}

// signedIn signs ann in.
func signedIn(t *testing.T, b *broker.Broker, core *coretest.Core) (*Guard, keyhatch.Secret) {
	t.Helper()
	core.User(t, "ann")
	const password = "four words of paper and glue"
	reset, _, err := b.Passwords.NewReset(t.Context(), core.Admin, "ann")
	if err == nil {
		err = b.Passwords.ResetPassword(t.Context(), reset, password)
	}
	if err != nil {
		t.Fatal(err)
	}
	c, err := b.Passwords.Authenticate(t.Context(), "ann", password)
	if err != nil {
		t.Fatal(err)
	}
	secret, _, err := b.Sessions.Begin(t.Context(), c, "")
	if err != nil {
		t.Fatal(err)
	}
	return NewGuard(b.People).WithSessions(b.Sessions, CookiesAt("https://keys.test")), secret
}
