package idp_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// TestLoginOnceMore: a client that wants its user to log in again gets that, whoever is logged in,
// and the user is led on then. Before, prompt=login and max_age were passed over.
func TestLoginOnceMore(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	for _, change := range [][]string{{"prompt", "login"}, {"prompt", "select_account consent"}, {"max_age", "0"}} {
		b := s.signedIn("ann")
		page := b.get("/oauth/authorize?" + wanted(change...).Encode())
		if page.Request.URL.Path != "/login" || page.field("name") != "" || !strings.Contains(page.body, `type="password"`) {
			t.Fatalf("%v: she is not asked to log in: %s %s", change, page.Request.URL, page.body)
		}
		page = b.login(page, "bob")
		if page.Request.URL.Path != "/oauth/authorize" || !strings.Contains(page.body, "act for you, bob") {
			t.Fatalf("%v: then she is at %s: %s", change, page.Request.URL, page.body)
		}
		if code := b.decide(page, "allow").sentBack(t, back).Get("code"); code == "" {
			t.Errorf("%v: there is no code", change)
		}
		quiet := wanted(change...)
		quiet.Set("prompt", "none")
		if change[0] != "max_age" {
			continue
		}
		if sent := b.get("/oauth/authorize?"+quiet.Encode()).sentBack(t, back); sent.Get("error") != "login_required" {
			t.Errorf("%v, quietly: %v", change, sent)
		}
	}
}

// TestOldLogins: a login that is older than max_age does not do, nor one from before the client
// has asked for another, whatever the address says.
func TestOldLogins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.signedIn("ann")
	at := func(change ...string) string {
		return b.get("/oauth/authorize?" + wanted(change...).Encode()).Request.URL.Path
	}
	if got := at("max_age", "3600"); got != "/oauth/authorize" {
		t.Errorf("of this hour: %s", got)
	}
	earlier := (2 * time.Hour).Microseconds()
	s.SQL(t, "update users set active_since = active_since - ?", earlier)
	s.SQL(t, "update sessions set created_at = created_at - ?, logged_in = logged_in - ?", earlier, earlier)
	for _, change := range [][]string{{"max_age", "3600"}, {"max_age", "3600", "afresh", "1"}, {"prompt", "login", "afresh", "1"}, {"max_age", "0", "afresh", "1"}} {
		if got := at(change...); got != "/login" {
			t.Errorf("%v: two hours old, and she is at %s", change, got)
		}
	}
	for _, change := range [][]string{nil, {"max_age", "9000"}, {"afresh", "1"}} {
		if got := at(change...); got != "/oauth/authorize" {
			t.Errorf("%v: %s", change, got)
		}
	}
}

// TestConsentIsAskedFor: prompt=consent asks the user also about a client of the installation's
// own, and so does a client that has no secret, which is registered as trusted from before that
// was refused: such a one got codes without a question, whoever called itself by its name.
func TestConsentIsAskedFor(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	own := keyhatch.OAuthClient{
		ID: keyhatch.NewID(keyhatch.OAuthClientID, time.Now()), Name: "old", Flows: []keyhatch.OAuthFlow{keyhatch.CodeFlow}, Redirects: []string{"http://127.0.0.1/back"},
		Trusted: true, Scopes: []keyhatch.Scope{"all"}, AccessLife: time.Hour, CreatedAt: time.Now(),
	}
	s.must(s.DB.Write(t.Context(), func(tx *db.Tx) error { return tx.InsertOAuthClient(t.Context(), db.HashedClient{OAuthClient: own}) }))
	b := s.signedIn("ann")
	const theirs = "https://own.example.org/back"
	for what, v := range map[string]url.Values{
		"prompt":    wanted("client_id", "trusted", "redirect_uri", theirs, "prompt", "consent"),
		"no secret": wanted("client_id", "old", "redirect_uri", "http://127.0.0.1:4711/back"),
	} {
		if a := b.get("/oauth/authorize?" + v.Encode()); a.StatusCode != 200 || !strings.Contains(a.body, "act for you, ann") {
			t.Errorf("%s: she is not asked: %d to %s", what, a.StatusCode, a.Header.Get("Location"))
		}
	}
	if sent := b.get("/oauth/authorize?"+wanted("client_id", "trusted", "redirect_uri", theirs, "prompt", "none").Encode()).sentBack(t, theirs); sent.Get("code") == "" {
		t.Errorf("one that need not ask, quietly: %v", sent)
	}
}

// TestMarksOfLogins: what leads on from a login that a client has asked for says when that was, and nobody else can say
// so. It was a word that anybody could add, and ten minutes were as good as none then.
func TestMarksOfLogins(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.signedIn("ann")
	at := func(v url.Values) string {
		t.Helper()
		a := b.get("/oauth/authorize?" + v.Encode())
		if a.Request.URL.Path == "/login" {
			return a.field("next")
		}
		return a.Request.URL.Path
	}
	markIn := func(next string) string {
		t.Helper()
		u, err := url.Parse(next)
		if err != nil || u.Query().Get("afresh") == "" {
			t.Fatalf("it leads on to %s (%v)", next, err)
		}
		return u.Query().Get("afresh")
	}
	for _, change := range [][]string{{"prompt", "login"}, {"max_age", "0"}} {
		wants := wanted(change...)
		first := markIn(at(wants)) // ann has logged in before this
		for what, mark := range map[string]string{"made up": "1", "a time": "1893456000000000", "from before the login": first, "changed": first[:len(first)-1]} {
			v := wanted(change...)
			v.Set("afresh", mark)
			if got := at(v); got == "/oauth/authorize" {
				t.Errorf("%v: she need not log in, with a mark that is %s", change, what)
			} else if markIn(got) == mark {
				t.Errorf("%v: a mark that is %s is led on", change, what)
			}
		}
		b = s.signedIn("ann")
		wants.Set("afresh", first)
		if got := at(wants); got != "/oauth/authorize" {
			t.Errorf("%v: she has logged in since, and is sent to log in, and then to %s", change, got)
		}
		wants.Set("state", "of another request")
		if got := at(wants); got == "/oauth/authorize" {
			t.Errorf("%v: the mark of another request does", change)
		}
	}
}
