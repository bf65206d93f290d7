package bearers

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// Accepted is the event of a signed token that was first shown.
const Accepted keyhatch.Action = "token.accept"

var errKept = errors.New("somebody has shown it at the same time")

// keep stores the token of one that was first shown. From then on that can be revoked.
func (svc *Service) keep(ctx context.Context, c keyhatch.Caller, s shown) (keyhatch.Caller, error) {
	var kept keyhatch.Token
	err := svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
		var err error
		if kept, err = svc.kept(w, s); err == nil {
			return errKept
		}
		if !errors.Is(err, keyhatch.NotFound) {
			return err
		}
		return svc.insert(w, c, s)
	})
	if errors.Is(err, errKept) {
		if err := s.stillGood(kept, svc.k.Now()); err != nil {
			return keyhatch.Caller{Allowance: c.Allowance}, svc.refused(ctx, s, err)
		}
		c.Token.ID, err = kept.ID, nil
	}
	if err == nil {
		c.Secret, err = svc.hash(ctx, c.Token.ID)
	}
	if err != nil {
		return keyhatch.Caller{Allowance: c.Allowance}, err
	}
	return c, nil
}

// hash is the one that the token is kept under.
func (svc *Service) hash(ctx context.Context, token string) (keyhatch.TokenHash, error) {
	t, err := svc.k.DB.HashedToken(ctx, token)
	if errors.Is(err, keyhatch.NotFound) {
		err = kernel.TokenInvalid()
	}
	return t.Hash, err
}

func (svc *Service) insert(w *kernel.Work, c keyhatch.Caller, s shown) error {
	user, err := w.User(w.Ctx, s.token.User)
	if errors.Is(err, keyhatch.NotFound) || err == nil && !user.Active {
		return kernel.TokenInvalid()
	}
	if err != nil {
		return err
	}
	if err := room(w, user.ID); err != nil {
		return err
	}
	hash, err := svc.k.Keys.HashToken(s.secret())
	if err != nil {
		return err
	}
	if err := w.Tx.InsertToken(w.Ctx, db.HashedToken{Token: s.token, Hash: hash}); err != nil {
		return err
	}
	asked := w.Caller
	defer func() { w.Caller = asked }()
	w.Caller.User.ID, w.Caller.Token.ID = s.token.User, s.token.ID
	return w.Record(Accepted, c.Token.Workspace, s.token.ID, kernel.Detail("user", s.token.User, "issuer", s.Issuer, "subject", s.Subject,
		"jti", s.JWTID, "scopes", scopesText(s.Scopes), "expires", kernel.TimeText(s.token.ExpiresAt)))
}

// most bounds the tokens that stand for signed tokens of one user (S9): each is kept in
// memory. Those that people make are counted apart, so that nobody's jobs keep anybody from
// making one.
const (
	most     = 10_000
	nextTry  = time.Minute
	prunedAt = 500 // at a time
)

// room makes room by removing those that have ended, if it must.
func room(w *kernel.Work, user string) error {
	n, err := w.CountBearers(w.Ctx, user)
	if err != nil || n < most {
		return err
	}
	ended, err := w.EndedBearers(w.Ctx, user, w.Now, prunedAt)
	if err != nil {
		return err
	}
	for _, t := range ended {
		if err := w.Tx.DeleteToken(w.Ctx, t); err != nil {
			return err
		}
	}
	if len(ended) == 0 {
		return keyhatch.Fail(keyhatch.TooMany, keyhatch.CodeTooManyRequests,
			"a user has at most %d signed tokens at a time: show one several times, or wait until some have ended", most).After(nextTry)
	}
	return nil
}

func scopesText(scopes []keyhatch.Scope) string {
	lines := make([]string, len(scopes))
	for i, s := range scopes {
		lines[i] = string(s)
	}
	return strings.Join(lines, "\n")
}

var errNothingEnds = errors.New("all was accepted by the rules that there are")

// Begin ends the tokens that stand for signed tokens of issuers that are trusted no longer,
// or whose rules are others now, with what was borrowed with them. Call it before anybody
// is served: what the configuration says holds for what was accepted before, too.
func (svc *Service) Begin(ctx context.Context) error {
	rules := map[string]string{}
	if svc.issuers != nil {
		rules = svc.issuers.Rules()
	}
	ended := 0
	err := svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
		live, err := w.LiveBearers(ctx, "", "", w.Now)
		if err != nil {
			return err
		}
		ended = 0
		for _, t := range live {
			if now, trusted := rules[t.Bearer.Issuer]; trusted && now == t.Bearer.Rules {
				continue
			}
			if err := svc.people.EndSigned(w, t); err != nil {
				return err
			}
			ended++
		}
		if ended == 0 {
			return errNothingEnds
		}
		return nil
	})
	if errors.Is(err, errNothingEnds) {
		return nil
	}
	if err == nil {
		svc.log.InfoContext(ctx, "signed tokens were ended whose issuer is not trusted any more, or by other rules", "tokens", ended)
	}
	return err
}
