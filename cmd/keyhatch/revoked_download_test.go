package main

import (
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/keyhatch/keyhatch/client"
)

// S7: what a revoked lease was being sent is thrown away with its connection, also
// what the system has taken of it already: up to megabytes would arrive else.
func TestS7_RevokedDownloadIsThrownAway(t *testing.T) {
	for _, secure := range []bool{false, true} {
		name, web, change := "plain", http.DefaultClient, func(*Config) {}
		if secure {
			cert, key, trusted := certificate(t)
			web = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}
			name, change = "TLS", func(c *Config) { c.S3.TLSCert, c.S3.TLSKey = cert, key }
		}
		t.Run(name, func(t *testing.T) {
			r := startWith(t, change)
			const size = 1 << 34 // of holes, which take no room
			large, err := os.Create(filepath.Join(r.folder, "objects/local/demo/alpha/large.bin"))
			if err != nil {
				t.Fatal(err)
			}
			if err := errors.Join(large.Truncate(size), large.Close()); err != nil {
				t.Fatal(err)
			}
			lent := r.lease("read")
			q, err := http.NewRequest(http.MethodGet, lent.Endpoint+"/demo/alpha/large.bin", nil)
			if err != nil {
				t.Fatal(err)
			}
			sign(t, q, lent, "UNSIGNED-PAYLOAD")
			answer, err := web.Do(q)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			if answer.StatusCode != http.StatusOK || answer.ContentLength != size {
				t.Fatal(answer.Status, answer.ContentLength)
			}
			if err := client.New(r.in.apiURL, r.admin.Reveal()).RevokeLease(t.Context(), lent.ID); err != nil {
				t.Fatal(err)
			}
			// Nothing was read until now: the server waits for us, and cannot ask.
			n, err := io.Copy(io.Discard, answer.Body)
			if !errors.Is(err, syscall.ECONNRESET) {
				t.Errorf("after %d bytes: %v, want a connection that was reset", n, err)
			}
		})
	}
}
