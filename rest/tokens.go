package rest

import (
	"context"
	"net/http"
	"net/netip"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/people"
)

// TokenRef names a token in the path.
type TokenRef struct {
	Token string `path:"token" maxLength:"64" doc:"Id, or current for the token that you are using"`
}

func (d *Door) tokens(a huma.API) {
	const noun = "tokens"
	handle(d, a, call{method: http.MethodGet, path: "/tokens", id: "listTokens", summary: "List your tokens; an installation admin may list anybody's", noun: noun}, d.listTokens)
	handle(d, a, call{method: http.MethodPost, path: "/tokens", id: "createToken", summary: "Make a token within what yours may do", noun: noun, status: http.StatusCreated}, d.createToken)
	handle(d, a, call{method: http.MethodGet, path: "/tokens/current", id: "currentToken", summary: "Show the token that you are using", noun: noun, lending: true}, d.currentToken)
	handle(d, a, call{method: http.MethodGet, path: "/tokens/{token}", id: "getToken", summary: "Show a token", noun: noun}, d.getToken)
	handle(d, a, call{method: http.MethodPost, path: "/tokens/{token}/rotate", id: "rotateToken", summary: "Give a token another secret; what was borrowed with it goes on", noun: noun}, d.rotateToken)
	handle(d, a, call{method: http.MethodPatch, path: "/tokens/{token}", id: "updateToken", summary: "Change a token", noun: noun}, d.updateToken)
	handle(d, a, call{method: http.MethodDelete, path: "/tokens/{token}", id: "revokeToken", summary: "Revoke a token and end what was borrowed with it", noun: noun, status: http.StatusNoContent}, d.revokeToken)
	handle(d, a, call{method: http.MethodDelete, path: "/users/{user}/tokens", id: "revokeTokens", summary: "Revoke all tokens of a user", noun: noun}, d.revokeTokens)
	handleOpen(d, a, call{method: http.MethodPost, path: "/tokens/leaks", id: "reportLeak", summary: "Report a token that was found where it does not belong: it ends at once, with those that were made with it", noun: noun, status: http.StatusNoContent}, d.reportLeak)
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
	networks, err := networksOf(in.Body.Networks)
	if err != nil {
		return nil, err
	}
	t, secret, err := d.broker.People.CreateToken(ctx, c, people.NewToken{
		User: in.Body.User, Name: in.Body.Name, Scopes: scopesOf(in.Body.Scopes), Workspace: in.Body.Workspace,
		ExpiresAt: timeOf(in.Body.ExpiresAt), Networks: networks, RequestsPerMinute: in.Body.RequestsPerMinute, Annotations: in.Body.Annotations,
	})
	return shown(t, secret, err)
}

// scopesOf and networksOf keep none, which is nil, apart from an empty list.
func scopesOf(texts []string) []keyhatch.Scope {
	if texts == nil {
		return nil
	}
	out := make([]keyhatch.Scope, len(texts))
	for i, s := range texts {
		out[i] = keyhatch.Scope(s)
	}
	return out
}

func networksOf(texts []string) ([]netip.Prefix, error) {
	if texts == nil {
		return nil, nil
	}
	out := make([]netip.Prefix, len(texts))
	for i, s := range texts {
		var err error
		if out[i], err = keyhatch.ParseNetwork(s); err != nil {
			return nil, err
		}
	}
	return out, nil
}

type updateTokenInput struct {
	TokenRef
	Body api.TokenChange
}

func (d *Door) updateToken(ctx context.Context, c keyhatch.Caller, in *updateTokenInput) (*body[api.Token], error) {
	change := people.TokenChange{Name: in.Body.Name, RequestsPerMinute: in.Body.RequestsPerMinute, Annotations: in.Body.Annotations}
	if in.Body.Scopes != nil {
		scopes := scopesOf(*in.Body.Scopes)
		change.Scopes = &scopes
	}
	if in.Body.Networks != nil {
		networks, err := networksOf(*in.Body.Networks)
		if err != nil {
			return nil, err
		}
		change.Networks = &networks
	}
	var err error
	if change.ExpiresAt, err = endOf(in.Body.ExpiresAt, in.Body.NeverExpires); err != nil {
		return nil, err
	}
	t, err := d.broker.People.UpdateToken(ctx, c, d.named(c, in.Token), change)
	return one(t, err, encodeToken)
}

