package earthdata_test

import (
	"encoding/base64"
	"html"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
)

// TestDance: who shows nothing is sent to the login on the same host by 307, shows name and password
// there, comes back with a cookie, and has its keys. With the cookie it has them at once.
func TestDance(t *testing.T) {
	w := newWorld(t)
	c := w.client(true, false)
	a := c.get("/s3credentials?prefix=s3://lab-data/beta/")
	at := a.location(t)
	q := at.Query()
	if a.StatusCode != http.StatusTemporaryRedirect || at.Path != "/oauth/authorize" || at.Scheme+"://"+at.Host != w.URL ||
		q.Get("response_type") != "code" || q.Get("redirect_uri") != w.URL+"/redirect" || q.Get("client_id") == "" || q.Get("app_type") != "401" {
		t.Fatalf("it is sent by %d to %s", a.StatusCode, at)
	}
	if a := c.get(at.String()); a.StatusCode != 401 || !strings.HasPrefix(a.Header.Get("WWW-Authenticate"), "Basic ") || !strings.Contains(a.body, "HTTP Basic: Access denied.") {
		t.Errorf("without a password: %d %s", a.StatusCode, a.body)
	}
	if a := c.get(at.String(), basic("ann", "wrong")); a.StatusCode != 401 || strings.Contains(a.body, "wrong") {
		t.Errorf("a wrong password: %d %s", a.StatusCode, a.body)
	}
	back := c.get(at.String(), basic("ann", password)).location(t)
	if len(c.Jar.Cookies(at)) != 1 {
		t.Errorf("the login by Basic sets cookies: %v", c.Jar.Cookies(at))
	}
	a = c.get(back.String())
	if a.StatusCode != http.StatusTemporaryRedirect || a.location(t).String() != w.URL+"/s3credentials?prefix=s3://lab-data/beta/" {
		t.Fatalf("from /redirect it is sent by %d to %s", a.StatusCode, a.location(t))
	}
	l := w.keys("with the cookie", c.get(a.location(t).String()))
	if l.User != w.ann.User.ID || strings.Join(l.URLs(), "") != "s3://lab-data/beta/" {
		t.Errorf("the lease is %+v", l)
	}
	w.keys("again", c.get("/s3credentials"))
	w.refused("S11: the state once more", c.get(back.String()), 400, "invalid_request")
	w.refused("an image of another page, with the cookie", c.get("/s3credentials", with("Sec-Fetch-Site", "same-site")), 403, "from_elsewhere")
	for what, changes := range map[string][]func(*http.Request){
		"a script of another page":                           {with("Sec-Fetch-Site", "cross-site"), with("Sec-Fetch-Mode", "cors"), with("Origin", "https://evil.example")},
		"a script of another page, in an old browser":        {with("Origin", "https://evil.example")}, // it was answered
		"a script of a page in a frame, in an old browser":   {with("Origin", "null")},
		"a script of a page at another port":                 {with("Origin", strings.Replace(w.URL, "http:", "https:", 1)+"0")},
		"another page in a frame":                            {with("Sec-Fetch-Site", "cross-site"), with("Sec-Fetch-Mode", "navigate"), with("Sec-Fetch-Dest", "iframe")},
		"one that says it is of here, and of somewhere else": {with("Sec-Fetch-Site", "same-origin"), func(r *http.Request) { r.Header.Add("Sec-Fetch-Site", "cross-site") }},
	} {
		w.refused(what+", with the cookie", c.get("/s3credentials", changes...), 403, "from_elsewhere")
		w.refused(what+", with the cookie, what is there", c.get("/locate?bucket_name=lab-data", changes...), 403, "from_elsewhere")
		if a := c.send("POST", "/s3credentials", "a=b", changes...); a.StatusCode != http.StatusMethodNotAllowed {
			t.Errorf("%s posts, with the cookie: %d", what, a.StatusCode)
		}
	}
	w.keys("a script of its own pages", c.get("/s3credentials", with("Origin", w.URL)))
	w.keys("a link on another page", c.get("/s3credentials", with("Sec-Fetch-Site", "cross-site"), with("Sec-Fetch-Mode", "navigate"), with("Sec-Fetch-Dest", "document")))

	if a := c.get("/logout"); a.StatusCode != 200 {
		t.Fatalf("logout: %d %s", a.StatusCode, a.body)
	}
	if a := c.get("/s3credentials"); a.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("after the logout the cookie works: %d %s", a.StatusCode, a.body)
	}
	if _, err := w.Broker.People.Token(t.Context(), w.ann, l.Token); err == nil {
		t.Error("after the logout there is the token")
	}
}

