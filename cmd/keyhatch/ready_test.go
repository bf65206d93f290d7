package main

import (
	"net/http"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
)

// TestReadyNamesWhatIsLacking: it stopped saying that it was ready for a database that did not answer
// alone, gave no reason, and went on saying so until nobody could connect any more.
func TestReadyNamesWhatIsLacking(t *testing.T) {
	r := startWith(t, func(c *config.Config) { c.Drain = time.Millisecond })
	ready := func(status int, text string) {
		t.Helper()
		if a := r.call("", http.MethodGet, "/readyz", ""); a.status != status || a.text != text {
			t.Errorf("/readyz is %d %q, want %d %q", a.status, a.text, status, text)
		}
	}
	if err := tamperWith(r.in.config.Database, "insert into schema_migrations (version) values (9999)"); err != nil {
		t.Fatal(err)
	}
	ready(503, "not ready: schema\n")
	r.in.withdraw(func() { // still serving
		ready(503, "not ready: the server stops\n")
		if a := r.call("", http.MethodGet, "/healthz", ""); a.status != 200 || a.text != "ok\n" {
			t.Errorf("/healthz is %d %q", a.status, a.text)
		}
	})
}
