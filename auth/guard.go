package auth

import (
	"context"
	"encoding/base64"
	"net/http"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/policy"
)

// Guard lets callers in.
type Guard struct{ people *people.Service }

// NewGuard makes a Guard.
func NewGuard(p *people.Service) *Guard { return &Guard{p} }

// Admit tells who calls the route. The errors are keyhatch.Unauthenticated when
// nobody can be told, and keyhatch.Forbidden when the token's scopes do not
// allow the route.
func (g *Guard) Admit(ctx context.Context, h http.Header, route policy.Route) (keyhatch.Caller, error) {
	secret, err := secretOf(h)
	if err != nil {
		return keyhatch.Caller{}, err
	}
	return g.AdmitToken(ctx, secret, route)
}

// AdmitBare is Admit for clients that send the token as it is, without a scheme: SDKs
// that ask for the credentials of a container. The other ways count too.
func (g *Guard) AdmitBare(ctx context.Context, h http.Header, route policy.Route) (keyhatch.Caller, error) {
	if values := h.Values("Authorization"); len(values) == 1 && keyhatch.IsTokenSecret(values[0]) {
		return g.AdmitToken(ctx, keyhatch.Secret(values[0]), route)
	}
	return g.Admit(ctx, h, route)
}

// AdmitToken is Admit for a token that its format carries elsewhere, such as the
// web identity token of STS.
func (g *Guard) AdmitToken(ctx context.Context, secret keyhatch.Secret, route policy.Route) (keyhatch.Caller, error) {
	c, err := g.people.Authenticate(ctx, secret)
	if err != nil {
		return keyhatch.Caller{}, err
	}
	scopes, err := policy.ParseScopes(c.Token.Scopes)
	if err != nil {
		return keyhatch.Caller{}, err
	}
	if !scopes.Allows(route) {
		return keyhatch.Caller{}, keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeNotGranted,
			"the token's scopes do not allow this call: use another token")
	}
	return c, nil
}

// secretOf finds the token: "Bearer" or "OAuth2" with the token, or "Basic" with
// it as the password.
func secretOf(h http.Header) (keyhatch.Secret, error) {
	values := h.Values("Authorization")
	if len(values) == 0 {
		return "", keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenMissing,
			`send a token in the header "Authorization: Bearer kh_…"`)
	}
	malformed := keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenMalformed,
		`the Authorization header must be "Bearer" and one whole token, which begins with kh_ and has 52 characters`)
	if len(values) > 1 {
		return "", malformed
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	rest = strings.TrimSpace(rest)
	switch strings.ToLower(scheme) {
	case "bearer", "oauth2":
	case "basic":
		plain, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			return "", malformed
		}
		_, rest, _ = strings.Cut(string(plain), ":")
	default:
		return "", malformed
	}
	if !keyhatch.IsTokenSecret(rest) {
		return "", malformed
	}
	return keyhatch.Secret(rest), nil
}
