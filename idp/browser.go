package idp

import (
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// What a browser is to us: who is signed in with it, whether a form is one that we have shown
// to it, and where it may be led.

// signedIn tells who is signed in: not ok when nobody is.
func (d *Door) signedIn(r *http.Request) (c keyhatch.Caller, ok bool, err error) {
	shown, has := d.cookies.Session(r)
	if !has {
		return c, false, nil
	}
	c, err = d.sessions.Of(r.Context(), shown)
	if errors.Is(err, keyhatch.Unauthenticated) {
		return keyhatch.Caller{}, false, nil
	}
	return c, err == nil, err
}

// toLogin leads a browser to the login, and back to the page then. again asks for a login also
// where somebody is logged in.
func toLogin(w http.ResponseWriter, page string, query url.Values, again bool) error {
	next := page
	if len(query) > 0 {
		next += "?" + query.Encode()
	}
	if len(next) > maxNext {
		return errLongRequest
	}
	if !ownPage(next) {
		return errForm
	}
	to := url.Values{"next": {next}}
	if again {
		to.Set("again", "1")
	}
	return seeOther(w, "/login?"+to.Encode())
}

// maxNext bounds where a login leads on to, with what a client has sent a browser with: proxies take
// no longer addresses.
const maxNext = 8 << 10

// afterLogin are the pages to which a login leads on: it leads nowhere else (S11).
var afterLogin = []string{"/profile", "/device", "/oauth/authorize"}

// ownPage tells whether an address is one of the pages, with parameters.
func ownPage(to string) bool {
	path, query, _ := strings.Cut(to, "?")
	return (slices.Contains(afterLogin, path) || isTermsPage(path)) && len(to) <= maxNext && strings.Trim(query, queryCharacters+"%+") == ""
}

// formCookie binds forms to a browser, which has it before anybody is signed in.
const (
	formCookie = "keyhatch-form"
	formBytes  = 32
)

var errForeignForm = failure{
	status: http.StatusForbidden, Code: "access_denied",
	Description: "this form is not one that we have shown to this browser lately, or cookies are off: go back, load the page again, and send it once more",
}

// form is what a form has to hold, for the browser and who is signed in with it. Where the
// browser has no cookie yet, it gets one.
func (d *Door) form(w http.ResponseWriter, r *http.Request) string {
	cookie, ok := d.browserOf(r)
	if !ok {
		random := make([]byte, formBytes)
		rand.Read(random) // never fails (crypto/rand)
		cookie = base64.RawURLEncoding.EncodeToString(random)
		d.cookies.Set(w, formCookie, keyhatch.Secret(cookie), 0)
	}
	return d.boundTo(cookie, r)
}

// checkForm refuses a form that another site has sent, or made.
func (d *Door) checkForm(r *http.Request, f form) error {
	cookie, ok := d.browserOf(r)
	if !ok || !d.cookies.ByOneself(r) || subtle.ConstantTimeCompare([]byte(d.boundTo(cookie, r)), []byte(f["form"])) != 1 {
		return errForeignForm
	}
	return nil
}

func (d *Door) browserOf(r *http.Request) (string, bool) {
	shown, ok := d.cookies.Shown(r, formCookie)
	b, err := base64.RawURLEncoding.Strict().DecodeString(shown.Reveal())
	return shown.Reveal(), ok && err == nil && len(b) == formBytes
}

func (d *Door) boundTo(cookie string, r *http.Request) string {
	session, _ := d.cookies.Session(r)
	sum := sha256.Sum256([]byte("form|" + cookie + "|" + session.Reveal()))
	return base64.RawURLEncoding.EncodeToString(sum[:])
}