// endOf is when something is to end that may never: the zero time. Nil leaves it.
func endOf(at *time.Time, never bool) (*time.Time, error) {
	switch {
	case never && at != nil:
		return nil, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidExpiry, "it expires, or it never does: send one of the two").In("expires_at")
	case never:
		return &time.Time{}, nil
	case at != nil:
		end := timeOf(at)
		return &end, nil
	}
	return nil, nil
}

// named is the id of a token, which can be called current.
func (d *Door) named(c keyhatch.Caller, ref string) string {
	if ref == "current" {
		return c.Token.ID
	}
	return ref
}

// shown is a token with its secret, this once.
func shown(t keyhatch.Token, secret keyhatch.Secret, err error) (*body[api.CreatedToken], error) {
	if err != nil {
		return nil, err
	}
	return answer(api.CreatedToken{Token: encodeToken(t), Secret: secret.Reveal()}), nil
}

func (d *Door) currentToken(ctx context.Context, c keyhatch.Caller, _ *struct{}) (*body[api.Token], error) {
	t, err := d.broker.People.Token(ctx, c, c.Token.ID)
	return one(t, err, encodeToken)
}

func (d *Door) getToken(ctx context.Context, c keyhatch.Caller, in *TokenRef) (*body[api.Token], error) {
	t, err := d.broker.People.Token(ctx, c, in.Token)
	return one(t, err, encodeToken)
}

type rotateTokenInput struct {
	TokenRef
	Body *api.TokenRotation
}

func (d *Door) rotateToken(ctx context.Context, c keyhatch.Caller, in *rotateTokenInput) (*body[api.CreatedToken], error) {
	t, secret, err := d.broker.People.RotateToken(ctx, c, d.named(c, in.Token), graceOf(in.Body))
	return shown(t, secret, err)
}

func graceOf(r *api.TokenRotation) time.Duration {
	if r == nil || r.GraceSeconds == nil || *r.GraceSeconds == 0 {
		return 0
	}
	return seconds(r.GraceSeconds)
}

type revokeTokenInput struct {
	TokenRef
	Made bool `query:"made" doc:"End the tokens too that were made or rotated with it, and with those in turn"`
}

func (d *Door) revokeToken(ctx context.Context, c keyhatch.Caller, in *revokeTokenInput) (*done, error) {
	revoke := d.broker.People.RevokeToken
	if in.Made {
		revoke = d.broker.People.RevokeTokenAndMade
	}
	return nil, revoke(ctx, c, d.named(c, in.Token))
}

type revokeTokensInput struct {
	UserRef
	KeepCurrent bool `query:"keep_current" doc:"Keep the token that you are using"`
}

func (d *Door) revokeTokens(ctx context.Context, c keyhatch.Caller, in *revokeTokensInput) (*body[api.RevokedTokens], error) {
	n, err := d.broker.People.RevokeTokens(ctx, c, in.User, in.KeepCurrent)
	return one(n, err, func(n int) api.RevokedTokens { return api.RevokedTokens{Revoked: n} })
}

type reportLeakInput struct{ Body api.LeakedToken }

func (d *Door) reportLeak(ctx context.Context, in *reportLeakInput) (*done, error) {
	secret := keyhatch.Secret(in.Body.Token)
	if keyhatch.LooksSigned(in.Body.Token) {
		return nil, d.broker.Bearers.ReportLeak(ctx, secret)
	}
	return nil, d.broker.People.ReportLeak(ctx, secret)
}

func encodeToken(t keyhatch.Token) api.Token {
	scopes := make([]string, len(t.Scopes))
	for i, s := range t.Scopes {
		scopes[i] = string(s)
	}
	networks := make([]string, len(t.Networks))
	for i, n := range t.Networks {
		networks[i] = n.String()
	}
	return api.Token{
		ID: t.ID, User: t.User, Name: t.Name, Scopes: scopes, Workspace: t.Workspace,
		Networks: networks, RequestsPerMinute: t.RequestsPerMinute, Annotations: t.Annotations,
		ExpiresAt: optTime(t.ExpiresAt), CreatedAt: t.CreatedAt, CreatedFrom: t.CreatedFrom, MadeWith: t.MadeWith, Issuer: t.Bearer.Issuer,
		UpdatedAt: optTime(t.UpdatedAt), LastUsedAt: optTime(t.LastUsedAt), LastUsedFrom: t.LastUsedFrom,
		RotatedAt: optTime(t.RotatedAt), GraceUntil: optTime(t.GraceUntil),
	}
}
