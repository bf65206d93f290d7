package people

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/mirror"
)

// The events of tokens that end: taken away, or found where they do not belong.
const (
	TokenRevoked keyhatch.Action = "token.revoke"
	TokenLeaked  keyhatch.Action = "token.leak"
)

// RevokeToken ends a token with all its secrets, and every lease borrowed with it. One's
// own, or anybody's for an installation admin. The tokens that were made with it live on, but
// those of a program: with a token that it got of its user's consent all ends that came of that.
func (svc *Service) RevokeToken(ctx context.Context, c keyhatch.Caller, id string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		t, err := visibleToken(w.View, id)
		if err != nil {
			return err
		}
		return svc.revokeEach(w, []keyhatch.Token{t}, becauseRevoked)
	})
}

// RevokeTokenAndMade is RevokeToken, and ends the tokens too that were made with it, or
// given another secret with it, and with those in turn.
func (svc *Service) RevokeTokenAndMade(ctx context.Context, c keyhatch.Caller, id string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		t, err := visibleToken(w.View, id)
		if err != nil {
			return err
		}
		return svc.EndWithMade(w, t)
	})
}

// EndWithMade ends a token, the tokens that were made with it or given another secret with
// it, and those in turn.
func (svc *Service) EndWithMade(w *kernel.Work, t keyhatch.Token) error {
	came, err := cameOf(w, t)
	if err != nil {
		return err
	}
	return svc.revokeEach(w, append(came, t), becauseRevoked)
}

// EndCopied ends tokens of which others may have copies, with what these may have made with them, and leaves the consents
// that they came of: other tokens come of those.
func (svc *Service) EndCopied(w *kernel.Work, tokens []keyhatch.Token) error {
	came, err := cameOf(w, tokens...)
	if err != nil {
		return err
	}
	for _, t := range slices.Concat(tokens, came) {
		if err := svc.endKeys(w, t.ID); err != nil {
			return err
		}
		if err := svc.revoke(w, t, TokenRevoked); err != nil {
			return err
		}
	}
	return nil
}

// cameOf are the other tokens that who has some tokens may have the secrets of: those that
// were made with them, those that were ever given another secret with one, and what came of
// these in turn. What was given a secret with a token that is no more is not among them:
// the record tells of it.
func cameOf(w *kernel.Work, of ...keyhatch.Token) ([]keyhatch.Token, error) {
	given, err := w.SecretsGiven(w.Ctx, TokenRotated)
	if err != nil {
		return nil, err
	}
	line, known := slices.Clone(of), map[string]bool{}
	for _, t := range of {
		known[t.ID] = true
	}
	add := func(tokens ...keyhatch.Token) {
		for _, k := range tokens {
			if !known[k.ID] {
				known[k.ID], line = true, append(line, k)
			}
		}
	}
	withAllMade := func(k keyhatch.Token) error {
		made, err := w.TokensMadeWith(w.Ctx, k.ID)
		add(append(made, k)...)
		return err
	}
	for _, t := range of {
		if err := withAllMade(t); err != nil {
			return nil, err
		}
	}
	for i := 0; i < len(line); i++ { // it grows
		for _, id := range given[line[i].ID] {
			if known[id] {
				continue
			}
			k, err := w.Token(w.Ctx, id)
			if err != nil {
				return nil, err
			}
			if err := withAllMade(k); err != nil {
				return nil, err
			}
		}
	}
	return line[len(of):], nil
}

