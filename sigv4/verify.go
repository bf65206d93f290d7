package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"slices"
	"strings"
	"time"
)

// MaxSkew is how far the clock of a signer may be from ours.
const MaxSkew = 15 * time.Minute

// Endpoint is whom a request must have been signed for. The zero value accepts
// nothing.
type Endpoint struct {
	Service string   // "s3"
	Regions []string // any of these
}

// Verify tells whether the secret key made the signature, for this endpoint, and
// within its time: MaxSkew around now, or for a presigned request from MaxSkew
// before it was signed until it expires. It returns the body, which checks itself
// while it is read; a body of no bytes that needs no reading is checked here. The
// errors are *Error. An empty secret verifies nothing.
func (c *Claim) Verify(secret string, at Endpoint, now time.Time) (*Body, error) {
	if secret == "" {
		return nil, c.Refuse(at, now)
	}
	key, err := c.check(secret, at, now)
	if err != nil {
		return nil, err
	}
	return c.body.open(c, key)
}

// Refuse does the work of Verify for a key that is not known and returns the
// error that Verify would return for a wrong secret. It never returns nil.
func (c *Claim) Refuse(at Endpoint, now time.Time) error {
	const dummy = "0000000000000000000000000000000000000000" // its signature is not accepted either
	if _, err := c.check(dummy, at, now); err != nil {
		return err
	}
	return errSignature()
}

func errSignature() *Error {
	return fail(signatureMismatch, "the signature does not match; check the access key, the secret key and the way of signing")
}

// check does everything but the body, the signature last: what the answer says
// before it does not depend on the secret. It returns the signing key.
func (c *Claim) check(secret string, at Endpoint, now time.Time) ([]byte, error) {
	if err := c.checkScope(at); err != nil {
		return nil, err
	}
	if err := c.checkTime(now); err != nil {
		return nil, err
	}
	key := c.signingKey(secret)
	want := sign(key, algorithmName+"\n"+c.stamp()+hex.EncodeToString(c.canonical[:]))
	if subtle.ConstantTimeCompare([]byte(want), []byte(c.signature)) != 1 {
		return nil, errSignature()
	}
	return key, nil
}

func (c *Claim) checkScope(at Endpoint) error {
	if c.Service != at.Service || at.Service == "" {
		return c.malformed("the service of the Credential is not that of this endpoint")
	}
	if !slices.Contains(at.Regions, c.Region) {
		return c.malformed("the region of the Credential is wrong; expecting " + strings.Join(at.Regions, " or "))
	}
	return nil
}

func (c *Claim) checkTime(now time.Time) error {
	switch {
	case !c.Presigned && now.Sub(c.SignedAt).Abs() > MaxSkew:
		return fail(timeSkewed, "the request was signed more than 15 minutes from the time of this server")
	case c.Presigned && now.Before(c.SignedAt.Add(-MaxSkew)):
		return fail(accessDenied, "the presigned request is not valid yet")
	case c.Presigned && now.After(c.SignedAt.Add(c.Expires)):
		return fail(accessDenied, "the presigned request has expired")
	}
	return nil
}

// stamp is the lines that every string to sign has after its first: the time and
// the scope.
func (c *Claim) stamp() string {
	return c.SignedAt.Format(timeFormat) + "\n" +
		c.Date + "/" + c.Region + "/" + c.Service + "/" + terminator + "\n"
}

// signingKey derives the key of one day, region and service from the secret.
func (c *Claim) signingKey(secret string) []byte {
	key := []byte("AWS4" + secret)
	for _, part := range []string{c.Date, c.Region, c.Service, terminator} {
		key = mac(key, part)
	}
	return key
}

func sign(key []byte, text string) string { return hex.EncodeToString(mac(key, text)) }

func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text))
	return h.Sum(nil)
}
