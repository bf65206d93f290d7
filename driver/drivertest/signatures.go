package drivertest

import (
	"cmp"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/smithy-go"
	smithyhttp "github.com/aws/smithy-go/transport/http"
	"github.com/keyhatch/keyhatch"
)

// signatureRows are about who can sign at all, and about what is signed and then
// changed.
var signatureRows = []row{
	{name: "without the session token", lease: reading("a/"), try: with(noToken, get("a/in.txt")), want: refused},
	{name: "without the session token, put", lease: writing("a/"), try: with(noToken, put("a/new.txt")), want: refused},
	{name: "with a tampered session token", lease: reading("a/"), try: with(tamperedToken, get("a/in.txt")), want: refused},
	{name: "with half of the session token", lease: reading("a/"), try: with(halfToken, get("a/in.txt")), want: refused},
	{name: "with more than the session token", lease: reading("a/"), try: with(longToken, get("a/in.txt")), want: refused},
	{name: "with a wrong secret", lease: reading("a/"), try: with(wrongSecret, get("a/in.txt")), want: refused},
	{name: "with a wrong secret, put", lease: writing("a/"), try: with(wrongSecret, put("a/new.txt")), want: refused},
	{name: "with an unknown access key", lease: reading("a/"), try: with(unknownKey, get("a/in.txt")), want: refused},
	{name: "with the session token of another lease", lease: reading("a/"), try: with(otherToken, get("a/in.txt")), want: refused},
	{name: "with the session token of another lease, what that one opens", lease: reading("a/"), try: with(otherToken, get("b/out.txt")), want: refused},
	{name: "with the secret of another lease", lease: reading("a/"), try: with(otherSecret, get("a/in.txt")), want: refused},
	{name: "with the access key of another lease", lease: reading("a/"), try: with(otherKey, get("b/out.txt")), want: refused},
	{name: "signed for another region", lease: reading("a/"), try: with(otherRegion, get("a/in.txt")), want: refused, needs: RegionCheck, without: allowed},
	{name: "signed by hand", lease: reading("a/"), try: signed("a/in.txt", signing{}), want: allowed},
	{name: "signed an hour ago", lease: reading("a/"), try: signed("a/in.txt", signing{away: -time.Hour}), want: refused},
	{name: "signed in an hour", lease: reading("a/"), try: signed("a/in.txt", signing{away: time.Hour}), want: refused},
	{name: "signed for another service", lease: reading("a/"), try: signed("a/in.txt", signing{service: "sts"}), want: refused},
	{name: "signed for a key inside, sent for one outside", lease: reading("a/"), try: signed("a/in.txt", signing{after: toOutside}), want: refused},
	{name: "signed as a get, sent as a delete", lease: writing("a/"), try: signed("a/in.txt", signing{after: asDelete}), want: refused},
	{name: "signed as a put, sent with a copy source", lease: writing("a/"), try: signed("a/new.txt", signing{method: http.MethodPut, after: asCopy}), want: refused},
	{name: "signed for a host that names another bucket", lease: reading("a/"), try: signed("a/in.txt", signing{before: toOtherHost}), want: refused},
	{name: "not signed", lease: reading("a/"), try: nobody("a/in.txt"), want: refused},
	{name: "not signed, outside", lease: reading("a/"), try: nobody("b/out.txt"), want: refused},
	{name: "not signed, put", lease: writing("a/"), try: fetch(http.MethodPut, bare("a/new.txt")), want: refused},
}

func noToken(_ *visit, c *keyhatch.Credentials) error {
	c.SessionToken = ""
	return nil
}

func tamperedToken(_ *visit, c *keyhatch.Credentials) error {
	c.SessionToken = flipped(c.SessionToken)
	return nil
}

func halfToken(_ *visit, c *keyhatch.Credentials) error {
	c.SessionToken = c.SessionToken[:len(c.SessionToken)/2]
	return nil
}

func longToken(_ *visit, c *keyhatch.Credentials) error {
	c.SessionToken += "AAAA"
	return nil
}

func wrongSecret(_ *visit, c *keyhatch.Credentials) error {
	c.SecretAccessKey = flipped(c.SecretAccessKey)
	return nil
}

func unknownKey(_ *visit, c *keyhatch.Credentials) error {
	c.AccessKeyID = string(flipped(keyhatch.Secret(c.AccessKeyID)))
	return nil
}

