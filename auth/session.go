package auth

import (
	"context"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/sessions"
	"github.com/keyhatch/keyhatch/policy"
)

// The cookies of sessions. Browsers take the first from nobody but this host, over TLS. The second
// is for plain HTTP on loopback, where there is no TLS; elsewhere it is not looked at, since a
// neighbour could set it.
//
// Source: RFC 6265bis, section 4.1.3.2.
const (
	hostPrefix    = "__Host-"
	sessionCookie = "keyhatch"
)

// SetSession has the browser show a session from then on. The cookie goes when the browser is
// closed; the session ends by itself.
func SetSession(w http.ResponseWriter, r *http.Request, secret keyhatch.Secret) {
	c := cookieOf(r)
	c.Value = secret.Reveal()
	http.SetCookie(w, c)
}

// ForgetSession has the browser show none.
func ForgetSession(w http.ResponseWriter, r *http.Request) {
	c := cookieOf(r)
	c.MaxAge = -1
	http.SetCookie(w, c)
}

func cookieOf(r *http.Request) *http.Cookie { return HostCookie(r, sessionCookie) }

// HostCookie is an empty cookie for this host alone, which has the name behind hostPrefix, or on
// loopback the name as it is.
func HostCookie(r *http.Request, name string) *http.Cookie {
	c := &http.Cookie{Name: hostPrefix + name, Path: "/", Secure: true, HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if onLoopback(r) {
		c.Name, c.Secure = name, false
	}
	return c
}

// ShownCookie is what such a cookie has; not ok: there is none, or more than one, of which another
// may be somebody else's.
func ShownCookie(r *http.Request, name string) (value string, ok bool) {
	shown := r.CookiesNamed(HostCookie(r, name).Name)
	if len(shown) != 1 {
		return "", false
	}
	return shown[0].Value, true
}

// KeysCookie is the name of the cookie with the token of a browser that borrows what reads.
const KeysCookie = "keyhatch-keys"

// SessionOf is the session that a browser shows; not ok as in ShownCookie.
func SessionOf(r *http.Request) (secret keyhatch.Secret, ok bool) {
	value, ok := ShownCookie(r, sessionCookie)
	return keyhatch.Secret(value), ok
}

// onLoopback tells whether a request has come without TLS from this machine, to this machine, and
// by no proxy that would say so.
func onLoopback(r *http.Request) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return r.TLS == nil && err == nil && peer.Addr().Unmap().IsLoopback() && isLoopback(r.Host) &&
		r.Header.Get("X-Forwarded-For") == "" && r.Header.Get("Forwarded") == "" && r.Header.Get("X-Forwarded-Proto") == ""
}

func isLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = strings.Trim(host, "[]")
	}
	a, err := netip.ParseAddr(name)
	return strings.EqualFold(name, "localhost") || err == nil && a.IsLoopback()
}

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

// OwnSite tells whether a request is one that our own pages, the user's own hand or no
// browser has made: what a browser shows by itself must not be used by others' pages. Browsers that
// do not say whose page it is tell where it came from, if it is another's.
//
// Source: Fetch Metadata Request Headers, section 2.3; RFC 6454, section 7.
func OwnSite(r *http.Request) bool {
	if r.Header.Get("Sec-Fetch-Site") != "" {
		return !ByAnother(r)
	}
	origin, err := url.Parse(r.Header.Get("Origin"))
	return r.Header.Get("Origin") == "" || err == nil && strings.EqualFold(origin.Host, r.Host)
}

// Embedded tells whether a browser says that it asks for something that a page of somebody else
// has inside, and not for a page of its own for its user to see.
//
// Source: Fetch Metadata Request Headers, sections 2.1 and 2.2.
func Embedded(r *http.Request) bool {
	navigates := r.Header.Get("Sec-Fetch-Mode") == "navigate" && r.Header.Get("Sec-Fetch-Dest") == "document"
	return !OwnSite(r) && !navigates
}

// WithSessions is a Guard that lets in with AdmitRequest also who shows a session.
func (g *Guard) WithSessions(s *sessions.Service) *Guard {
	with := *g
	with.sessions = s
	return &with
}

// AdmitRequest is Admit for a format that browsers use too: where the headers carry neither token
// nor password, a session counts, if our own page has made the request: keyhatch.Forbidden if
// not.
func (g *Guard) AdmitRequest(ctx context.Context, r *http.Request, route policy.Route) (keyhatch.Caller, error) {
	secret, ok := SessionOf(r)
	if !ok || g.sessions == nil || len(r.Header.Values("Authorization")) > 0 || slices.ContainsFunc(r.Header.Values(apiKey), func(k string) bool { return k != "" }) {
		return g.Admit(ctx, r.Header, route)
	}
	if !FromOwnPage(r) {
		return keyhatch.Caller{}, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeFromElsewhere,
			"the browser does not say that a page of this service has asked, so its session does not count: begin there, or send a token")
	}
	c, err := g.sessions.Of(ctx, secret)
	return admitted(c, err, []policy.Route{route})
}
