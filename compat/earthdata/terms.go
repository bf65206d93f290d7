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
// They accept them here: the page has a link to their login, and who comes back from there by
// it has accepted what was shown. The token that they have already does not accept anything: it is what
// their programs have, too.
const (
	termsPath = "/s3credentials/terms"
	// acceptPath is no page: it stands in the states of those links alone.
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
	f.Resolution = d.URL + termsOf(e.Terms, auth.AskedWorkspace(r))
	return f
}

// termsOf is the path of a location's terms.
func termsOf(location, workspace string) string {
	q := url.Values{"location": {location}}
	if workspace != "" {
		q.Set("workspace", workspace)
	}
	return termsPath + "?" + q.Encode()
}

// termsPage is what the page shows. Accept is where its link leads; empty: it was accepted.
type termsPage struct {
	Title, Text, Name, User, Style, Accept string
}

// terms shows the terms of a location to who has logged in elsewhere.
func (d *Door) termsOfUse(w http.ResponseWriter, r *http.Request) error {
	c, err := d.caller(w, r)
	if err != nil {
		return d.orToLogin(w, r, err)
	}
	q := r.URL.Query()
	asked, err := d.terms.Show(r.Context(), c, auth.AskedWorkspace(r), q.Get("location"))
	if err != nil {
		return err
	}
	p := termsPage{Title: asked.Title, Text: asked.Text, Name: asked.Name, User: c.User.Name}
	if d.Pages != "" {
		p.Style = d.Pages + "/login/style.css"
	}
	if asked.AcceptedAt.IsZero() {
		accept := url.Values{"location": {asked.Location}, "version": {asked.Version}, "user": {c.User.ID}}
		if ws := auth.AskedWorkspace(r); ws != "" {
			accept.Set("workspace", ws)
		}
		if p.Accept, err = d.wayTo(w, r, acceptPath+"?"+accept.Encode()); err != nil {
			return err
		}
	}
	var text bytes.Buffer
	if err := pages.ExecuteTemplate(&text, "terms.html", p); err != nil {
		return err
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Security-Policy", "default-src 'none'; style-src 'self'; base-uri 'none'; frame-ancestors 'none'; form-action 'none'")
	h.Set("X-Frame-Options", "DENY")
	if _, err := w.Write(text.Bytes()); err != nil {
		d.log.DebugContext(r.Context(), "page not sent", "error", err)
	}
	return nil
}

// accepts notes that who has come back from the login by the link of a page has accepted what was
// shown there, and tells where that was. Terms that have changed since are shown anew, and so are those
// that somebody else was shown: the login tells who comes back, and not the page.
func (d *Door) accepts(r *http.Request, c keyhatch.Caller, q url.Values) (page string, err error) {
	page = termsOf(q.Get("location"), q.Get("workspace"))
	if q.Get("user") != c.User.ID {
		return page, nil
	}
	_, err = d.terms.AcceptAtLogin(r.Context(), c, q.Get("workspace"), q.Get("location"), q.Get("version"))
	if errors.Is(err, keyhatch.Invalid) {
		err = nil
	}
	return page, err
}
