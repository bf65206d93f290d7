package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/keyhatch/keyhatch/api"
)

// Sessions lists the browsers in which a user is signed in, by its id or name; oneself when it is
// empty.
func (c *Client) Sessions(ctx context.Context, user string) iter.Seq2[api.Session, error] {
	return list[api.Session](ctx, c, "/sessions", queryOf("user", user))
}

// Session shows a session.
func (c *Client) Session(ctx context.Context, id string) (s api.Session, err error) {
	err = c.call(ctx, http.MethodGet, at("sessions", id), nil, nil, &s)
	return s, err
}

// RevokeSession ends a session.
func (c *Client) RevokeSession(ctx context.Context, id string) error {
	return c.call(ctx, http.MethodDelete, at("sessions", id), nil, nil, nil)
}

// RevokeSessions ends all sessions of a user, by its id or name.
func (c *Client) RevokeSessions(ctx context.Context, user string) (ended api.EndedSessions, err error) {
	err = c.call(ctx, http.MethodDelete, at("users", user, "sessions"), nil, nil, &ended)
	return ended, err
}
