package idp

import (
	"errors"
	"net/http"
	"strings"

	"github.com/keyhatch/keyhatch"
)

// termsPage shows the terms of use of a location. Accepted is when they were, empty: they were
// not.
type termsPage struct {
	Form, Path, Name, Title, Version, User, Accepted string
	Text                                             string
	Message                                          string
}

var errTermsGone = failure{
	status: http.StatusNotFound, Code: "invalid_request",
	Description: "there is nothing to accept here: the location has no terms of use, or you may not see it. Check the address, or ask the location's owner for a grant",
}

// termsOfUse shows the terms of use of a location to who is signed in, and takes that they are
// accepted: those that were shown, and no others.
func (d *Door) termsOfUse(w http.ResponseWriter, r *http.Request) error {
	read := readQuery
	if r.Method == http.MethodPost {
		read = readForm
	}
	f, err := read(r)
	if err != nil {
		return err
	}
	location := r.PathValue("location")
	path := keyhatch.TermsPage(location)
	if !isTermsPage(path) {
		return errTermsGone
	}
	c, ok, err := d.signedIn(r)
	if err != nil {
		return err
	}
	if !ok {
		return toLogin(w, path, nil, false)
	}
	p := termsPage{Form: d.form(w, r), Path: path, User: c.User.Name}
	if r.Method == http.MethodPost {
		if err := d.checkForm(r, f); err != nil {
			return err
		}
		_, err := d.terms.Accept(r.Context(), c, "", location, f["version"])
		switch {
		case err == nil:
			return seeOther(w, path)
		case !errors.Is(err, keyhatch.Invalid):
			return orGone(err)
		}
		p.Message = "The terms were changed while you read them: read these, the new ones, before you accept them."
	}
	asked, err := d.terms.Show(r.Context(), c, "", location)
	if err != nil {
		return orGone(err)
	}
	p.Name, p.Title, p.Version, p.Text = asked.Name, asked.Title, asked.Version, asked.Text
	if !asked.AcceptedAt.IsZero() {
		p.Accepted = minute(asked.AcceptedAt)
	}
	return d.show(w, r, http.StatusOK, "", "terms.html", p)
}

func orGone(err error) error {
	if errors.Is(err, keyhatch.NotFound) {
		return errTermsGone
	}
	return err
}

// isTermsPage tells whether a path is the page of a location's terms.
func isTermsPage(path string) bool {
	id, is := strings.CutPrefix(path, keyhatch.TermsPage(""))
	_, isID := keyhatch.IDPayload(keyhatch.LocationID, id)
	return is && isID
}
