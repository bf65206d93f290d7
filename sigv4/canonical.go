package sigv4

import (
	"crypto/sha256"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

const maxSignedHeaders = 128

// canonicalHash is the SHA-256 of the canonical request: method, path, query,
// signed headers, their names, and the payload hash as it is signed.
func (c *Claim) canonicalHash(r *http.Request, q query, payloadHash string) ([sha256.Size]byte, error) {
	var none [sha256.Size]byte
	path, err := canonicalPath(r)
	if err != nil {
		return none, err
	}
	if err := c.checkSignedHeaders(r); err != nil {
		return none, err
	}
	text := make([]byte, 0, 2048)
	text = append(text, r.Method...)
	text = append(text, '\n')
	text = appendEncoded(text, path, true)
	text = append(text, '\n')
	text = q.appendCanonical(text)
	text = append(text, '\n')
	for name := range strings.SplitSeq(c.signedHeaders, ";") {
		value, err := c.signedValue(r, name)
		if err != nil {
			return none, err
		}
		text = append(text, name...)
		text = append(text, ':')
		text, err = appendTrimmed(text, name, value)
		if err != nil {
			return none, err
		}
		text = append(text, '\n')
	}
	text = append(text, '\n')
	text = append(text, c.signedHeaders...)
	text = append(text, '\n')
	text = append(text, payloadHash...)
	return sha256.Sum256(text), nil
}

func canonicalPath(r *http.Request) (string, error) {
	path := r.URL.Path
	switch {
	case r.URL.Opaque != "":
		return "", fail(invalidURI, "the address of the request has no path")
	case path == "":
		return "/", nil
	case path[0] != '/':
		return "", fail(invalidURI, "the path must begin with a slash")
	case strings.Contains(r.URL.RawPath, "%2F"), strings.Contains(r.URL.RawPath, "%2f"):
		return "", fail(invalidURI, "a slash in the path must be sent as a slash, not as a percent escape")
	}
	return path, nil
}

// checkSignedHeaders reads the list of signed headers: lower case, sorted, each
// once, host among them, and every x-amz-* header of the request too.
func (c *Claim) checkSignedHeaders(r *http.Request) error {
	before, host, count := "", false, 0
	for name := range strings.SplitSeq(c.signedHeaders, ";") {
		if !isHeaderName(name) || name <= before {
			return c.malformed("SignedHeaders must be header names in lower case, sorted, separated by semicolons, each once")
		}
		if count++; count > maxSignedHeaders {
			return c.malformed("SignedHeaders has too many names")
		}
		host = host || name == "host"
		before = name
	}
	if !host {
		return fail(accessDenied, "the host header must be signed")
	}
	for name := range r.Header {
		if isAmz(name) && !c.signs(name) {
			return fail(accessDenied, "the request has an x-amz-* header that is not signed")
		}
	}
	return nil
}

// isAmz tells whether the header, in any case, is one of S3's own.
func isAmz(name string) bool {
	const prefix = "x-amz-"
	return len(name) >= len(prefix) && strings.EqualFold(name[:len(prefix)], prefix)
}

// signs tells whether the header, in any case, is among the signed ones.
func (c *Claim) signs(name string) bool {
	for signed := range strings.SplitSeq(c.signedHeaders, ";") {
		if len(signed) == len(name) && strings.EqualFold(signed, name) {
			return true
		}
	}
	return false
}

func isHeaderName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '_' && c != '.' {
			return false
		}
	}
	return s != ""
}

// listHeaders may come on several lines, which mean one with commas. Any other
// header that does would be read by its first line here and by its last one
// elsewhere.
var listHeaders = []string{"x-amz-object-attributes", "x-amz-optional-object-attributes"}

// signedValue is the value of a signed header as net/http understood it.
func (c *Claim) signedValue(r *http.Request, name string) (string, error) {
	value := ""
	switch name {
	case "host":
		value = r.Host
	case "content-length":
		if r.ContentLength >= 0 {
			return strconv.FormatInt(r.ContentLength, 10), nil
		}
	case "transfer-encoding":
		value = strings.Join(r.TransferEncoding, ",")
	default:
		switch values := r.Header.Values(name); {
		case len(values) > 1 && slices.Contains(listHeaders, name):
			return strings.Join(values, ","), nil
		case len(values) > 1:
			return "", fail(invalidArgument, "a signed header must come on one line")
		case len(values) == 1:
			return values[0], nil
		case name == "expect":
			return "100-continue", nil // its only value; net/http takes it out of HTTP/2 requests
		}
	}
	if value == "" {
		return "", c.malformed("SignedHeaders names a header that the request does not have")
	}
	return value, nil
}

// appendTrimmed appends a header's value without outer blanks and with every
// run of spaces as one. Where the lost spaces could change what S3 does, the
// value is refused.
func appendTrimmed(dst []byte, name, value string) ([]byte, error) {
	value = strings.Trim(value, " \t")
	for i := range len(value) {
		if b := value[i]; b < ' ' && b != '\t' || b == 0x7f {
			return nil, fail(invalidArgument, "a signed header holds a control character")
		}
	}
	if !strings.Contains(value, "  ") {
		return append(dst, value...), nil
	}
	if isAmz(name) && !strings.HasPrefix(name, "x-amz-meta-") {
		return nil, fail(invalidArgument, "an x-amz-* header holds a run of spaces")
	}
	for i := range len(value) {
		if value[i] != ' ' || value[i-1] != ' ' { // i > 0: the value begins with no space
			dst = append(dst, value[i])
		}
	}
	return dst, nil
}
