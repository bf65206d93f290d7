package earthdata

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
)

// Elsewhere is an Earthdata Login that is not ours, where people log in. Its tokens are signed
// ones of an issuer whose rules are configured: these tell who has one here.
type Elsewhere struct {
	URL       string // without a slash at its end
	Client    string // as which this door is registered there, with the address of /redirect
	Secret    keyhatch.Secret
	Transport http.RoundTripper
}

const (
	elsewhereTime = 10 * time.Second
	maxAnswer     = 64 << 10
	maxCookie     = 3500 // bytes of a token: browsers keep 4096 of a cookie
)

// address leads back without anybody's hand where the browser has a session there.
func (e Elsewhere) address(w way) string {
	q := url.Values{"client_id": {e.Client}, "redirect_uri": {w.redirect}, "response_type": {"code"}, "state": {w.state}}
	if w.program {
		q.Set("app_type", "401")
	}
	return e.URL + "/oauth/authorize?" + q.Encode()
}

// token gets a user's token for a code.
//
// Source: RFC 6749, section 4.1.3.
func (e Elsewhere) token(ctx context.Context, code keyhatch.Secret, w way) (keyhatch.Secret, error) {
	ctx, cancel := context.WithTimeout(ctx, elsewhereTime)
	defer cancel()
	form := url.Values{"grant_type": {"authorization_code"}, "code": {code.Reveal()}, "redirect_uri": {w.redirect}}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL+"/oauth/token", strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	r.SetBasicAuth(e.Client, e.Secret.Reveal())
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "application/json")
	a, err := e.Transport.RoundTrip(r) // which follows no redirect
	if err != nil {
		return "", silent(err)
	}
	defer a.Body.Close()
	text, err := io.ReadAll(io.LimitReader(a.Body, maxAnswer))
	if err != nil {
		return "", silent(err)
	}
	var got struct {
		Access string `json:"access_token"`
	}
	switch badly := json.Unmarshal(text, &got); {
	case a.StatusCode == http.StatusBadRequest:
		return "", failure{Status: http.StatusBadRequest, Code: "invalid_grant", Description: "the login takes that code no more: begin again"}
	case a.StatusCode != http.StatusOK || badly != nil:
		return "", silent(fmt.Errorf("%s answers %d", e.URL, a.StatusCode))
	case !keyhatch.LooksSigned(got.Access) || len(got.Access) > maxCookie:
		return "", errors.New(e.URL + " gives tokens that are not signed, or too long for a cookie")
	}
	return keyhatch.Secret(got.Access), nil
}

func silent(cause error) error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the login does not answer as it should: try again in a moment").After(time.Second).Because(cause)
}
