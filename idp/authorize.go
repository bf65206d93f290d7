package idp

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// asked are the parameters of an authorization request that are looked at.
//
// Source: RFC 6749, section 4.1.1; RFC 7636, section 4.3; OpenID Connect Core 1.0, section 3.1.2.1.
var asked = []string{
	"client_id", "redirect_uri", "response_type", "response_mode", "scope", "state", "nonce", "code_challenge", "code_challenge_method", "prompt", "max_age",
	"request", "request_uri", afresh,
}

// afresh is a parameter of ours, on the way back from a login that the client has asked for: the
// core's mark of when that was.
const afresh = "afresh"

// asking is an authorization request.
type asking struct {
	oauth.Request
	quietly bool // no page may be shown
	consent bool // the user is asked, also about a client of the installation's own
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
	var request asking
	var what oauth.Asked
	if request, err = requestOf(f); err == nil {
		what, err = d.oauth.Ask(r.Context(), request.Request)
	}
	switch {
	case err != nil:
	case who.shown || f["app_type"] == askBasic && !d.hasSession(r):
		err = d.decideByBasic(w, r, f, request, what, who)
	default:
		err = d.decide(w, r, f, request, what)
	}
	var refusal oauth.Refusal
	if errors.As(err, &refusal) {
		return d.sendBack(w, f, url.Values{"error": {refusal.Code}, "error_description": {refusal.Message}})
	}
	return err
}

// errMustAsk is for a client that wants no page to be shown.
var errMustAsk = oauth.Refusal{Code: "consent_required", Message: "the user has to be asked: send its browser to this address, without prompt=none", Kind: keyhatch.Forbidden}

// decide asks who is signed in, or takes its answer. Its refusals are for the client.
func (d *Door) decide(w http.ResponseWriter, r *http.Request, f form, request asking, what oauth.Asked) error {
	c, ok, err := d.signedIn(r)
	switch {
	case err == nil && ok:
		err = d.oauth.Recent(r.Context(), c, request.Request)
	case err == nil:
		err = oauth.ErrLogin
	}
	switch {
	case errors.Is(err, oauth.ErrLogin) && !request.quietly:
		return d.askWho(w, f, request)
	case err != nil:
		return err
	case r.Method == http.MethodGet && what.Unasked() && !request.consent:
		return d.allow(w, r, f, c, request)
	case request.quietly:
		return errMustAsk
	case r.Method == http.MethodGet:
		return d.show(w, r, http.StatusOK, sourceOf(request.Redirect), "consent.html", consentPage{
			Form: d.form(w, r), Client: titleOf(what.Client), User: c.User.Name, Redirect: returnsTo(request.Redirect), Scopes: what.Scopes, Fields: f.only(asked),
		})
	}
	if err := d.checkForm(r, f); err != nil {
		return err
	}
	if f["decision"] != "allow" {
		return oauth.ErrDenied
	}
	return d.allow(w, r, f, c, request)
}

// askWho leads to the login, and back here with what the client has asked for.
func (d *Door) askWho(w http.ResponseWriter, f form, request asking) error {
	back := f.values()
	if request.Age.Bounded {
		mark, err := d.oauth.Mark(request.Request)
		if err != nil {
			return err
		}
		back.Set(afresh, mark)
	}
	return toLogin(w, "/oauth/authorize", back, request.Age.Bounded)
}

func (d *Door) allow(w http.ResponseWriter, r *http.Request, f form, c keyhatch.Caller, request asking) error {
	code, err := d.oauth.Allow(r.Context(), c, request.Request)
	if err != nil {
		return err
	}
	return d.sendBack(w, f, url.Values{"code": {code.Reveal()}})
}

// requestOf reads what a client asks for.
func requestOf(f form) (a asking, err error) {
	refuse := func(code, message string) (asking, error) {
		return a, oauth.Refusal{Code: code, Message: message, Kind: keyhatch.Invalid}
	}
	switch {
	case f["response_type"] != "code":
		return refuse("unsupported_response_type", "there is one response type: send response_type=code")
	case cmp.Or(f["response_mode"], "query") != "query":
		return refuse("invalid_request", "there is one response mode: send response_mode=query, or none")
	case f["request"] != "":
		return refuse("request_not_supported", "send the parameters as they are")
	case f["request_uri"] != "":
		return refuse("request_uri_not_supported", "send the parameters as they are")
	}
	for _, word := range strings.Fields(f["prompt"]) {
		switch word {
		case "none":
			a.quietly = true
		case "login", "select_account": // another account is chosen by logging in with it
			a.Age.Bounded = true
		case "consent":
			a.consent = true
		default:
			return refuse("invalid_request", "send prompt=none, or one or more of login, consent and select_account")
		}
	}
	if a.quietly && (a.Age.Bounded || a.consent) {
		return refuse("invalid_request", "prompt=none stands alone: send it without the others")
	}
	whole := f.values()
	whole.Del(afresh)
	a.Client, a.Redirect, a.Challenge, a.Method = f["client_id"], f["redirect_uri"], f["code_challenge"], f["code_challenge_method"]
	a.Nonce, a.Whole, a.Mark = f["nonce"], whole.Encode(), f[afresh]
	if text := f["max_age"]; text != "" {
		seconds, err := strconv.ParseUint(text, 10, 31)
		if err != nil {
			return refuse("invalid_request", "send max_age as a number of seconds")
		}
		if !a.Age.Bounded { // the user need not log in anew, which is more than any age
			a.Age = keyhatch.LoginAge{Bounded: true, Most: time.Duration(seconds) * time.Second}
		}
	}
	a.Scopes, a.OpenID, err = readScopes(f["scope"])
	return a, err
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
