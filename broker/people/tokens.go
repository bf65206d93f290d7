package people

import (
	"context"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/policy"
)

// The events of tokens.
const (
	TokenCreated keyhatch.Action = "token.create"
	TokenRevoked keyhatch.Action = "token.revoke"
)

// NewToken is what a token is made from.
type NewToken struct {
	User      string // id or name; empty: the caller
	Name      string
	Scopes    []keyhatch.Scope // none: those of the caller's token
	Workspace string           // id or name; empty: the caller's token's
	ExpiresAt time.Time        // zero: until revoked
}

// CreateToken makes a token and returns its secret, which is not kept. A token
// can do nothing that its maker's token cannot: its scopes and its workspace
// are within the maker's, and when those are confined, it ends no later (S4).
// Only installation admins make tokens of other users.
func (svc *Service) CreateToken(ctx context.Context, c keyhatch.Caller, n NewToken) (t keyhatch.Token, secret keyhatch.Secret, err error) {
	secret = keyhatch.NewTokenSecret()
	hash, err := svc.k.Keys.HashToken(secret)
	if err != nil {
		return t, "", err
	}
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		user := w.Caller.User
		if n.User != "" {
			if user, err = w.VisibleUser(n.User); err != nil {
				return err
			}
		}
		if user.ID != w.Caller.User.ID {
			if err := mustImpersonate(w.View); err != nil {
				return err
			}
		}
		if err := roomForToken(w, user.ID); err != nil {
			return err
		}
		if !user.Active {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNotPermitted, "the user is not active: activate it first").In("user")
		}
		t = keyhatch.Token{
			ID: keyhatch.NewID(keyhatch.TokenID, w.Now), User: user.ID, Name: n.Name,
			ExpiresAt: kernel.Stored(n.ExpiresAt), Since: w.Now, CreatedAt: w.Now, CreatedFrom: w.Caller.Origin.AddressText(),
		}
		if err := keyhatch.CheckText("name", t.Name); err != nil {
			return err
		}
		if err := placeToken(w, &t, n.Workspace); err != nil {
			return err
		}
		if err := scopeToken(w, &t, n.Scopes); err != nil {
			return err
		}
		if err := w.Tx.InsertToken(ctx, db.HashedToken{Token: t, Hash: hash}); err != nil {
			return err
		}
		return w.Record(TokenCreated, t.Workspace, t.ID, kernel.Detail("user", user.ID, "name", t.Name,
			"scopes", joinScopes(t.Scopes), "expires", kernel.TimeText(t.ExpiresAt)))
	})
	if err != nil {
		return keyhatch.Token{}, "", err
	}
	return t, secret, nil
}

// mustImpersonate refuses who may not make tokens of others: with such a token
// one can do what its user may, so one that is scoped would gain by it.
func mustImpersonate(v kernel.View) error {
	if err := v.MustInstall(); err != nil {
		return err
	}
	scopes, err := policy.ParseScopes(v.Caller.Token.Scopes)
	if err != nil {
		return err
	}
	if !scopes.All() {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			`tokens of other users take a token with the scope "all"`)
	}
	return nil
}

// maxTokens bounds the tokens of one user (S9): each is kept in memory.
const maxTokens = 10_000

func roomForToken(w *kernel.Work, user string) error {
	n, err := w.CountTokens(w.Ctx, user)
	if err == nil && n >= maxTokens {
		err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached, "a user has at most %d tokens: revoke some first", maxTokens)
	}
	return err
}

// placeToken confines the token to the workspace that was asked for, which must
// be the maker's own when that is confined, and its user must belong there.
func placeToken(w *kernel.Work, t *keyhatch.Token, asked string) error {
	t.Workspace = w.Caller.Token.Workspace
	if asked == "" {
		return nil
	}
	ws, err := w.MemberWorkspace(asked)
	if err != nil {
		return err
	}
	t.Workspace = ws.ID
	return nil
}

