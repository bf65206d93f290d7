package idp_test

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/logins"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/internal/loginprovider"
)

// idToken is what an ID token of web's says that comes of a login with these parameters, of a user who logs in at the school
// where the login page is shown.
func (b *browser) idToken(change ...string) (claims map[string]any, page answer) {
	b.s.t.Helper()
	b.CheckRedirect = b.s.browser().CheckRedirect
	page = b.get("/oauth/authorize?" + wanted(append(change, "scope", "openid")...).Encode())
	if page.Request.URL.Path == "/login" {
		b.CheckRedirect = nil
		page = b.get("/login/school?" + url.Values{"next": {page.field("next")}}.Encode())
		b.CheckRedirect = b.s.browser().CheckRedirect
	}
	if page.Request.URL.Path != "/oauth/authorize" || page.StatusCode != http.StatusOK {
		return nil, page
	}
	code := b.decide(page, "allow").sentBack(b.s.t, back).Get("code")
	got, err := b.s.Broker.OAuth.Redeem(b.s.t.Context(), b.s.web, oauth.Redemption{Code: keyhatch.Secret(code), Redirect: back, Verifier: verifier})
	b.s.must(err)
	return payloadOf(b.s.t, got.ID.Reveal()), page
}

// TestLoginOnceMoreAtProvider: what a client wants of its user's login, anew or not too old, is wanted of the provider, whose
// word for when that was is told on. Once neither was asked for: who was logged in there came back at once, and
// auth_time was when it did.
func TestLoginOnceMoreAtProvider(t *testing.T) {
	t.Parallel()
	s, school, _ := atProviders(t)
	earlier := time.Now().Add(-2 * time.Hour)
	was := func() (asked url.Values, since int64) {
		school.Set(func(p *loginprovider.Provider) { asked, since = p.Asked, p.Since.Unix() })
		return asked, since
	}
	login := func(change ...string) (*browser, map[string]any) {
		t.Helper()
		school.Set(func(p *loginprovider.Provider) { p.Since, p.Asked = earlier, nil })
		b := s.browser()
		claims, page := b.idToken(change...)
		if claims == nil {
			t.Fatalf("%v: she is at %s: %d %s", change, page.Request.URL, page.StatusCode, page.body)
		}
		return b, claims
	}
	for _, c := range []struct {
		change         []string
		prompt, maxAge string
		anew           bool
	}{
		{[]string{"prompt", "login"}, "login", "0", true},
		{[]string{"prompt", "select_account consent", "max_age", "9000"}, "login", "0", true},
		{[]string{"max_age", "0"}, "login", "0", true},
		{[]string{"max_age", "3600"}, "", "3600", true},
		{[]string{"max_age", "9000"}, "", "9000", false},
	} {
		_, claims := login(c.change...)
		asked, since := was()
		if asked.Get("prompt") != c.prompt || asked.Get("max_age") != c.maxAge {
			t.Errorf("%v: the provider is asked with prompt %q and max_age %q", c.change, asked.Get("prompt"), asked.Get("max_age"))
		}
		if got := int64(claims["auth_time"].(float64)); got != since || c.anew == (got == earlier.Unix()) {
			t.Errorf("%v: auth_time is %d, she has logged in there at %d", c.change, got, since)
		}
	}
	b, claims := login()
	if asked, _ := was(); asked.Has("prompt") || asked.Has("max_age") {
		t.Errorf("nothing is wanted, and the provider is asked with %v", asked)
	}
	if at, told := claims["auth_time"]; told {
		t.Errorf("the provider does not say when, and auth_time is %v", at)
	}
	// That session can be of any age: it does for no client that wants to know.
	if _, page := b.idToken("max_age", "9000"); page.Request.URL.Path != "/oauth/authorize" {
		t.Errorf("then she is at %s: %s", page.Request.URL, page.body)
	}
	if asked, _ := was(); asked.Get("max_age") != "9000" {
		t.Errorf("a session of unknown age does: the provider was asked with %v", asked)
	}
	for what, lies := range map[string]func(p *loginprovider.Provider){
		"does not log her in anew": func(p *loginprovider.Provider) { p.Lazy = true },
		"does not say when":        func(p *loginprovider.Provider) { p.Mute = true },
	} {
		for _, change := range [][]string{{"prompt", "login"}, {"max_age", "3600"}} {
			school.Set(func(p *loginprovider.Provider) { p.Since, p.Lazy, p.Mute = earlier, false, false; lies(p) })
			b := s.browser()
			_, page := b.idToken(change...)
			if page.StatusCode != http.StatusUnauthorized || !strings.Contains(page.body, "auth_time") || !strings.HasPrefix(page.field("next"), "/oauth/authorize?") {
				t.Errorf("%v, and the provider %s: %d %s", change, what, page.StatusCode, page.body)
			}
			if e := s.lastEvent(logins.Refused); e.Detail["reason"] != string(keyhatch.RefusedAge) {
				t.Errorf("%s: the record has %+v", what, e)
			}
			if a := b.get("/profile"); a.Request.URL.Path != "/login" {
				t.Errorf("%s: she is signed in", what)
			}
		}
	}
}

