package idp

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// loginPage asks for a name and a password, or where to log in.
type loginPage struct {
	Form, Next, Message string
	Passwords           bool
	Providers           []keyhatch.LoginProvider
}

// login signs somebody in, and leads on to where it came from.
func (d *Door) login(w http.ResponseWriter, r *http.Request) error {
	if r.Method == http.MethodGet {
		return d.askLogin(w, r)
	}
	f, err := readForm(r)
	if err != nil {
		return err
	}
	if err := d.checkForm(r, f); err != nil {
		return err
	}
	next := onward(f["next"])
	if !d.logins.Passwords() {
		return errNoPasswords
	}
	c, err := d.passwords.Authenticate(r.Context(), f["name"], keyhatch.Secret(f["password"]))
	if err != nil {
		return d.refuseLogin(w, r, next, err)
	}
	secret, _, err := d.sessions.Begin(r.Context(), c, r.UserAgent())
	if err != nil {
		return err
	}
	if err := d.signIn(w, r, secret); err != nil {
		return err
	}
	return seeOther(w, next)
}

// signIn has the browser show a new session; whoever was signed in with it is not any more.
func (d *Door) signIn(w http.ResponseWriter, r *http.Request, secret keyhatch.Secret) error {
	if before, ok := d.cookies.Session(r); ok {
		if err := d.sessions.End(r.Context(), before); err != nil {
			return err
		}
	}
	d.cookies.SetSession(w, secret)
	return nil
}

func (d *Door) askLogin(w http.ResponseWriter, r *http.Request) error {
	f, err := readQuery(r)
	if err != nil {
		return err
	}
	next := onward(f["next"])
	_, ok, err := d.signedIn(r)
	if err != nil {
		return err
	}
	if ok && f["again"] == "" {
		return seeOther(w, next)
	}
	return d.showLogin(w, r, http.StatusOK, next, "")
}

// refuseLogin shows the form again, with what to do about it. The name is not shown again:
// now and then it is a password.
func (d *Door) refuseLogin(w http.ResponseWriter, r *http.Request, next string, err error) error {
	f := failureOnPage(err)
	if f.status >= http.StatusInternalServerError && f.status != http.StatusServiceUnavailable {
		return err
	}
	message := f.Description
	if f.status == http.StatusUnauthorized {
		message = kernel.LoginFailed().Error()
	}
	if f.wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(auth.WholeSeconds(f.wait)))
	}
	return d.showLogin(w, r, f.status, next, message)
}

func (d *Door) showLogin(w http.ResponseWriter, r *http.Request, status int, next, message string) error {
	return d.show(w, r, status, d.formsOf(r, next), "login.html", loginPage{
		Form: d.form(w, r), Next: next, Message: sentence(message), Passwords: d.logins.Passwords(), Providers: d.logins.List(),
	})
}

// onward is where a login leads on to.
func onward(next string) string {
	if ownPage(next) {
		return next
	}
	return "/profile"
}

// profilePage is who one is, and what one has let programs do.
type profilePage struct {
	Form  string
	User  keyhatch.User
	Given []given // newest first
	Older string  // of which the older ones follow on another page; empty: these are all
}

// shownGiven bounds what one page shows of what one has let programs do.
const shownGiven = 100

type given struct {
	ID, Client, Since string
	Scopes            []keyhatch.Scope
}

func (d *Door) profile(w http.ResponseWriter, r *http.Request) error {
	f, err := readQuery(r)
	if err != nil {
		return err
	}
	c, ok, err := d.signedIn(r)
	if err != nil {
		return err
	}
	if !ok {
		return toLogin(w, "/profile", nil, false)
	}
	all, err := d.newestGiven(r.Context(), c, f["before"])
	if err != nil {
		return err
	}
	p := profilePage{Form: d.form(w, r), User: c.User}
	if len(all) > shownGiven {
		all = all[:shownGiven]
		p.Older = all[shownGiven-1].ID
	}
	for _, g := range all {
		p.Given = append(p.Given, given{g.ID, titleOf(g.To), minute(g.CreatedAt), g.Scopes})
	}
	session, _ := d.cookies.Session(r)
	issuer, err := d.sessions.IssuerOf(r.Context(), session)
	if err != nil {
		return err
	}
	return d.show(w, r, http.StatusOK, sourceOf(d.leave(issuer)), "profile.html", p)
}

// newestGiven is all that one has let programs do before one of them, the newest first; before: empty for all.
// There are at most as many for each program as the core keeps.
func (d *Door) newestGiven(ctx context.Context, c keyhatch.Caller, before string) (all []oauth.Given, err error) {
	for p := (kernel.Page{Limit: kernel.MaxPage}); ; {
		l, err := d.oauth.Consents(ctx, c, p)
		if err != nil {
			return nil, err
		}
		all = append(all, l.Items...)
		if p.After = l.Next; p.After == "" {
			break
		}
	}
	slices.Reverse(all)
	return slices.DeleteFunc(all, func(g oauth.Given) bool { return before != "" && g.ID >= before }), nil
}

// endConsent takes back what a program may.
func (d *Door) endConsent(w http.ResponseWriter, r *http.Request) error {
	f, err := readForm(r)
	if err != nil {
		return err
	}
	if err := d.checkForm(r, f); err != nil {
		return err
	}
	c, ok, err := d.signedIn(r)
	if err != nil {
		return err
	}
	if !ok {
		return toLogin(w, "/profile", nil, false)
	}
	if err := d.oauth.EndConsent(r.Context(), c, f["consent"]); err != nil {
		return err
	}
	return seeOther(w, "/profile")
}
