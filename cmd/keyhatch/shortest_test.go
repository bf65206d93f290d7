package main

import (
	"strings"
	"testing"
	"time"
)

// Only keyhatch dev, told so by tests, lends for less than the least there is; no
// configuration does.
func TestShortestLease(t *testing.T) {
	r := startWith(t, func(c *Config) { c.shortestLease = time.Minute })
	for seconds, status := range map[string]int{"59": 422, "60": 201, "899": 201} {
		a := r.call(r.admin.Reveal(), "POST", "/api/v1/leases", `{"location":"alpha","access":"read","duration_seconds":`+seconds+`}`)
		if a.status != status || status == 422 && !strings.Contains(a.text, "at least 60 seconds") {
			t.Errorf("%s seconds: %d %s", seconds, a.status, a.text)
		}
	}
	for seconds, status := range map[string]int{"59": 422, "60": 200} {
		a := r.call(r.admin.Reveal(), "PATCH", "/api/v1/locations/alpha", `{"max_lease_seconds":`+seconds+`}`)
		if a.status != status || status == 422 && !strings.Contains(a.text, "60 to 604800 seconds") {
			t.Errorf("a location with leases of %s seconds: %d %s", seconds, a.status, a.text)
		}
	}
	for _, key := range []string{"shortest_lease", "shortestLease", "shortestlease", "ShortestLease"} {
		for _, text := range []string{defaultConfig + key + ": 60s\n", strings.Replace(defaultConfig, "s3:\n", "s3:\n  "+key+": 60s\n", 1)} {
			if c, err := parseConfig([]byte(text), t.TempDir()); err == nil || c.shortestLease != 0 {
				t.Errorf("%s in a configuration: %v, %v", key, c.shortestLease, err)
			}
		}
	}
	if _, _, err := (devCommand{Data: t.TempDir(), Listen: "127.0.0.1:0", S3Listen: "127.0.0.1:0", ShortestLease: -1}).config(); err == nil {
		t.Error("a time below zero is taken")
	}
	var help strings.Builder
	run(t.Context(), []string{"dev", "--help"}, strings.NewReader(""), &help, &help)
	if !strings.Contains(help.String(), "--ready-file") || strings.Contains(help.String(), "shortest") {
		t.Errorf("keyhatch dev --help tells people of it:\n%s", help.String())
	}
}
