package auth

import (
	"net/http"
	"net/url"
	"strings"
)

// What browsers say of who has made a request. Nothing else reads it.

// FromOwnPage tells whether a browser says that a page of ours has made the request, or for what only
// looks, that its user has. Pages of other hosts can make it come with the cookie, those at another
// port of this host too, where the S3 endpoint serves what anybody has stored.
//
// Source: Fetch Metadata Request Headers, section 2.3. All browsers say it, over TLS and to loopback.
func FromOwnPage(r *http.Request) bool {
	from := r.Header.Values("Sec-Fetch-Site")
	looks := r.Method == http.MethodGet || r.Method == http.MethodHead
	return len(from) == 1 && (from[0] == "same-origin" || from[0] == "none" && looks)
}

// ByAnother tells whether a browser says that a page of somebody else has made the request: then
// what the browser shows by itself, cookies and passwords that it remembers, does not count. What
// does not say it may be no browser.
func ByAnother(r *http.Request) bool {
	from := r.Header.Values("Sec-Fetch-Site")
	return len(from) > 1 || len(from) == 1 && from[0] != "same-origin" && from[0] != "none"
}

// ByOneself tells whether a request is one that our own pages, the user's own hand or no
// browser at all has made. Browsers say so over HTTPS, and to a machine itself; over HTTP
// they say only which page a POST is from.
func ByOneself(r *http.Request) bool {
	if ByAnother(r) {
		return false
	}
	page := r.Header.Get("Origin")
	if len(r.Header.Values("Sec-Fetch-Site")) > 0 || page == "" {
		return true
	}
	origin, err := url.Parse(page)
	return err == nil && strings.EqualFold(origin.Host, r.Host)
}

// Embedded tells whether a browser says that it asks for something that a page of somebody else
// has inside, and not for a page of its own for its user to see.
//
// Source: Fetch Metadata Request Headers, sections 2.1 and 2.2.
func Embedded(r *http.Request) bool {
	navigates := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	return !ByOneself(r) && !navigates
}
