package people

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// The events of tokens.
const (
	TokenCreated keyhatch.Action = "token.create"
	TokenUpdated keyhatch.Action = "token.update"
)

// NewToken is what a token is made from.
type NewToken struct {
	User              string // id or name; empty: the caller
	Name              string
	Scopes            []keyhatch.Scope // nil: those of the caller's token; empty: a token that may nothing
	Workspace         string           // id or name; empty: the caller's token's
	ExpiresAt         time.Time        // zero: as late as may be
	Networks          []netip.Prefix   // nil: those of the caller's token
	RequestsPerMinute int              // 0: as the caller's token
	Annotations       map[string]string
}

// CreateToken makes a token and returns its secret, which is not kept. A token
// can do nothing that its maker's token cannot: its scopes, workspace, networks and
// request limit are within the maker's, and when those are confined, it ends no
// later (S4). Only installation admins make tokens of other users, and tokens that
// live longer than the installation lets users have them.
func (svc *Service) CreateToken(ctx context.Context, c keyhatch.Caller, n NewToken) (t keyhatch.Token, secret keyhatch.Secret, err error) {
	secret = keyhatch.NewTokenSecret()
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		hash, err := svc.k.Keys.HashToken(secret)
		if err != nil {
			return err
		}
		user, err := ownerOf(w, n.User)
		if err != nil {
			return err
		}
		if t, err = svc.newToken(w, user, n); err != nil {
			return err
		}
		if err := w.Tx.InsertToken(ctx, db.HashedToken{Token: t, Hash: hash}); err != nil {
			return err
		}
		return w.Record(TokenCreated, t.Workspace, t.ID, kernel.Detail("user", user.ID, "name", t.Name,
			"scopes", joinScopes(t.Scopes), "expires", kernel.TimeText(t.ExpiresAt), "networks", keyhatch.NetworksText(t.Networks)))
	})
	if err != nil {
		return keyhatch.Token{}, "", err
	}
	return t, secret, nil
}

// ownerOf is the user whose token it will be, empty for the caller.
func ownerOf(w *kernel.Work, asked string) (keyhatch.User, error) {
	user := w.Caller.User
	if asked != "" {
		var err error
		if user, err = w.VisibleUser(asked); err != nil {
			return user, err
		}
	}
	if user.ID != w.Caller.User.ID {
		if err := mustImpersonate(w.View); err != nil {
			return user, err
		}
	}
	if !user.Active {
		return user, keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNotPermitted, "the user is not active: activate it first").In("user")
	}
	return user, roomForToken(w, user.ID)
}

func (svc *Service) newToken(w *kernel.Work, user keyhatch.User, n NewToken) (t keyhatch.Token, err error) {
	if err := mustHaveNewest(w); err != nil {
		return t, err
	}
	maker, err := makerOf(w)
	if err != nil {
		return t, err
	}
	t = keyhatch.Token{
		ID: keyhatch.NewID(keyhatch.TokenID, w.Now), User: user.ID, Name: n.Name, Scopes: n.Scopes, ExpiresAt: kernel.Stored(n.ExpiresAt),
		Networks: n.Networks, RequestsPerMinute: n.RequestsPerMinute, Annotations: n.Annotations,
		Since: w.Now, CreatedAt: w.Now, CreatedFrom: w.Caller.Origin.AddressText(), MadeWith: maker.ID,
		Consent: maker.Consent, // so that it ends with that, and is bounded by it as its maker is
	}
	if t.Workspace, err = workspaceOf(w, n.Workspace); err != nil {
		return t, err
	}
	if t.Scopes == nil {
		t.Scopes = maker.Scopes
	}
	if t.Networks == nil {
		t.Networks = maker.Networks
	}
	if t.RequestsPerMinute == 0 {
		t.RequestsPerMinute = maker.RequestsPerMinute
	}
	if word, yes := maker.OfTask(); yes {
		t.MakeTask(word)
	}
	if t.ExpiresAt.IsZero() {
		t.ExpiresAt = svc.lastExpiry(w, maker)
	}
	if err := checkToken(t); err != nil {
		return t, err
	}
	if err := w.CheckExpiry(t.ExpiresAt); err != nil {
		return t, err
	}
	if err := svc.checkLimits(w, t); err != nil {
		return t, err
	}
	return t, maker.holds(t)
}

// lastExpiry is when a token ends for which nothing was asked: as late as may be.
func (svc *Service) lastExpiry(w *kernel.Work, m maker) time.Time {
	end := m.lastEnd()
	if longest := svc.limits.LongestToken; longest > 0 {
		if last := w.Now.Add(longest); end.IsZero() || last.Before(end) {
			return last
		}
	}
	return end
}

