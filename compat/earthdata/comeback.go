package earthdata

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// stateCookie binds the way back from the login to the browser that was sent there. Its secret
// signs the state, and makes the verifier of PKCE, so that a code is of no use with a state or
// in a browser that is not its own.
const (
	stateCookie = "keyhatch-state"
	secretBytes = 32
	maxState    = 2048
)

// orToLogin sends who has shown nothing to log in, where one can.
//
// Source: Cumulus' s3-credentials-endpoint, whose status is 307: one client takes no other.
func (d *Door) orToLogin(w http.ResponseWriter, r *http.Request, err error) error {
	if !errors.Is(err, errNobody) || d.login() == nil {
		return err
	}
	to := r.URL.Path
	if r.URL.RawQuery != "" {
		to += "?" + r.URL.RawQuery
	}
	address, err := d.wayTo(w, r, to)
	if err != nil {
		return err
	}
	return lead(w, address)
}

// wayTo is the address of the login that leads back to a path, in this browser alone.
func (d *Door) wayTo(w http.ResponseWriter, r *http.Request, path string) (string, error) {
	secret, ok := d.secretIn(r, stateCookie)
	if !ok {
		secret = newSecret()
		d.cookies.Set(w, stateCookie, keyhatch.Secret(secret), 0)
	}
	state, ok := stateOf(secret, path)
	if !ok {
		return "", failure{Status: http.StatusBadRequest, Code: "invalid_request", Description: "the address is too long: ask for less, or log in first, at " + d.URL + "/s3credentials"}
	}
	return d.login().address(way{d.URL + keyhatch.KeysRedirect, state, verifierOf(secret, state), !looksLikeBrowser(r)}), nil
}

// way is how somebody gets to a login and back.
type way struct {
	redirect string // the address of comeBack
	state    string
	verifier keyhatch.Secret // of PKCE
	program  bool            // there is nobody to see a page
}

// login is where people log in.
type login interface {
	address(way) string
	// token is the user's token for a code that was brought back.
	token(ctx context.Context, code keyhatch.Secret, w way) (keyhatch.Secret, error)
}

// login is nil where there is none.
func (d *Door) login() login {
	switch {
	case d.Elsewhere != nil:
		return *d.Elsewhere
	case d.Login:
		return ours{d.oauth, d.URL}
	}
	return nil
}

// ours is the login of this server.
type ours struct {
	oauth *oauth.Service
	url   string
}

func (o ours) address(w way) string {
	sum := sha256.Sum256([]byte(w.verifier.Reveal()))
	q := url.Values{
		"client_id": {keyhatch.EarthdataClient.Name}, "redirect_uri": {w.redirect}, "response_type": {"code"}, "state": {w.state},
		"code_challenge": {base64.RawURLEncoding.EncodeToString(sum[:])}, "code_challenge_method": {"S256"},
	}
	if w.program {
		q.Set("app_type", "401")
	}
	return o.url + "/oauth/authorize?" + q.Encode()
}

func (o ours) token(ctx context.Context, code keyhatch.Secret, w way) (keyhatch.Secret, error) {
	out, err := o.oauth.Redeem(ctx, oauth.Proof{Client: keyhatch.EarthdataClient.Name}, oauth.Redemption{Code: code, Redirect: w.redirect, Verifier: w.verifier})
	return out.Access, err
}

// comeBack takes the code with which somebody comes from the login, and leads on to what it
// wanted, or shows the form of terms. It has a cookie from then on, and the state is good no more.
func (d *Door) comeBack(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	secret, has := d.secretIn(r, stateCookie)
	to, ok := whereTo(secret, q.Get("state"))
	if !has || !ok || len(q["state"]) != 1 || len(q["code"]) > 1 {
		return failure{
			Status: http.StatusBadRequest, Code: "invalid_request",
			Description: "this is not the way back of a login that this browser has begun, or cookies are off: begin again at " + d.URL + "/s3credentials",
		}
	}
	d.cookies.Forget(w, stateCookie)
	if q.Get("code") == "" {
		return failure{
			Status: http.StatusForbidden, Code: "access_denied",
			Description: "the login has ended without leave to read for you: begin again at " + d.URL + "/s3credentials, and agree",
		}
	}
	back := way{redirect: d.URL + keyhatch.KeysRedirect, state: q.Get("state"), verifier: verifierOf(secret, q.Get("state"))}
	token, err := d.login().token(r.Context(), keyhatch.Secret(q.Get("code")), back)
	if err != nil {
		return err
	}
	wanted, err := url.Parse(to)
	if err != nil {
		return err
	}
	// What does not work here is no cookie: it would lead to the login again, without end. The
	// rest that may be wrong is told where this leads.
	ctx := auth.InWorkspace(r.Context(), wanted.Query().Get("workspace"))
	who, err := d.guard.AdmitToken(ctx, token, reading)
	if isNobody(err) {
		return errUnknownHere
	}
	if wanted.Path == acceptPath && err != nil {
		return err
	}
	d.cookies.Set(w, auth.KeysCookie, token, 0)
	if wanted.Path == acceptPath {
		secret := newSecret()
		d.cookies.Set(w, termsCookie, keyhatch.Secret(secret), 0)
		return d.formOfTerms(w, r, who, secret, wanted.Query().Get("workspace"), wanted.Query().Get("location"), false)
	}
	return lead(w, d.URL+to)
}

func lead(w http.ResponseWriter, to string) error {
	w.Header().Set("Location", to)
	w.WriteHeader(http.StatusTemporaryRedirect)
	return nil
}

// newSecret is chance that nobody guesses.
func newSecret() string {
	random := make([]byte, secretBytes)
	rand.Read(random) // never fails (crypto/rand)
	return base64.RawURLEncoding.EncodeToString(random)
}

// secretIn is the secret that a browser shows in a cookie; not ok: it shows none.
func (d *Door) secretIn(r *http.Request, cookie string) (string, bool) {
	value, ok := d.cookies.Shown(r, cookie)
	b, err := base64.RawURLEncoding.Strict().DecodeString(value.Reveal())
	return value.Reveal(), ok && err == nil && len(b) == secretBytes
}

// stateOf is what a browser brings back: where it wanted to go, signed with its secret.
func stateOf(secret, path string) (string, bool) {
	state := base64.RawURLEncoding.EncodeToString([]byte(path)) + "." + signed(secret, "state", path)
	return state, len(state) <= maxState
}

// leadsTo are the paths to which a login leads back.
var leadsTo = []string{"/s3credentials", "/locate", termsPath, acceptPath}

// whereTo reads a state: not ok when the browser of the secret was not given it.
func whereTo(secret, state string) (string, bool) {
	text, signature, _ := strings.Cut(state, ".")
	plain, err := base64.RawURLEncoding.Strict().DecodeString(text)
	if err != nil || len(state) > maxState || !hmac.Equal([]byte(signed(secret, "state", string(plain))), []byte(signature)) {
		return "", false
	}
	path, _, _ := strings.Cut(string(plain), "?")
	return string(plain), slices.Contains(leadsTo, path)
}

func verifierOf(secret, state string) keyhatch.Secret {
	return keyhatch.Secret(signed(secret, "verifier", state))
}

func signed(secret, what, text string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(what + "|" + text))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}
