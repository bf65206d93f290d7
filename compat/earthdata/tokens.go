package earthdata

import (
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
	"github.com/keyhatch/keyhatch/broker/oauth"
)

// token is a token of a user. GDAL wants to be told that it is a Bearer.
type token struct {
	Access     string `json:"access_token"`
	Type       string `json:"token_type"`
	Expiration string `json:"expiration_date"` // MM/DD/YYYY
}

func tokenOf(t oauth.UserToken) token {
	return token{t.Text.Reveal(), "Bearer", t.ExpiresAt.UTC().Format("01/02/2006")}
}

// person tells who has shown its name and its password by Basic.
func (d *Door) person(r *http.Request) (keyhatch.Caller, error) {
	name, password, ok := r.BasicAuth()
	switch {
	case auth.ByAnother(r):
		return keyhatch.Caller{}, errEmbedded
	case !ok || len(r.Header.Values("Authorization")) != 1:
		return keyhatch.Caller{}, errBasic
	}
	c, err := d.passwords.Authenticate(r.Context(), name, keyhatch.Secret(password))
	if isNobody(err) {
		err = errBasic
	}
	return c, err
}

func (d *Door) findOrCreateToken(w http.ResponseWriter, r *http.Request) error {
	c, err := d.person(r)
	if err != nil {
		return err
	}
	t, err := d.oauth.FindOrCreateUserToken(r.Context(), c)
	if err != nil {
		return err
	}
	return d.send(w, r, http.StatusOK, tokenOf(t))
}

func (d *Door) createToken(w http.ResponseWriter, r *http.Request) error {
	c, err := d.person(r)
	if err != nil {
		return err
	}
	t, err := d.oauth.CreateUserToken(r.Context(), c)
	if err != nil {
		return err
	}
	return d.send(w, r, http.StatusOK, tokenOf(t))
}

func (d *Door) tokens(w http.ResponseWriter, r *http.Request) error {
	c, err := d.person(r)
	if err != nil {
		return err
	}
	all, err := d.oauth.UserTokens(r.Context(), c)
	if err != nil {
		return err
	}
	out := make([]token, len(all))
	for i, t := range all {
		out[i] = tokenOf(t)
	}
	return d.send(w, r, http.StatusOK, out)
}

func (d *Door) revokeToken(w http.ResponseWriter, r *http.Request) error {
	c, err := d.person(r)
	if err != nil {
		return err
	}
	f, err := parameters(w, r)
	if err != nil {
		return err
	}
	if err := d.oauth.RevokeUserToken(r.Context(), c, keyhatch.Secret(f.Get("token"))); err != nil {
		return err
	}
	return d.send(w, r, http.StatusOK, struct{}{})
}

// user is who has a token.
type user struct {
	UID       string   `json:"uid"`
	FirstName string   `json:"first_name"`
	LastName  string   `json:"last_name"`
	Email     string   `json:"email_address"`
	Groups    []string `json:"user_groups"` // none: what groups open is told nobody
}

// user tells a token about its own user, and nobody about others.
func (d *Door) user(w http.ResponseWriter, r *http.Request) error {
	c, err := d.guard.Identify(r.Context(), r.Header)
	auth.TellAllowance(w.Header(), c.Allowance)
	switch {
	case err != nil:
		return err
	case c.User.Name != r.PathValue("uid"):
		return failure{Status: http.StatusForbidden, Code: "invalid_token", Description: "the token is not that user's: ask about its own user"}
	}
	first, last, _ := strings.Cut(c.User.FullName, " ")
	return d.send(w, r, http.StatusOK, user{UID: c.User.Name, FirstName: first, LastName: last, Email: c.User.Email, Groups: []string{}})
}

// userOfToken tells a client whose token it was shown.
func (d *Door) userOfToken(w http.ResponseWriter, r *http.Request) error {
	f, err := parameters(w, r)
	if err != nil {
		return err
	}
	name, secret, ok := r.BasicAuth()
	if !ok || len(r.Header.Values("Authorization")) != 1 || f.Get("client_id") != "" && f.Get("client_id") != name {
		return errClient
	}
	u, err := d.oauth.UserOf(r.Context(), oauth.Proof{Client: name, Secret: keyhatch.Secret(secret)}, keyhatch.Secret(f.Get("token")))
	if errors.Is(err, oauth.ErrClient) {
		return errClient
	}
	if err != nil {
		return err
	}
	return d.send(w, r, http.StatusOK, struct {
		UID string `json:"uid"`
	}{u.Name})
}

func (d *Door) keys(w http.ResponseWriter, r *http.Request) error {
	set, err := d.oauth.KeySet(r.Context())
	if err != nil {
		return err
	}
	return d.send(w, r, http.StatusOK, set)
}

// maxBody bounds what is read of a request.
const maxBody = 64 << 10

// parameters are those of the URL and of a form, each once: these clients send them in either.
func parameters(w http.ResponseWriter, r *http.Request) (url.Values, error) {
	f := r.URL.Query()
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return nil, failure{Status: http.StatusRequestEntityTooLarge, Code: "invalid_request", Description: "the body is too large: send the few parameters of the call, as a form"}
	}
	more, bad := url.ParseQuery(string(body))
	if err != nil || bad != nil {
		return nil, errForm
	}
	for name, values := range more {
		f[name] = append(f[name], values...)
	}
	for _, values := range f {
		if len(values) > 1 {
			return nil, errForm
		}
	}
	return f, nil
}
