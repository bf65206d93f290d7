package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

// SessionRef names a session in the path.
type SessionRef struct {
	Session string `path:"session" maxLength:"64" doc:"Id, or current for the one that you are using"`
}

func (d *Door) sessions(a huma.API) {
	const noun = "sessions"
	handle(d, a, call{method: http.MethodGet, path: "/sessions", id: "listSessions", summary: "List the browsers in which you are signed in; an installation admin may list anybody's", noun: noun}, d.listSessions)
	handle(d, a, call{method: http.MethodGet, path: "/sessions/{session}", id: "getSession", summary: "Show a session", noun: noun}, d.getSession)
	handle(d, a, call{method: http.MethodDelete, path: "/sessions/{session}", id: "revokeSession", summary: "End a session", noun: noun, status: http.StatusNoContent}, d.revokeSession)
	handle(d, a, call{method: http.MethodDelete, path: "/users/{user}/sessions", id: "revokeSessions", summary: "End all sessions of a user", noun: noun}, d.revokeSessions)
}

type listSessionsInput struct {
	OnePage
	User string `query:"user" maxLength:"128" doc:"Id or name; of others for installation admins. Default: you"`
}

func (d *Door) listSessions(ctx context.Context, c keyhatch.Caller, in *listSessionsInput) (*body[api.Page[api.Session]], error) {
	l, err := d.broker.Sessions.Sessions(ctx, c, in.User, in.page())
	return pageOf(l, err, encodeSession(c))
}

func (d *Door) getSession(ctx context.Context, c keyhatch.Caller, in *SessionRef) (*body[api.Session], error) {
	s, err := d.broker.Sessions.Session(ctx, c, sessionNamed(c, in.Session))
	return one(s, err, encodeSession(c))
}

func (d *Door) revokeSession(ctx context.Context, c keyhatch.Caller, in *SessionRef) (*done, error) {
	return nil, d.broker.Sessions.Revoke(ctx, c, sessionNamed(c, in.Session))
}

type revokeSessionsInput struct {
	UserRef
	KeepCurrent bool `query:"keep_current" doc:"Keep the one that you are using"`
}

func (d *Door) revokeSessions(ctx context.Context, c keyhatch.Caller, in *revokeSessionsInput) (*body[api.EndedSessions], error) {
	n, err := d.broker.Sessions.RevokeAll(ctx, c, in.User, in.KeepCurrent)
	return one(n, err, func(n int) api.EndedSessions { return api.EndedSessions{Ended: n} })
}

// sessionNamed is the id of a session, which can be called current.
func sessionNamed(c keyhatch.Caller, ref string) string {
	if ref == "current" {
		return c.Session
	}
	return ref
}

func encodeSession(c keyhatch.Caller) func(keyhatch.BrowserSession) api.Session {
	return func(s keyhatch.BrowserSession) api.Session {
		return api.Session{
			ID: s.ID, User: s.User, Browser: s.Browser, CreatedAt: s.CreatedAt, CreatedFrom: s.CreatedFrom,
			LastUsedAt: s.LastUsedAt, LastUsedFrom: s.LastUsedFrom, ExpiresAt: s.ExpiresAt, Current: s.ID == c.Session,
		}
	}
}
