package sigv4_test

import (
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/keyhatch/keyhatch/sigv4"
)

// The properties of this file: whatever AWS's own signer signs is accepted, with
// the meaning that was signed, and with any one thing changed it is not.

var (
	weirdText = rapid.StringOf(rapid.OneOf(
		rapid.RuneFrom([]rune("aZ09-._~ +%/&=?;#!'()*,:@$[]{}|\\\"<>^`é漢🎈")),
		rapid.Rune(),
	))
	paramName   = rapid.StringMatching(`[a-zA-Z][a-zA-Z0-9._~-]{0,12}`)
	headerValue = rapid.StringMatching(`[!-~]([ -~]{0,20}[!-~])?`)
	metaName    = rapid.StringMatching(`[a-z][a-z0-9-]{0,10}[a-z0-9]`)
)

// request is what a property draws: a request and what was meant by it.
type request struct {
	method, path string
	params       map[string]string
	meta         map[string]string
	body         []byte
	hashed       bool
	id           identity
}

func drawRequest(t *rapid.T) request {
	q := request{
		method: rapid.SampledFrom([]string{"GET", "PUT", "POST", "DELETE", "HEAD"}).Draw(t, "method"),
		path:   "/bucket/" + weirdText.Draw(t, "key"),
		params: rapid.MapOfN(paramName, weirdText, 0, 5).Draw(t, "params"),
		meta:   rapid.MapOfN(metaName, headerValue, 0, 4).Draw(t, "meta"),
		hashed: rapid.Bool().Draw(t, "hashed"),
		id:     tester(),
	}
	if q.method == "PUT" || q.method == "POST" {
		q.body = rapid.SliceOfN(rapid.Byte(), 1, 100).Draw(t, "body")
	}
	if rapid.Bool().Draw(t, "session") {
		q.id.token = rapid.StringMatching(`[A-Za-z0-9+/=]{1,200}`).Draw(t, "token")
	}
	q.id.at = testTime.Add(time.Duration(rapid.IntRange(-900, 900).Draw(t, "skew")) * time.Second)
	for name := range q.params {
		if strings.HasPrefix(strings.ToLower(name), "x-amz-") {
			delete(q.params, name)
		}
	}
	return q
}

// encodePath is the one spelling of a path that S3 clients sign.
func encodePath(path string) string {
	var out strings.Builder
	for _, segment := range strings.SplitAfter(path, "/") {
		text, slash := strings.CutSuffix(segment, "/")
		out.WriteString(strings.ReplaceAll(url.QueryEscape(text), "+", "%20"))
		if slash {
			out.WriteByte('/')
		}
	}
	return out.String()
}

func (q request) client(t failer) *http.Request {
	t.Helper()
	r := newRequest(t, q.method, "/", q.body)
	r.URL.Path, r.URL.RawPath = q.path, encodePath(q.path)
	values := url.Values{}
	for name, value := range q.params {
		values.Set(name, value)
	}
	r.URL.RawQuery = strings.ReplaceAll(values.Encode(), "+", "%20")
	for name, value := range q.meta {
		r.Header.Set("X-Amz-Meta-"+name, value)
	}
	return r
}

func (q request) payload() string {
	if q.hashed {
		return hashHex(q.body)
	}
	return unsigned
}

func (q request) signed(t failer) *http.Request {
	t.Helper()
	return received(t, q.id.sign(t, q.client(t), q.payload()))
}

// asMeant fails unless the server acts on what was drawn.
func (q request) asMeant(t *rapid.T, r *http.Request, claim *sigv4.Claim) {
	if r.Method != q.method || r.URL.Path != q.path {
		t.Fatalf("acts on %s %q, meant %s %q", r.Method, r.URL.Path, q.method, q.path)
	}
	for name, value := range q.params {
		if got := r.URL.Query().Get(name); got != value {
			t.Fatalf("parameter %q is %q, meant %q", name, got, value)
		}
	}
	if claim.AccessKeyID != q.id.key || claim.SessionToken != q.id.token || !claim.SignedAt.Equal(q.id.at) ||
		claim.Region != q.id.region || claim.Service != q.id.service {
		t.Fatalf("claim %#v", *claim)
	}
}

func TestOracleHeader(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawRequest(t)
		r := q.signed(t)
		claim, err := sigv4.Parse(r)
		if err != nil {
			t.Fatalf("parse: %v", err)
		}
		q.asMeant(t, r, claim)
		body, err := claim.Verify(testSecret, testAt, testTime)
		if err != nil {
			t.Fatalf("verify: %v", err)
		}
		content, err := io.ReadAll(body)
		if err != nil || string(content) != string(q.body) {
			t.Fatalf("body %q: %v", content, err)
		}
	})
}

func TestOraclePresigned(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawRequest(t)
		q.meta = nil // the SDK would move them into the query, under names that differ in case
		expires := time.Duration(rapid.IntRange(1, 604800).Draw(t, "expires")) * time.Second
		r := received(t, q.id.presign(t, q.client(t), unsigned, expires))
		claim, err := sigv4.Parse(r)
		if err != nil {
			t.Fatalf("parse %s: %v", r.URL, err)
		}
		q.asMeant(t, r, claim)
		if !claim.Presigned || claim.Expires != expires {
			t.Fatalf("presigned %v for %v", claim.Presigned, claim.Expires)
		}
		if _, err := claim.Verify(testSecret, testAt, q.id.at.Add(expires)); err != nil {
			t.Fatalf("verify: %v", err)
		}
		name, change := drawMutation(t, r)
		change(r)
		if _, _, err := accept(r, q.id.at); err == nil {
			t.Fatalf("accepted after a change of the %s: %s", name, r.URL)
		}
	})
}

