package sigv4

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"
)

// Claim is what a request says of its own signature, well-formed but not
// verified: nothing in it may be trusted before Verify.
type Claim struct {
	AccessKeyID  string
	SessionToken string // empty for a long-lived key

	// The scope of the credential: a day (20060102, UTC), a region, a service.
	Date, Region, Service string

	SignedAt  time.Time     // UTC, whole seconds; on the scope's day
	Presigned bool          // signed in the query, not in the Authorization header
	Expires   time.Duration // of a presigned request: how long after SignedAt it is good

	Payload Payload

	signature     string // 64 lower-case hex digits
	signedHeaders string // as sent
	canonical     [sha256.Size]byte
	body          plan
}

// Parse reads the claim of an S3 request and prepares the check of its body. It
// reads nothing of the body and needs no secret. A request that nobody signed,
// that is signed in another way, or whose meaning the signature could not pin
// is an *Error.
func Parse(r *http.Request) (*Claim, error) { return parse(r, nil, false) }

// ParseBody is Parse for services other than S3, which sign the hash of the body
// without naming it in x-amz-content-sha256 (STS does). The caller has read the
// body, and bounded it; Verify gives it back. The path is canonicalised by S3's
// rule, which is that of every service for the path "/".
func ParseBody(r *http.Request, body []byte) (*Claim, error) { return parse(r, body, true) }

func parse(r *http.Request, body []byte, bodyRead bool) (*Claim, error) {
	q, err := parseQuery(r.URL.RawQuery)
	if err != nil {
		return nil, err
	}
	c := &Claim{}
	if c.Presigned, err = isPresigned(r, q); err != nil {
		return nil, err
	}
	if c.Presigned {
		err = c.parseParams(r, q)
	} else {
		err = c.parseHeaders(r)
	}
	if err != nil {
		return nil, err
	}
	var payloadHash string
	if bodyRead {
		payloadHash, err = c.hashPayload(r, body)
	} else {
		payloadHash, err = c.parsePayload(r, q)
	}
	if err != nil {
		return nil, err
	}
	if c.canonical, err = c.canonicalHash(r, q, payloadHash); err != nil {
		return nil, err
	}
	// From here on the x-amz-* headers are known to be signed and single.
	if bodyRead {
		c.body = plan{raw: io.NopCloser(bytes.NewReader(body)), length: int64(len(body))}
	} else {
		c.body = plan{raw: r.Body, length: r.ContentLength}
	}
	if c.Payload == PayloadHashed {
		c.body.sha256, _ = hex.DecodeString(payloadHash) // 64 hex digits
	}
	if err := c.planBody(r, q); err != nil {
		return nil, err
	}
	return c, nil
}

const (
	maxAccessKeyBytes = 128
	maxTokenBytes     = 8192
	terminator        = "aws4_request"
	timeFormat        = "20060102T150405Z"
)

// setCredential reads "KEY/DATE/REGION/SERVICE/aws4_request".
func (c *Claim) setCredential(s string) error {
	parts := strings.SplitN(s, "/", 6)
	if len(parts) != 5 || parts[4] != terminator || !isDigits(parts[1], 8) || parts[2] == "" || parts[3] == "" {
		return c.malformed("Credential must be KEY/YYYYMMDD/REGION/SERVICE/" + terminator)
	}
	if !isAccessKeyID(parts[0]) {
		return c.malformed("the access key of the Credential is not well-formed")
	}
	c.AccessKeyID, c.Date, c.Region, c.Service = parts[0], parts[1], parts[2], parts[3]
	return nil
}

// setTime sets when the request was signed, which must be on the scope's day.
func (c *Claim) setTime(t time.Time) error {
	c.SignedAt = t.UTC()
	if c.SignedAt.Format("20060102") != c.Date {
		return c.malformed("the date of the Credential is not the date of the request")
	}
	return nil
}

func (c *Claim) setSignature(s string) error {
	if !isHexSHA256(s) {
		return c.malformed("Signature must be 64 hexadecimal digits in lower case")
	}
	c.signature = s
	return nil
}

func (c *Claim) setToken(s string) error {
	if len(s) > maxTokenBytes {
		return fail(invalidToken, "a session token has at most %d bytes", maxTokenBytes)
	}
	c.SessionToken = s
	return nil
}

// malformed is a fault of whichever carries the signature.
func (c *Claim) malformed(message string) *Error {
	if c.Presigned {
		return fail(queryMalformed, "%s", message)
	}
	return fail(headerMalformed, "%s", message)
}

// parseTime reads the one format of X-Amz-Date. The length shuts out the
// fractions that time.Parse would let pass.
func parseTime(s string) (time.Time, bool) {
	if len(s) != len(timeFormat) {
		return time.Time{}, false
	}
	t, err := time.Parse(timeFormat, s)
	return t, err == nil
}

func isAccessKeyID(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'A' || c > 'Z') && (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != "" && len(s) <= maxAccessKeyBytes
}

// isDigits tells whether s is n decimal digits.
func isDigits(s string, n int) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return len(s) == n
}

// isHexSHA256 tells whether s is a SHA-256 in lower-case hex.
func isHexSHA256(s string) bool {
	for i := range len(s) {
		if (s[i] < '0' || s[i] > '9') && (s[i] < 'a' || s[i] > 'f') {
			return false
		}
	}
	return len(s) == hex.EncodedLen(sha256.Size)
}

// Format prints the access key only: a claim carries a session token and a
// signature, which are good for the request's whole lifetime.
func (c Claim) Format(f fmt.State, _ rune) { fmt.Fprintf(f, "sigv4.Claim(%s)", c.AccessKeyID) }

// LogValue logs the access key only.
func (c Claim) LogValue() slog.Value { return slog.StringValue(c.AccessKeyID) }
