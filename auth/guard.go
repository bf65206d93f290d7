package auth

import (
	"context"
	"net/http"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/bearers"
	"github.com/keyhatch/keyhatch/broker/passwords"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/sessions"
	"github.com/keyhatch/keyhatch/policy"
)

// Guard lets callers in.
type Guard struct {
	people    *people.Service
	bearers   *bearers.Service   // nil: no signed tokens
	passwords *passwords.Service // nil: no passwords
	sessions  *sessions.Service  // nil: no sessions
	cookies   Cookies            // in which they are shown
}

// NewGuard makes a Guard.
func NewGuard(p *people.Service) *Guard { return &Guard{people: p} }

// WithPasswords is a Guard that lets in with Admit also who shows name and password by
// Basic, for a format whose clients do so with every request.
func (g *Guard) WithPasswords(p *passwords.Service) *Guard {
	with := *g
	with.passwords = p
	return &with
}

// WithBearers is a Guard that lets in also who shows a signed token of an issuer that is
// trusted, as "Authorization: Bearer" or with AdmitToken.
func (g *Guard) WithBearers(b *bearers.Service) *Guard {
	with := *g
	with.bearers = b
	return &with
}

// Admit tells who calls the route. The errors are keyhatch.Unauthenticated when
// nobody can be told, keyhatch.Forbidden when the token's scopes do not allow the route,
// and keyhatch.TooMany. The Caller of an error is nobody, with what is left of the
// token's request limit. A call that does what several of the native API do is given as
// each of them: the scopes have to allow also those.
func (g *Guard) Admit(ctx context.Context, h http.Header, route policy.Route, also ...policy.Route) (keyhatch.Caller, error) {
	each := [][]policy.Route{{route}}
	for _, r := range also {
		each = append(each, []policy.Route{r})
	}
	if name, password, ok := loginOf(h); ok && g.passwords != nil {
		c, err := g.passwords.Authenticate(ctx, name, password)
		return admitted(c, err, each...)
	}
	if jwt, ok := signedOf(h); ok && g.bearers != nil {
		c, err := g.bearers.Authenticate(ctx, jwt, workspaceOf(ctx))
		return admitted(c, err, each...)
	}
	secret, err := secretOf(h)
	if err != nil {
		return keyhatch.Caller{}, err
	}
	c, err := g.people.Authenticate(ctx, secret)
	return admitted(c, err, each...)
}

// AdmitBare is Admit for clients that send the token as it is, without a scheme: SDKs
// that ask for the credentials of a container. The other ways count too.
func (g *Guard) AdmitBare(ctx context.Context, h http.Header, route policy.Route) (keyhatch.Caller, error) {
	if values := h.Values("Authorization"); len(values) == 1 && isToken(values[0]) {
		return g.AdmitToken(ctx, keyhatch.Secret(values[0]), route)
	}
	return g.Admit(ctx, h, route)
}

// AdmitToken is Admit for a token that its format carries elsewhere, such as the
// web identity token of STS. Any of the routes will do: a format may have calls that
// several scopes open.
func (g *Guard) AdmitToken(ctx context.Context, secret keyhatch.Secret, anyOf ...policy.Route) (keyhatch.Caller, error) {
	if g.bearers != nil && keyhatch.LooksSigned(secret.Reveal()) {
		c, err := g.bearers.Authenticate(ctx, secret, workspaceOf(ctx))
		return admitted(c, err, anyOf)
	}
	c, err := g.people.Authenticate(ctx, secret)
	return admitted(c, err, anyOf)
}

// Identify tells who calls something that all tokens may: what tells a token about itself. The
// errors are those of Admit, but for keyhatch.Forbidden.
func (g *Guard) Identify(ctx context.Context, h http.Header) (keyhatch.Caller, error) {
	if jwt, ok := signedOf(h); ok && g.bearers != nil {
		return g.bearers.Authenticate(ctx, jwt, workspaceOf(ctx))
	}
	secret, err := secretOf(h)
	if err != nil {
		return keyhatch.Caller{}, err
	}
	return g.people.Authenticate(ctx, secret)
}

// admitted refuses a caller whose token's scopes do not allow one of each group of calls.
func admitted(c keyhatch.Caller, err error, groups ...[]policy.Route) (keyhatch.Caller, error) {
	for _, anyOf := range groups {
		if err == nil {
			err = allows(c, anyOf)
		}
	}
	if err != nil {
		return keyhatch.Caller{Allowance: c.Allowance}, err
	}
	return c, nil
}

// allows refuses a caller whose token's scopes allow none of the calls.
func allows(c keyhatch.Caller, anyOf []policy.Route) error {
	scopes, err := policy.ParseScopes(c.Token.Scopes)
	if err != nil {
		return err
	}
	if !slices.ContainsFunc(anyOf, scopes.Allows) {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeNotGranted,
			"the token's scopes do not allow this call: use another token")
	}
	return nil
}
