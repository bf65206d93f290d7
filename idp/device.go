package idp

import (
	"errors"
	"net/http"
	"net/url"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// devicePage asks for the code that a device shows.
type devicePage struct{ Form, Code, Message string }

// confirmPage asks whether the device is the user's own.
type confirmPage struct {
	Form, Code, User, Client, Address, Since string
	Scopes                                   []keyhatch.Scope
}

// maxCode bounds what is shown again of a code that was typed, or came in an address.
const maxCode = 32

// device lets somebody who is signed in decide for a device. A code in the address is only
// typed already: nothing happens by going there.
//
// Source: RFC 8628, sections 3.3 and 5.4.
func (d *Door) device(w http.ResponseWriter, r *http.Request) error {
	read := readQuery
	if r.Method == http.MethodPost {
		read = readForm
	}
	f, err := read(r)
	if err != nil {
		return err
	}
	code := f["user_code"]
	if len(code) > maxCode {
		code = ""
	}
	c, ok, err := d.signedIn(r)
	if err != nil {
		return err
	}
	if !ok {
		again := url.Values{}
		if code != "" {
			again.Set("user_code", code)
		}
		return toLogin(w, "/device", again, false)
	}
	if r.Method == http.MethodGet {
		return d.show(w, r, http.StatusOK, "", "device.html", devicePage{Form: d.form(w, r), Code: code})
	}
	if err := d.checkForm(r, f); err != nil {
		return err
	}
	if f["decision"] == "" {
		return d.confirm(w, r, c, code)
	}
	allow := f["decision"] == "allow"
	if err := d.oauth.DecideDevice(r.Context(), c, code, allow); err != nil {
		return d.noDevice(w, r, err)
	}
	said := done{"The device is logged in", "You can close this page and go on at the device."}
	if !allow {
		said = done{"The device is not logged in", "You can close this page. Nobody has got anything."}
	}
	return d.show(w, r, http.StatusOK, "", "done.html", said)
}

func (d *Door) confirm(w http.ResponseWriter, r *http.Request, c keyhatch.Caller, code string) error {
	found, err := d.oauth.FindDevice(r.Context(), c, code)
	if err != nil {
		return d.noDevice(w, r, err)
	}
	return d.show(w, r, http.StatusOK, "", "confirm.html", confirmPage{
		Form: d.form(w, r), Code: oauth.SpellCode(found.Code), User: c.User.Name, Client: titleOf(found.Client), Address: found.Address, Since: minute(found.Since), Scopes: found.Scopes,
	})
}

// noDevice asks for the code again.
func (d *Door) noDevice(w http.ResponseWriter, r *http.Request, err error) error {
	if !errors.Is(err, keyhatch.NotFound) {
		return err
	}
	return d.show(w, r, http.StatusNotFound, "", "device.html", devicePage{
		Form: d.form(w, r), Message: "No device waits with that code. Type it as the device shows it, or begin again there: a code is good for ten minutes, and once.",
	})
}
