package sigv4

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	algorithmName = "AWS4-HMAC-SHA256"

	// maxAuthorizationBytes bounds the Authorization header: a key, a scope, a
	// signature, and the names of the signed headers.
	maxAuthorizationBytes = 8192

	// MaxExpires is the longest that a presigned request can be good for.
	MaxExpires = 7 * 24 * time.Hour
)

// The query parameters of a presigned request.
const (
	paramAlgorithm     = "X-Amz-Algorithm"
	paramCredential    = "X-Amz-Credential"
	paramDate          = "X-Amz-Date"
	paramExpires       = "X-Amz-Expires"
	paramSignedHeaders = "X-Amz-SignedHeaders"
	paramSignature     = "X-Amz-Signature"
	paramToken         = "X-Amz-Security-Token"
)

var authParams = []string{
	paramAlgorithm, paramCredential, paramDate, paramExpires, paramSignedHeaders, paramSignature, paramToken,
}

// isPresigned tells which of the two forms the request uses, and refuses none,
// both, a mixture, and other ways of signing.
func isPresigned(r *http.Request, q query) (bool, error) {
	inQuery := 0
	for i := range q {
		for _, known := range authParams {
			if len(q[i].name) != len(known) || !strings.EqualFold(q[i].name, known) {
				continue
			}
			if q[i].name != known {
				return false, fail(queryMalformed, "a signature parameter is not spelled as it should be")
			}
			inQuery++
		}
	}
	headers := r.Header.Values("Authorization")
	switch {
	case len(headers) > 0 && inQuery > 0:
		return false, fail(invalidArgument, "sign with the Authorization header or with query parameters, not with both")
	case len(headers) > 1:
		return false, fail(invalidArgument, "the request has more than one Authorization header")
	case len(headers) == 1:
		return false, nil
	case inQuery > 0:
		return true, nil
	}
	if _, old := q.get(Version2Param); old {
		return false, ErrVersion2
	}
	return false, fail(accessDenied, "the request is not signed")
}

// Version2Param tells a URL that was presigned by Signature Version 2.
const Version2Param = "AWSAccessKeyId"

// S3's words for other ways of signing. Version 2 is what some clients presign by
// unless they are told not to.
var (
	errUnsupported = fail(invalidRequest, "The authorization mechanism you have provided is not supported. Please use %s.", algorithmName)
	// ErrVersion2 is the refusal of what was signed by Signature Version 2.
	ErrVersion2 = fail(invalidRequest, "%s That was Signature Version 2: set signature_version = s3v4 in the client's configuration.", errUnsupported.Message)
)

// parseHeaders reads the Authorization header and those that belong to it.
func (c *Claim) parseHeaders(r *http.Request) error {
	credential, err := c.parseAuthorization(r.Header.Get("Authorization"))
	if err != nil {
		return err
	}
	if err := c.setCredential(credential); err != nil {
		return err
	}
	signedAt, ok := headerTime(r)
	if !ok {
		return fail(accessDenied, "the request needs a valid X-Amz-Date or Date header")
	}
	if err := c.setTime(signedAt); err != nil {
		return err
	}
	return c.setToken(r.Header.Get(paramToken))
}

// parseAuthorization sets the signature and the list of signed headers and
// returns the credential. Blanks around the commas do not matter, order neither.
func (c *Claim) parseAuthorization(value string) (credential string, err error) {
	if len(value) > maxAuthorizationBytes {
		return "", c.malformed("the Authorization header is too long")
	}
	scheme, rest, _ := strings.Cut(value, " ")
	switch scheme {
	case algorithmName:
	case "AWS":
		return "", ErrVersion2
	default:
		return "", errUnsupported
	}
	var signature string
	for field := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.Trim(field, " \t"), "=")
		var into *string
		switch name {
		case "Credential":
			into = &credential
		case "SignedHeaders":
			into = &c.signedHeaders
		case "Signature":
			into = &signature
		}
		if into == nil || *into != "" || value == "" {
			return "", c.malformed("the Authorization header must hold Credential, SignedHeaders and Signature, each once")
		}
		*into = value
	}
	if credential == "" || c.signedHeaders == "" {
		return "", c.malformed("the Authorization header must hold Credential, SignedHeaders and Signature, each once")
	}
	return credential, c.setSignature(signature)
}

// headerTime is X-Amz-Date or, without one, Date in a format of HTTP or of
// X-Amz-Date. Date itself need not be signed: the time is in the string to sign.
func headerTime(r *http.Request) (time.Time, bool) {
	if values := r.Header.Values(paramDate); len(values) > 0 {
		t, ok := parseTime(values[0])
		return t, ok && len(values) == 1
	}
	values := r.Header.Values("Date")
	if len(values) != 1 {
		return time.Time{}, false
	}
	if t, ok := parseTime(values[0]); ok {
		return t, true
	}
	t, err := http.ParseTime(values[0])
	return t, err == nil
}

// parseParams reads the query parameters of a presigned request.
func (c *Claim) parseParams(r *http.Request, q query) error {
	for _, name := range []string{paramToken, paramDate} {
		if len(r.Header.Values(name)) > 0 {
			return fail(invalidArgument, "a presigned request carries %s in its query, not in a header", name)
		}
	}
	for _, name := range authParams {
		if value, _ := q.get(name); value == "" && name != paramToken {
			return c.malformed("a presigned request needs the parameter " + name)
		}
	}
	if value, _ := q.get(paramAlgorithm); value != algorithmName {
		return c.malformed(paramAlgorithm + " must be " + algorithmName)
	}
	credential, _ := q.get(paramCredential)
	if err := c.setCredential(credential); err != nil {
		return err
	}
	date, _ := q.get(paramDate)
	signedAt, ok := parseTime(date)
	if !ok {
		return c.malformed(paramDate + " must have the form YYYYMMDDTHHMMSSZ")
	}
	if err := c.setTime(signedAt); err != nil {
		return err
	}
	expires, _ := q.get(paramExpires)
	seconds, err := strconv.Atoi(expires)
	if !isDigits(expires, len(expires)) || err != nil || seconds < 1 || seconds > int(MaxExpires/time.Second) {
		return c.malformed(paramExpires + " must be a number of seconds between 1 and 604800")
	}
	c.Expires = time.Duration(seconds) * time.Second
	c.signedHeaders, _ = q.get(paramSignedHeaders)
	signature, _ := q.get(paramSignature)
	if err := c.setSignature(signature); err != nil {
		return err
	}
	token, _ := q.get(paramToken)
	return c.setToken(token)
}
