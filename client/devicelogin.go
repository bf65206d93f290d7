package client

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

	"github.com/keyhatch/keyhatch/api"
)

// loginClient is what the command line is to the authorization server.
const loginClient = "keyhatch"

// DeviceLogin waits for its user to allow it in a browser.
type DeviceLogin struct {
	Code     string `json:"user_code"`                 // what the user compares
	Address  string `json:"verification_uri"`          // where it is typed
	Complete string `json:"verification_uri_complete"` // where it stands already
	Secret   string `json:"device_code"`
	Interval int    `json:"interval"` // seconds between questions
}

// ErrNoPages is of a server on which nobody can log in with a browser.
var ErrNoPages = errors.New("the server has no pages on which one can log in")

// StartDeviceLogin begins a login that its user allows in a browser, on any machine. It is
// ErrNoPages where the server has none.
//
// Source: RFC 8628, section 3.1.
func (c *Client) StartDeviceLogin(ctx context.Context) (d DeviceLogin, err error) {
	status, err := c.form(ctx, "/oauth/device", url.Values{"client_id": {loginClient}}, &d)
	if status == http.StatusNotFound {
		err = ErrNoPages
	}
	return d, err
}

// FinishDeviceLogin waits until the user has decided, and returns the token.
//
// Source: RFC 8628, sections 3.4 and 3.5.
func (c *Client) FinishDeviceLogin(ctx context.Context, d DeviceLogin) (token string, err error) {
	pause := time.Duration(max(d.Interval, 1)) * time.Second
	var out struct {
		Token string `json:"access_token"`
	}
	for {
		select {
		case <-ctx.Done():
			return "", ctx.Err()
		case <-time.After(pause):
		}
		_, err := c.form(ctx, "/oauth/token", url.Values{
			"grant_type": {"urn:ietf:params:oauth:grant-type:device_code"}, "client_id": {loginClient}, "device_code": {d.Secret},
		}, &out)
		var refused *api.Problem
		switch {
		case err == nil:
			return out.Token, nil
		case !errors.As(err, &refused):
			return "", err
		case refused.Code == "slow_down":
			pause += 5 * time.Second
		case refused.Code != "authorization_pending":
			return "", err
		}
	}
}

// form sends a form, once. A refusal in the words of OAuth 2 is an api.Problem.
func (c *Client) form(ctx context.Context, path string, fields url.Values, out any) (status int, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server+path, strings.NewReader(fields.Encode()))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("User-Agent", "keyhatch-client")
	answer, err := c.http.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return answer.StatusCode, fmt.Errorf("POST %s: %w", path, err)
	}
	if answer.StatusCode != http.StatusOK {
		var refused struct {
			Code        string `json:"error"`
			Description string `json:"error_description"`
		}
		if json.Unmarshal(text, &refused) != nil || refused.Code == "" {
			return answer.StatusCode, fmt.Errorf("POST %s: the server answers %s", path, answer.Status)
		}
		return answer.StatusCode, &api.Problem{Status: answer.StatusCode, Code: refused.Code, Detail: refused.Description}
	}
	if err := json.Unmarshal(text, out); err != nil {
		return answer.StatusCode, fmt.Errorf("POST %s: the answer cannot be read: %w", path, err)
	}
	return answer.StatusCode, nil
}
