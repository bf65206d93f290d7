package earthdata_test

import (
	"context"
	"encoding/json"
	"html"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/compat/earthdata"
)

// issuer trusts two signed tokens: jwt is ann's, and danJWT dan's.
type issuer struct{}

const (
	jwt    = "eyJhbGciOiJSUzI1NiJ9.eyJ1aWQiOiJhbm4ifQ.c2lnbmVk"
	danJWT = "eyJhbGciOiJSUzI1NiJ9.eyJ1aWQiOiJkYW4ifQ.c2lnbmVk"
)

func (issuer) Verify(_ context.Context, shown keyhatch.Secret, now time.Time) (keyhatch.Assertion, error) {
	user := map[keyhatch.Secret]string{jwt: "ann", danJWT: "dan"}[shown]
	if user == "" {
		return keyhatch.Assertion{}, keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid, "no")
	}
	return keyhatch.Assertion{
		Issuer: "https://login.example.org", Rules: "r", Subject: user, User: user, Workspaces: []string{"lab"}, Scopes: []keyhatch.Scope{keyhatch.EarthdataScope},
		SignedAt: now, ExpiresAt: now.Add(2 * time.Hour), JWTID: user, Signed: keyhatch.WhatIsSigned(shown),
	}, nil
}

func (issuer) Rules() map[string]string { return map[string]string{"https://login.example.org": "r"} }

// TestLoginElsewhere: where people log in at another Earthdata Login, they are sent there, its code is
// exchanged by the client that is registered there, and its token is in the cookie, and looked at like
// every signed one.
func TestLoginElsewhere(t *testing.T) {
	var answers string
	status := http.StatusOK
	there := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name, secret, _ := r.BasicAuth()
		if r.URL.Path != "/oauth/token" || r.Method != http.MethodPost || name != "us" || secret != "our secret" || r.PostFormValue("code") != "good" ||
			r.PostFormValue("grant_type") != "authorization_code" || !strings.HasSuffix(r.PostFormValue("redirect_uri"), "/redirect") {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		w.WriteHeader(status)
		_, _ = w.Write([]byte(answers)) // to ourselves
	}))
	defer there.Close()
	w := newWorld(t, func(c *earthdata.Config) {
		c.Login = true // as a server with login pages has it
		c.Elsewhere = &earthdata.Elsewhere{URL: there.URL, Client: "us", Secret: "our secret", Transport: http.DefaultTransport}
	})
	w.Core.Issuers = issuer{}
	w.reopen()
	text, err := json.Marshal(map[string]any{"access_token": jwt, "token_type": "Bearer", "endpoint": "/api/users/ann"})
	w.must(err)
	answers = string(text)

	c := w.client(true, false)
	begin := func() string {
		at := c.get("/s3credentials?location=" + w.beta.ID).location(t)
		q := at.Query()
		if !strings.HasPrefix(at.String(), there.URL+"/oauth/authorize?") || q.Get("client_id") != "us" || q.Get("app_type") != "401" || q.Get("redirect_uri") != w.URL+"/redirect" {
			t.Fatalf("it is sent to %s", at)
		}
		return "/redirect?state=" + q.Get("state") + "&code="
	}
	w.refused("another code", c.get(begin()+"bad"), 400, "invalid_grant")
	for what, a := range map[string]string{"no token": `{}`, "one that is not signed": `{"access_token":"opaque"}`, "one that no cookie holds": `{"access_token":"` + strings.Repeat("a", 4000) + `.b.c"}`} {
		answers = a
		w.refused(what, c.get(begin()+"good"), 500, "server_error")
	}
	answers = `{"access_token":"` + jwt + `-of-nobody-here"}` // it led to the login again, and so on
	a := c.get(begin() + "good")
	w.refused("a token that does not work here", a, 403, "invalid_token")
	if slices.ContainsFunc(a.Cookies(), func(c *http.Cookie) bool { return strings.HasSuffix(c.Name, auth.KeysCookie) }) {
		t.Error("it is in the cookie")
	}
	answers, status = string(text), http.StatusBadGateway
	w.refused("a login that is out of order", c.get(begin()+"good"), 503, "unavailable")
	status = http.StatusOK
	to := c.get(begin() + "good").location(t).String()
	l := w.keys("with the cookie", c.get(to))
	if l.User != w.ann.User.ID || strings.Join(l.URLs(), "") != "s3://lab-data/beta/" {
		t.Errorf("the lease is %+v", l)
	}
	w.keys("as a Bearer", c.get("/s3credentials", with("Authorization", "Bearer "+jwt)))
	for _, route := range []string{"GET /api/users/tokens", "POST /api/users/find_or_create_token", "POST /api/users/token"} { // they took our passwords
		method, path, _ := strings.Cut(route, " ")
		if a := c.send(method, path, "", basic("ann", password)); a.StatusCode != http.StatusNotFound {
			t.Errorf("%s is answered here: %d %s", route, a.StatusCode, a.body)
		}
	}
	w.refused("a password of here", c.get("/s3credentials", basic("ann", password)), 401, "invalid_token")
	w.acceptsElsewhere(c)
	w.otherAccepts(func(token string) { answers = `{"access_token":"` + token + `"}` })
	if strings.Contains(w.Log.String(), jwt) || strings.Contains(w.Log.String(), "our secret") {
		t.Error("S5: the log holds a secret")
	}
}

