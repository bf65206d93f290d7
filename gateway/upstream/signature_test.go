package upstream_test

import (
	"bytes"
	"crypto/md5"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// odd are keys with every character that a signer and a store could write in two
// ways.
var odd = []string{
	"plain", "a b", "a+b", "100%", "%41", "größe", "語", "~tilde", "star*", "it's", "(round)", "wow!", "a&b=c", "semi;colon", "comma,", "colon:", "@home", "$5",
	"question?mark", "hash#", "back\\slash", `quote"`, "<angle>", "[square]", "{curly}", "caret^", "tick`", "pipe|", "tab\t", "deep/er/key", "folder/",
	"\x01control", "a%2Fb", "...", "😀",
}

// The store finds every request rightly signed, and reads the path that was
// asked for.
func TestSignedAnew(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	p := before(t, f)
	for i, key := range odd {
		path := "/bucket/" + key
		for _, size := range []int{3, 70_000 * (i % 2)} {
			want := pattern(size)
			if got := p.put(t, path, want, "Content-Type: text/plain; charset=utf-8", "X-Amz-Meta-Note:   two  blanks ", "X-Amz-Meta-Place: Köln", "Cache-Control: no-cache,  no-store"); got.status != http.StatusOK {
				t.Errorf("put %q: %d %s", key, got.status, got.body)
			}
			if !bytes.Equal(f.stored(path), want) {
				t.Errorf("put %q: %d bytes arrived of %d", key, len(f.stored(path)), size)
			}
			if got := p.get(t, path, nil); !bytes.Equal(got.body, want) {
				t.Errorf("get %q: %d, %d bytes", key, got.status, len(got.body))
			}
		}
	}
	for _, values := range []url.Values{
		{"list-type": {"2"}, "prefix": {"a b+c%d/ü"}, "delimiter": {"/"}, "start-after": {"a&b=c;d"}, "continuation-token": {"x+/=="}, "max-keys": {"10"}, "encoding-type": {"url"}, "fetch-owner": {"true"}},
		{"versions": {""}, "prefix": {""}, "key-marker": {"~*'()!"}, "version-id-marker": {"v.1_~-.mark"}},
		{"uploads": {""}, "upload-id-marker": {"u.mark"}, "prefix": {"@:$,"}},
		{"response-content-disposition": {`attachment; filename="a b.txt"`}, "response-content-type": {"text/plain; charset=utf-8"}, "versionId": {"null"}},
		{"partNumber": {"1"}, "uploadId": {"a.b~c.mark"}},
	} {
		p.get(t, "/bucket/key", values)
		seen := f.requests()
		if got := seen[len(seen)-1]; got.refused != nil || got.URL.Query().Encode() != strings.ReplaceAll(values.Encode(), ".mark", "") {
			t.Errorf("query %v: %v, %v", values, got.URL.RawQuery, got.refused)
		}
	}
}

// Keys that are replaced are used by the next request; so is another secret of
// the same key.
func TestKeysOfThisMoment(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	p := before(t, f)
	p.put(t, "/bucket/key", []byte("x"))
	for _, keys := range []keyhatch.KeyPair{{AccessKeyID: "OTHERKEY", SecretAccessKey: "another secret"}, {AccessKeyID: "OTHERKEY", SecretAccessKey: "and another"}} {
		f.mu.Lock()
		f.secrets = map[string]string{keys.AccessKeyID: keys.SecretAccessKey.Reveal()}
		f.mu.Unlock()
		p.keys.Store(&keys)
		if got := p.get(t, "/bucket/key", nil); got.status != http.StatusOK {
			t.Errorf("with other keys: %d %s", got.status, got.body)
		}
	}
}

// A store whose keys cannot be had is not asked.
func TestWithoutKeys(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	p := before(t, f)
	for err, want := range map[error]int{
		errors.New("its credential is gone"):                      http.StatusInternalServerError,
		fmt.Errorf("the memory is old: %w", keyhatch.Unavailable): http.StatusServiceUnavailable,
	} {
		p.noKeys = err
		if got := p.get(t, "/bucket/key", nil); got.status != want || holds(got.body, "credential", "memory") || len(f.requests()) != 0 {
			t.Errorf("%v: %d %s", err, got.status, got.body)
		}
	}
}

// A store with TLS is asked by it, and only when its certificate is trusted.
func TestTLS(t *testing.T) {
	t.Parallel()
	other := httptest.NewTLSServer(nil)
	t.Cleanup(other.Close)
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: other.TLS.Certificates, MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	f := serveFake(t, l, nil)
	trusting := transport(t)
	trusting.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
	trusting.TLSClientConfig.RootCAs.AddCert(other.Certificate())
	endpoint := "https://" + l.Addr().String()
	for _, size := range []int{10, 200_000} {
		if got := beforeURL(t, endpoint, trusting).put(t, "/bucket/key", pattern(size)); got.status != http.StatusOK || len(f.stored("/bucket/key")) != size {
			t.Errorf("put of %d bytes: %d %s", size, got.status, got.body)
		}
	}
	seen, p := len(f.requests()), beforeURL(t, endpoint, transport(t))
	if got := p.put(t, "/bucket/key", pattern(10)); got.status != http.StatusServiceUnavailable || len(f.requests()) != seen || !strings.Contains(p.log.String(), "x509") {
		t.Errorf("without trust: %d %s\n%s", got.status, got.body, p.log)
	}
	if got := beforeURL(t, f.url(), transport(t)).put(t, "/bucket/key", pattern(10)); got.status < 500 || len(f.requests()) != seen {
		t.Errorf("without TLS: %d %s", got.status, got.body)
	}
}

// What identifies the sender, steers connections, or is nobody's business stays
// here.
func TestNothingElseIsSent(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	p := before(t, f)
	secret := "CANARY"
	for _, size := range []int64{0, 10, 100_000} {
		r := asked(t, http.MethodPut, "/bucket/key", nil, bytes.NewReader(pattern(int(size))), size)
		for _, name := range []string{
			"Authorization", "Cookie", "X-Amz-Security-Token", "X-Amz-Date", "X-Amz-Content-Sha256", "X-Amz-Decoded-Content-Length", "X-Amz-Trailer",
			"X-Forwarded-For", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-Ip", "Referer", "Origin", "User-Agent", "Accept", "Accept-Encoding",
			"Connection", "Keep-Alive", "Proxy-Authorization", "Proxy-Connection", "Te", "Trailer", "Transfer-Encoding", "Upgrade", "Expect",
			"X-Amz-Expected-Bucket-Owner", "X-Amz-Source-Expected-Bucket-Owner", "X-Amz-Acl", "X-Amz-Grant-Read", "X-Amz-Request-Payer", "X-Amz-Mfa",
			"X-Amz-Server-Side-Encryption", "X-Amz-Server-Side-Encryption-Customer-Key", "X-Amz-Object-Lock-Mode", "X-Amz-Website-Redirect-Location",
			"X-Amz-Bypass-Governance-Retention", "X-Amz-Storage-Class", "X-Amz-User-Agent", "X-Amz-Api-Version", "X-Amz-Sdk-Checksum-Algorithm", "Amz-Sdk-Invocation-Id",
			"X-Amz-Checksum-Algorithm", "X-Amz-Checksum-Type", "X-Minio-Extract", "X-Http-Method-Override", "Host", "Content-Length", "X-Unknown",
		} {
			r.Header[http.CanonicalHeaderKey(name)] = []string{secret}
		}
		set(r, "X-Amz-Meta-Kept: yes", "Content-Type: text/kept", "X-Amz-Tagging: a=b", "Content-Language: de")
		if got := p.ask(r); got.status != http.StatusOK {
			t.Fatalf("%d %s", got.status, got.body)
		}
		seen := f.requests()
		e := seen[len(seen)-1]
		for name, values := range e.Header {
			if strings.Contains(strings.Join(values, " "), secret) {
				t.Errorf("%d bytes: the store is sent %s", size, name)
			}
		}
		if e.Host != f.listener.Addr().String() || e.Header.Get("User-Agent") != "keyhatch" || lengthOf(e) != fmt.Sprint(size) {
			t.Errorf("%d bytes: host %q, agent %q, length %s", size, e.Host, e.Header.Get("User-Agent"), lengthOf(e))
		}
		for name, want := range map[string]string{"X-Amz-Meta-Kept": "yes", "Content-Type": "text/kept", "X-Amz-Tagging": "a=b", "Content-Language": "de"} {
			if e.Header.Get(name) != want {
				t.Errorf("%d bytes: %s is %q", size, name, e.Header.Get(name))
			}
		}
	}
}

// S3 demands Content-MD5 with documents; one of many keys is long.
func TestDocumentsHaveTheirDigest(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	p := before(t, f)
	for _, c := range []struct {
		method string
		query  url.Values
		size   int
	}{
		{http.MethodPost, url.Values{"delete": {""}}, 100},
		{http.MethodPost, url.Values{"delete": {""}}, 64<<10 + 1},
		{http.MethodPost, url.Values{"delete": {""}}, 1 << 20},
		{http.MethodPost, url.Values{"uploadId": {"u.mark"}}, 900_000},
		{http.MethodPut, url.Values{"tagging": {""}}, 200},
	} {
		body := pattern(c.size)
		got := p.ask(asked(t, c.method, "/bucket/key", c.query, bytes.NewReader(body), int64(c.size)))
		seen := f.requests()
		e, sum := seen[len(seen)-1], md5.Sum(body)
		if got.status != http.StatusOK || e.Header.Get("Content-Md5") != base64.StdEncoding.EncodeToString(sum[:]) || e.Header.Get("X-Amz-Content-Sha256") == "UNSIGNED-PAYLOAD" {
			t.Errorf("%v of %d bytes: %d, digest %q, hash %s", c.query, c.size, got.status, e.Header.Get("Content-Md5"), e.Header.Get("X-Amz-Content-Sha256"))
		}
	}
}

// lengthOf is how long the body is that a request announces, without the frames
// of chunks.
func lengthOf(e *exchange) string {
	if decoded := e.Header.Get("X-Amz-Decoded-Content-Length"); decoded != "" {
		return decoded
	}
	return fmt.Sprint(e.ContentLength)
}