// TestCookieThatEnds: a cookie whose token ends before the keys would leads to the login, as one does
// that is over. The keys lived as long as it, and in its last minutes it was refused.
func TestCookieThatEnds(t *testing.T) {
	w := newWorld(t)
	c := w.client(true, false)
	way := func() keyhatch.Lease {
		t.Helper()
		back := c.get(c.get("/s3credentials").location(t).String(), basic("ann", password)).location(t)
		return w.keys("with the cookie", c.get(c.get(back.String()).location(t).String()))
	}
	first := way()
	w.SQL(t, "update tokens set created_at = created_at - 36000000000 where id = $1", first.Token) // ten hours
	for _, left := range []time.Duration{61 * time.Minute, 59 * time.Minute, time.Minute} {
		at := time.Now().Add(left)
		_, err := w.Broker.People.UpdateToken(t.Context(), w.Admin, first.Token, people.TokenChange{ExpiresAt: &at})
		w.must(err)
		a := c.get("/s3credentials")
		if left > time.Hour {
			w.keys("while it outlives them", a)
		} else if a.StatusCode != http.StatusTemporaryRedirect || a.location(t).Path != "/oauth/authorize" {
			t.Errorf("with %v left: %d %s", left, a.StatusCode, a.body)
		}
	}
	second := way()
	if second.Token == first.Token {
		t.Error("the login gives the same token")
	}
	// Logins whose tokens live for no longer than keys led to the login again, without end.
	at := time.Now().Add(50 * time.Minute)
	_, err := w.Broker.People.UpdateToken(t.Context(), w.Admin, second.Token, people.TokenChange{ExpiresAt: &at})
	w.must(err)
	if a := c.get("/s3credentials"); a.StatusCode != http.StatusOK {
		t.Errorf("with a new token that lives for less than keys: %d %s", a.StatusCode, a.body)
	}
}

// TestDanceInOneGo: programs that follow where they are led, with cookies, end with keys; without
// a password they end with 401, and no page.
func TestDanceInOneGo(t *testing.T) {
	w := newWorld(t)
	c := w.client(true, true)
	at := c.get("/s3credentials")
	if at.StatusCode != 401 {
		t.Errorf("anonymous, it ends with %d: %s", at.StatusCode, at.body)
	}
	stop := w.client(true, false)
	first := stop.get("/s3credentials").location(t).String()
	c.Jar = stop.Jar
	w.keys("with Basic", c.get(first, basic("ann", password)))
	w.keys("again, with the cookie", c.get("/s3credentials"))
}

// TestInABrowser: a person logs in on the page, is asked nothing more, and has the keys; who is
// logged in already is not asked at all.
func TestInABrowser(t *testing.T) {
	w := newWorld(t)
	c := w.client(true, true)
	mozilla := with("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)")
	page := c.get("/s3credentials?location="+w.beta.Name, mozilla)
	field := func(name string) string {
		m := regexp.MustCompile(`name="` + name + `" value="([^"]*)"`).FindStringSubmatch(page.body)
		if m == nil {
			t.Fatalf("the page has no field %s: %d %s", name, page.StatusCode, page.body)
		}
		return html.UnescapeString(m[1])
	}
	login := url.Values{"form": {field("form")}, "next": {field("next")}, "name": {"ann"}, "password": {password}}
	l := w.keys("after the login", c.send("POST", "/login", login.Encode(), mozilla))
	if strings.Join(l.URLs(), "") != "s3://lab-data/beta/" {
		t.Errorf("it opens %v", l.URLs())
	}
	given, err := w.Broker.OAuth.Consents(t.Context(), w.ann, kernel.Page{Limit: 10})
	w.must(err)
	if len(given.Items) != 1 || given.Items[0].To.Name != "s3credentials" {
		t.Fatalf("the profile shows %+v", given.Items)
	}
	w.must(w.Broker.OAuth.EndConsent(t.Context(), w.ann, given.Items[0].ID))
	if again := w.keys("after it was ended on the profile", c.get("/s3credentials", mozilla)); again.Token == l.Token {
		t.Error("what was ended works on")
	}
}

