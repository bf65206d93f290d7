package main

import (
	"bytes"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch/client"
)

// S7: what a revoked lease was being sent is thrown away with its connection, also
// what the system has taken of it already: up to megabytes would arrive else. They did,
// when nobody read for so long that the server's write was interrupted.
func TestS7_RevokedDownloadIsThrownAway(t *testing.T) {
	for _, secure := range []bool{false, true} {
		web, change, over := http.DefaultClient, func(*config.Config) {}, "HTTP"
		if secure {
			cert, key, trusted := certificate(t)
			web, over = &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: trusted}}}, "TLS"
			change = func(c *config.Config) { c.S3.TLSCert, c.S3.TLSKey = cert, key }
		}
		for when, wait := range map[string]func(*running){"read at once": func(*running) {}, "read when it is over": (*running).waitForEnd} {
			t.Run(when+" over "+over, func(t *testing.T) { revokeDownload(t, startWith(t, change), web, wait) })
		}
	}
}

// waitForEnd waits until the download is on record.
func (r *running) waitForEnd() {
	r.t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
		if log, err := os.ReadFile(r.in.config.S3.RequestLog); err == nil && bytes.Contains(log, []byte("large.bin")) {
			return
		}
	}
	r.t.Fatal("the download does not end")
}

func revokeDownload(t *testing.T, r *running, web *http.Client, wait func(*running)) {
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
	wait(r)
	n, err := io.Copy(io.Discard, answer.Body)
	if !errors.Is(err, syscall.ECONNRESET) {
		t.Errorf("after %d bytes: %v, want a connection that was reset", n, err)
	}
}
