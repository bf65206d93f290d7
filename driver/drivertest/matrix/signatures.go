package matrix

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/driver/drivertest"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/keyhatch/keyhatch"
)

// signatureRows are about who can sign at all, and about what is signed and then
// changed.
var signatureRows = []drivertest.Row{
	{Name: "without the session token", Lease: drivertest.Reading("a/"), Try: with(noToken, get("a/in.txt")), Want: drivertest.Refused},
	{Name: "without the session token, put", Lease: drivertest.Writing("a/"), Try: with(noToken, put("a/new.txt")), Want: drivertest.Refused},
	{Name: "with a tampered session token", Lease: drivertest.Reading("a/"), Try: with(tamperedToken, get("a/in.txt")), Want: drivertest.Refused},
	{Name: "with half of the session token", Lease: drivertest.Reading("a/"), Try: with(halfToken, get("a/in.txt")), Want: drivertest.Refused},
	{Name: "with more than the session token", Lease: drivertest.Reading("a/"), Try: with(longToken, get("a/in.txt")), Want: drivertest.Refused},
	{Name: "with a wrong secret", Lease: drivertest.Reading("a/"), Try: with(wrongSecret, get("a/in.txt")), Want: drivertest.Refused},
	{Name: "with a wrong secret, put", Lease: drivertest.Writing("a/"), Try: with(wrongSecret, put("a/new.txt")), Want: drivertest.Refused},
	{Name: "with an unknown access key", Lease: drivertest.Reading("a/"), Try: with(unknownKey, get("a/in.txt")), Want: drivertest.Refused},
	{Name: "with the session token of another lease", Lease: drivertest.Reading("a/"), Try: with(otherToken, get("a/in.txt")), Want: drivertest.Refused},
	{Name: "with the session token of another lease, what that one opens", Lease: drivertest.Reading("a/"), Try: with(otherToken, get("b/out.txt")), Want: drivertest.Refused},
	{Name: "with the secret of another lease", Lease: drivertest.Reading("a/"), Try: with(otherSecret, get("a/in.txt")), Want: drivertest.Refused},
	{Name: "with the access key of another lease", Lease: drivertest.Reading("a/"), Try: with(otherKey, get("b/out.txt")), Want: drivertest.Refused},
	{Name: "signed for another region", Lease: drivertest.Reading("a/"), Try: with(otherRegion, get("a/in.txt")), Want: drivertest.Refused, Needs: drivertest.RegionCheck, Without: drivertest.Allowed},
	{Name: "signed by hand", Lease: drivertest.Reading("a/"), Try: signed("a/in.txt", signing{}), Want: drivertest.Allowed},
	{Name: "signed an hour ago", Lease: drivertest.Reading("a/"), Try: signed("a/in.txt", signing{away: -time.Hour}), Want: drivertest.Refused},
	{Name: "signed in an hour", Lease: drivertest.Reading("a/"), Try: signed("a/in.txt", signing{away: time.Hour}), Want: drivertest.Refused},
	{Name: "signed for another service", Lease: drivertest.Reading("a/"), Try: signed("a/in.txt", signing{service: "sts"}), Want: drivertest.Refused},
	{Name: "signed for a key inside, sent for one outside", Lease: drivertest.Reading("a/"), Try: signed("a/in.txt", signing{after: toOutside}), Want: drivertest.Refused},
	{Name: "signed as a get, sent as a delete", Lease: drivertest.Writing("a/"), Try: signed("a/in.txt", signing{after: asDelete}), Want: drivertest.Refused},
	{Name: "signed as a put, sent with a copy source", Lease: drivertest.Writing("a/"), Try: signed("a/new.txt", signing{method: http.MethodPut, after: asCopy}), Want: drivertest.Refused},
	{Name: "signed for a host that names another bucket", Lease: drivertest.Reading("a/"), Try: signed("a/in.txt", signing{before: toOtherHost}), Want: drivertest.Refused},
	{Name: "not signed", Lease: drivertest.Reading("a/"), Try: nobody("a/in.txt"), Want: drivertest.Refused},
	{Name: "not signed, outside", Lease: drivertest.Reading("a/"), Try: nobody("b/out.txt"), Want: drivertest.Refused},
	{Name: "not signed, put", Lease: drivertest.Writing("a/"), Try: fetch(http.MethodPut, bare("a/new.txt")), Want: drivertest.Refused},
}

