package idp_test

import (
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/oauth"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
)

var (
	appProof       = oauth.Proof{Client: "app"}
	wantedByDevice = oauth.Wanted{}
)

// TestS6_LoginsFailAlike: who does not exist, who has no password, who is not active and who
// has mistyped it see the same page, and neither page nor log has what was typed.
func TestS6_LoginsFailAlike(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	s.User(t, "without")
	no := false
	_, err := s.Broker.People.UpdateUser(t.Context(), s.Admin, "bob", people.UserChange{Active: &no})
	s.must(err)
	b := s.browser()
	page := b.get("/login?next=%2Fdevice")
	var first string
	for _, c := range []struct{ name, password string }{{"nobody", password}, {"without", password}, {"bob", password}, {"ann", canary}, {"", ""}, {canary, canary}} {
		a := b.post("/login", url.Values{"form": {page.field("form")}, "next": {"/device"}, "name": {c.name}, "password": {c.password}})
		if a.StatusCode != http.StatusUnauthorized || a.field("next") != "/device" || !strings.Contains(a.body, "let nobody in") {
			t.Errorf("%q: %d %s", c.name, a.StatusCode, a.body)
		}
		if first == "" {
			first = a.body
		}
		if a.body != first || strings.Contains(a.body, canary) {
			t.Errorf("%q: the page is another one:\n%s\n%s", c.name, a.body, first)
		}
	}
	if a := b.login(page, "ann"); !strings.HasSuffix(a.Request.URL.Path, "/device") {
		t.Errorf("then she is at %s", a.Request.URL)
	}
	if strings.Contains(s.log.String(), canary) || strings.Contains(s.log.String(), password) {
		t.Errorf("S5: the log has what was typed:\n%s", s.log)
	}
}

// TestS12_LoginsAreLimited: who guesses is told how long to wait, on a page.
func TestS12_LoginsAreLimited(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.browser()
	form := b.get("/login").field("form")
	try := func(name, password string) answer {
		return b.post("/login", url.Values{"form": {form}, "name": {name}, "password": {password}})
	}
	for range 10 {
		if a := try("ann", "wrong"); a.StatusCode != http.StatusUnauthorized {
			t.Fatalf("%d %s", a.StatusCode, a.body)
		}
	}
	a := try("ann", password)
	if a.StatusCode != http.StatusTooManyRequests || a.Header.Get("Retry-After") == "" || !strings.Contains(a.body, "wait") || a.field("form") == "" {
		t.Errorf("one more: %d %s", a.StatusCode, a.body)
	}
	if a := try("bob", password); a.StatusCode != http.StatusOK {
		t.Errorf("somebody else: %d %s", a.StatusCode, a.body)
	}
}

// TestProfile: one sees what one has let programs do, ends it, and logs out.
func TestProfile(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.signedIn("ann")
	code := b.decide(b.get("/oauth/authorize?"+wanted().Encode()), "allow").sentBack(t, back).Get("code")
	got := s.token(url.Values{"grant_type": {"authorization_code"}, "code": {code}, "redirect_uri": {back}, "code_verifier": {verifier}})
	access, _ := got["access_token"].(string)
	page := b.get("/profile")
	if !strings.Contains(page.body, "A web site (web)") || !strings.Contains(page.body, "<code>leases</code>") {
		t.Errorf("the page is %s", page.body)
	}
	form := url.Values{"form": {page.field("form")}, "consent": {page.field("consent")}}
	if a := s.signedIn("bob").post("/profile/end", form); a.StatusCode != http.StatusForbidden {
		t.Errorf("bob ends it: %d", a.StatusCode)
	}
	page = b.post("/profile/end", form)
	if strings.Contains(page.body, "A web site") || s.works(access) {
		t.Errorf("S7: it is not ended: %s", page.body)
	}
	if a := b.post("/profile/end", form); a.StatusCode != http.StatusNotFound {
		t.Errorf("once more: %d", a.StatusCode)
	}
	if a := b.get("/logout", with("Sec-Fetch-Site", "cross-site")); a.StatusCode != http.StatusForbidden {
		t.Errorf("another site logs her out: %d", a.StatusCode)
	}
	if a := b.post("/logout", url.Values{"return_to": {"/login"}}); a.StatusCode != http.StatusOK || a.field("form") == "" {
		t.Errorf("logged out: %d %s", a.StatusCode, a.body)
	}
	l, err := s.Broker.Record.Events(t.Context(), s.Admin, recordOf("session.end"), kernel.Page{})
	if err != nil || len(l.Items) != 1 {
		t.Errorf("%d ends are on record, %v", len(l.Items), err)
	}
	if a := b.get("/profile"); !strings.HasSuffix(a.Request.URL.Path, "/login") {
		t.Errorf("then she is at %s", a.Request.URL)
	}
}

