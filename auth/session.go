package auth

import (
	"context"
	"net/http"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/sessions"
	"github.com/keyhatch/keyhatch/policy"
)

// WithSessions is a Guard that lets in with AdmitRequest also who shows a session, in one of these
// cookies.
func (g *Guard) WithSessions(s *sessions.Service, c Cookies) *Guard {
	with := *g
	with.sessions, with.cookies = s, c
	return &with
}

// AdmitRequest is Admit for a format that browsers use too: where the headers carry neither token
// nor password, a session counts, if our own page has made the request: keyhatch.Forbidden if
// not.
func (g *Guard) AdmitRequest(ctx context.Context, r *http.Request, route policy.Route) (keyhatch.Caller, error) {
	secret, ok := g.cookies.Session(r)
	if !ok || g.sessions == nil || len(r.Header.Values("Authorization")) > 0 || slices.ContainsFunc(r.Header.Values(apiKey), func(k string) bool { return k != "" }) {
		return g.Admit(ctx, r.Header, route)
	}
	if !FromOwnPage(r) {
		return keyhatch.Caller{}, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeFromElsewhere,
			"the browser does not say that a page of this service has asked, so its session does not count: begin there, or send a token")
	}
	c, err := g.sessions.Of(ctx, secret)
	return admitted(c, err, []policy.Route{route})
}
