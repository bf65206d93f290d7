package dirstore

import (
	"net/http"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/gateway/dirstore/tree"
)

// holds checks the conditions of a read, whose headers begin with prefix: the
// error is errPrecondition or errNotModified. One on an ETag makes that on a time
// beside it mean nothing; a time that cannot be read means nothing either.
//
// Source: RFC 9110 §13.2.2; Amazon S3 API reference, "GetObject" and "CopyObject".
func holds(h http.Header, prefix string, rec tree.Record) error {
	get := func(name string) string { return strings.Join(h.Values(prefix+name), ",") }
	date := func(name string) (time.Time, bool) {
		t, err := http.ParseTime(get(name))
		return t, err == nil
	}
	if tags := get("If-Match"); tags != "" {
		if !names(tags, rec.ETag, true) {
			return errPrecondition
		}
	} else if t, ok := date("If-Unmodified-Since"); ok && lastModified(rec).After(t) {
		return errPrecondition
	}
	if tags := get("If-None-Match"); tags != "" {
		if names(tags, rec.ETag, false) {
			return errNotModified
		}
	} else if t, ok := date("If-Modified-Since"); ok && !lastModified(rec).After(t) {
		return errNotModified
	}
	return nil
}

// names tells whether a list of entity tags names this one. A weak tag is no
// match where a strong one is needed.
func names(tags, tag string, strong bool) bool {
	for t := range strings.SplitSeq(tags, ",") {
		t = strings.TrimSpace(t)
		rest, weak := strings.CutPrefix(t, "W/")
		if t == "*" || strings.Trim(rest, `"`) == tag && !(weak && strong) {
			return true
		}
	}
	return false
}

// rangeStands tells whether If-Range lets the range be looked at.
func rangeStands(h http.Header, rec tree.Record) bool {
	v := h.Get("If-Range")
	t, err := http.ParseTime(v)
	return v == "" || v == quoted(rec.ETag) || err == nil && lastModified(rec).Equal(t)
}

// writeCheck makes the conditions of a write one check of the tree. S3 knows
// If-Match, and on what makes an object If-None-Match: *; a condition that it does
// not know must not be passed over.
func writeCheck(h http.Header, makes bool) (tree.Check, error) {
	match, noneMatch := strings.Join(h.Values("If-Match"), ","), h.Get("If-None-Match")
	switch {
	case h.Get("If-Modified-Since") != "", h.Get("If-Unmodified-Since") != "", noneMatch != "" && (noneMatch != "*" || !makes || match != ""):
		return nil, errNotImplemented
	case match == "" && noneMatch == "":
		return nil, nil
	}
	return func(old *tree.Record) error {
		switch {
		case match != "" && old == nil:
			return errNoSuchKey
		case match != "" && !names(match, old.ETag, true), noneMatch != "" && old != nil:
			return errPrecondition
		}
		return nil
	}, nil
}
