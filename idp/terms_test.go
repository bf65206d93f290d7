package idp_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
)

// TestTermsOfUse: who was refused a lease comes to the page by a login, reads the text as it is
// and accepts it with a form that no other site can send; the lease is lent then.
func TestTermsOfUse(t *testing.T) {
	t.Parallel()
	s := newSite(t)
	ws := s.Workspace(t, "lab")
	l := s.Location(t, ws, "s3://lab-data/alpha/")
	ann := s.User(t, "cara")
	s.must(s.Broker.Passwords.SetPassword(t.Context(), ann, ann.User.ID, "", password))
	s.Grant(t, l, ann, keyhatch.Read)
	set := func(text string) {
		_, err := s.Broker.Terms.Set(t.Context(), s.Admin, "", l.ID, "Terms & <b>more</b>", text)
		s.must(err)
	}
	lent := func() bool {
		_, err := s.Broker.Lending.Lease(t.Context(), ann, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})
		return err == nil
	}
	path := keyhatch.TermsPage(l.ID)
	b := s.browser()
	page := b.get(path)
	if page.Request.URL.Path != "/login" || page.field("next") != path {
		t.Fatalf("nobody is logged in, and one is at %s", page.Request.URL)
	}
	if a := b.login(page, "cara"); a.Request.URL.Path != path || a.StatusCode != http.StatusNotFound || !strings.Contains(a.body, "nothing to accept") {
		t.Errorf("after the login, without terms: %s, %d %s", a.Request.URL, a.StatusCode, a.body)
	}

	set("<script>1</script>\n  be kind")
	shown := b.get(path)
	if shown.StatusCode != http.StatusOK || !strings.Contains(shown.body, "&lt;script&gt;1&lt;/script&gt;\n  be kind") || strings.Contains(shown.body, "<b>more") {
		t.Errorf("the page is %s", shown.body)
	}
	fields := func(a answer) url.Values {
		return url.Values{"form": {a.field("form")}, "version": {a.field("version")}}
	}
	forged := fields(shown)
	forged.Set("form", s.signedIn("bob").get("/device").field("form"))
	if a := b.post(path, forged); a.StatusCode != http.StatusForbidden || lent() {
		t.Errorf("a form of another browser: %d", a.StatusCode)
	}
	if a := b.post(path, fields(shown), func(r *http.Request) { r.Header.Set("Sec-Fetch-Site", "cross-site") }); a.StatusCode != http.StatusForbidden || lent() {
		t.Errorf("a form from another site: %d", a.StatusCode)
	}
	set("be kinder")
	if a := b.post(path, fields(shown)); a.StatusCode != http.StatusOK || !strings.Contains(a.body, "were changed") || !strings.Contains(a.body, "be kinder") || lent() {
		t.Errorf("terms that were changed meanwhile: %d %s", a.StatusCode, a.body)
	}
	if a := b.post(path, fields(b.get(path))); a.StatusCode != http.StatusOK || a.Request.Method != http.MethodGet || a.Request.URL.Path != path || !lent() {
		t.Errorf("accepted: %d at %s", a.StatusCode, a.Request.URL)
	}
	if a := b.get(path); !strings.Contains(a.body, "accepted them") || strings.Contains(a.body, "<button") {
		t.Errorf("then the page is %s", a.body)
	}

	for who, a := range map[string]answer{
		"who may not see the location": s.signedIn("bob").get(path), "no location": b.get("/terms/loc_000000000000000"), "no id": b.get("/terms/alpha"),
	} {
		if a.StatusCode != http.StatusNotFound || !strings.Contains(a.body, "nothing to accept") {
			t.Errorf("%s: %d %s", who, a.StatusCode, a.body)
		}
	}
}
