package config

import (
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestNoServerTrustsItself: as an issuer, as another Earthdata Login or as a provider of logins a server
// is refused to itself, also where api.url does not say where it is. It was then trusted.
func TestNoServerTrustsItself(t *testing.T) {
	folder := t.TempDir()
	secret := filepath.Join(folder, "secret")
	if err := os.WriteFile(secret, []byte("0123456789abcdef"), 0o600); err != nil {
		t.Fatal(err)
	}
	const listening = "http://127.0.0.1:8750"
	for _, c := range []struct {
		api, other string
		own        bool
	}{
		{"listen: 127.0.0.1:8750", "http://127.0.0.1:8750", true},
		{"listen: 127.0.0.1:8750", "http://localhost:8750", true},
		{"listen: 127.0.0.1:8750", "http://127.0.0.1:8751", false},
		{"listen: 127.0.0.1:8750", "https://other.example", false},
		{"url: https://hatch.example", "https://hatch.example", true},
		{"url: https://hatch.example", "https://HATCH.example:443", true},
		{"url: https://hatch.example", "https://hatch.example.org", false},
		{"url: https://hatch.example", "http://127.0.0.1:8750", false},
		{"listen: 0.0.0.0:8750", "http://127.0.0.1:8750", false}, // nobody knows where it is: it signs nothing
	} {
		for _, at := range []struct {
			what, config string
			tries        func(*Config) error
		}{
			{
				"issuer", "issuers: [{issuer: '" + c.other + "', audience: {values: [x]}, subject: {users: {a: ann}}, workspaces: [lab], scopes: [leases]}]",
				func(c *Config) error {
					_, err := c.Trusted(listening, http.DefaultTransport, slog.New(slog.NewTextHandler(io.Discard, nil)))
					return err
				},
			},
			{
				"Earthdata Login", "earthdata: {login: {url: '" + c.other + "', client_id: us, client_secret_file: " + secret + "}}",
				func(c *Config) error { _, err := c.Elsewhere(listening, http.DefaultTransport); return err },
			},
			{
				"provider", "login: {providers: [{name: a, issuer: '" + c.other + "', client_id: k, client_secret_file: " + secret + ", users: {'1': ann}}]}",
				func(c *Config) error { _, err := c.LoginProviders(listening, http.DefaultTransport); return err },
			},
		} {
			if strings.HasPrefix(c.api, "listen: 0") && at.what == "provider" {
				continue // it has no pages
			}
			config, err := Parse([]byte("api: {"+c.api+"}\n"+at.config+"\n"), folder)
			if err != nil {
				t.Fatalf("%s: %v", at.config, err)
			}
			if err := at.tries(&config); (err != nil && strings.Contains(err.Error(), "this server")) != c.own {
				t.Errorf("%s %s with %s: %v", at.what, c.other, c.api, err)
			}
		}
	}
}
