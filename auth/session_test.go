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

// TestSessionCookie: where a session's cookie is one that nobody else can set, and where one of
// loopback counts.
func TestSessionCookie(t *testing.T) {
	const strict, loose = "__Host-keyhatch", "keyhatch"
	for what, c := range map[string]struct {
		r    *http.Request
		want string
	}{
		"over TLS":                   {visit("GET", "https://keys.test/", overTLS), strict},
		"over TLS on loopback":       {visit("GET", "https://localhost:8750/", overTLS), strict},
		"on loopback":                {visit("GET", "http://localhost:8750/"), loose},
		"on loopback by address":     {visit("GET", "http://127.0.0.1:8750/"), loose},
		"on loopback by IPv6":        {visit("GET", "http://[::1]:8750/", peer("[::1]:1")), loose},
		"behind a proxy":             {visit("GET", "http://keys.test/"), strict},
		"behind one that hides":      {visit("GET", "http://127.0.0.1:8750/", with("X-Forwarded-For", "192.0.2.1")), strict},
		"behind one that says https": {visit("GET", "http://127.0.0.1:8750/", with("X-Forwarded-Proto", "https")), strict},
		"from another machine":       {visit("GET", "http://localhost:8750/", peer("192.0.2.1:1")), strict},
		"a name like loopback's":     {visit("GET", "http://localhost.evil.test/"), strict},
	} {
		secret := keyhatch.NewSessionSecret()
		w := httptest.NewRecorder()
		SetSession(w, c.r, secret)
		ForgetSession(w, c.r)
		set := w.Result().Cookies()
		if len(set) != 2 || set[0].Name != c.want || set[0].Value != secret.Reveal() || set[0].Domain != "" || set[0].Path != "/" || !set[0].HttpOnly ||
			set[0].SameSite != http.SameSiteLaxMode || set[0].Secure != (c.want == strict) || set[0].MaxAge != 0 || set[1].Name != c.want || set[1].MaxAge >= 0 || set[1].Value != "" {
			t.Errorf("%s: set %v", what, set)
		}
		for name, counts := range map[string]bool{strict: c.want == strict, loose: c.want == loose} {
			r := c.r.Clone(t.Context())
			r.Header.Set("Cookie", "other=x; "+name+"="+secret.Reveal())
			if got, ok := SessionOf(r); ok != counts || ok && got != secret {
				t.Errorf("%s: %s counts: %v", what, name, ok)
			}
			r.Header.Set("Cookie", name+"="+secret.Reveal()+"; "+name+"="+keyhatch.NewSessionSecret().Reveal())
			if _, ok := SessionOf(r); ok {
				t.Errorf("%s: one of two counts", what)
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
	return NewGuard(b.People).WithSessions(b.Sessions), secret
}
