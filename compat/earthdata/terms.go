package earthdata

import (
	"bytes"
	"errors"
	"net/http"
	"net/url"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
)

// People who log in elsewhere have nothing to log in with on the page of terms that this server has.
// They accept them here: the page leads to their login, and whoever comes back from there is shown a form,
// which accepts. The token that they have already does not: it is what their programs have, too. Nor does the
// way through the login, which takes no hand where somebody has a session there, and which browsers go
// ahead of their users.
const (
	termsPath = "/s3credentials/terms"
	// acceptPath is where the form is sent. In a state it leads to the form.
	acceptPath = "/s3credentials/terms/accept"
)

// withTermsPage says in a refusal where the terms are accepted that it is for, by who has logged in
// elsewhere.
func (d *Door) withTermsPage(err error, c keyhatch.Caller, r *http.Request) error {
	e := new(keyhatch.Error)
	if d.Elsewhere == nil || c.Token.Bearer.Issuer == "" || !errors.As(err, &e) || e.Terms == "" {
		return err
	}
	f := failureOf(err)
	f.Description = "the terms of use of the location have to be accepted first: open resolution_url in a browser, accept them there, then ask again"
	f.Resolution = d.URL + at(termsPath, e.Terms, auth.AskedWorkspace(r))
	return f
}

// at is a path with the location that it is about.
func at(path, location, workspace string) string {
	q := url.Values{"location": {location}}
	if workspace != "" {
		q.Set("workspace", workspace)
	}
	return path + "?" + q.Encode()
}

// termsPage is what the page shows: where the login is that leads to the form, or the form. With neither
// the terms were accepted.
type termsPage struct {
	Title, Text, Name, User, Style string
	Login                          string
	Form, Action, Version          string
	Changed                        bool // since they were read
}

// termsOfUse shows the terms of a location to who has logged in elsewhere.
func (d *Door) termsOfUse(w http.ResponseWriter, r *http.Request) error {
	c, err := d.caller(w, r)
	if err != nil {
		return d.orToLogin(w, r, err)
	}
	p, to, err := d.termsFor(r, c, auth.AskedWorkspace(r), r.URL.Query().Get("location"))
	if err == nil && to != "" {
		p.Login, err = d.wayTo(w, r, to)
	}
	if err != nil {
		return err
	}
	return d.showTerms(w, r, p)
}

// formOfTerms shows the terms with the form that accepts them, in the browser of the secret.
func (d *Door) formOfTerms(w http.ResponseWriter, r *http.Request, c keyhatch.Caller, secret, workspace, location string, changed bool) error {
	p, to, err := d.termsFor(r, c, workspace, location)
	if err != nil {
		return err
	}
	if to != "" {
		if p.Form, err = d.terms.LoginForm(c, secret); err != nil {
			return err
		}
		p.Action, p.Changed = to, changed
	}
	return d.showTerms(w, r, p)
}

// termsFor is the page for a caller, and where the form is sent; empty: there is nothing to accept.
func (d *Door) termsFor(r *http.Request, c keyhatch.Caller, workspace, location string) (p termsPage, to string, err error) {
	asked, err := d.terms.Show(r.Context(), c, workspace, location)
	if err != nil {
		return p, "", err
	}
	p = termsPage{Title: asked.Title, Text: asked.Text, Name: asked.Name, User: c.User.Name, Version: asked.Version}
	if d.Pages != "" {
		p.Style = d.Pages + "/login/style.css"
	}
	if asked.AcceptedAt.IsZero() {
		to = at(acceptPath, asked.Location, workspace)
	}
	return p, to, nil
}

func (d *Door) showTerms(w http.ResponseWriter, r *http.Request, p termsPage) error {
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, "terms.html", p); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
	h.Set("X-Frame-Options", "DENY")
	if _, err := w.Write(text.Bytes()); err != nil {
		d.log.DebugContext(r.Context(), "page not sent", "error", err)
	}
	return nil
}

// termsCookie has the secret of a browser that has come back from the login to accept. It is another
// one than the state's, which is good no more then.
const termsCookie = "keyhatch-terms"

// accept takes a form: its user accepts what was shown. Terms that have changed since are shown anew.
func (d *Door) accept(w http.ResponseWriter, r *http.Request) error {
	f, err := parameters(w, r)
	if err != nil {
		return err
	}
	c, err := d.caller(w, r)
	if err != nil {
		return err
	}
	workspace, location := auth.AskedWorkspace(r), f.Get("location")
	secret, has := d.secretIn(r, termsCookie)
	if !has || !d.cookies.ByOneself(r) || !d.terms.IsLoginForm(c, secret, f.Get("form")) {
		return failure{
			Status: http.StatusForbidden, Code: "access_denied",
			Description: "this form is not one that this browser was shown when you had logged in, or cookies are off: begin again, where the terms are",
			Resolution:  d.URL + at(termsPath, location, workspace),
		}
	}
	_, err = d.terms.AcceptAtLogin(r.Context(), c, workspace, location, f.Get("version"))
	switch {
	case errors.Is(err, keyhatch.Invalid):
		return d.formOfTerms(w, r, c, secret, workspace, location, true)
	case err != nil:
		return err
	}
	d.cookies.Forget(w, termsCookie)
	w.Header().Set("Location", d.URL+at(termsPath, location, workspace))
	w.WriteHeader(http.StatusSeeOther)
	return nil
}
