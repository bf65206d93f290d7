package main

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
)

// TestBrowsersThatAreSignedIn: a browser on this machine shows its cookie to the built server, and
// who sees it on the command line ends it; the S3 endpoint and the other doors know no cookie.
func TestBrowsersThatAreSignedIn(t *testing.T) {
	r := start(t)
	admin := r.admin.Reveal()
	signIn := func() (cookie string) {
		t.Helper()
		const password = "plum orbit candle seventeen"
		reset := must[api.PasswordReset](r, admin, "POST", "/api/v1/users/admin/password-reset", "")
		must[struct{}](r, "", "POST", "/api/v1/login/password", `{"reset":"`+reset.Secret+`","password":"`+password+`"}`)
		c, err := r.in.broker.Passwords.Authenticate(context.Background(), "admin", keyhatch.Secret(password))
		if err != nil {
			t.Fatal(err)
		}
		secret, _, err := r.in.broker.Sessions.Begin(context.Background(), c, "Mozilla/5.0")
		if err != nil {
			t.Fatal(err)
		}
		return "keyhatch=" + secret.Reveal()
	}
	cookie := signIn()
	browse := func(path string) answered {
		return r.send("GET", path, "", "Cookie", cookie, "Sec-Fetch-Site", "same-origin")
	}
	var own api.Session
	a := browse("/api/v1/sessions/current")
	if err := json.Unmarshal([]byte(a.text), &own); err != nil || a.status != http.StatusOK || !own.Current || own.LastUsedFrom != "" && own.LastUsedFrom != "127.0.0.1" {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if a := r.send("GET", "/api/v1/sessions/current", "", "Cookie", cookie, "Sec-Fetch-Site", "cross-site"); a.status != http.StatusForbidden || a.problem(t).Code != "from_elsewhere" {
		t.Errorf("from another site: %d %s", a.status, a.text)
	}
	for _, path := range []string{"/arvados/v1/users/current", "/v1/user", "/core/v1/users/current"} {
		if a := browse(path); a.status < 400 || strings.Contains(a.text, own.User) {
			t.Errorf("%s: %d %s", path, a.status, a.text)
		}
	}
	q, err := http.NewRequestWithContext(t.Context(), http.MethodGet, r.in.s3URL+"/demo/alpha/README.txt", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Cookie", cookie)
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	if answer.Body.Close(); answer.StatusCode != http.StatusForbidden || !answer.Close {
		t.Errorf("the S3 endpoint: %s, hung up on: %v", answer.Status, answer.Close)
	}

	if status, out, failed := r.ask(admin, "session", "list"); status != ask.ExitDone || !strings.Contains(out, own.ID) || !strings.Contains(out, "admin") || !strings.Contains(out, "Mozilla/5.0") {
		t.Errorf("listed: %d %s%s", status, out, failed)
	}
	if status, out, failed := r.ask(admin, "session", "show", own.ID); status != ask.ExitDone || !strings.Contains(out, "Mozilla/5.0") {
		t.Errorf("shown: %d %s%s", status, out, failed)
	}
	for _, args := range [][]string{{}, {own.ID, "--all"}, {own.ID, "--user", "admin"}} {
		if status, _, failed := r.ask(admin, append([]string{"session", "revoke"}, args...)...); status != ask.ExitUsage {
			t.Errorf("revoke %v: %d %s", args, status, failed)
		}
	}
	if status, out, _ := r.ask(admin, "session", "revoke", own.ID); status != ask.ExitDone || !strings.Contains(out, "the session has ended") {
		t.Errorf("revoked: %d %s", status, out)
	}
	if a := browse("/api/v1/sessions/current"); a.status != http.StatusUnauthorized || a.problem(t).Code != "session_invalid" {
		t.Errorf("revoked, it works: %d %s", a.status, a.text)
	}
	if status, _, _ := r.ask(admin, "session", "show", own.ID); status != ask.ExitNotFound {
		t.Errorf("revoked, it is shown: %d", status)
	}
	cookie = signIn()
	for _, said := range []string{"1 session has ended", "there was no session to end"} {
		if status, out, failed := r.ask(admin, "session", "revoke", "--all"); status != ask.ExitDone || !strings.Contains(out, said) {
			t.Errorf("revoked all: %d %s%s", status, out, failed)
		}
	}
	if a := browse("/api/v1/sessions/current"); a.status != http.StatusUnauthorized {
		t.Errorf("all were revoked, one works: %d", a.status)
	}
	if log := r.log.String(); strings.Contains(log, "khs_") {
		t.Error("S5: the log has a session's secret")
	}
}