// TestLongRequests: a client's long state comes back whole through a login at a provider, where it once was put into a cookie
// of a size that browsers do not keep; one that is longer than can be kept is told so before anybody logs in.
func TestLongRequests(t *testing.T) {
	t.Parallel()
	s, _, _ := atProviders(t)
	state := strings.Repeat("state-", 1024)
	b := s.browser()
	page := b.get("/oauth/authorize?" + wanted("state", state).Encode())
	if page.Request.URL.Path != "/login" {
		t.Fatalf("she is at %s: %s", page.Request.URL, page.body)
	}
	jar := b.Jar
	small := &smallJar{t: t, CookieJar: jar}
	b.Jar = small
	page = b.chooses2("school", page.field("next"))
	b.CheckRedirect = s.browser().CheckRedirect
	if page.Request.URL.Path != "/oauth/authorize" {
		t.Fatalf("then she is at %s: %d %s", page.Request.URL, page.StatusCode, page.body)
	}
	if got := b.decide(page, "allow").sentBack(t, back); got.Get("state") != state || got.Get("code") == "" {
		t.Errorf("a state of %d characters comes back as %d", len(state), len(got.Get("state")))
	}
	if small.set == 0 {
		t.Error("no cookie was set: nothing was tried")
	}
	a := s.browser().get("/oauth/authorize?" + wanted("state", state+state).Encode())
	if a.StatusCode != http.StatusRequestURITooLong || !strings.Contains(a.body, "send a state of less than") || !strings.Contains(a.body, "Begin again") && !strings.Contains(a.body, "begin again") {
		t.Errorf("twice as long: %d %s", a.StatusCode, a.body)
	}
}

// smallJar keeps no cookie that a browser would not keep.
//
// Source: RFC 6265, section 6.1.
type smallJar struct {
	http.CookieJar
	t   *testing.T
	set int
}

func (j *smallJar) SetCookies(u *url.URL, cookies []*http.Cookie) {
	for _, c := range cookies {
		j.set++
		if n := len(c.Name) + len(c.Value); n > 4096 {
			j.t.Errorf("the cookie %s has %d bytes", c.Name, n)
			continue
		}
		j.CookieJar.SetCookies(u, []*http.Cookie{c})
	}
}

// payloadOf is what a signed text says.
func payloadOf(t *testing.T, text string) (claims map[string]any) {
	t.Helper()
	parts := strings.Split(text, ".")
	if len(parts) != 3 {
		t.Fatalf("it has %d parts", len(parts))
	}
	plain, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err == nil {
		err = json.Unmarshal(plain, &claims)
	}
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// TestBegunLoginsAreSealed: what a client has sent a browser with is not to be read in the database while its user
// logs in elsewhere, and one that nobody can open leads to the login again. Its state and its nonce stood there
// in the clear.
func TestBegunLoginsAreSealed(t *testing.T) {
	t.Parallel()
	s, _, _ := atProviders(t)
	b := s.browser()
	b.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	next := "/oauth/authorize?" + wanted("state", "canary-state", "nonce", "canary-nonce").Encode()
	begin := func() string {
		t.Helper()
		a := b.get("/login/school?" + url.Values{"next": {next}}.Encode())
		there, err := b.Get(a.Header.Get("Location"))
		s.must(err)
		s.must(there.Body.Close())
		return strings.TrimPrefix(there.Header.Get("Location"), s.url)
	}
	here := begin()
	if text := string(s.DatabaseBytes(t)); strings.Contains(text, "canary-") {
		t.Error("S5: the database has a client's state or nonce in the clear")
	}
	if a := b.get(here); a.StatusCode != http.StatusSeeOther || a.Header.Get("Location") != next {
		t.Errorf("it leads to %d %s: %s", a.StatusCode, a.Header.Get("Location"), a.body)
	}
	s.must(s.Broker.Logins.Prune(t.Context()))
	here = begin()
	s.SQL(t, "update begun_logins set next = '/profile'")
	if a := b.get(here); a.StatusCode != http.StatusUnauthorized || !strings.Contains(a.body, "log in again") {
		t.Errorf("with another address in the database: %d %s", a.StatusCode, a.body)
	}
}
