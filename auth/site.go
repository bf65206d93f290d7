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
// browser at all has made. Browsers say so over HTTPS, and to a machine itself; others, and
// over HTTP, they say only which page a POST is from: ours are those of the public URL's origin,
// with its scheme. Where that is not known, no page is ours.
func (c Cookies) ByOneself(r *http.Request) bool {
	if ByAnother(r) {
		return false
	}
	pages := r.Header.Values("Origin")
	if len(r.Header.Values("Sec-Fetch-Site")) > 0 || len(pages) == 0 {
		return true
	}
	return len(pages) == 1 && c.origin != "" && pages[0] == c.origin
}

// originOf is the origin of a URL, as browsers write it; empty: it has none.
//
// Source: RFC 6454, section 6.2.
func originOf(u *url.URL) string {
	scheme, host := strings.ToLower(u.Scheme), strings.ToLower(u.Host)
	if host == "" {
		return ""
	}
	usual := map[string]string{"http": ":80", "https": ":443"}
	return scheme + "://" + strings.TrimSuffix(host, usual[scheme])
}

// Embedded tells whether a browser says that it asks for something that a page of somebody else
// has inside, and not for a page of its own for its user to see.
//
// Source: Fetch Metadata Request Headers, sections 2.1 and 2.2.
func (c Cookies) Embedded(r *http.Request) bool {
	navigates := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	return !c.ByOneself(r) && !navigates
}
