package main

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/api"
)

// TestOAuthPaths: the paths of OAuth and the logout are there beside the other doors, and
// what is ended over them is ended for all.
func TestOAuthPaths(t *testing.T) {
	r := start(t)
	admin := r.admin.Reveal()
	one, two := r.token(`{}`).Secret, r.token(`{}`).Secret
	post := func(path, token string, f url.Values) (status int) {
		t.Helper()
		q, err := http.NewRequestWithContext(t.Context(), http.MethodPost, r.in.apiURL+path, strings.NewReader(f.Encode()))
		if err != nil {
			t.Fatal(err)
		}
		q.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		if token != "" {
			q.Header.Set("Authorization", "Bearer "+token)
		}
		a, err := http.DefaultClient.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		return a.StatusCode
	}
	if got := post("/oauth/introspect", admin, url.Values{"token": {one}}); got != 200 {
		t.Errorf("introspection: %d", got)
	}
	if got := post("/oauth/revoke", "", url.Values{"token": {one}}); got != 200 {
		t.Errorf("revocation: %d", got)
	}
	if got := post("/logout", two, nil); got != 200 {
		t.Errorf("logout: %d", got)
	}
	for _, secret := range []string{one, two} {
		if p := r.call(secret, "GET", "/api/v1/tokens/current", "").problem(t); p.Code != "token_invalid" {
			t.Errorf("it works on: %+v", p)
		}
		if strings.Contains(r.log.String(), secret) {
			t.Error("S5: the log holds a token")
		}
	}
	must[api.Token](r, admin, "GET", "/api/v1/tokens/current", "")
}