// maxTokens bounds the tokens of one user (S9): each is kept in memory.
const maxTokens = 10_000

// roomForToken makes room by removing tokens that have expired, if it must.
func roomForToken(w *kernel.Work, user string) error {
	n, err := w.CountTokens(w.Ctx, user)
	if err != nil || n < maxTokens {
		return err
	}
	expired, err := w.ExpiredTokens(w.Ctx, user, w.Now, n)
	if err != nil {
		return err
	}
	for _, t := range expired {
		if err := w.Tx.DeleteToken(w.Ctx, t); err != nil {
			return err
		}
	}
	if len(expired) == 0 {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached, "a user has at most %d tokens: revoke some first", maxTokens)
	}
	return nil
}

// expiredKept is how long a token that has expired is still shown.
const expiredKept = 30 * 24 * time.Hour

// formerKept is how long it is known that a name was another user's: longer than any signed
// token lives.
const formerKept = 100 * 24 * time.Hour

// PruneTokens removes tokens that expired long ago, and those whose signed tokens have
// ended. Nobody's right changes by it.
func (svc *Service) PruneTokens(ctx context.Context) error {
	return errors.Join(
		svc.prune(ctx, func(tx *db.Tx) ([]keyhatch.Token, error) {
			return tx.ExpiredTokens(ctx, "", svc.k.Now().Add(-expiredKept), db.PruneStep)
		}),
		svc.prune(ctx, func(tx *db.Tx) ([]keyhatch.Token, error) {
			return tx.EndedBearers(ctx, "", svc.k.Now(), db.PruneStep)
		}),
		svc.k.DB.WriteSteps(ctx, func(tx *db.Tx) (bool, error) {
			now := svc.k.Now()
			return tx.PruneBearers(ctx, now, now.Add(-formerKept))
		}),
	)
}

func (svc *Service) prune(ctx context.Context, next func(*db.Tx) ([]keyhatch.Token, error)) error {
	return svc.k.DB.WriteSteps(ctx, func(tx *db.Tx) (bool, error) {
		ended, err := next(tx)
		if err != nil {
			return false, err
		}
		for _, t := range ended {
			if err := tx.DeleteToken(ctx, t); err != nil {
				return false, err
			}
		}
		return len(ended) == db.PruneStep, nil
	})
}

// workspaceOf confines a token to the workspace that was asked for, which must be the
// maker's own when that is confined, and to which the maker must belong.
func workspaceOf(w *kernel.Work, asked string) (string, error) {
	if asked == "" {
		return w.Caller.Token.Workspace, nil
	}
	ws, err := w.MemberWorkspace(asked)
	return ws.ID, err
}

// Token returns one token, never its secret.
func (svc *Service) Token(ctx context.Context, c keyhatch.Caller, id string) (keyhatch.Token, error) {
	t, err := visibleToken(svc.k.View(ctx, c), id)
	if id != "" && id == c.Token.ID && errors.Is(err, keyhatch.NotFound) {
		err = kernel.TokenInvalid() // it was ended since it was let in
	}
	return t, err
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

// TokensIn lists those of the caller's tokens that are confined to a workspace, or for an
// installation admin those of everybody. A token that is confined to another one has none there.
func (svc *Service) TokensIn(ctx context.Context, c keyhatch.Caller, workspace string, p kernel.Page) (kernel.List[keyhatch.Token], error) {
	v := svc.k.View(ctx, c)
	ws, err := v.MemberWorkspace(workspace)
	if err != nil {
		return kernel.List[keyhatch.Token]{}, err
	}
	owner := c.User.ID
	if v.Installs() {
		owner = ""
	}
	return kernel.Paged(p, keyhatch.TokenID, func(t keyhatch.Token) string { return t.ID },
		func(p kernel.Page) ([]keyhatch.Token, error) { return v.Tokens(ctx, owner, ws.ID, p) })
}

// visibleToken finds a token that the caller may see and end. A confined token
// reaches those of its own workspace only.
func visibleToken(v kernel.View, id string) (keyhatch.Token, error) {
	t, err := v.Token(v.Ctx, id)
	if err != nil {
		return t, err
	}
	if !sees(v, t) {
		return keyhatch.Token{}, kernel.NotFound(keyhatch.CodeTokenNotFound)
	}
	return t, nil
}

func sees(v kernel.View, t keyhatch.Token) bool {
	itself := t.ID == v.Caller.Token.ID // which is confined by how it was spelled, maybe
	return itself || (t.User == v.Caller.User.ID || v.Installs()) && v.Within(t.Workspace)
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
