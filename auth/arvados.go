package auth

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// ArvadosRequest is what of a request of the Arvados wire can carry tokens. In this
// order: the header Authorization (Bearer, OAuth2, or Basic with the token as the
// password), api_token and oauth_token of the query, the cookie arvados_api_token,
// api_token and oauth_token of a form, and reader_tokens.
type ArvadosRequest struct {
	*http.Request
	Query, Form url.Values
	// Readers are the reader_tokens. The caller leaves them away where only a token of
	// the other places counts.
	Readers []string
}

// maxShown bounds the tokens of one request, but for reader_tokens, which the format
// bounds.
const maxShown = 10

// AdmitArvados tells who calls one of the routes, and with which bare secret: any of the
// routes will do, since the format has calls with two methods. The first token that
// works decides, wherever it stands; whether its scopes allow the route is asked of
// that one alone. A token that is tied to a container, of which there are none here, has
// no spelling that is known.
func (g *Guard) AdmitArvados(ctx context.Context, r ArvadosRequest, routes ...policy.Route) (keyhatch.Caller, keyhatch.Secret, error) {
	shown, err := r.tokens()
	if err != nil {
		return keyhatch.Caller{}, "", err
	}
	var refused error = keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenMissing, "nobody can be told from the request: send a token that works")
	for _, text := range shown {
		token, ok := keyhatch.ParseTokenSecret(text)
		if !ok {
			continue
		}
		c, err := g.people.Authenticate(ctx, keyhatch.Secret(text))
		works := c.Allowance.PerMinute > 0 // also when its limit is used up
		switch {
		case !works && (errors.Is(err, keyhatch.Unauthenticated) || errors.Is(err, keyhatch.TooMany)):
			refused = err
			continue
		case err == nil:
			err = allows(c, routes)
		}
		if err != nil {
			return keyhatch.Caller{Allowance: c.Allowance}, "", err
		}
		return c, token.Secret, nil
	}
	return keyhatch.Caller{}, "", refused
}

// tokens are those that were shown, in the order in which they are tried. Two headers
// Authorization are refused: who stands between might have looked at the other one.
func (r ArvadosRequest) tokens() ([]string, error) {
	refused := keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeTokenMalformed, "nobody can be told from the request: send a token that works")
	var out []string
	switch values := r.Header.Values("Authorization"); len(values) {
	case 0:
	case 1:
		out = append(out, behindScheme(values[0]))
	default:
		return nil, refused
	}
	out = append(append(out, r.Query["api_token"]...), r.Query["oauth_token"]...)
	out = append(out, r.cookies()...)
	out = append(append(out, r.Form["api_token"]...), r.Form["oauth_token"]...)
	if len(out) > maxShown {
		return nil, refused
	}
	return append(out, r.Readers...), nil
}

// cookies are the tokens in the cookie. A browser sends it also with what a page of
// somebody else has made it ask: then, unless it only looks, the cookie does not count.
func (r ArvadosRequest) cookies() []string {
	if http.NewCrossOriginProtection().Check(r.Request) != nil {
		return nil
	}
	return cookies(r.Request)
}
