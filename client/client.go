package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

// Client calls one server with one token. It is safe for concurrent use.
type Client struct {
	server    string
	token     string
	workspace string
	http      *http.Client
}

// New makes a client for the server's URL.
func New(server, token string) *Client {
	return &Client{server: strings.TrimSuffix(server, "/"), token: token, http: &http.Client{
		Timeout: callTime,
		// A redirect would carry the token along.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// Over returns a client that goes over another transport, as one that trusts a
// certificate authority of its own.
func (c *Client) Over(transport http.RoundTripper) *Client {
	other, way := *c, *c.http
	way.Transport, other.http = transport, &way
	return &other
}

// In returns a client whose calls are about a workspace, by its id or name.
// Without it they are about that of the token, else the only one of its user;
// where neither is there, the server refuses with the code workspace_required.
func (c *Client) In(workspace string) *Client {
	other := *c
	other.workspace = workspace
	return &other
}

// here is the query of a call that is about a workspace.
func (c *Client) here() url.Values { return queryOf("workspace", c.workspace) }

// queryOf makes a query of names and values. Empty values are left out.
func queryOf(pairs ...string) url.Values {
	q := url.Values{}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	return q
}

// pageSize is how many items of a list are fetched at a time: the most that the
// server gives.
const pageSize = 1000

// list is the items at a path, those of a page after the other. It ends with the
// first error.
func list[T any](ctx context.Context, c *Client, path string, q url.Values) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q.Set("limit", strconv.Itoa(pageSize))
		for q.Del("cursor"); ; {
			var page api.Page[T]
			if err := c.call(ctx, http.MethodGet, path, q, nil, &page); err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range page.Items {
				if !yield(item, nil) {
					return
				}
			}
			if page.Next == "" {
				return
			}
			q.Set("cursor", page.Next)
		}
	}
}

// at is the path of these parts, whatever stands in them.
func at(parts ...string) string {
	escaped := make([]string, len(parts))
	for i, p := range parts {
		escaped[i] = url.PathEscape(p)
	}
	return "/" + strings.Join(escaped, "/")
}

func timeText(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
