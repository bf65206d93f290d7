package conformance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// TestPresign makes URLs that open one object for a while, as people do to share
// it or to have it sent, and uses them with no credentials.
func TestPresign(t *testing.T) {
	for turn, name := range ableTo(opSignGet) {
		for _, v := range bothKinds(turn) {
			v.at(t, name, func(t *testing.T, p place, c client) {
				l := p.lend(t, p.own, "write")
				t.Run("GET", func(t *testing.T) { presignedGet(t, p, l, name, c) })
				if can(name, opSignPut) {
					t.Run("PUT", func(t *testing.T) { presignedPut(t, p, l, name, c) })
				}
			})
		}
	}
}

// presign makes a URL that allows one request for a while.
func presign(t *testing.T, c client, op operation, l devserver.Lease, key string) string {
	t.Helper()
	return strings.TrimSpace(string(c.also(op, l, key).must(t).stdout)) // as it was before redaction
}

func presignedGet(t *testing.T, p place, l devserver.Lease, name string, c client) {
	sdk := newGoSDK(t, p.bucket)
	key := p.own + "presign/" + name + " +.bin"
	data := content(key, 1000)
	sdk.put(l, write(t, data), key).must(t)

	ours := presign(t, c, opSignGet, l, key)
	status, body := fetch(t, l, http.MethodGet, ours, nil)
	if status != http.StatusOK || sha256.Sum256(body) != sha256.Sum256(data) {
		t.Fatalf("presigned URL: status %d with %d bytes, want 200 with the %d that were stored\n%s",
			status, len(body), len(data), l.Redact(string(body[:min(len(body), 500)])))
	}

	// Signing needs no server: a URL for anything can be made.
	secret := siblingPrefix + "presign/" + name
	sdk.put(p.lend(t, siblingPrefix, "write"), write(t, content(secret, 1000)), secret).must(t)
	if name == "rclone" { // it looks first
		c.also(opSignGet, l, secret).mustBeRefused(t, c.refusal(opSignGet, "AccessDenied"))
	} else if status, body := fetch(t, l, http.MethodGet, presign(t, c, opSignGet, l, secret), nil); status != http.StatusForbidden || !bytes.Contains(body, []byte("<Code>AccessDenied</Code>")) {
		t.Errorf("presigned URL outside the lease: status %d, want 403 with AccessDenied\n%s", status, l.Redact(string(body)))
	}
	if status, body := fetch(t, l, http.MethodGet, strings.Replace(ours, p.own, siblingPrefix, 1), nil); status != http.StatusForbidden {
		t.Errorf("presigned URL, changed: status %d, want 403\n%s", status, l.Redact(string(body)))
	}
	mustStoreNothing(t, p, func(data []byte) {
		if status, body := fetch(t, l, http.MethodPut, ours, data); status != http.StatusForbidden {
			t.Errorf("presigned URL, used to store: status %d, want 403\n%s", status, l.Redact(string(body)))
		}
	})

	revoked := p.lend(t, p.own, "read")
	url := presign(t, c, opSignGet, revoked, key)
	if err := p.Revoke(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	if status, body := fetch(t, revoked, http.MethodGet, url, nil); status/100 != 4 || bytes.Contains(body, data) {
		t.Errorf("presigned URL of a revoked lease: status %d with %d bytes, want a refusal", status, len(body))
	}
}

func presignedPut(t *testing.T, p place, l devserver.Lease, name string, c client) {
	key := p.own + "presign/" + name + " put +.bin"
	url := presign(t, c, opSignPut, l, key)
	file := filepath.Join(t.TempDir(), "download")
	// The URL does not bind what is sent, and may be used again.
	for _, size := range []int{100_000, 1000} {
		data := content(key, size)
		if status, body := fetch(t, l, http.MethodPut, url, data); status != http.StatusOK {
			t.Fatalf("presigned PUT: status %d, want 200\n%s", status, l.Redact(string(body)))
		}
		newGoSDK(t, p.bucket).get(l, key, file).must(t)
		mustHave(t, file, data)
	}
	for what, refused := range map[string]string{
		"of a reader":       presign(t, c, opSignPut, p.lend(t, p.own, "read"), key),
		"outside the lease": presign(t, c, opSignPut, l, siblingPrefix+"presign/intruder"),
	} {
		mustStoreNothing(t, p, func(data []byte) {
			if status, body := fetch(t, l, http.MethodPut, refused, data); status != http.StatusForbidden || !bytes.Contains(body, []byte("<Code>AccessDenied</Code>")) {
				t.Errorf("presigned PUT %s: status %d, want 403 with AccessDenied\n%s", what, status, l.Redact(string(body)))
			}
		})
	}
}

// fetch uses a URL as a browser or curl would. Its errors would show the URL, and
// with it the session token.
func fetch(t *testing.T, l devserver.Lease, method, url string, data []byte) (int, []byte) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, bytes.NewReader(data))
	if err != nil {
		t.Fatal(l.Redact(err.Error()))
	}
	resp, err := trusting(t, l).Do(req)
	if err != nil {
		t.Fatal(l.Redact(err.Error()))
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(l.Redact(err.Error()))
	}
	return resp.StatusCode, body
}
