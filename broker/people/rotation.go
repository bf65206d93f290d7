package people

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// TokenRotated is the event of a token that was given another secret.
const TokenRotated keyhatch.Action = "token.rotate"

// RotateToken gives a token another secret and returns it; it is not kept. All
// else of the token stays, and so does what was borrowed with it. The secret
// before works until the grace is over, which is at once when it is zero; one
// from before that is dead at once, so that two work at most. A grace is at most
// keyhatch.MaxGrace and ends no later than the token.
//
// Who rotates a token can do from then on what it may, hence the rules of making
// one hold (S4): one's own token, or for installation admins anybody's, and none
// that may more, or longer, than the caller's. A secret that has been replaced
// rotates no token any more.
func (svc *Service) RotateToken(ctx context.Context, c keyhatch.Caller, id string, grace time.Duration) (t keyhatch.Token, secret keyhatch.Secret, err error) {
	secret = keyhatch.NewTokenSecret()
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		hash, err := svc.k.Keys.HashToken(secret)
		if err != nil {
			return err
		}
		if t, err = visibleToken(w.View, id); err != nil {
			return err
		}
		if t.ID == keyhatch.RootToken {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNotPermitted,
				"the secret of the system root token is that of the server's configuration: change it there")
		}
		if err := mustHaveNewest(w); err != nil {
			return err
		}
		if err := mayTakeOver(w, t); err != nil {
			return err
		}
		if err := graceOf(w, &t, grace); err != nil {
			return err
		}
		before, err := w.HashedToken(ctx, t.ID)
		if err != nil {
			return err
		}
		t.RotatedAt = w.Now
		after := db.HashedToken{Token: t, Hash: hash}
		if !t.GraceUntil.IsZero() {
			after.Old = before.Hash
		}
		if err := w.Tx.RotateToken(ctx, after); err != nil {
			return err
		}
		return w.Record(TokenRotated, t.Workspace, t.ID, kernel.Detail("user", t.User, "name", t.Name, "grace_until", kernel.TimeText(t.GraceUntil)))
	})
	if err != nil {
		return keyhatch.Token{}, "", err
	}
	return t, secret, nil
}

// mayTakeOver refuses a token that the caller could not have made: who gives it
// another secret, or changes it, can do from then on what it may.
func mayTakeOver(w *kernel.Work, t keyhatch.Token) error {
	if t.Bearer.Issuer != "" {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNotPermitted,
			"this is what an issuer has signed: revoke it, it can neither be changed nor given a secret")
	}
	if t.User != w.Caller.User.ID {
		if err := mustImpersonate(w.View); err != nil {
			return err
		}
	}
	user, err := w.User(w.Ctx, t.User)
	if err != nil {
		return err
	}
	if !user.Active {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNotPermitted, "the token's user is not active: activate it first")
	}
	if !t.Live(w.Now) {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNotPermitted, "the token has expired: make another one")
	}
	maker, err := makerOf(w)
	if err != nil {
		return err
	}
	if maker.Consent != "" && t.Consent != maker.Consent {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			"with a token that a program was given only those are changed, or given another secret, that came of the same consent: use another token of yours")
	}
	if maker.holds(t) != nil {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			"who takes a token over can do what it may: use a token that may do as much, and for as long")
	}
	return nil
}

// graceOf sets until when the token's present secret works on.
func graceOf(w *kernel.Work, t *keyhatch.Token, grace time.Duration) error {
	if err := keyhatch.CheckGrace(grace); err != nil {
		return err
	}
	t.GraceUntil = time.Time{}
	if grace == 0 {
		return nil
	}
	t.GraceUntil = kernel.Stored(w.Now.Add(grace))
	if !t.ExpiresAt.IsZero() && t.GraceUntil.After(t.ExpiresAt) {
		return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeLifeExceedsLimit,
			"the grace can last at most %d seconds now, since the token ends then: ask for no longer one", int(t.ExpiresAt.Sub(w.Now).Seconds())).In("grace_seconds")
	}
	return nil
}