// RevokeTokens ends all tokens of a user, and all that it has let programs do, but for the
// token that is used, and the consent that it came of, when it is to be kept. One's own, or
// anybody's for an installation admin; a token that is confined to a workspace reaches those of the
// same one, and no consents. It returns how many tokens have ended.
func (svc *Service) RevokeTokens(ctx context.Context, c keyhatch.Caller, user string, keepOwn bool) (n int, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		owner, err := w.VisibleUser(user)
		if err != nil {
			return err
		}
		if owner.ID != w.Caller.User.ID {
			if err := w.MustInstall(); err != nil {
				return err
			}
		}
		tokens, err := w.Tokens(ctx, owner.ID, w.Caller.Token.Workspace, db.Everything)
		if err != nil {
			return err
		}
		var end []keyhatch.Token
		for _, t := range tokens {
			if !keepOwn || t.ID != w.Caller.Token.ID {
				end = append(end, t)
			}
		}
		shown, err := w.LiveBearers(ctx, owner.ID, w.Caller.Token.Workspace, w.Now)
		if err != nil {
			return err
		}
		for _, t := range shown {
			if !keepOwn || t.ID != w.Caller.Token.ID {
				end = append(end, t)
			}
		}
		var given []keyhatch.Consent
		if w.Caller.Token.Workspace == "" {
			if given, err = w.Consents(ctx, owner.ID, "", db.Everything); err != nil {
				return err
			}
		}
		kept := ""
		if keepOwn {
			kept = w.Caller.Token.Consent
		}
		all, err := together(w, end, given, kept)
		if n = len(all.tokens); err == nil && n+len(all.consents) == 0 {
			err = errNothingToRevoke
		}
		if err != nil {
			return err
		}
		return svc.endTogether(w, all, TokenRevoked, becauseAll)
	})
	if errors.Is(err, errNothingToRevoke) {
		return 0, nil
	}
	return n, err
}

var errNothingToRevoke = errors.New("there is no token to revoke")

func (svc *Service) revokeEach(w *kernel.Work, tokens []keyhatch.Token, why string) error {
	all, err := together(w, tokens, nil, "")
	if err != nil {
		return err
	}
	return svc.endTogether(w, all, TokenRevoked, why)
}

// revoke removes a token. That of the system root stays, expired, so that the next start
// does not make it again out of the configuration; and so does one that stands for a signed
// token, which can be shown again. With that the access keys end that were made with it, and so
// they do with a token of a consent: once it is no more, the consent's end would not find them.
func (svc *Service) revoke(w *kernel.Work, t keyhatch.Token, as keyhatch.Action) error {
	end, signed := w.Tx.DeleteToken, t.Bearer.Issuer != ""
	if t.ID == keyhatch.RootToken || signed {
		end, t.ExpiresAt, t.UpdatedAt = w.Tx.UpdateToken, w.Now, w.Now
	}
	if signed || t.Consent != "" {
		if err := svc.endKeys(w, t.ID); err != nil {
			return err
		}
	}
	if err := end(w.Ctx, t); err != nil {
		return err
	}
	svc.uses.Forget(t.ID)
	return w.Record(as, t.Workspace, t.ID, kernel.Detail("user", t.User, "name", t.Name))
}

// EndSigned removes a token that stands for a signed token, with the access keys that were
// made with it. It is made again when that is shown and its issuer is trusted.
func (svc *Service) EndSigned(w *kernel.Work, t keyhatch.Token) error {
	if err := svc.endKeys(w, t.ID); err != nil {
		return err
	}
	if err := w.Tx.DeleteToken(w.Ctx, t); err != nil {
		return err
	}
	svc.uses.Forget(t.ID)
	return w.Record(TokenRevoked, t.Workspace, t.ID, kernel.Detail("user", t.User, "name", t.Name, "issuer", t.Bearer.Issuer))
}

// RevokeSecret ends the token of which one shows a secret: who holds it may end it,
// from wherever. A secret that opens nothing is not told apart, but for
// keyhatch.TooMany when there were too many of them.
//
// Source: RFC 7009, sections 2.1 and 2.2.
func (svc *Service) RevokeSecret(ctx context.Context, secret keyhatch.Secret) error {
	return svc.endShown(ctx, secret, svc.EndByHolder)
}

// EndByHolder ends a token of which a holder has shown what opens it.
func (svc *Service) EndByHolder(w *kernel.Work, t keyhatch.Token) error {
	w.Caller.User.ID, w.Caller.Token.ID = t.User, t.ID
	return svc.revokeEach(w, []keyhatch.Token{t}, becauseRevoked)
}

// ReportLeak ends the token of a secret that somebody has found where it does not
// belong, and the tokens that were made with it, or given another secret with it, and with
// those in turn: a thief who has rotated one has it. The access keys end that were made
// with them. Anybody may report, and is told neither whose token it was nor whether there
// was one. The event has no user.
func (svc *Service) ReportLeak(ctx context.Context, secret keyhatch.Secret) error {
	return svc.endShown(ctx, secret, svc.EndLeaked)
}

