package idp

import (
	"errors"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/logins"
)

// loginCookie holds what binds a login at another provider to the browser that has begun it. A
// browser has begun one at a time.
const loginCookie = "keyhatch-login"

var errNoPasswords = failure{
	status: http.StatusForbidden, Code: "access_denied",
	Description: "passwords are not asked for here: go to the page /login and choose where you log in; programs show a token",
}

// sendToProvider begins a login at another provider.
func (d *Door) sendToProvider(w http.ResponseWriter, r *http.Request) error {
	f, err := readQuery(r)
	if err != nil {
		return err
	}
	next := onward(f["next"])
	address, secret, err := d.logins.Begin(r.Context(), r.PathValue("provider"), logins.Wanted{Next: next, Age: ageFor(next)})
	if err != nil {
		return d.refuseProvider(w, r, next, err)
	}
	d.cookies.Set(w, loginCookie, secret, int(logins.Life.Seconds()))
	return seeOther(w, address)
}

// ageFor is how old a login may be that leads on to a page: as a client wants it that has sent the
// browser to be authorized.
func ageFor(next string) (age keyhatch.LoginAge) {
	path, query, _ := strings.Cut(next, "?")
	f, err := parseForm(query)
	if path != "/oauth/authorize" || err != nil {
		return age
	}
	if request, err := requestOf(f); err == nil { // else it is told there
		age = request.Age
	}
	return age
}

// backFromProvider ends it.
func (d *Door) backFromProvider(w http.ResponseWriter, r *http.Request) error {
	f, err := readQuery(r)
	if err != nil {
		return err
	}
	secret, _ := d.cookies.Shown(r, loginCookie)
	came, err := d.logins.Finish(r.Context(), r.PathValue("provider"), logins.Back{
		Secret: secret, State: f["state"], Issuer: f["iss"], Code: keyhatch.Secret(f["code"]), Error: f["error"], Browser: r.UserAgent(),
	})
	next := onward(came.Next)
	if err != nil {
		return d.refuseProvider(w, r, next, err)
	}
	d.cookies.Forget(w, loginCookie)
	if err := d.signIn(w, r, came.Secret); err != nil {
		return err
	}
	return seeOther(w, next)
}

// refuseProvider shows the login again, with what to do about it.
func (d *Door) refuseProvider(w http.ResponseWriter, r *http.Request, next string, err error) error {
	var e *keyhatch.Error
	if errors.As(err, &e) && (e.Code == keyhatch.CodeLoginRefused || e.Kind == keyhatch.Unavailable) {
		status := http.StatusUnauthorized
		if e.Kind == keyhatch.Unavailable {
			d.log.WarnContext(r.Context(), "a provider does not answer as it must", "request_id", keyhatch.OriginOf(r.Context()).RequestID, "error", err)
			status = http.StatusServiceUnavailable
		}
		return d.showLogin(w, r, status, next, e.Message)
	}
	return err
}

// afterLeaving is where a provider sends a browser back to that it has logged out.
const afterLeaving = "/login"

// leave is where a browser is led that logs out of what was begun at the provider of the issuer, for that one
// to log it out too; empty: nowhere.
func (d *Door) leave(issuer string) string { return d.logins.Leave(issuer, afterLeaving) }

// choice is the address at which a login at a provider begins.
func choice(provider, next string) string {
	return "/login/" + provider + "?" + url.Values{"next": {next}}.Encode()
}
