package rest

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/people"
)

// TokenRef names a token in the path.
type TokenRef struct {
	Token string `path:"token" maxLength:"64" doc:"Id"`
}

func (d *Door) tokens(a huma.API) {
	const noun = "tokens"
	handle(d, a, call{method: http.MethodGet, path: "/tokens", id: "listTokens", summary: "List your tokens; an installation admin may list anybody's", noun: noun}, d.listTokens)
	handle(d, a, call{method: http.MethodPost, path: "/tokens", id: "createToken", summary: "Make a token within what yours may do", noun: noun, status: http.StatusCreated}, d.createToken)
	handle(d, a, call{method: http.MethodGet, path: "/tokens/current", id: "currentToken", summary: "Show the token that you are using", noun: noun, lending: true}, d.currentToken)
	handle(d, a, call{method: http.MethodGet, path: "/tokens/{token}", id: "getToken", summary: "Show a token", noun: noun}, d.getToken)
	handle(d, a, call{method: http.MethodPost, path: "/tokens/current/rotate", id: "rotateCurrentToken", summary: "Give the token that you are using another secret", noun: noun}, d.rotateCurrentToken)
	handle(d, a, call{method: http.MethodPost, path: "/tokens/{token}/rotate", id: "rotateToken", summary: "Give a token another secret; what was borrowed with it goes on", noun: noun}, d.rotateToken)
	handle(d, a, call{method: http.MethodDelete, path: "/tokens/{token}", id: "revokeToken", summary: "Revoke a token and end what was borrowed with it", noun: noun, status: http.StatusNoContent}, d.revokeToken)
}

type listTokensInput struct {
	OnePage
	User string `query:"user" maxLength:"128" doc:"Id or name; of others for installation admins"`
}

func (d *Door) listTokens(ctx context.Context, c keyhatch.Caller, in *listTokensInput) (*body[api.Page[api.Token]], error) {
	tokens, err := d.broker.People.Tokens(ctx, c, in.User, in.page())
	return pageOf(tokens, err, encodeToken)
}

type createTokenInput struct{ Body api.NewToken }

func (d *Door) createToken(ctx context.Context, c keyhatch.Caller, in *createTokenInput) (*body[api.CreatedToken], error) {
	n := people.NewToken{
		User: in.Body.User, Name: in.Body.Name, Workspace: in.Body.Workspace, ExpiresAt: timeOf(in.Body.ExpiresAt),
	}
	for _, s := range in.Body.Scopes {
		n.Scopes = append(n.Scopes, keyhatch.Scope(s))
	}
	t, secret, err := d.broker.People.CreateToken(ctx, c, n)
	return shown(t, secret, err)
}

// shown is a token with its secret, this once.
func shown(t keyhatch.Token, secret keyhatch.Secret, err error) (*body[api.CreatedToken], error) {
	if err != nil {
		return nil, err
	}
	return answer(api.CreatedToken{Token: encodeToken(t), Secret: secret.Reveal()}), nil
}

func (d *Door) currentToken(_ context.Context, c keyhatch.Caller, _ *struct{}) (*body[api.Token], error) {
	return answer(encodeToken(c.Token)), nil
}

func (d *Door) getToken(ctx context.Context, c keyhatch.Caller, in *TokenRef) (*body[api.Token], error) {
	t, err := d.broker.People.Token(ctx, c, in.Token)
	return one(t, err, encodeToken)
}

type rotateCurrentTokenInput struct {
	Body *api.TokenRotation
}

func (d *Door) rotateCurrentToken(ctx context.Context, c keyhatch.Caller, in *rotateCurrentTokenInput) (*body[api.CreatedToken], error) {
	t, secret, err := d.broker.People.RotateToken(ctx, c, c.Token.ID, graceOf(in.Body))
	return shown(t, secret, err)
}

type rotateTokenInput struct {
	TokenRef
	Body *api.TokenRotation
}

func (d *Door) rotateToken(ctx context.Context, c keyhatch.Caller, in *rotateTokenInput) (*body[api.CreatedToken], error) {
	t, secret, err := d.broker.People.RotateToken(ctx, c, in.Token, graceOf(in.Body))
	return shown(t, secret, err)
}

func graceOf(r *api.TokenRotation) time.Duration {
	if r == nil || r.GraceSeconds == nil || *r.GraceSeconds == 0 {
		return 0
	}
	return seconds(r.GraceSeconds)
}

func (d *Door) revokeToken(ctx context.Context, c keyhatch.Caller, in *TokenRef) (*done, error) {
	return nil, d.broker.People.RevokeToken(ctx, c, in.Token)
}

func encodeToken(t keyhatch.Token) api.Token {
	scopes := make([]string, len(t.Scopes))
	for i, s := range t.Scopes {
		scopes[i] = string(s)
	}
	return api.Token{
		ID: t.ID, User: t.User, Name: t.Name, Scopes: scopes, Workspace: t.Workspace,
		ExpiresAt: optTime(t.ExpiresAt), CreatedAt: t.CreatedAt, CreatedFrom: t.CreatedFrom,
		RotatedAt: optTime(t.RotatedAt), GraceUntil: optTime(t.GraceUntil),
	}
}