// TestStatesOfOthers (S11): neither a state of another browser nor one that was made up leads
// anywhere, and nobody is let in with a code of somebody else.
func TestStatesOfOthers(t *testing.T) {
	w := newWorld(t)
	victim, thief := w.client(true, false), w.client(true, false)
	back := func(c *client) *url.URL {
		return c.get(c.get("/s3credentials").location(t).String(), basic("ann", password)).location(t)
	}
	mine, theirs := back(victim), back(thief)
	change := func(u *url.URL, name, value string) string {
		changed := *u
		q := u.Query()
		q.Set(name, value)
		changed.RawQuery = q.Encode()
		return changed.String()
	}
	state := func(path string) string {
		_, signature, _ := strings.Cut(mine.Query().Get("state"), ".")
		return base64.RawURLEncoding.EncodeToString([]byte(path)) + "." + signature
	}
	w.refused("the way back of another browser", victim.get(theirs.String()), 400, "invalid_request")
	w.refused("in a browser that was never here", w.client(true, false).get(mine.String()), 400, "invalid_request")
	for _, path := range []string{
		"https://evil.example/", "//evil.example/s3credentials", "/\\evil.example", "/s3credentials/../x", "/s3credentialsX", "/s3credentials@evil.example", "/profile", "", "s3credentials",
		".evil.example/s3credentials", "/s3credentials%0d%0aX:1", "javascript:alert(1)",
	} {
		if a := victim.get(change(mine, "state", state(path))); a.StatusCode != 400 || a.Header.Get("Location") != "" {
			t.Errorf("a state of %q leads to %d %q", path, a.StatusCode, a.Header.Get("Location"))
		}
	}
	for _, raw := range []string{"", ".", "a", "a.b", "%00", mine.Query().Get("state") + "x", strings.Repeat("a", 5000), "https://evil.example/", "/s3credentials"} {
		if a := victim.get(change(mine, "state", raw)); a.StatusCode != 400 || a.Header.Get("Location") != "" {
			t.Errorf("the state %q leads to %d %q", raw, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if a := victim.get(mine.String() + "&state=" + theirs.Query().Get("state")); a.StatusCode != 400 {
		t.Errorf("two states: %d", a.StatusCode)
	}
	// The thief's code, in the victim's browser with the victim's state: PKCE tells.
	w.refused("a code of another browser", victim.get(change(mine, "code", theirs.Query().Get("code"))), 400, "invalid_grant")
	if a := victim.get("/s3credentials"); a.StatusCode != http.StatusTemporaryRedirect {
		t.Errorf("the victim is let in as somebody: %d", a.StatusCode)
	}
	// A link to the login with a name and a password inside, on a page of the thief's: the browser
	// sends them, and they do not count.
	at := victim.get("/s3credentials", with("User-Agent", "Mozilla/5.0")).location(t).String()
	if a := victim.get(at, basic("eve", password), with("Sec-Fetch-Site", "cross-site")); a.StatusCode != http.StatusSeeOther || !strings.HasPrefix(a.Header.Get("Location"), "/login?") {
		t.Errorf("it logs in by a link: %d %s", a.StatusCode, a.Header.Get("Location"))
	}
	w.refused("the user says no", victim.get(change(mineOf(victim), "code", "")), 403, "access_denied")
}

// mineOf is a way back of a browser.
func mineOf(c *client) *url.URL {
	c.w.T.Helper()
	return c.get(c.get("/s3credentials").location(c.w.T).String(), basic("ann", password)).location(c.w.T)
}