func TestOracleMutations(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawRequest(t)
		q.hashed = true
		r := q.signed(t)
		name, change := drawMutation(t, r)
		change(r)
		if _, _, err := accept(r, testTime); err == nil {
			t.Fatalf("accepted after a change of the %s: %s %s %v", name, r.Method, r.URL, r.Header)
		}
	})
}

// drawMutation draws one change that alters what the request means.
func drawMutation(t *rapid.T, r *http.Request) (string, func(*http.Request)) {
	mutations := map[string]func(*http.Request){
		"method":       func(r *http.Request) { r.Method = map[string]string{"GET": "PUT"}[r.Method] + "X" },
		"path":         func(r *http.Request) { r.URL.Path += "x"; r.URL.RawPath = "" },
		"path slash":   func(r *http.Request) { r.URL.Path += "/"; r.URL.RawPath = "" },
		"host":         func(r *http.Request) { r.Host = "other." + r.Host },
		"query":        func(r *http.Request) { setParam(r, "extra", "1") },
		"token":        func(r *http.Request) { changeToken(r) },
		"amz header":   func(r *http.Request) { r.Header.Set("X-Amz-Acl", "public-read") },
		"access key":   func(r *http.Request) { replaceAuth(r, testKey, "KHTESTKEY0000000000B") },
		"region":       func(r *http.Request) { replaceAuth(r, testRegion, "other-region") },
		"signature":    func(r *http.Request) { flipSignature(r) },
		"signed names": func(r *http.Request) { dropSignedHeader(r) },
	}
	if r.Header.Get("X-Amz-Date") != "" {
		mutations["time"] = func(r *http.Request) {
			at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
			r.Header.Set("X-Amz-Date", at.Add(time.Second).Format("20060102T150405Z"))
		}
		mutations["payload hash"] = func(r *http.Request) { r.Header.Set("X-Amz-Content-Sha256", unsigned) }
		mutations["meta"] = func(r *http.Request) {
			for name := range r.Header {
				if strings.HasPrefix(name, "X-Amz-Meta-") {
					r.Header.Set(name, r.Header.Get(name)+"x")
					return
				}
			}
			r.Header.Set("X-Amz-Meta-New", "x")
		}
	} else {
		mutations["expires"] = func(r *http.Request) {
			if r.URL.Query().Get("X-Amz-Expires") == "60" {
				setParam(r, "X-Amz-Expires", "61")
				return
			}
			setParam(r, "X-Amz-Expires", "60")
		}
	}
	if r.ContentLength > 0 && r.Header.Get("X-Amz-Content-Sha256") != "" {
		mutations["body"] = func(r *http.Request) {
			content, _ := io.ReadAll(r.Body)
			content[len(content)/2] ^= 1
			r.Body = io.NopCloser(strings.NewReader(string(content)))
		}
	}
	names := make([]string, 0, len(mutations))
	for name := range mutations {
		names = append(names, name)
	}
	name := rapid.SampledFrom(sorted(names)).Draw(t, "mutation")
	return name, mutations[name]
}

func replaceAuth(r *http.Request, old, replacement string) {
	if auth := r.Header.Get("Authorization"); auth != "" {
		r.Header.Set("Authorization", strings.Replace(auth, old, replacement, 1))
		return
	}
	r.URL.RawQuery = strings.Replace(r.URL.RawQuery, old, replacement, 1)
}

func changeToken(r *http.Request) {
	switch {
	case r.Header.Get("Authorization") == "":
		setParam(r, "X-Amz-Security-Token", r.URL.Query().Get("X-Amz-Security-Token")+"A")
	default:
		r.Header.Set("X-Amz-Security-Token", r.Header.Get("X-Amz-Security-Token")+"A")
	}
}

func flipSignature(r *http.Request) {
	if auth := r.Header.Get("Authorization"); auth != "" {
		last := map[bool]string{true: "1", false: "0"}[strings.HasSuffix(auth, "0")]
		r.Header.Set("Authorization", auth[:len(auth)-1]+last)
		return
	}
	signature := r.URL.Query().Get("X-Amz-Signature")
	last := map[bool]string{true: "1", false: "0"}[strings.HasSuffix(signature, "0")]
	setParam(r, "X-Amz-Signature", signature[:len(signature)-1]+last)
}

// dropSignedHeader takes the last name off the list; the only one of a presigned
// request is replaced.
func dropSignedHeader(r *http.Request) {
	if r.Header.Get("Authorization") == "" {
		setParam(r, "X-Amz-SignedHeaders", "date;host")
		r.Header.Set("Date", testTime.Format(http.TimeFormat))
		return
	}
	before, after, _ := strings.Cut(r.Header.Get("Authorization"), ", Signature=")
	i := strings.LastIndex(before, ";")
	r.Header.Set("Authorization", before[:i]+", Signature="+after)
}

// A key's signature is good for nobody else's secret, and Refuse says the same.
func TestOracleSecrets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		q := drawRequest(t)
		claim, err := sigv4.Parse(q.signed(t).WithContext(context.Background()))
		if err != nil {
			t.Fatalf("parse: %v", err)
		}
		secret := rapid.StringN(0, 60, 80).Draw(t, "secret")
		if secret == testSecret {
			return
		}
		_, wrong := claim.Verify(secret, testAt, testTime)
		if unknown := claim.Refuse(testAt, testTime); wrong == nil || unknown == nil || *wrong.(*sigv4.Error) != *unknown.(*sigv4.Error) {
			t.Fatalf("wrong secret: %v; unknown key: %v", wrong, unknown)
		}
	})
}
