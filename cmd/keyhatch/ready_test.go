package main

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
)

// seesMetrics: what was done is counted with nothing in it that a caller chose, and is in the log once, with
// who did it and in which door.
func seesMetrics(t *testing.T, r *running) {
	t.Helper()
	if a := r.call(r.admin.Reveal(), http.MethodPost, "/api/v1/tokens", `{"name":"canary-name","scopes":["all"]}`); a.status != http.StatusCreated {
		t.Fatalf("%d %s", a.status, a.text)
	}
	r.call("", http.MethodGet, "/canary-path", "")
	if answer, err := http.Get(r.in.s3URL + "/canary-bucket/canary-key"); err != nil {
		t.Fatal(err)
	} else {
		answer.Body.Close()
	}
	answer, err := http.Get("http://" + r.in.scrapes.Addr().String() + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	told, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	text := string(told)
	for _, want := range []string{
		`keyhatch_requests_total{code="201",door="rest",route="POST /api/v1/tokens"} 1`,
		`keyhatch_requests_total{code="404",door="none",route="none"} 1`,
		`keyhatch_request_duration_seconds_count{door="rest"}`,
		`keyhatch_requests_total{code="403",door="s3",route="GetObject"}`,
		`keyhatch_events_total{action="token.create"}`,
		`keyhatch_transactions_total{result="kept"}`, `keyhatch_transaction_writes_count`, `keyhatch_memory_age_seconds`,
		`keyhatch_jobs{state="due"}`, `keyhatch_build_info{`, `go_goroutines`, `process_start_time_seconds`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the metrics do not have %s", want)
		}
	}
	if strings.Contains(text, "canary") {
		t.Errorf("the metrics have what a caller chose: %s", text)
	}
	line := ""
	for l := range strings.Lines(r.log.String()) {
		if strings.Contains(l, `route="POST /api/v1/tokens"`) {
			line += l
		}
	}
	if strings.Count(line, "\n") != 1 || !strings.Contains(line, "door=rest") || !strings.Contains(line, "user=u") || !strings.Contains(line, "status=201") {
		t.Errorf("the log has of it: %s", line)
	}
}

// TestReadyNamesWhatIsLacking: it stopped saying that it was ready for a database that did not answer
// alone, gave no reason, and went on saying so until nobody could connect any more.
func TestReadyNamesWhatIsLacking(t *testing.T) {
	r := startWith(t, func(c *config.Config) {
		c.Drain, c.Metrics.Listen = time.Millisecond, "127.0.0.1:0"
	})
	seesMetrics(t, r)
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
