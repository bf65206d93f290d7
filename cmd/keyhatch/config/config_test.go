package config

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/db"
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
		Default:                           400 * 24 * time.Hour,
	} {
		c, err := Parse([]byte(text), t.TempDir())
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		if got, err := c.Audit.RequestsKept(); got != want || err != nil {
			t.Errorf("%q: %v %v, want %v", text, got, err, want)
		}
	}
	for _, wrong := range []string{"0d", "-1d", "400", "400h", "1.5d", "d", "65536d", "never", "400 d", "0x10d"} {
		_, err := Parse([]byte("audit: {keep_requests: "+wrong+"}"), t.TempDir())
		if err == nil || !strings.Contains(err.Error(), "audit.keep_requests must be a number of days") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestRequestsPerSecond: what token services are asked is what is configured.
func TestRequestsPerSecond(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]float64{"": 0, "aws: {requests_per_second: 1}": 1, "aws: {requests_per_second: 100000}": 100_000} {
		c, err := Parse([]byte(text), t.TempDir())
		if err != nil {
			t.Errorf("%q: %v", text, err)
		} else if got, err := c.AWS.budget(); got.PerSecond != want || err != nil {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
	for _, wrong := range []string{"-1", "100001", "many"} {
		if _, err := Parse([]byte("aws: {requests_per_second: "+wrong+"}"), t.TempDir()); err == nil || !strings.Contains(err.Error(), "requests_per_second") {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestWebIdentityTokenFile: its path is of the file's folder, as all are, and was of wherever
// the server was started.
func TestWebIdentityTokenFile(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	c, err := Parse([]byte("aws: {web_identity_token_file: token}"), folder)
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
		c, err := Parse([]byte(text), t.TempDir())
		if err != nil {
			t.Errorf("%s: %v", text, err)
		} else if got := c.InTheClear(); !slices.Equal(got, want) {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
}

// TestDrain: how long is served on is bounded, so that a server that is told to stop stops.
func TestDrain(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]time.Duration{"": 0, "drain: 10s": 10 * time.Second, "drain: 5m": 5 * time.Minute, "drain: -1s": -1, "drain: 6m": -1} {
		c, err := Parse([]byte(text), t.TempDir())
		if (err != nil) != (want < 0) || err == nil && c.Drain != want {
			t.Errorf("%q: %v, %v", text, c.Drain, err)
		}
	}
}

// TestDatabaseLimits: what a server asks of PostgreSQL, and how long it answers without it, is
// within bounds, and of no file where a file has none of it.
func TestDatabaseLimits(t *testing.T) {
	t.Parallel()
	const postgres = "database: postgres://k@db/k\n"
	for text, want := range map[string]struct {
		limits db.Limits
		memory time.Duration
	}{
		"":       {},
		postgres: {},
		postgres + "database_connections: 1\ndatabase_timeout: 1s": {limits: db.Limits{Connections: 1, Statement: time.Second}},
		postgres + "database_timeout: 10m\nmemory_max_age: 1h":     {limits: db.Limits{Statement: 10 * time.Minute}, memory: time.Hour},
		"memory_max_age: 1s": {memory: time.Second},
	} {
		c, err := Parse([]byte(text), t.TempDir())
		if err != nil {
			t.Errorf("%q: %v", text, err)
			continue
		}
		limits, err1 := c.DatabaseLimits()
		memory, err2 := c.MemoryUsable()
		if err := errors.Join(err1, err2); err != nil || limits != want.limits || memory != want.memory {
			t.Errorf("%q: %+v, %v, %v", text, limits, memory, err)
		}
	}
	for wrong, says := range map[string]string{
		"database_connections: 4":             "of a database at postgres://",
		"database_timeout: 4s":                "of a database at postgres://",
		postgres + "database_connections: -1": "database_connections",
		postgres + "database_timeout: 999ms":  "database_timeout must be a time from 1s to 10m",
		postgres + "database_timeout: 601s":   "database_timeout",
		postgres + "database_timeout: 10":     "database_timeout",
		"memory_max_age: 999ms":               "memory_max_age must be a time from 1s to 1h",
		"memory_max_age: 61m":                 "memory_max_age",
		"memory_max_age: for ever":            "memory_max_age",
	} {
		if _, err := Parse([]byte(wrong), t.TempDir()); err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// TestMetricsStayHere: what everybody who reaches it can read is on loopback, unless it is said that
// others may.
func TestMetricsStayHere(t *testing.T) {
	t.Parallel()
	for text, taken := range map[string]bool{
		"": true, "metrics: {listen: '127.0.0.1:9464'}": true, "metrics: {listen: 'localhost:9464'}": true, "metrics: {listen: '[::1]:9464'}": true,
		"metrics: {listen: ':9464'}": false, "metrics: {listen: '0.0.0.0:9464'}": false, "metrics: {listen: '10.0.0.1:9464'}": false,
		"metrics: {listen: nowhere}": false, "metrics: {listen: '10.0.0.1:9464', beyond_loopback: true}": true,
	} {
		if _, err := Parse([]byte(text), t.TempDir()); (err == nil) != taken {
			t.Errorf("%s: %v", text, err)
		}
	}
}
