package sigv4

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
)

const maxParams = 256

// param is one pair of a query: decoded as url.ParseQuery decodes it, and its
// name as the canonical request spells it.
type param struct {
	name, value string
	encoded     string
}

// query is the pairs of a query in canonical order: by encoded name.
type query []param

// parseQuery reads a raw query as url.ParseQuery does, and refuses what that
// would drop and what it would read in an order that no signature covers.
func parseQuery(raw string) (query, error) {
	if raw == "" {
		return nil, nil
	}
	q := make(query, 0, 8)
	for pair := range strings.SplitSeq(raw, "&") {
		if pair == "" {
			continue
		}
		if len(q) == maxParams {
			return nil, fail(invalidURI, "the query has more than %d parameters", maxParams)
		}
		if strings.Contains(pair, ";") {
			return nil, fail(invalidURI, "the query holds a semicolon that is not encoded")
		}
		rawName, rawValue, _ := strings.Cut(pair, "=")
		name, nameErr := url.QueryUnescape(rawName)
		value, valueErr := url.QueryUnescape(rawValue)
		if nameErr != nil || valueErr != nil {
			return nil, fail(invalidURI, "the query holds a broken percent escape")
		}
		q = append(q, param{name: name, value: value, encoded: encoded(name)})
	}
	slices.SortFunc(q, func(a, b param) int { return cmp.Compare(a.encoded, b.encoded) })
	for i := 1; i < len(q); i++ {
		if q[i].name == q[i-1].name {
			return nil, fail(invalidArgument, "a query parameter is given twice")
		}
	}
	return q, nil
}

// get returns the value of the parameter, and whether it is there.
func (q query) get(name string) (string, bool) {
	for i := range q {
		if q[i].name == name {
			return q[i].value, true
		}
	}
	return "", false
}

// appendCanonical appends the canonical query: all but the signature itself.
func (q query) appendCanonical(dst []byte) []byte {
	start := len(dst)
	for i := range q {
		if q[i].name == paramSignature {
			continue
		}
		if len(dst) > start {
			dst = append(dst, '&')
		}
		dst = append(dst, q[i].encoded...)
		dst = append(dst, '=')
		dst = appendEncoded(dst, q[i].value, false)
	}
	return dst
}

// unreserved are the bytes that AWS's URI encoding leaves alone (RFC 3986).
var unreserved = func() (set [256]bool) {
	for _, c := range []byte("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") {
		set[c] = true
	}
	return set
}()

// appendEncoded appends s in AWS's URI encoding: every byte that is not
// unreserved as %XX in upper case; a path keeps its slashes. It maps different
// strings to different strings, which is what lets the canonical request stand
// for the decoded one.
func appendEncoded(dst []byte, s string, isPath bool) []byte {
	const hexDigits = "0123456789ABCDEF"
	for i := range len(s) {
		c := s[i]
		if unreserved[c] || isPath && c == '/' {
			dst = append(dst, c)
		} else {
			dst = append(dst, '%', hexDigits[c>>4], hexDigits[c&15])
		}
	}
	return dst
}

func encoded(s string) string {
	for i := range len(s) {
		if !unreserved[s[i]] {
			return string(appendEncoded(make([]byte, 0, 3*len(s)), s, false))
		}
	}
	return s
}