func scopeToken(w *kernel.Work, t *keyhatch.Token, asked []keyhatch.Scope) error {
	maker := w.Caller.Token
	if len(asked) > keyhatch.MaxScopes || len(joinScopes(asked)) > keyhatch.MaxScopesBytes {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidScope, "a token has at most %d scopes, of %d bytes together",
			keyhatch.MaxScopes, keyhatch.MaxScopesBytes).In("scopes")
	}
	t.Scopes = asked
	if len(asked) == 0 {
		t.Scopes = maker.Scopes
	}
	scopes, err := policy.ParseScopes(t.Scopes)
	if err != nil {
		return err
	}
	outer, err := policy.ParseScopes(maker.Scopes)
	if err != nil {
		return err
	}
	if !scopes.Within(outer) {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			"a token's scopes must lie within those of the token that makes it: ask for narrower ones").In("scopes")
	}
	if scopes.BoundsS3() && t.Workspace == "" {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeWorkspaceRequired,
			"a token with s3 scopes belongs to one workspace, in which its buckets are looked up: say which").In("workspace")
	}
	if err := w.CheckExpiry(t.ExpiresAt); err != nil {
		return err
	}
	if end := lastEnd(maker, outer); !end.IsZero() {
		if t.ExpiresAt.IsZero() {
			t.ExpiresAt = end
		}
		if t.ExpiresAt.After(end) {
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidExpiry,
				"a token made with a confined token ends no later than that one, at %s", kernel.TimeText(end)).In("expires_at")
		}
	}
	return nil
}

// lastEnd is when whatever a token hands on ends at the latest: a confined one
// hands on nothing that outlives it. Zero: no bound.
func lastEnd(t keyhatch.Token, scopes policy.Scopes) time.Time {
	if t.Workspace == "" && scopes.All() {
		return time.Time{}
	}
	return t.ExpiresAt
}

// RevokeToken ends a token with all its secrets, and every lease borrowed with it. One's own, or
// anybody's for an installation admin.
func (svc *Service) RevokeToken(ctx context.Context, c keyhatch.Caller, id string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		t, err := visibleToken(w.View, id)
		if err != nil {
			return err
		}
		if err := w.Tx.DeleteToken(ctx, t); err != nil {
			return err
		}
		return w.Record(TokenRevoked, t.Workspace, t.ID, kernel.Detail("user", t.User, "name", t.Name))
	})
}

// Token returns one token, never its secret.
func (svc *Service) Token(ctx context.Context, c keyhatch.Caller, id string) (keyhatch.Token, error) {
	return visibleToken(svc.k.View(ctx, c), id)
}

// Tokens lists the caller's tokens, or for an installation admin those of the
// user, of everybody when it is empty.
func (svc *Service) Tokens(ctx context.Context, c keyhatch.Caller, user string, p kernel.Page) (kernel.List[keyhatch.Token], error) {
	v := svc.k.View(ctx, c)
	owner := c.User.ID
	switch {
	case user != "":
		u, err := v.VisibleUser(user)
		if err != nil {
			return kernel.List[keyhatch.Token]{}, err
		}
		if u.ID != owner {
			if err := v.MustInstall(); err != nil {
				return kernel.List[keyhatch.Token]{}, err
			}
		}
		owner = u.ID
	case v.Installs():
		owner = ""
	}
	return kernel.Paged(p, keyhatch.TokenID, func(t keyhatch.Token) string { return t.ID },
		func(p kernel.Page) ([]keyhatch.Token, error) { return v.Tokens(ctx, owner, c.Token.Workspace, p) })
}

// visibleToken finds a token that the caller may see and end. A confined token
// reaches those of its own workspace only.
func visibleToken(v kernel.View, id string) (keyhatch.Token, error) {
	t, err := v.Token(v.Ctx, id)
	if err != nil {
		return t, err
	}
	if t.User != v.Caller.User.ID && !v.Installs() || !v.Within(t.Workspace) {
		return keyhatch.Token{}, kernel.NotFound(keyhatch.CodeTokenNotFound)
	}
	return t, nil
}

// joinScopes writes scopes into one text, a line each: no scope holds a line
// break.
func joinScopes(scopes []keyhatch.Scope) string {
	lines := make([]string, len(scopes))
	for i, s := range scopes {
		lines[i] = string(s)
	}
	return strings.Join(lines, "\n")
}