// EndLeaked ends a token that somebody has found, with all that came of it, or of the consent
// that it came of.
func (svc *Service) EndLeaked(w *kernel.Work, t keyhatch.Token) error {
	came, err := cameOf(w, t)
	if err != nil {
		return err
	}
	all, err := together(w, append([]keyhatch.Token{t}, came...), nil, "")
	if err != nil {
		return err
	}
	for _, stolen := range all.tokens {
		all.came[stolen.ID] = true
	}
	return svc.endTogether(w, all, TokenLeaked, becauseLeaked)
}

// CountEnding counts who ends what was shown, like who shows what does not work:
// keyhatch.TooMany when there were too many.
func (svc *Service) CountEnding(ctx context.Context) error {
	return svc.failed(keyhatch.OriginOf(ctx), svc.k.Now(), nil)
}

// endShown finds the token of a secret, also one that has expired or does not work from
// here, and ends it. A secret that was replaced is that of none when its grace is over: who
// found an old one shall not end the newer. What its spelling says around the secret does
// not count: whoever has that has the token.
func (svc *Service) endShown(ctx context.Context, secret keyhatch.Secret, end func(*kernel.Work, keyhatch.Token) error) error {
	now, origin := svc.k.Now(), keyhatch.OriginOf(ctx)
	shown, ok := shownAs(secret)
	if !ok {
		return svc.failed(origin, now, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeTokenMalformed,
			"that is no token: check that it begins with kh_, has 52 characters, and that its last six fit the others").In("token"))
	}
	// Each counts, whether there is such a token or not.
	if err := svc.failed(origin, now, nil); err != nil {
		return err
	}
	err := svc.k.FindToken(ctx, shown.Secret, func(hashes []keyhatch.TokenHash) error {
		// It is looked up twice: who guesses shall not hold up those who write.
		if _, err := svc.k.DB.TokenByHash(ctx, hashes, now); err != nil {
			return err
		}
		return svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
			t, err := w.TokenByHash(ctx, hashes, w.Now)
			if err != nil {
				return err
			}
			return end(w, t)
		})
	})
	if errors.Is(err, keyhatch.NotFound) {
		return nil
	}
	return err
}

// Inspection is what the owner of a resource learns of a token that was shown to it.
type Inspection struct {
	Active bool // nothing else is told of a token that does not work
	User   keyhatch.User
	Token  keyhatch.Token
	// IssuedAt is when the token was made; of a signed token, when its issuer signed it.
	IssuedAt time.Time
	// ExpiresAt is when the secret that was shown ends: before its token when it was
	// replaced and works on for a grace. Zero: when it is revoked.
	ExpiresAt time.Time
}

// Inspect tells what the token of a secret may, whoever shows it. That one works in other
// networks than the caller's is told to those alone who see the token anyway: a thief shall
// not learn where to carry it. Secrets that open nothing are counted like failed ones of
// one's own.
//
// Source: RFC 7662, section 2.2.
func (svc *Service) Inspect(ctx context.Context, asks keyhatch.Caller, secret keyhatch.Secret) (Inspection, error) {
	now := svc.k.Now()
	c, err := svc.workingAnywhere(ctx, secret, now)
	return svc.Seen(ctx, asks, c, now, err)
}

// Seen is the part of Inspect after it was looked up whose token it is.
func (svc *Service) Seen(ctx context.Context, asks, c keyhatch.Caller, now time.Time, err error) (Inspection, error) {
	if err == nil && !c.Token.WorksFrom(asks.Origin.Address) && !sees(svc.k.View(ctx, asks), c.Token) {
		err = kernel.TokenInvalid()
	}
	if errors.Is(err, keyhatch.Unauthenticated) {
		return Inspection{}, svc.failed(keyhatch.OriginOf(ctx), now, nil)
	}
	if err != nil {
		return Inspection{}, err
	}
	seen := Inspection{Active: true, User: c.User, Token: c.Token, IssuedAt: c.Token.CreatedAt, ExpiresAt: c.Token.ExpiresAt}
	if grace := c.Token.GraceUntil; now.Before(grace) {
		err = svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
			_, err := image.TokenByHash(c.Secret, grace)
			return err
		})
		if errors.Is(err, keyhatch.NotFound) {
			seen.ExpiresAt, err = grace, nil
		}
	}
	return seen, err
}