func noToken(_ *drivertest.Visit, c *keyhatch.Credentials) error {
	c.SessionToken = ""
	return nil
}

func tamperedToken(_ *drivertest.Visit, c *keyhatch.Credentials) error {
	c.SessionToken = flipped(c.SessionToken)
	return nil
}

func halfToken(_ *drivertest.Visit, c *keyhatch.Credentials) error {
	c.SessionToken = c.SessionToken[:len(c.SessionToken)/2]
	return nil
}

func longToken(_ *drivertest.Visit, c *keyhatch.Credentials) error {
	c.SessionToken += "AAAA"
	return nil
}

func wrongSecret(_ *drivertest.Visit, c *keyhatch.Credentials) error {
	c.SecretAccessKey = flipped(c.SecretAccessKey)
	return nil
}

func unknownKey(_ *drivertest.Visit, c *keyhatch.Credentials) error {
	c.AccessKeyID = string(flipped(keyhatch.Secret(c.AccessKeyID)))
	return nil
}

func otherRegion(_ *drivertest.Visit, c *keyhatch.Credentials) error {
	c.Region = "mars-north-1"
	return nil
}

func otherToken(v *drivertest.Visit, c *keyhatch.Credentials) error {
	return v.Second(func(o drivertest.Lent) { c.SessionToken = o.SessionToken })
}

func otherSecret(v *drivertest.Visit, c *keyhatch.Credentials) error {
	return v.Second(func(o drivertest.Lent) { c.SecretAccessKey = o.SecretAccessKey })
}

func otherKey(v *drivertest.Visit, c *keyhatch.Credentials) error {
	return v.Second(func(o drivertest.Lent) { c.AccessKeyID = o.AccessKeyID })
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

// nobody gets an object as anybody can.
func nobody(name string) drivertest.Attempt { return fetch(http.MethodGet, bare(name)) }

// fetch uses a URL with no key at hand.
func fetch(method string, at drivertest.Address) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		q, err := v.Request(method, at)
		if err != nil {
			return err
		}
		return v.Send(q)
	}
}

// signing is how a request is signed and sent; what is zero is as usual.
type signing struct {
	method  string
	service string
	away    time.Duration // where the clock stands
	before  func(*drivertest.Visit, *http.Request)
	after   func(*drivertest.Visit, *http.Request)
}

// signed sends a request that the lease has signed by hand.
func signed(name string, how signing) drivertest.Attempt {
	return func(v *drivertest.Visit) error {
		q, err := v.Request(cmp.Or(how.method, http.MethodGet), bare(name))
		if err != nil {
			return err
		}
		if how.before != nil {
			how.before(v, q)
		}
		const hash = "UNSIGNED-PAYLOAD"
		q.Header.Set("X-Amz-Content-Sha256", hash)
		err = v4.NewSigner(singlyEscaped).SignHTTP(v, v.Keys(), q, hash, cmp.Or(how.service, "s3"), v.Lent.Region, time.Now().Add(how.away))
		if err != nil {
			return drivertest.Wrong("sign: %v", err)
		}
		if how.after != nil {
			how.after(v, q)
		}
		return v.Send(q)
	}
}

func toOutside(v *drivertest.Visit, q *http.Request) {
	q.URL.Path = strings.Replace(q.URL.Path, "/a/in.txt", "/b/out.txt", 1)
}

func asDelete(_ *drivertest.Visit, q *http.Request) { q.Method = http.MethodDelete }

func asCopy(v *drivertest.Visit, q *http.Request) {
	q.Header.Set("X-Amz-Copy-Source", plain(v.At("b/out.txt")))
}

// toOtherHost is for stores that find a bucket's name in the host; for others
// the path begins with a bucket that does not exist.
func toOtherHost(v *drivertest.Visit, q *http.Request) {
	q.Host = v.Site.Other + ".localhost"
	q.URL.Path = strings.TrimPrefix(q.URL.Path, "/"+v.Site.Bucket)
}