// acceptsElsewhere: who has an account at the other login alone is led to a page where that one accepts
// terms, by logging in there once more. It was led to a page that asked for a password of here.
func (w *world) acceptsElsewhere(c *client) {
	w.T.Helper()
	set := func(text string) {
		_, err := w.Broker.Terms.Set(w.T.Context(), w.Admin, "", w.beta.ID, "Terms & <b>more</b>", text)
		w.must(err)
	}
	set("Be <i>kind</i>.")
	lent := func() bool { return c.get("/s3credentials?location="+w.beta.ID).StatusCode == http.StatusOK }
	a := c.get("/s3credentials?workspace=lab&location="+w.beta.ID, with("Authorization", "Bearer "+jwt))
	w.refused("before the terms are accepted", a, 403, "terms_not_accepted")
	var f struct {
		Resolution string `json:"resolution_url"`
	}
	w.must(json.Unmarshal([]byte(a.body), &f))
	if f.Resolution != w.URL+"/s3credentials/terms?location="+w.beta.ID+"&workspace=lab" {
		w.T.Fatalf("it is led to %s", f.Resolution)
	}
	a = c.get("/s3credentials?location="+w.beta.ID, with("Authorization", "Bearer "+w.token))
	if w.refused("with a token of here", a, 403, "terms_not_accepted"); strings.Contains(a.body, "resolution_url") {
		w.T.Errorf("it is led to where it cannot log in: %s", a.body)
	}

	fresh := w.client(true, false)
	first := fresh.get(f.Resolution).location(w.T)
	page := fresh.get(fresh.get("/redirect?code=good&state=" + first.Query().Get("state")).location(w.T).String())
	if !strings.Contains(page.body, "Be &lt;i&gt;kind&lt;/i&gt;.") || strings.Contains(page.body, "<b>") || !strings.Contains(page.Header.Get("Content-Security-Policy"), "frame-ancestors 'none'") {
		w.T.Errorf("the page is %v %s", page.Header, page.body)
	}
	at := "/redirect?code=good&state=" + w.accept(page).Query().Get("state")
	if w.refused("the link in another browser", c.get(at), 400, "invalid_request"); lent() {
		w.T.Error("it is accepted in another browser")
	}
	w.refused("without a code", fresh.get("/redirect?state="+w.accept(page).Query().Get("state")), 403, "access_denied")
	for _, path := range []string{"/s3credentials/terms/accept?location=" + w.beta.ID, "/s3credentials/terms?accept=1&version=x&location=" + w.beta.ID} {
		if fresh.get(path); lent() {
			w.T.Errorf("the address %s accepts", path)
		}
	}

	at = "/redirect?code=good&state=" + w.accept(fresh.get(f.Resolution)).Query().Get("state")
	set("Be kinder.")
	to := fresh.get(at).location(w.T).String()
	if page = fresh.get(to); !strings.Contains(page.body, "Be kinder.") || lent() {
		w.T.Errorf("terms that were changed meanwhile: %s", page.body)
	}
	at = "/redirect?code=good&state=" + w.accept(page).Query().Get("state")
	if to = fresh.get(at).location(w.T).String(); to != f.Resolution || !lent() {
		w.T.Errorf("accepted, one is at %s", to)
	}
	if page = fresh.get(to); !strings.Contains(page.body, "have accepted them") || strings.Contains(page.body, "authorize") {
		w.T.Errorf("then the page is %s", page.body)
	}
	w.refused("the link once more", fresh.get(at), 400, "invalid_request")
	w.refused("no location", fresh.get("/s3credentials/terms?location=loc_000000000000000"), 404, "location_not_found")
}

// accept is where the link of a page of terms leads.
func (w *world) accept(page answer) *url.URL {
	w.T.Helper()
	m := regexp.MustCompile(`href="([^"]*/oauth/authorize[^"]*)"`).FindStringSubmatch(page.body)
	if page.StatusCode != http.StatusOK || m == nil {
		w.T.Fatalf("the page has nothing to accept with: %d %s", page.StatusCode, page.body)
	}
	u, err := url.Parse(html.UnescapeString(m[1]))
	w.must(err)
	return u
}

// otherAccepts: the page says "I, ann, accept", and the login answers with dan, who has a session there in
// the same browser. It was noted that dan has accepted, who has seen nothing. Now dan is shown the page.
func (w *world) otherAccepts(logsIn func(token string)) {
	w.T.Helper()
	dan := w.User(w.T, "dan")
	w.Member(w.T, w.lab, dan, keyhatch.MemberRole)
	w.Grant(w.T, w.beta, dan, keyhatch.Read)
	_, err := w.Broker.Terms.Set(w.T.Context(), w.Admin, "", w.beta.ID, "Terms", "Be kindest.")
	w.must(err)
	accepted := func(who ...string) {
		w.T.Helper()
		all, err := w.Broker.Terms.Acceptances(w.T.Context(), w.Admin, "", w.beta.ID, kernel.Page{Limit: 10})
		w.must(err)
		if len(all.Items) != len(who) || len(who) == 1 && all.Items[0].User != who[0] {
			w.T.Errorf("accepted by %+v; want %v", all.Items, who)
		}
	}

	c := w.client(true, false)
	at := "/s3credentials/terms?location=" + w.beta.ID
	logsIn(jwt)
	page := c.get(c.get("/redirect?code=good&state=" + c.get(at).location(w.T).Query().Get("state")).location(w.T).String())
	if !strings.Contains(page.body, "I, ann, accept") {
		w.T.Fatalf("the page is not ann's: %s", page.body)
	}
	logsIn(danJWT)
	to := c.get("/redirect?code=good&state=" + w.accept(page).Query().Get("state")).location(w.T).String()
	accepted()
	page = c.get(to)
	if to != w.URL+at || !strings.Contains(page.body, "I, dan, accept") {
		w.T.Errorf("dan is led to %s: %s", to, page.body)
	}
	c.get("/redirect?code=good&state=" + w.accept(page).Query().Get("state"))
	accepted(dan.User.ID)
}
