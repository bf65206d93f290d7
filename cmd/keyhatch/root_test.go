package main

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/internal/logged"
)

// TestS7_RestartWithARevokedRoot: the service starts, without the token, and says so.
func TestS7_RestartWithARevokedRoot(t *testing.T) {
	secret := keyhatch.NewTokenSecret().Reveal()
	r := startWith(t, func(c *config.Config) {
		c.Arvados.SystemRootTokenFile = filepath.Join(t.TempDir(), "root")
		if err := os.WriteFile(c.Arvados.SystemRootTokenFile, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	if a := r.call(secret, "GET", "/arvados/v1/users/current", ""); a.status != 200 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	if a := r.call("", "POST", "/api/v1/tokens/leaks", `{"token":"`+secret+`"}`); a.status != 204 {
		t.Fatalf("%d %s", a.status, a.text)
	}
	var log logged.Text
	again, err := open(t.Context(), r.in.config, slog.New(slog.NewTextHandler(&log, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if !strings.Contains(log.String(), "does not work: give it another secret") || strings.Contains(log.String(), secret) {
		t.Errorf("the log says %s", log.String())
	}
	if a := r.call(secret, "GET", "/arvados/v1/users/current", ""); a.status != 401 {
		t.Errorf("%d %s", a.status, a.text)
	}
}