func otherRegion(_ *visit, c *keyhatch.Credentials) error {
	c.Region = "mars-north-1"
	return nil
}

func otherToken(v *visit, c *keyhatch.Credentials) error {
	return v.second(func(o Lent) { c.SessionToken = o.SessionToken })
}

func otherSecret(v *visit, c *keyhatch.Credentials) error {
	return v.second(func(o Lent) { c.SecretAccessKey = o.SecretAccessKey })
}

func otherKey(v *visit, c *keyhatch.Credentials) error {
	return v.second(func(o Lent) { c.AccessKeyID = o.AccessKeyID })
}

// second borrows another lease, of b/.
func (v *visit) second(use func(Lent)) error {
	lent, err := v.site.Lend(v, v.asked(writing("b/")))
	if err != nil {
		return wrong("a second lease: %v", err)
	}
	use(lent)
	return nil
}

// flipped changes a character in the middle.
func flipped(s keyhatch.Secret) keyhatch.Secret {
	b := []byte(s)
	if i := len(b) / 2; b[i] == 'A' {
		b[i] = 'B'
	} else {
		b[i] = 'A'
	}
	return keyhatch.Secret(b)
}

func singlyEscaped(o *v4.SignerOptions) { o.DisableURIPathEscaping = true }

func (v *visit) keys() aws.Credentials {
	return aws.Credentials{AccessKeyID: v.lent.AccessKeyID, SecretAccessKey: v.lent.SecretAccessKey.Reveal(), SessionToken: v.lent.SessionToken.Reveal()}
}

// nobody gets an object as anybody can.
func nobody(name string) attempt { return fetch(http.MethodGet, bare(name)) }

// fetch uses a URL with no key at hand.
func fetch(method string, at address) attempt {
	return func(v *visit) error {
		q, err := v.request(method, at)
		if err != nil {
			return err
		}
		return v.send(q)
	}
}

// signing is how a request is signed and sent; what is zero is as usual.
type signing struct {
	method  string
	service string
	away    time.Duration // where the clock stands
	before  func(*visit, *http.Request)
	after   func(*visit, *http.Request)
}

// signed sends a request that the lease has signed by hand.
func signed(name string, how signing) attempt {
	return func(v *visit) error {
		q, err := v.request(cmp.Or(how.method, http.MethodGet), bare(name))
		if err != nil {
			return err
		}
		if how.before != nil {
			how.before(v, q)
		}
		const hash = "UNSIGNED-PAYLOAD"
		q.Header.Set("X-Amz-Content-Sha256", hash)
		err = v4.NewSigner(singlyEscaped).SignHTTP(v, v.keys(), q, hash, cmp.Or(how.service, "s3"), v.lent.Region, time.Now().Add(how.away))
		if err != nil {
			return wrong("sign: %v", err)
		}
		if how.after != nil {
			how.after(v, q)
		}
		return v.send(q)
	}
}

func toOutside(v *visit, q *http.Request) {
	q.URL.Path = strings.Replace(q.URL.Path, "/a/in.txt", "/b/out.txt", 1)
}

func asDelete(_ *visit, q *http.Request) { q.Method = http.MethodDelete }

func asCopy(v *visit, q *http.Request) {
	q.Header.Set("X-Amz-Copy-Source", plain(v.at("b/out.txt")))
}

// toOtherHost is for stores that find a bucket's name in the host; for others
// the path begins with a bucket that does not exist.
func toOtherHost(v *visit, q *http.Request) {
	q.Host = v.site.Other + ".localhost"
	q.URL.Path = strings.TrimPrefix(q.URL.Path, "/"+v.site.Bucket)
}

func (v *visit) request(method string, at address) (*http.Request, error) {
	u, err := at(v)
	if err != nil {
		return nil, wrong("make a URL: %v", err)
	}
	var body io.Reader
	if method == http.MethodPut {
		body = strings.NewReader("what the lease wrote")
	}
	return http.NewRequestWithContext(v, method, u, body)
}

// send returns a refusal as a client of S3 does.
func (v *visit) send(q *http.Request) error {
	answer, err := v.http().Do(q)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		return err
	}
	if answer.StatusCode < 300 {
		return nil
	}
	_, code, _ := strings.Cut(string(text), "<Code>")
	code, _, _ = strings.Cut(code, "</Code>")
	return &smithyhttp.ResponseError{Response: &smithyhttp.Response{Response: answer}, Err: &smithy.GenericAPIError{Code: code}}
}
