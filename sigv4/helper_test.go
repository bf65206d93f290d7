package sigv4_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/keyhatch/keyhatch/sigv4"
)

const (
	testKey    = "KHTESTKEY0000000000A"
	testSecret = "s3cr3t/WITH+odd=characters0000000000000A"
	testRegion = "eu-test-1"
	testHost   = "s3.example.test"
	unsigned   = "UNSIGNED-PAYLOAD"
)

var (
	testTime = time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	testAt   = sigv4.Endpoint{Service: "s3", Regions: []string{"other-region", testRegion}}
)

// failer is what the helpers need of a test, a fuzz target or a property.
type failer interface {
	Helper()
	Fatalf(format string, args ...any)
}

// newRequest makes a request as a client does. The target is a request target,
// escaped.
func newRequest(t failer, method, target string, body []byte) *http.Request {
	t.Helper()
	r, err := http.NewRequest(method, "http://"+testHost+target, bytes.NewReader(body))
	if err != nil {
		t.Fatalf("new request: %v", err)
	}
	return r
}

func hashHex(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

// identity is who signs, when and for what.
type identity struct {
	key, secret, token, region, service string
	at                                  time.Time
}

func tester() identity {
	return identity{testKey, testSecret, "", testRegion, "s3", testTime}
}

func s3Options(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }

func (id identity) credentials() aws.Credentials {
	return aws.Credentials{AccessKeyID: id.key, SecretAccessKey: id.secret, SessionToken: id.token}
}

// sign signs r in its header, with the signer of AWS's SDK.
func (id identity) sign(t failer, r *http.Request, payload string) *http.Request {
	t.Helper()
	r.Header.Set("X-Amz-Content-Sha256", payload)
	if err := v4.NewSigner().SignHTTP(context.Background(), id.credentials(), r, payload, id.service, id.region, id.at, s3Options); err != nil {
		t.Fatalf("sign: %v", err)
	}
	return r
}

// presign returns r with its signature in the query, made by AWS's SDK.
func (id identity) presign(t failer, r *http.Request, payload string, expires time.Duration) *http.Request {
	t.Helper()
	q := r.URL.Query()
	q.Set("X-Amz-Expires", fmt.Sprint(int(expires/time.Second)))
	r.URL.RawQuery = q.Encode()
	signed, _, err := v4.NewSigner().PresignHTTP(context.Background(), id.credentials(), r, payload, id.service, id.region, id.at, s3Options)
	if err != nil {
		t.Fatalf("presign: %v", err)
	}
	out := r.Clone(context.Background())
	out.Body, out.ContentLength = r.Body, r.ContentLength
	if out.URL, err = url.Parse(signed); err != nil {
		t.Fatalf("presigned address: %v", err)
	}
	return out
}

// received sends r over the wire of HTTP/1.1 and returns what a server reads.
func received(t failer, r *http.Request) *http.Request {
	t.Helper()
	var wire bytes.Buffer
	if err := r.Write(&wire); err != nil {
		t.Fatalf("write request: %v", err)
	}
	return readRequest(t, wire.Bytes())
}

func readRequest(t failer, wire []byte) *http.Request {
	t.Helper()
	got, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(wire)))
	if err != nil {
		t.Fatalf("read request: %v\n%q", err, wire)
	}
	return got
}

// accept does the server's three steps, for a server that knows testKey.
func accept(r *http.Request, now time.Time) ([]byte, *sigv4.Body, error) {
	claim, err := sigv4.Parse(r)
	if err != nil {
		return nil, nil, err
	}
	if claim.AccessKeyID != testKey {
		return nil, nil, claim.Refuse(testAt, now)
	}
	body, err := claim.Verify(testSecret, testAt, now)
	if err != nil {
		return nil, nil, err
	}
	content, err := io.ReadAll(body)
	return content, body, err
}

// code is the S3 code of an error, "" for nil, and the error's text when it is
// not one of ours.
func code(err error) string {
	var e *sigv4.Error
	switch {
	case err == nil:
		return ""
	case errors.As(err, &e):
		return e.Code
	}
	return "not an *Error: " + err.Error()
}

func wantCode(t testing.TB, err error, want string) {
	t.Helper()
	if got := code(err); got != want {
		t.Fatalf("got %q (%v), want %q", got, err, want)
	}
}

// wireRequest makes the request that a server reads from these lines, for
// shapes that no client would send.
func wireRequest(t failer, lines ...string) *http.Request {
	t.Helper()
	head, body := strings.Join(lines, "\r\n"), ""
	if i := strings.Index(head, "\r\n\r\n"); i >= 0 {
		head, body = head[:i], head[i+4:]
	}
	return readRequest(t, []byte(head+"\r\n\r\n"+body))
}

// editable returns a server's request that was signed, for a test to break.
func editable(t failer, id identity) *http.Request {
	t.Helper()
	r := newRequest(t, "PUT", "/bucket/some/key?partNumber=1&uploadId=abc", []byte("content"))
	r.Header.Set("X-Amz-Meta-Colour", "blue")
	r.Header.Set("Content-Type", "text/plain")
	return received(t, id.sign(t, r, hashHex([]byte("content"))))
}

func editablePresigned(t failer, id identity) *http.Request {
	t.Helper()
	r := newRequest(t, "GET", "/bucket/some/key", nil)
	return received(t, id.presign(t, r, unsigned, time.Hour))
}

func setParam(r *http.Request, name, value string) {
	q := r.URL.Query()
	q.Set(name, value)
	r.URL.RawQuery = q.Encode()
}

var _ http.Handler = handler{}

// handler is a server that answers a good request with its body.
type handler struct {
	now func() time.Time
}

func (h handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	content, body, err := accept(r, h.now())
	var e *sigv4.Error
	switch {
	case errors.As(err, &e):
		http.Error(w, e.Code+": "+e.Message, e.Status)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	default:
		name, value := body.Checksum()
		if name != "" {
			w.Header().Set(name, value)
		}
		w.Header().Set("Etag", `"0"`)
		w.Header().Set("Got-Sha256", hashHex(content))
	}
}

func startServer(t *testing.T, tls bool) *httptest.Server {
	t.Helper()
	server := httptest.NewUnstartedServer(handler{time.Now})
	if tls {
		server.EnableHTTP2 = true
		server.StartTLS()
	} else {
		server.Start()
	}
	t.Cleanup(server.Close)
	return server
}

func sorted(names []string) []string {
	slices.Sort(names)
	return names
}

// printed is everything that printing and logging make of the values.
func printed(values ...any) string {
	var out bytes.Buffer
	for _, logger := range []*slog.Logger{slog.New(slog.NewTextHandler(&out, nil)), slog.New(slog.NewJSONHandler(&out, nil))} {
		for _, v := range values {
			logger.Info("told", "value", v)
			if claim, ok := v.(*sigv4.Claim); ok {
				logger.Info("told", "value", *claim)
				fmt.Fprintf(&out, "%v %+v %#v %s %x\n", *claim, *claim, *claim, *claim, *claim)
			}
			fmt.Fprintf(&out, "%v %+v %#v %s\n", v, v, v, v)
		}
	}
	return out.String()
}
