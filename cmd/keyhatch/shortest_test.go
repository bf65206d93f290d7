package main

import (
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch"
)

// Only keyhatch dev, told so by tests, lends for less than the least there is; no
// configuration does.
func TestShortestLease(t *testing.T) {
	r := startWith(t, func(c *config.Config) { c.ShortestLease = time.Minute })
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
		for _, text := range []string{config.Default + key + ": 60s\n", strings.Replace(config.Default, "s3:\n", "s3:\n  "+key+": 60s\n", 1)} {
			if c, err := config.Parse([]byte(text), t.TempDir()); err == nil || c.ShortestLease != 0 {
				t.Errorf("%s in a configuration: %v, %v", key, c.ShortestLease, err)
			}
		}
	}
	const here, everywhere = "127.0.0.1:0", "0.0.0.0:0"
	for _, c := range []struct {
		shortest   time.Duration
		listen, s3 string
		well       bool
	}{
		{time.Second, here, here, true},
		{time.Minute, "[::1]:0", "localhost:0", true},
		{keyhatch.MinLeaseLife, "192.0.2.1:0", "192.0.2.1:0", true},
		{-time.Minute, here, here, false},
		{0, here, here, false},
		{time.Second - 1, here, here, false},
		{keyhatch.MinLeaseLife + 1, here, here, false},
		{time.Minute, everywhere, here, false},
		{time.Minute, here, everywhere, false},
		{time.Minute, ":0", here, false},
		{time.Minute, "192.0.2.1:0", here, false},
	} {
		got, _, err := (devCommand{Data: t.TempDir(), Listen: c.listen, S3Listen: c.s3, ShortestLease: c.shortest}).config()
		if c.well != (err == nil) || c.well && got.ShortestLease != c.shortest || err != nil && !strings.Contains(err.Error(), "--shortest-lease ") {
			t.Errorf("%v at %s and %s: %v", c.shortest, c.listen, c.s3, err)
		}
	}
	var help strings.Builder
	run(t.Context(), []string{"dev", "--help"}, strings.NewReader(""), &help, &help)
	if !strings.Contains(help.String(), "--ready-file") || strings.Contains(help.String(), "shortest") {
		t.Errorf("keyhatch dev --help tells people of it:\n%s", help.String())
	}
}
