package idp_test

import (
	"html"
	"io"
	"log/slog"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/idp"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/server"
)

const (
	password = "of paper and glue, and some string"
	back     = "https://app.example.org/back?from=there"
	// challenge is of verifier, from RFC 7636, appendix B.
	verifier  = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
	challenge = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"
)

// site is an authorization server on a port, with the users ann and bob. web is a confidential
// client, app a public one with both flows, whose access tokens are signed, and trusted one that
// need not ask.
type site struct {
	*coretest.Core
	t   *testing.T
	url string
	log *logged.Text
	web oauth.Proof

	handler http.Handler
}

func newSite(t *testing.T) *site {
	t.Helper()
	s := &site{Core: coretest.New(t), t: t, log: &logged.Text{}}
	listening := httptest.NewUnstartedServer(nil)
	s.url = "http://" + listening.Listener.Addr().String()
	s.PublicURL = s.url
	s.reopen()
	listening.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.handler.ServeHTTP(w, r) })
	listening.Start()
	t.Cleanup(listening.Close)
	for _, name := range []string{"ann", "bob"} {
		c := s.User(t, name)
		s.must(s.Broker.Passwords.SetPassword(t.Context(), c, c.User.ID, "", password))
	}
	s.web = oauth.Proof{Client: "web", Secret: s.client(keyhatch.OAuthClient{
		Name: "web", Title: "A web site", Flows: []keyhatch.OAuthFlow{keyhatch.CodeFlow}, Redirects: []string{back}, Confidential: true,
		Scopes: []keyhatch.Scope{"tokens", "leases"}, AccessLife: time.Hour, RefreshLife: 24 * time.Hour,
	})}
	s.client(keyhatch.OAuthClient{
		Name: "app", Flows: []keyhatch.OAuthFlow{keyhatch.CodeFlow, keyhatch.DeviceFlow}, Redirects: []string{"http://127.0.0.1/back"},
		Signed: true, Scopes: []keyhatch.Scope{"all"}, AccessLife: time.Hour, RefreshLife: 24 * time.Hour,
	})
	s.client(keyhatch.OAuthClient{
		Name: "trusted", Flows: []keyhatch.OAuthFlow{keyhatch.CodeFlow}, Redirects: []string{"https://own.example.org/back"},
		Trusted: true, Confidential: true, Scopes: []keyhatch.Scope{"all"}, AccessLife: time.Hour,
	})
	return s
}

// reopen serves what a new process does.
func (s *site) reopen() {
	s.t.Helper()
	s.Restart(s.t)
	log := slog.New(slog.NewTextHandler(s.log, nil))
	s.handler = server.API(server.Ground{Log: log}, idp.NewServer(s.Broker, s.url, log))
}

func (s *site) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s *site) client(c keyhatch.OAuthClient) keyhatch.Secret {
	s.t.Helper()
	_, secret, err := s.Broker.OAuth.CreateClient(s.t.Context(), s.Admin, c)
	s.must(err)
	return secret
}

// answer is what came back, with the page or document in it.
type answer struct {
	*http.Response
	body string
}

// field is the value of a field of the page's forms.
func (a answer) field(name string) string {
	m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(a.body)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// browser keeps cookies, and goes where it is led on this site. It stops where it is led
// elsewhere.
type browser struct {
	s *site
	http.Client
}

func (s *site) browser() *browser {
	s.t.Helper()
	jar, err := cookiejar.New(nil)
	s.must(err)
	b := &browser{s: s}
	b.Jar = jar
	b.CheckRedirect = func(r *http.Request, via []*http.Request) error {
		if !strings.HasPrefix(r.URL.String(), s.url+"/") || len(via) > 5 {
			return http.ErrUseLastResponse
		}
		return nil
	}
	return b
}

func (b *browser) do(r *http.Request) answer {
	b.s.t.Helper()
	a, err := b.Do(r)
	b.s.must(err)
	defer a.Body.Close()
	text, err := io.ReadAll(a.Body)
	b.s.must(err)
	if got := a.Header.Get("Cache-Control"); got != "no-store" {
		b.s.t.Errorf("S14: %s %s: Cache-Control %q", r.Method, r.URL.Path, got)
	}
	if strings.HasPrefix(a.Header.Get("Content-Type"), "text/html") {
		csp := a.Header.Get("Content-Security-Policy")
		if !strings.HasPrefix(csp, "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'") || strings.Contains(string(text), "<script") ||
			a.Header.Get("X-Frame-Options") != "DENY" || a.Header.Get("Referrer-Policy") != "no-referrer" {
			b.s.t.Errorf("%s %s: the page is not as strict as it must be: %q", r.Method, r.URL.Path, csp)
		}
	}
	return answer{a, string(text)}
}

func (b *browser) get(path string, changes ...func(*http.Request)) answer {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodGet, b.s.url+path, nil)
	b.s.must(err)
	for _, change := range changes {
		change(r)
	}
	return b.do(r)
}

func (b *browser) post(path string, fields url.Values, changes ...func(*http.Request)) answer {
	b.s.t.Helper()
	r, err := http.NewRequestWithContext(b.s.t.Context(), http.MethodPost, b.s.url+path, strings.NewReader(fields.Encode()))
	b.s.must(err)
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	for _, change := range changes {
		change(r)
	}
	return b.do(r)
}

// login types a name and a password into the page that a browser has.
func (b *browser) login(page answer, name string) answer {
	b.s.t.Helper()
	return b.post("/login", url.Values{"form": {page.field("form")}, "next": {page.field("next")}, "name": {name}, "password": {password}})
}

// signedIn is a browser with which somebody is signed in.
func (s *site) signedIn(name string) *browser {
	s.t.Helper()
	b := s.browser()
	if a := b.login(b.get("/login"), name); a.StatusCode != http.StatusOK || !strings.Contains(a.body, name) {
		s.t.Fatalf("%s is not logged in: %d %s", name, a.StatusCode, a.body)
	}
	return b
}

// wanted is an authorization request of web.
func wanted(changes ...string) url.Values {
	v := url.Values{
		"client_id": {"web"}, "redirect_uri": {back}, "response_type": {"code"}, "state": {"s&= ?#/%"}, "code_challenge": {challenge}, "code_challenge_method": {"S256"},
	}
	for i := 0; i+1 < len(changes); i += 2 {
		v.Set(changes[i], changes[i+1])
		if changes[i+1] == "" {
			v.Del(changes[i])
		}
	}
	return v
}

// decide sends what stands on the page that asks.
func (b *browser) decide(page answer, decision string) answer {
	b.s.t.Helper()
	v := url.Values{"decision": {decision}}
	for _, m := range regexp.MustCompile(`type="hidden" name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
		v.Set(m[1], html.UnescapeString(m[2]))
	}
	return b.post("/oauth/authorize", v)
}

// sentBack are the parameters with which a browser is sent to a client.
func (a answer) sentBack(t *testing.T, to string) url.Values {
	t.Helper()
	location := a.Header.Get("Location")
	if a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(location, to) {
		t.Fatalf("it is not sent back to %s but %d to %q: %s", to, a.StatusCode, location, a.body)
	}
	u, err := url.Parse(location)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query()
}
