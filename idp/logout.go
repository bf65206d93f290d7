package idp

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// logout ends whatever was presented: the tokens in the headers, in any accepted form,
// that of the cookie arvados_api_token, and the parameter api_token, as clients of
// Arvados send it. It answers alike whether there was something to end: afterwards
// nothing that was presented works. Of an authorization server that is the session too that
// the browser is signed in with.
//
// Another site can make a browser come here, with what the browser sends by itself: the
// cookie, and the password of "Basic" if somebody opened an address that has it inside. It
// would end a token that it does not know. So what stands in the headers and the cookie is
// ended only when the request is from no browser, from our own pages, or typed by hand;
// api_token always, for who sends it holds it. GET stays, since the clients that there are
// send it.
func (d *Door) logout(w http.ResponseWriter, r *http.Request) error {
	f, err := logoutForm(r)
	if err != nil {
		return err
	}
	token := keyhatch.Secret(f["api_token"])
	shown := d.cookies.AllShown(r)
	session, signedIn := keyhatch.Secret(""), false
	if d.server {
		session, signedIn = d.cookies.Session(r)
	}
	if !d.cookies.ByOneself(r) {
		if (len(shown) > 0 || signedIn) && token == "" {
			return errElsewhere
		}
		shown, signedIn = nil, false
	}
	leave := ""
	if signedIn {
		issuer, err := d.sessions.IssuerOf(r.Context(), session)
		if err != nil {
			return err
		}
		if err := d.sessions.End(r.Context(), session); err != nil {
			return err
		}
		d.cookies.ForgetSession(w)
		leave = d.leave(issuer)
	}
	if token != "" {
		shown = append(shown, token)
	}
	for _, secret := range shown {
		if err := d.end(r.Context(), secret); err != nil {
			return err
		}
	}
	if to := f["return_to"]; ownPath(to) {
		if leave != "" {
			to = leave
		}
		w.Header().Set("Location", to)
		w.WriteHeader(http.StatusSeeOther)
		return nil
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	if _, err := fmt.Fprintln(w, "You are logged out: the token that you came with, if any, does not work any more."); err != nil {
		d.log.DebugContext(r.Context(), "answer not sent", "error", err)
	}
	return nil
}

// logoutForm reads the parameters, of which there need be none.
func logoutForm(r *http.Request) (form, error) {
	switch {
	case r.Method == http.MethodGet:
		return readQuery(r)
	case r.Header.Get("Content-Type") == "" && r.ContentLength == 0 && r.URL.RawQuery == "":
		return form{}, nil
	}
	return readForm(r)
}

// maxReturn bounds where one can be led back to.
const maxReturn = 1024

// pathCharacters and queryCharacters are all that can be in an address to return to: there is
// no percent sign, so that nothing can hide, and no backslash, which browsers take for a
// slash.
const (
	letters         = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
	pathCharacters  = letters + "/-._~"
	queryCharacters = pathCharacters + "=&"
)

// ownPath tells whether an address is a path of ours (S11).
func ownPath(to string) bool {
	path, query, _ := strings.Cut(to, "?")
	if !strings.HasPrefix(path, "/") || len(to) > maxReturn || strings.Trim(path, pathCharacters) != "" || strings.Trim(query, queryCharacters) != "" {
		return false
	}
	segments := strings.Split(path[1:], "/")
	for i, s := range segments {
		last := i == len(segments)-1
		if strings.Trim(s, ".") == "" && !(last && s == "") {
			return false
		}
	}
	return true
}
