package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

// Client calls one server with one token. It is safe for concurrent use.
type Client struct {
	server string
	token  string
	http   *http.Client
}

// New makes a client for the server's URL.
func New(server, token string) *Client {
	return &Client{server: strings.TrimSuffix(server, "/"), token: token, http: &http.Client{
		// A redirect would carry the token along.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// CreateLease borrows credentials.
func (c *Client) CreateLease(ctx context.Context, r api.LeaseRequest) (lent api.Lent, err error) {
	err = c.call(ctx, http.MethodPost, "/leases", r, &lent)
	return lent, err
}

// RevokeLease ends a lease.
func (c *Client) RevokeLease(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/leases/"+url.PathEscape(id), nil, nil)
}

// CreateToken makes a token and returns it with its secret.
func (c *Client) CreateToken(ctx context.Context, n api.NewToken) (t api.CreatedToken, err error) {
	err = c.call(ctx, http.MethodPost, "/tokens", n, &t)
	return t, err
}

// CurrentToken shows the token in use.
func (c *Client) CurrentToken(ctx context.Context) (t api.Token, err error) {
	err = c.call(ctx, http.MethodGet, "/tokens/current", nil, &t)
	return t, err
}

// RevokeToken ends a token.
func (c *Client) RevokeToken(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, "/tokens/"+url.PathEscape(id), nil, nil)
}

// Events lists the newest events about a target, such as a lease's id; all when
// it is empty.
func (c *Client) Events(ctx context.Context, target string) (page api.Page[api.Event], err error) {
	err = c.call(ctx, http.MethodGet, "/events?"+url.Values{"target": {target}}.Encode(), nil, &page)
	return page, err
}

// WhoCan tells who could read or write a location. At is zero for now; workspace
// may be empty where one is implied.
func (c *Client) WhoCan(ctx context.Context, workspace, location, access string, at time.Time) (answer api.WhoCan, err error) {
	q := url.Values{"location": {location}, "access": {access}}
	if workspace != "" {
		q.Set("workspace", workspace)
	}
	if !at.IsZero() {
		q.Set("at", at.UTC().Format(time.RFC3339Nano))
	}
	err = c.call(ctx, http.MethodGet, "/who-can?"+q.Encode(), nil, &answer)
	return answer, err
}

// ObjectRequests asks for a page of who did what in a location, newest first. The
// query is that of GET /object-requests.
func (c *Client) ObjectRequests(ctx context.Context, query url.Values) (page api.Page[api.ObjectRequest], err error) {
	err = c.call(ctx, http.MethodGet, "/object-requests?"+query.Encode(), nil, &page)
	return page, err
}

// maxAnswer bounds what is read of an answer.
const maxAnswer = 16 << 20

func (c *Client) call(ctx context.Context, method, path string, in, out any) error {
	var body io.Reader
	if in != nil {
		encoded, err := json.Marshal(in)
		if err != nil {
			return err
		}
		body = bytes.NewReader(encoded)
	}
	r, err := http.NewRequestWithContext(ctx, method, c.server+"/api/v1"+path, body)
	if err != nil {
		return err
	}
	r.Header.Set("Authorization", "Bearer "+c.token)
	r.Header.Set("Content-Type", "application/json")
	answer, err := c.http.Do(r)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxAnswer))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, path, err)
	}
	if answer.StatusCode >= 300 {
		return refusal(answer, text)
	}
	if out == nil {
		return nil
	}
	if err := json.Unmarshal(text, out); err != nil {
		return fmt.Errorf("%s %s: the answer cannot be read: %w", method, path, err)
	}
	return nil
}

// refusal is the server's problem, or what can be said when the answer is not
// one, as that of a proxy in between.
func refusal(answer *http.Response, text []byte) error {
	p := &api.Problem{}
	if err := json.Unmarshal(text, p); err != nil || p.Code == "" {
		return fmt.Errorf("the server answered %s, which is not an answer of Keyhatch", answer.Status)
	}
	return p
}
