package idp

import (
	"errors"
	"net/http"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// Programs without pages log in at the authorization endpoint as at Earthdata Login's: by Basic,
// without being asked first; or with a field of a form. Nobody is signed in by it, so a page that
// sends a browser here with a name and a password of its own has won nothing.

// askBasic is the app_type with which a program says that it wants no page but 401.
const askBasic = "401"

// login is a name and a password, if they were shown.
type login struct {
	name     string
	password keyhatch.Secret
	shown    bool
}

// credentialsField is the field of a form that has both, as Basic has them.
const credentialsField = "credentials"

// readAsking reads an authorization request, and who logs in with it.
func readAsking(r *http.Request) (form, login, error) {
	if r.Method != http.MethodPost {
		f, err := readQuery(r)
		name, password, ok := r.BasicAuth()
		return f, login{name, keyhatch.Secret(password), ok && !auth.ByAnother(r)}, err
	}
	if r.URL.RawQuery == "" {
		f, err := readForm(r)
		return f, login{}, err
	}
	// The request in the URL, and the login in the form.
	f, err := parseForm(r.URL.RawQuery)
	if err != nil {
		return nil, login{}, err
	}
	bare := r.Clone(r.Context())
	bare.URL.RawQuery = ""
	fields, err := readForm(bare)
	if err != nil {
		return nil, login{}, err
	}
	bare.Header.Set("Authorization", "Basic "+strings.TrimSpace(fields[credentialsField]))
	name, password, ok := bare.BasicAuth()
	if !ok || len(fields) != 1 || auth.ByAnother(r) {
		return nil, login{}, errQuery
	}
	return f, login{name, keyhatch.Secret(password), true}, nil
}

func (d *Door) hasSession(r *http.Request) bool {
	_, ok, err := d.signedIn(r)
	return ok || err != nil // which is told there
}

// decideByBasic lets a client act for who shows its name and its password, if users need not be
// asked about it.
func (d *Door) decideByBasic(w http.ResponseWriter, r *http.Request, f form, request asking, what oauth.Asked, who login) error {
	if !d.logins.Passwords() {
		return errNoPasswords
	}
	if !who.shown {
		return denied(w)
	}
	c, err := d.passwords.Authenticate(r.Context(), who.name, who.password)
	switch {
	case errors.Is(err, keyhatch.Unauthenticated):
		return denied(w)
	case err != nil:
		return err
	case !what.Unasked() || request.consent:
		return errMustAsk
	}
	return d.allow(w, r, f, c, request)
}

func denied(w http.ResponseWriter) error {
	w.Header().Set("WWW-Authenticate", `Basic realm="keyhatch"`)
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(http.StatusUnauthorized)
	_, _ = w.Write([]byte("HTTP Basic: Access denied.\nSend your name and your password, and check both.\n")) // to a client that may be gone
	return nil
}