// TestProfileOfMany: what one has let programs do is shown newest first, and all of it is reached. Only the
// oldest thousand were, and the newest could not be ended.
func TestProfileOfMany(t *testing.T) {
	t.Parallel()
	const many = 1001
	s := newSite(t)
	web, err := s.DB.OAuthClient(t.Context(), "web")
	s.must(err)
	ann, begin := s.user("ann").ID, time.Now().Add(-time.Hour)
	var newest []string
	s.must(s.DB.Write(t.Context(), func(tx *db.Tx) error {
		for n := range many {
			at := begin.Add(time.Duration(n) * time.Millisecond)
			id := keyhatch.NewID(keyhatch.ConsentID, at)
			newest = append(newest, id)
			if err := tx.InsertConsent(t.Context(), keyhatch.Consent{ID: id, Client: web.ID, User: ann, Scopes: web.Scopes, CreatedAt: at, ExpiresAt: at.Add(24 * time.Hour)}); err != nil {
				return err
			}
		}
		return nil
	}))
	slices.Reverse(newest)
	b := s.signedIn("ann")
	var shown []string
	for at := "/profile"; at != "" && len(shown) <= many; {
		page := b.get(at)
		for _, m := range regexp.MustCompile(`name="consent" value="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
			shown = append(shown, m[1])
		}
		at = ""
		if m := regexp.MustCompile(`href="(/profile\?before=[^"]*)"`).FindStringSubmatch(page.body); m != nil {
			at = m[1]
		}
	}
	if !slices.Equal(shown, newest) {
		t.Errorf("%d of %d are shown, or not the newest first", len(shown), many)
	}
	page := b.get("/profile")
	page = b.post("/profile/end", url.Values{"form": {page.field("form")}, "consent": {newest[0]}})
	if got := page.field("consent"); got != newest[1] {
		t.Errorf("when the newest is ended, the first is %q, and not %q", got, newest[1])
	}
}

// TestDevicePage: a code that nobody waits with, and that of who guesses.
func TestDevicePage(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	b := s.signedIn("ann")
	form := b.get("/device").field("form")
	for _, decision := range []string{"", "allow", "deny"} {
		a := b.post("/device", url.Values{"form": {form}, "user_code": {"BBBB-BBBB"}, "decision": {decision}})
		if a.StatusCode != http.StatusNotFound || !strings.Contains(a.body, "No device waits") {
			t.Errorf("%q: %d %s", decision, a.StatusCode, a.body)
		}
	}
	device, err := s.Broker.OAuth.StartDevice(t.Context(), appProof, wantedByDevice)
	s.must(err)
	if a := b.post("/device", url.Values{"form": {form}, "user_code": {device.Code}, "decision": {"deny"}}); !strings.Contains(a.body, "is not logged in") {
		t.Errorf("refused: %s", a.body)
	}
	if got := s.token(url.Values{"grant_type": {deviceGrant}, "client_id": {"app"}, "device_code": {device.Secret.Reveal()}}); got["error"] != "access_denied" {
		t.Errorf("it is told %v", got)
	}
	var last answer
	for range 10 {
		last = b.post("/device", url.Values{"form": {form}, "user_code": {"CCCC-CCCC"}})
	}
	if last.StatusCode != http.StatusTooManyRequests || last.Header.Get("Retry-After") == "" {
		t.Errorf("S12: who guesses: %d %s", last.StatusCode, last.body)
	}
}
