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
// terms, by a form that it is shown when it comes back from there. It was led to a page that asked for a password
// of here; later the way through the login accepted, which is one GET where somebody has a session there.
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
	at := "/redirect?code=good&state=" + w.toLogin(page)
	if w.refused("the link in another browser", c.get(at), 400, "invalid_request"); strings.Contains(page.body, "<form") {
		w.T.Errorf("before the login it can be accepted: %s", page.body)
	}
	w.refused("without a code", fresh.get("/redirect?state="+w.toLogin(page)), 403, "access_denied")
	for _, path := range []string{"/s3credentials/terms/accept?location=" + w.beta.ID, "/s3credentials/terms?accept=1&version=x&location=" + w.beta.ID} {
		if fresh.get(path); lent() {
			w.T.Errorf("the address %s accepts", path)
		}
	}

	back := func() answer { return fresh.get("/redirect?code=good&state=" + w.toLogin(fresh.get(f.Resolution))) }
	page = back()
	to, form := w.form(page)
	if policy := page.Header.Get("Content-Security-Policy"); lent() || !strings.Contains(policy, "frame-ancestors 'none'") || !strings.Contains(policy, "form-action 'self'") {
		w.T.Errorf("who comes back has accepted, or the form is open to others: %v", page.Header)
	}
	asBearer := with("Authorization", "Bearer "+jwt)
	for what, try := range map[string]func() answer{
		"a form of another browser":           func() answer { return c.send("POST", to, form.Encode()) },
		"one in a program that has the token": func() answer { return w.client(false, false).send("POST", to, form.Encode(), asBearer) },
		"one of nobody":                       func() answer { return fresh.send("POST", to, "version="+form.Get("version")) },
		"one that was made up":                func() answer { return fresh.send("POST", to, "form=x&version="+form.Get("version")) },
		"one with a secret of the program's own": func() answer {
			return w.client(false, false).send("POST", to, form.Encode(), asBearer, with("Cookie", "keyhatch-terms="+strings.Repeat("A", 43)))
		},
		"one that a page elsewhere makes it send": func() answer {
			return fresh.send("POST", to, form.Encode(), asBearer, with("Sec-Fetch-Site", "cross-site"))
		},
	} {
		a := try()
		if w.refused(what, a, 403, "access_denied"); lent() || !strings.Contains(a.body, f.Resolution) {
			w.T.Errorf("%s accepts, or does not lead anywhere: %s", what, a.body)
		}
	}
	w.refused("a page elsewhere sends it", fresh.send("POST", to, form.Encode(), with("Sec-Fetch-Site", "cross-site")), 403, "from_elsewhere")

	set("Be kinder.")
	page = fresh.send("POST", to, form.Encode())
	if !strings.Contains(page.body, "were changed") || !strings.Contains(page.body, "Be kinder.") || lent() {
		w.T.Errorf("terms that were changed meanwhile: %s", page.body)
	}
	to, form = w.form(page)
	w.reopen() // another server takes the form than the one that has shown it, which it did not take before
	a = fresh.send("POST", to, form.Encode())
	if a.StatusCode != http.StatusSeeOther || a.location(w.T).String() != f.Resolution || !lent() {
		w.T.Errorf("accepted, one is at %d %s", a.StatusCode, a.location(w.T))
	}
	if page = fresh.get(f.Resolution); !strings.Contains(page.body, "have accepted them") || strings.Contains(page.body, "authorize") || strings.Contains(page.body, "<form") {
		w.T.Errorf("then the page is %s", page.body)
	}
	w.refused("the form once more", fresh.send("POST", to, form.Encode()), 403, "access_denied")
	w.refused("the link once more", fresh.get(at), 400, "invalid_request")
	w.refused("no location", fresh.get("/s3credentials/terms?location=loc_000000000000000"), 404, "location_not_found")
}

// toLogin is the state with which the link of a page of terms leads to the login.
func (w *world) toLogin(page answer) string {
	w.T.Helper()
	m := regexp.MustCompile(`href="([^"]*/oauth/authorize[^"]*)"`).FindStringSubmatch(page.body)
	if page.StatusCode != http.StatusOK || m == nil {
		w.T.Fatalf("the page does not lead to the login: %d %s", page.StatusCode, page.body)
	}
	u, err := url.Parse(html.UnescapeString(m[1]))
	w.must(err)
	return u.Query().Get("state")
}

// form is that of a page of terms, and where it is sent.
func (w *world) form(page answer) (to string, fields url.Values) {
	w.T.Helper()
	m := regexp.MustCompile(`<form method="post" action="([^"]*)">`).FindStringSubmatch(page.body)
	if page.StatusCode != http.StatusOK || m == nil {
		w.T.Fatalf("the page has no form: %d %s", page.StatusCode, page.body)
	}
	fields = url.Values{}
	for _, f := range regexp.MustCompile(`name="([^"]*)" value="([^"]*)"`).FindAllStringSubmatch(page.body, -1) {
		fields.Set(f[1], html.UnescapeString(f[2]))
	}
	return html.UnescapeString(m[1]), fields
}

// otherAccepts: the page was shown to ann, and the login answers with dan, who has a session there in the
// same browser. It was noted that dan has accepted, who had seen nothing. Now the form names dan, and is dan's.
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
	anns := c.get("/redirect?code=good&state=" + w.toLogin(page))
	_, ofAnn := w.form(anns)
	if !strings.Contains(anns.body, "I, ann, accept") {
		w.T.Fatalf("the page is not ann's: %s", anns.body)
	}
	page = c.get(at)
	logsIn(danJWT)
	page = c.get("/redirect?code=good&state=" + w.toLogin(page))
	accepted()
	to, form := w.form(page)
	if !strings.Contains(page.body, "I, dan, accept") {
		w.T.Errorf("dan is shown %s", page.body)
	}
	w.refused("ann's form, sent by dan", c.send("POST", to, ofAnn.Encode()), 403, "access_denied")
	w.refused("dan's form, with ann's token", c.send("POST", to, form.Encode(), with("Authorization", "Bearer "+jwt)), 403, "access_denied")
	accepted()
	c.send("POST", to, form.Encode())
	accepted(dan.User.ID)
}
