package main

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/cli/ask"
)

// How long object requests are kept is said in days. Nothing is removed where
// nobody says so; the file that init writes does.
func TestKeepRequests(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{
		"":                                0,
		"audit: {}":                       0,
		"audit: {keep_requests: forever}": 0,
		"audit: {keep_requests: 1d}":      24 * time.Hour,
		`audit: {keep_requests: "30d"}`:   30 * 24 * time.Hour,
		"audit: {keep_requests: 65535d}":  65535 * 24 * time.Hour,
		defaultConfig:                     400 * 24 * time.Hour,
	} {
		c, err := parseConfig([]byte(text), t.TempDir())
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := c.Audit.keepRequests(); got != want || err != nil {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
	for _, wrong := range []string{"0d", "-1d", "400", "400h", "1.5d", "d", "65536d", "never", "400 d", "0x10d"} {
		_, err := parseConfig([]byte("audit: {keep_requests: "+wrong+"}"), t.TempDir())
		if err == nil || !strings.Contains(err.Error(), "audit.keep_requests must be a number of days") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// What is configured is what is done.
func TestKeepRequestsIsWired(t *testing.T) {
	for keep, want := range map[string]string{"7d": "older_than=168h0m0s", "forever": ""} {
		r := startWith(t, func(c *Config) { c.Audit.KeepRequests = keep })
		r.call(r.admin.Reveal(), "GET", "/api/v1/stores", "") // it serves
		const told = "object requests are pruned"
		if log := r.log.String(); strings.Contains(log, told) != (want != "") || !strings.Contains(log, want) {
			t.Errorf("kept %s: %s", keep, log)
		}
	}
}

// What was pruned on purpose is no damage: verifying says how much it was, and up to
// when. Removing more of it is.
func TestVerifyTellsWhatWasPruned(t *testing.T) {
	r := start(t)
	c := s3Client(r.lease("read"))
	for range 3 {
		if _, err := get(t.Context(), c, "alpha/README.txt"); err != nil {
			t.Fatal(err)
		}
	}
	r.accesses(3, "--location", "alpha")
	before := time.Now().Add(time.Second).UTC().Truncate(time.Millisecond)
	for more := true; more; {
		var err error
		if more, err = r.in.broker.Objects.Prune(t.Context(), before); err != nil {
			t.Fatal(err)
		}
	}
	if left := r.accesses(0, "--location", "alpha"); len(left) != 0 {
		t.Errorf("left: %+v", left)
	}
	if err := os.WriteFile(r.folder+"/keyhatch.yaml", []byte(defaultConfig), 0o600); err != nil {
		t.Fatal(err)
	}
	verify := func() (int, string) {
		status, out, failed := r.ask("", "audit", "verify", "--config", r.folder+"/keyhatch.yaml")
		return status, out + failed
	}
	told := "\n  pruned on purpose: object requests 3, all recorded before " + before.Format(time.RFC3339Nano) + "\n"
	if status, out := verify(); status != ask.ExitDone || !strings.Contains(out, "object requests 0\n") || !strings.Contains(out, told) {
		t.Errorf("%d %s, want %q", status, out, told)
	}
	if err := tamperWith(r.folder+"/keyhatch.db", "delete from events where action = 'objects.prune'"); err != nil {
		t.Fatal(err)
	}
	if status, out := verify(); status != ask.ExitFailed || !strings.Contains(out, "the object requests that the event vouches for") {
		t.Errorf("without the event: %d %s", status, out)
	}
}

// TestRequestsPerSecond: what token services are asked is what is configured.
func TestRequestsPerSecond(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"": 0, "aws: {requests_per_second: 1}": 1, "aws: {requests_per_second: 100000}": 100_000} {
		c, err := parseConfig([]byte(text), t.TempDir())
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got, err := c.AWS.budget(); got.PerSecond != want || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, wrong := range []string{"-1", "100001", "many"} {
		if _, err := parseConfig([]byte("aws: {requests_per_second: "+wrong+"}"), t.TempDir()); err == nil || !strings.Contains(err.Error(), "requests_per_second") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestWebIdentityTokenFile: its path is of the file's folder, as all are, and was of wherever
// the server was started.
func TestWebIdentityTokenFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c, err := parseConfig([]byte("aws: {web_identity_token_file: token}"), folder)
	if err != nil || c.AWS.WebIdentityTokenFile != filepath.Join(folder, "token") {
		t.Errorf("%q, %v", c.AWS.WebIdentityTokenFile, err)
	}
}

// TestInTheClear names the listeners that others can reach and that have no TLS.
func TestInTheClear(t *testing.T) {
	t.Parallel()
	for text, want := range map[string][]string{
		"":                                                          nil,
		"api: {listen: 'localhost:1'}":                              nil,
		"api: {listen: '[::1]:1'}":                                  nil,
		"api: {listen: '127.8.0.1:1'}":                              nil,
		"api: {listen: '[::ffff:127.0.0.1]:1'}":                     nil,
		"api: {listen: ':1'}":                                       {"api"},
		"api: {listen: '10.0.0.1:1'}":                               {"api"},
		"api: {listen: 'keys.example.org:1'}":                       {"api"},
		"api: {listen: ':1', tls_cert: c, tls_key: k}":              nil,
		"s3: {listen: '[::]:1', url: 'https://s3.test'}":            {"s3"},
		"{api: {listen: '0.0.0.0:1'}, s3: {listen: '192.0.2.1:1'}}": {"api", "s3"},
	} {
		c, err := parseConfig([]byte(text), t.TempDir())
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := c.inTheClear(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}
