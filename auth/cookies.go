package auth

import (
	"net/http"
	"net/url"

	"github.com/keyhatch/keyhatch"
)

// Cookies are those of this service, of which nobody else makes any: for its host alone, and out of reach of
// scripts. Browsers take one with the prefix from nobody but that host, over TLS. Where they reach the service
// by plain HTTP on loopback, there is no prefix, and no TLS.
//
// That goes by the address under which browsers come, and not by the request: a proxy may have ended TLS.
//
// Source: RFC 6265bis, section 4.1.3.2.
type Cookies struct {
	plain  bool
	origin string // of the pages that browsers show them with; empty: it is not known
}

const (
	hostPrefix    = "__Host-"
	sessionCookie = "keyhatch"
	// KeysCookie is the name of the cookie with the token of a browser that borrows what reads.
	KeysCookie = "keyhatch-keys"
)

// CookiesAt are those of a service that browsers reach at the URL. Without one nobody is signed in there.
func CookiesAt(publicURL string) Cookies {
	u, err := url.Parse(publicURL)
	if err != nil {
		return Cookies{}
	}
	return Cookies{plain: u.Scheme == "http" && keyhatch.IsLoopback(u.Hostname()), origin: originOf(u)}
}

// Set has the browser show a value under the name from then on: for so many seconds, or with 0 until it is closed.
func (c Cookies) Set(w http.ResponseWriter, name string, value keyhatch.Secret, seconds int) {
	cookie := &http.Cookie{Name: c.full(name), Value: value.Reveal(), Path: "/", Secure: !c.plain, HttpOnly: true, SameSite: http.SameSiteLaxMode, MaxAge: seconds}
	http.SetCookie(w, cookie)
}

// Forget has the browser show nothing under the name.
func (c Cookies) Forget(w http.ResponseWriter, name string) { c.Set(w, name, "", -1) }

// Shown is what a browser shows under the name; not ok: nothing, or more than one value, of which another may be
// somebody else's.
func (c Cookies) Shown(r *http.Request, name string) (value keyhatch.Secret, ok bool) {
	shown := r.CookiesNamed(c.full(name))
	if len(shown) != 1 {
		return "", false
	}
	return keyhatch.Secret(shown[0].Value), true
}

// SetSession has the browser show a session. The cookie goes when the browser is closed; the session ends by
// itself.
func (c Cookies) SetSession(w http.ResponseWriter, secret keyhatch.Secret) {
	c.Set(w, sessionCookie, secret, 0)
}

// ForgetSession has the browser show none.
func (c Cookies) ForgetSession(w http.ResponseWriter) { c.Forget(w, sessionCookie) }

// Session is the session that a browser shows; not ok as in Shown.
func (c Cookies) Session(r *http.Request) (secret keyhatch.Secret, ok bool) {
	return c.Shown(r, sessionCookie)
}

func (c Cookies) full(name string) string {
	if c.plain {
		return name
	}
	return hostPrefix + name
}
