package earthdata_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/compat/earthdata"
)

// issuer trusts the one signed token jwt, which is ann's.
type issuer struct{}

const jwt = "eyJhbGciOiJSUzI1NiJ9.eyJ1aWQiOiJhbm4ifQ.c2lnbmVk"

func (issuer) Verify(_ context.Context, shown keyhatch.Secret, now time.Time) (keyhatch.Assertion, error) {
	if shown != jwt {
		return keyhatch.Assertion{}, keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenInvalid, "no")
	}
	return keyhatch.Assertion{
		Issuer: "https://login.example.org", Rules: "r", Subject: "ann", User: "ann", Workspaces: []string{"lab"}, Scopes: []keyhatch.Scope{keyhatch.EarthdataScope},
		SignedAt: now, ExpiresAt: now.Add(2 * time.Hour), JWTID: "1", Signed: "signed",
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
	if strings.Contains(w.Log.String(), jwt) || strings.Contains(w.Log.String(), "our secret") {
		t.Error("S5: the log holds a secret")
	}
}
