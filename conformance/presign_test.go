package conformance

import (
	"bytes"
	"context"
	"crypto/sha256"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// presigner makes a URL that allows one request for a while, with what a client
// has for it. Its method is GET or PUT.
type presigner func(t *testing.T, p place, l devserver.Lease, method, key string) string

var presigners = []struct {
	name string
	make presigner
	puts bool
}{
	{"aws-s3", presignAWSS3, false}, // it has no way to presign a PUT
	{"boto3", presignBoto3, true},
	{"go-sdk", presignGoSDK, true},
}

// TestPresign makes URLs that open one object for a while, as people do to share
// it or to have it sent, and uses them with no credentials.
func TestPresign(t *testing.T) {
	for turn, c := range presigners {
		for where, visited := range map[string]func(t *testing.T) place{
			"directory":        start,
			"behind":           func(t *testing.T) place { return overHTTP.with(t, inTurn(turn)) },
			"behind, over TLS": func(t *testing.T) place { return overTLS.with(t, inTurn(turn+1)) },
		} {
			t.Run(c.name+"/"+where, func(t *testing.T) {
				t.Parallel()
				presignerIsThere(t, c.name)
				p := visited(t)
				l := p.lend(t, p.own, "write")
				t.Run("GET", func(t *testing.T) { presignedGet(t, p, l, c.name, c.make) })
				if c.puts {
					t.Run("PUT", func(t *testing.T) { presignedPut(t, p, l, c.name, c.make) })
				}
			})
		}
	}
}

// presignerIsThere skips the test when the client is not there, before anything
// is started.
func presignerIsThere(t *testing.T, name string) {
	t.Helper()
	for _, c := range clients {
		if c.name == name {
			c.make(t, "")
		}
	}
}

func presignedGet(t *testing.T, p place, l devserver.Lease, name string, presign presigner) {
	sdk := newGoSDK(t, p.bucket)
	key := p.own + "presign/" + name + " +.bin"
	data := content(key, 1000)
	sdk.put(l, write(t, data), key).must(t)

	ours := presign(t, p, l, http.MethodGet, key)
	status, body := fetch(t, l, http.MethodGet, ours, nil)
	if status != http.StatusOK || sha256.Sum256(body) != sha256.Sum256(data) {
		t.Fatalf("presigned URL: status %d with %d bytes, want 200 with the %d that were stored\n%s",
			status, len(body), len(data), l.Redact(string(body[:min(len(body), 500)])))
	}

	// Signing needs no server: a URL for anything can be made.
	secret := siblingPrefix + "presign/" + name
	sdk.put(p.lend(t, siblingPrefix, "write"), write(t, content(secret, 1000)), secret).must(t)
	theirs := presign(t, p, l, http.MethodGet, secret)
	if status, body := fetch(t, l, http.MethodGet, theirs, nil); status != http.StatusForbidden || !bytes.Contains(body, []byte("<Code>AccessDenied</Code>")) {
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
	url := presign(t, p, revoked, http.MethodGet, key)
	if err := p.Revoke(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	if status, body := fetch(t, revoked, http.MethodGet, url, nil); status/100 != 4 || bytes.Contains(body, data) {
		t.Errorf("presigned URL of a revoked lease: status %d with %d bytes, want a refusal", status, len(body))
	}
}

func presignedPut(t *testing.T, p place, l devserver.Lease, name string, presign presigner) {
	key := p.own + "presign/" + name + " put +.bin"
	url := presign(t, p, l, http.MethodPut, key)
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
		"of a reader":       presign(t, p, p.lend(t, p.own, "read"), http.MethodPut, key),
		"outside the lease": presign(t, p, l, http.MethodPut, siblingPrefix+"presign/intruder"),
	} {
		mustStoreNothing(t, p, func(data []byte) {
			if status, body := fetch(t, l, http.MethodPut, refused, data); status != http.StatusForbidden || !bytes.Contains(body, []byte("<Code>AccessDenied</Code>")) {
				t.Errorf("presigned PUT %s: status %d, want 403 with AccessDenied\n%s", what, status, l.Redact(string(body)))
			}
		})
	}
}

func presignAWSS3(t *testing.T, p place, l devserver.Lease, _, key string) string {
	t.Helper()
	c := newAWSS3(t, p.bucket).(awsS3)
	// For some regions awscli still makes URLs in the signature before version 4,
	// unless it is told not to.
	config := filepath.Join(c.home, "presign-config")
	if err := os.WriteFile(config, []byte("[default]\ns3 =\n    signature_version = s3v4\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	env := append(awsEnv(t, l, c.home), "AWS_CONFIG_FILE="+config)
	r := c.run(l, env, "s3", "presign", "--expires-in", "300", c.url(key)).must(t)
	return strings.TrimSpace(string(r.stdout)) // as it was before redaction
}

func presignBoto3(t *testing.T, p place, l devserver.Lease, method, key string) string {
	t.Helper()
	operation := map[string]string{http.MethodGet: "get_object", http.MethodPut: "put_object"}[method]
	r := newBoto3(t, p.bucket).(boto3).script(l, "presign.py", operation, key).must(t)
	return strings.TrimSpace(string(r.stdout))
}

func presignGoSDK(t *testing.T, p place, l devserver.Lease, method, key string) string {
	t.Helper()
	c := s3.NewPresignClient(newGoSDK(t, p.bucket).(goSDK).client(l), s3.WithPresignExpires(5*time.Minute))
	if method == http.MethodGet {
		signed, err := c.PresignGetObject(t.Context(), &s3.GetObjectInput{Bucket: &p.bucket, Key: &key})
		if err != nil {
			t.Fatal(err)
		}
		return signed.URL
	}
	signed, err := c.PresignPutObject(t.Context(), &s3.PutObjectInput{Bucket: &p.bucket, Key: &key})
	if err != nil {
		t.Fatal(err)
	}
	return signed.URL
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
