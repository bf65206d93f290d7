package main

import (
	"io"
	"net/http"
	"net/http/cookiejar"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch/internal/loginprovider"
)

// TestLoginAtProviderIsWired: somebody logs in at the configuration's provider, beside all other doors, and
// is what the rules say; the log has neither the client's secret nor a code.
func TestLoginAtProviderIsWired(t *testing.T) {
	t.Parallel()
	p := loginprovider.Start(t)
	p.User["groups"] = []string{"keyhatch-admins"}
	r := startWith(t, func(c *config.Config) { withProvider(t, c, p) })
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	browser := &http.Client{Jar: jar}
	look := func(path string) string {
		t.Helper()
		a, err := browser.Get(r.in.apiURL + path)
		if err != nil {
			t.Fatal(err)
		}
		defer a.Body.Close()
		text, err := io.ReadAll(a.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if page := look("/login"); !strings.Contains(page, "The institute") || strings.Contains(page, "password") {
		t.Errorf("the login page is %s", page)
	}
	if page := look("/login/institute?next=%2Fprofile"); !strings.Contains(page, "<strong>jane</strong>") {
		t.Errorf("she is at %s", page)
	}
	u, err := r.in.db.UserByName(t.Context(), "jane")
	if err != nil || !u.Admin {
		t.Errorf("%+v, %v", u, err)
	}
	if strings.Contains(r.log.String(), loginprovider.ClientSecret) || strings.Contains(r.log.String(), "code=") {
		t.Errorf("S5: the log has a secret:\n%s", r.log)
	}
}

// TestS10_ProvidersInPrivateNetworks: a provider at an address that is not public is not asked, unless
// its network was named.
func TestS10_ProvidersInPrivateNetworks(t *testing.T) {
	t.Parallel()
	p := loginprovider.Start(t)
	r := startWith(t, func(c *config.Config) {
		withProvider(t, c, p)
		c.OutboundNetworks = nil
	})
	a, err := http.Get(r.in.apiURL + "/login/institute")
	if err != nil {
		t.Fatal(err)
	}
	defer a.Body.Close()
	if a.StatusCode != http.StatusServiceUnavailable || !strings.Contains(r.log.String(), "prohibited") {
		t.Errorf("%d, and the log says %s", a.StatusCode, r.log)
	}
}

func withProvider(t *testing.T, c *config.Config, p *loginprovider.Provider) {
	t.Helper()
	secret := filepath.Join(t.TempDir(), "oidc.secret")
	if err := os.WriteFile(secret, []byte(loginprovider.ClientSecret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	no := false
	c.Login = config.Login{PasswordForm: &no, Providers: []config.Provider{{
		Name: "institute", Title: "The institute", Issuer: p.URL, ClientID: loginprovider.ClientID, ClientSecretFile: secret,
		UserName: config.UserName{Claim: "preferred_username", Template: "{}"}, AllowAnybody: true,
		Rules: []config.Rule{{ClaimIs: config.ClaimIs{Claim: "groups", Value: "keyhatch-admins"}, Admin: true}},
	}}}
}

// TestDocumentedLogins: what docs/login.md shows is a configuration that works.
func TestDocumentedLogins(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "oidc.secret"), []byte("a secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(readDoc(t, "../../docs/login.md"), "```yaml\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("there is no example")
	}
	for _, b := range blocks {
		text, _, _ := strings.Cut(b, "```")
		c, err := config.Parse([]byte(text), folder)
		if err == nil && len(c.Login.Providers) > 0 {
			_, err = c.LoginProviders("https://hatch.example", http.DefaultTransport)
		}
		if err != nil {
			t.Errorf("%s\n%v", text, err)
		}
	}
}

// TestLoginRulesAreNeeded: no server starts with a provider that would let in anybody by
// mistake, or nobody; the error says what is missing.
func TestLoginRulesAreNeeded(t *testing.T) {
	t.Setenv("KEYHATCH_TEST_CLIENT", "a secret")
	folder := t.TempDir()
	open := filepath.Join(folder, "open.secret")
	if err := os.WriteFile(open, []byte("x"), 0o644); err != nil {
		t.Fatal(err)
	}
	const good = "name: a, issuer: 'https://a.example', client_id: k"
	for rules, why := range map[string]string{
		good + ", users: {'1': ann}": "",
		good + ", user_name: {template: '{}'}, allow: [{claim: groups, value: x}], client_secret_env: KEYHATCH_TEST_CLIENT": "",
		good + ", user_name: {template: '{}'}, allow_anybody: true, rules: [{claim: groups, value: x, workspace: lab}]":     "",
		good:                                   "users and user_name are missing",
		good + ", user_name: {template: '{}'}": "allow is missing",
		good + ", user_name: {template: '{}'}, allow: [{claim: groups}]":                                    "a claim and a value",
		good + ", user_name: {template: '{}'}, allow: [{claim: groups, value: x}], allow_anybody: true":     "not both",
		good + ", user_name: {template: 'x'}, allow_anybody: true":                                          "user_name",
		good + ", users: {'1': ann}, allow_anybody: true":                                                   "user_name is missing",
		good + ", users: {'1': 'a b'}":                                                                      "users:",
		good + ", users: {'1': ann}, scopes: [profile]":                                                     "openid",
		good + ", users: {'1': ann}, rules: [{claim: groups, value: x}]":                                    "one of two things",
		good + ", users: {'1': ann}, rules: [{claim: groups, value: x, workspace: lab, admin: true}]":       "one of two things",
		good + ", users: {'1': ann}, rules: [{claim: groups, value: x, group: readers, admin: true}]":       "name that too",
		good + ", users: {'1': ann}, rules: [{claim: groups, value: '', admin: true}]":                      "a claim and a value",
		good + ", users: {'1': ann}, client_secret_env: KEYHATCH_TEST_NONE":                                 "client_secret_env",
		good + ", users: {'1': ann}, client_secret_file: none.secret":                                       "is missing",
		good + ", users: {'1': ann}, client_secret_file: open.secret":                                       "chmod 600",
		good + ", users: {'1': ann}, client_secret_file: open.secret, client_secret_env: KEYHATCH_TEST_CLI": "not both",
		"name: A b, issuer: 'https://a.example', client_id: k, users: {'1': ann}":                           "name must be",
		"name: a, issuer: 'http://a.example', client_id: k, users: {'1': ann}":                              "https",
		"name: a, issuer: 'https://a.example', users: {'1': ann}":                                           "client_id is missing",
		good + ", users: {'1': ann}}, {" + good + ", users: {'1': ann}":                                     "another one",
	} {
		c, err := config.Parse([]byte("login: {providers: [{"+rules+"}]}"), folder)
		if err != nil {
			t.Errorf("%s: %v", rules, err)
			continue
		}
		_, err = c.LoginProviders("https://hatch.example", http.DefaultTransport)
		if (err == nil) != (why == "") || err != nil && (!strings.Contains(err.Error(), why) || !strings.HasPrefix(err.Error(), "login.providers[")) {
			t.Errorf("%s: %v, want %q", rules, err, why)
		}
	}
	for text, why := range map[string]string{
		"login: {password_form: false}": "nobody could log in",
		"api: {url: 'http://hatch.example'}\nlogin: {providers: [{" + good + ", users: {'1': ann}}]}": "plain HTTP",
		"login: {password_form: true}": "",
		"login: {consent_life: 30d}":   "",
		"login: {consent_life: 59m}":   "login.consent_life must be 1h to 365d",
		"login: {consent_life: 366d}":  "login.consent_life must be 1h to 365d",
		"login: {consent_life: 30}":    "login.consent_life must be a time",
		"login: {providers: []}":       "",
		"login: {password_form: false, providers: [{" + good + ", users: {'1': ann}}]}": "",
	} {
		c, err := config.Parse([]byte(text), folder)
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.LoginProviders("https://hatch.example", http.DefaultTransport)
		if err == nil {
			_, err = c.Login.ConsentLives()
		}
		if (err == nil) != (why == "") || err != nil && !strings.Contains(err.Error(), why) {
			t.Errorf("%s: %v, want %q", text, err, why)
		}
	}
}
