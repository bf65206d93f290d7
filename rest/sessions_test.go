package rest_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

const password = `plum orbit candle seventeen`

// browser is one that is signed in, at a page of the service.
type browser struct {
	*served
	secret keyhatch.Secret
	site   string // from which it says that it asks
}

// signIn signs a user in who gets a password.
func (s *served) signIn(user string) browser {
	s.t.Helper()
	reset, _, err := s.Broker.Passwords.NewReset(s.t.Context(), s.Admin, user)
	if err == nil {
		err = s.Broker.Passwords.ResetPassword(s.t.Context(), reset, password)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return s.signInAgain(user)
}

func (s *served) signInAgain(user string) browser {
	s.t.Helper()
	c, err := s.Broker.Passwords.Authenticate(s.t.Context(), user, password)
	if err != nil {
		s.t.Fatal(err)
	}
	secret, _, err := s.Broker.Sessions.Begin(s.t.Context(), c, "Mozilla/5.0")
	if err != nil {
		s.t.Fatal(err)
	}
	return browser{s, secret, "same-origin"}
}

func (b browser) ask(method, path, body string) *httptest.ResponseRecorder {
	r := httptest.NewRequestWithContext(b.t.Context(), method, "https://keys.test/api/v1"+path, strings.NewReader(body))
	r.Header.Set("Cookie", "__Host-keyhatch="+b.secret.Reveal())
	if b.site != "" {
		r.Header.Set("Sec-Fetch-Site", b.site)
	}
	if body != "" {
		r.Header.Set("Content-Type", "application/json")
	}
	w := httptest.NewRecorder()
	b.mux.ServeHTTP(w, r)
	return w
}

// asked decodes the answer to what a browser asks, which must succeed.
func asked[T any](b browser, method, path, body string) (v T) {
	b.t.Helper()
	w := b.ask(method, path, body)
	if w.Code >= 300 || w.Body.Len() > 0 && json.Unmarshal(w.Body.Bytes(), &v) != nil {
		b.t.Fatalf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	return v
}

func (b browser) refused(status int, code keyhatch.Code, method, path, body string) {
	b.t.Helper()
	w := b.ask(method, path, body)
	var p api.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil || w.Code != status || p.Code != string(code) {
		b.t.Errorf("%s %s: %d %s, want %d %s", method, path, w.Code, w.Body, status, code)
	}
	if w.Header().Get("Cache-Control") != "no-store" {
		b.t.Error("S14: it may be cached")
	}
}

// TestSessionsOverTheWire: a browser that is signed in does what its user may, sees its sessions and
// ends them.
func TestSessionsOverTheWire(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.User(t, "ann")
	ann := s.signIn("ann")
	other := s.signInAgain("ann")
	if u := asked[api.User](ann, "PATCH", "/users/ann", `{"full_name":"Ann"}`); u.FullName != "Ann" {
		t.Errorf("%+v", u)
	}
	own := asked[api.Session](ann, "GET", "/sessions/current", "")
	if !own.Current || own.Browser != "Mozilla/5.0" || own.ExpiresAt.IsZero() {
		t.Errorf("%+v", own)
	}
	for _, l := range []api.Page[api.Session]{
		asked[api.Page[api.Session]](ann, "GET", "/sessions", ""), got[api.Page[api.Session]](s, 200, s.secret("admin"), "GET", "/sessions?user=ann", ""),
	} {
		if len(l.Items) != 2 || l.Items[0].ID != own.ID && l.Items[1].ID != own.ID {
			t.Errorf("%+v", l)
		}
	}
	if ended := asked[api.EndedSessions](ann, "DELETE", "/users/ann/sessions?keep_current=true", ""); ended.Ended != 1 {
		t.Errorf("%+v", ended)
	}
	other.refused(401, keyhatch.CodeSessionInvalid, "GET", "/sessions", "")
	s.wantProblem(404, keyhatch.CodeSessionNotFound, s.secret("ann"), "DELETE", "/sessions/current", "")
	s.wantProblem(404, keyhatch.CodeSessionNotFound, s.secret("ann"), "GET", "/sessions/current", "")
	ann.refused(404, keyhatch.CodeTokenNotFound, "GET", "/tokens/current", "")
	asked[struct{}](ann, "DELETE", "/sessions/current", "")
	ann.refused(401, keyhatch.CodeSessionInvalid, "GET", "/users/ann", "")
}

// TestWhatSessionsMake: what a session makes is its user's; what has to end with a token is not
// made.
func TestWhatSessionsMake(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.User(t, "ann")
	lab := s.Workspace(t, "lab")
	ann := s.signIn("ann")
	s.Member(t, lab, keyhatch.Caller{User: keyhatch.User{ID: asked[api.User](ann, "GET", "/users/ann", "").ID}}, keyhatch.AdminRole)
	made := asked[api.CreatedToken](ann, "POST", "/tokens", `{"name":"laptop","workspace":"lab"}`)
	got[api.Token](s, 200, made.Secret, "GET", "/tokens/current", "")
	if key := asked[api.AccessKey](ann, "POST", "/access-keys?workspace=lab", `{"store":"disk","name":"k","rights":{}}`); key.ID == "" {
		t.Errorf("%+v", key)
	}
	ann.refused(403, keyhatch.CodeNotPermitted, "POST", "/leases?workspace=lab", `{"location":"x","access":"read"}`)
	asked[struct{}](ann, "DELETE", "/tokens/"+made.ID, "")
	ann.refused(403, keyhatch.CodeNotPermitted, "POST", "/users", `{"name":"bob"}`)
	if n := asked[api.RevokedTokens](ann, "DELETE", "/users/ann/tokens", ""); n.Revoked != 1 { // the one that User makes
		t.Errorf("%+v", n)
	}
}

// TestS11_OtherSitesDoNothing: what another page makes a browser ask changes and tells nothing, on no
// route, also one that somebody else's object at another port is.
func TestS11_OtherSitesDoNothing(t *testing.T) {
	t.Parallel()
	s := serve(t)
	s.User(t, "ann")
	ann := s.signIn("ann")
	before := s.Dump(t)
	for _, ann.site = range []string{"cross-site", "same-site", "none", ""} {
		for _, r := range routes(t) {
			if looks := r.method == http.MethodGet; looks && ann.site == "none" {
				continue
			}
			ann.refused(403, keyhatch.CodeFromElsewhere, r.method, strings.TrimPrefix(r.path, "/api/v1"), "{}")
		}
	}
	after := s.Dump(t)
	for _, table := range []string{"users", "tokens", "sessions", "events"} {
		if len(before[table]) != len(after[table]) {
			t.Errorf("%s has changed", table)
		}
	}
}
