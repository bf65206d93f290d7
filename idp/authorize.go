package idp

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// asked are the parameters of an authorization request that are looked at.
//
// Source: RFC 6749, section 4.1.1; RFC 7636, section 4.3; OpenID Connect Core 1.0, section 3.1.2.1.
var asked = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt",
	"request", "request_uri",
}

// consentPage asks a user whether a program may act for it.
type consentPage struct {
	Form, Client, User, Redirect string
	Scopes                       []keyhatch.Scope
	Fields                       map[string]string
}

// authorize asks a user whether a client may act for it, and sends the answer to the client.
// Until it is known that this is an address of the client's, nothing is sent there (S11).
func (d *Door) authorize(w http.ResponseWriter, r *http.Request) error {
	f, who, err := readAsking(r)
	if err != nil {
		return err
	}
	if err := d.oauth.MayReturn(r.Context(), f["client_id"], f["redirect_uri"]); err != nil {
		return err
	}
	var request oauth.Request
	var what oauth.Asked
	if request, err = requestOf(f); err == nil {
		what, err = d.oauth.Ask(r.Context(), request)
	}
	var refusal oauth.Refusal
	if errors.As(err, &refusal) {
		return d.sendBack(w, f, url.Values{"error": {refusal.Code}, "error_description": {refusal.Message}})
	}
	if err != nil {
		return err
	}
	if who.shown || f["app_type"] == askBasic && !d.hasSession(r) {
		return d.decideByBasic(w, r, f, request, what, who)
	}
	return d.decide(w, r, f, request, what)
}

// decide asks who is signed in, or takes its answer.
func (d *Door) decide(w http.ResponseWriter, r *http.Request, f form, request oauth.Request, what oauth.Asked) error {
	c, ok, err := d.signedIn(r)
	quietly := f["prompt"] == "none"
	switch {
	case err != nil:
		return err
	case !ok && quietly:
		return d.sendBack(w, f, url.Values{"error": {"login_required"}, "error_description": {"nobody is logged in"}})
	case !ok:
		return toLogin(w, "/oauth/authorize", f.values())
	case r.Method == http.MethodGet && what.Client.Trusted:
		return d.allow(w, r, f, c, request)
	case quietly:
		return d.sendBack(w, f, url.Values{"error": {"consent_required"}, "error_description": {"the user has to be asked"}})
	case r.Method == http.MethodGet:
		return d.show(w, r, http.StatusOK, sourceOf(request.Redirect), "consent.html", consentPage{
			Form: d.form(w, r), Client: titleOf(what.Client), User: c.User.Name, Redirect: returnsTo(request.Redirect), Scopes: what.Scopes, Fields: f.only(asked),
		})
	}
	if err := d.checkForm(r, f); err != nil {
		return err
	}
	if f["decision"] != "allow" {
		return d.sendBack(w, f, url.Values{"error": {oauth.ErrDenied.Code}, "error_description": {oauth.ErrDenied.Message}})
	}
	return d.allow(w, r, f, c, request)
}

func (d *Door) allow(w http.ResponseWriter, r *http.Request, f form, c keyhatch.Caller, request oauth.Request) error {
	code, err := d.oauth.Allow(r.Context(), c, request)
	if err != nil {
		return err
	}
	return d.sendBack(w, f, url.Values{"code": {code.Reveal()}})
}

// requestOf reads what a client asks for.
func requestOf(f form) (r oauth.Request, err error) {
	refuse := func(code, message string) (oauth.Request, error) {
		return r, oauth.Refusal{Code: code, Message: message, Kind: keyhatch.Invalid}
	}
	switch {
	case f["response_type"] != "code":
		return refuse("unsupported_response_type", "response_type is code")
	case cmp.Or(f["response_mode"], "query") != "query":
		return refuse("invalid_request", "response_mode is query")
	case f["request"] != "":
		return refuse("request_not_supported", "send the parameters as they are")
	case f["request_uri"] != "":
		return refuse("request_uri_not_supported", "send the parameters as they are")
	}
	r = oauth.Request{Client: f["client_id"], Redirect: f["redirect_uri"], Challenge: f["code_challenge"], Method: f["code_challenge_method"]}
	r.Nonce = f["nonce"]
	r.Scopes, r.OpenID, err = readScopes(f["scope"])
	return r, err
}

// sendBack sends the answer to the client's address, which was checked.
//
// Source: RFC 6749, section 4.1.2; RFC 9207, section 2.
func (d *Door) sendBack(w http.ResponseWriter, f form, answer url.Values) error {
	if f["state"] != "" {
		answer.Set("state", f["state"])
	}
	answer.Set("iss", d.url)
	to, separator := f["redirect_uri"], "?"
	if strings.Contains(to, "?") {
		separator = "&"
	}
	return seeOther(w, to+separator+answer.Encode())
}

// formsOf is where the forms of a login lead besides here: to the client that has sent the
// browser, when its user need not be asked.
func (d *Door) formsOf(r *http.Request, next string) string {
	u, err := url.Parse(next)
	if err != nil || u.Path != "/oauth/authorize" {
		return ""
	}
	q := u.Query()
	if d.oauth.MayReturn(r.Context(), q.Get("client_id"), q.Get("redirect_uri")) != nil {
		return ""
	}
	return sourceOf(q.Get("redirect_uri"))
}

// returnsTo is what a user is told of an address: its host, or its scheme.
func returnsTo(redirect string) string {
	u, err := url.Parse(redirect)
	if err != nil {
		return ""
	}
	return cmp.Or(u.Host, u.Scheme)
}

func titleOf(c keyhatch.OAuthClient) string {
	if c.Title == "" {
		return c.Name
	}
	return c.Title + " (" + c.Name + ")"
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
