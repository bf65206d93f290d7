package people

import (
	"cmp"
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/mirror"
)

// Authenticate tells whose token the secret is, in any spelling of
// keyhatch.ParseTokenSecret, and counts the request against the token's limit:
// keyhatch.TooMany when there were too many, with a Caller that has the allowance and
// nothing else. Unknown, wrong, expired and revoked tokens, secrets that were replaced,
// tokens of inactive users, tokens that do not work from the request's address, and
// spellings that name another token, or a workspace in which the token does not work,
// fail alike, with keyhatch.Unauthenticated; and from an address that has failed too
// often, with keyhatch.TooMany. A token that works does so all the same: others behind one
// address shall not suffer, and 256 bits are not guessed.
func (svc *Service) Authenticate(ctx context.Context, secret keyhatch.Secret) (keyhatch.Caller, error) {
	now := svc.k.Now()
	c, err := svc.workingAnywhere(ctx, secret, now)
	c, err = svc.Admit(c, now, err)
	keyhatch.NoteAsker(ctx, c.User.ID)
	return c, err
}

// Admit does what is done for everybody who shows something that could be a token, after it
// was looked up: whose is refused is counted against the address, one from outside of the
// token's networks is refused too, and the request is counted against the token's limit.
// The Caller needs its origin in any case.
func (svc *Service) Admit(c keyhatch.Caller, now time.Time, err error) (keyhatch.Caller, error) {
	if err == nil && !c.Token.WorksFrom(c.Origin.Address) {
		err = kernel.TokenInvalid()
	}
	if errors.Is(err, keyhatch.Unauthenticated) {
		return keyhatch.Caller{}, svc.failed(c.Origin, now, err)
	}
	if err != nil {
		return keyhatch.Caller{}, err
	}
	if c.Allowance, err = svc.k.CountRequest(c.Token, now); err != nil {
		return keyhatch.Caller{Allowance: c.Allowance}, err
	}
	svc.uses.Note(c.Token.ID, now, c.Origin.AddressText())
	return c, nil
}

// WorksElsewhere tells whether the secret is that of a token which works, and only not from
// the request's address. It is for formats whose contract says so to who shows it; ask after
// Authenticate has refused and counted it.
func (svc *Service) WorksElsewhere(ctx context.Context, secret keyhatch.Secret) bool {
	c, err := svc.workingAnywhere(ctx, secret, svc.k.Now())
	return err == nil && !c.Token.WorksFrom(c.Origin.Address)
}

// workingAnywhere looks up whose token the secret is, if it works at all. The Caller has
// its origin in any case.
func (svc *Service) workingAnywhere(ctx context.Context, secret keyhatch.Secret, now time.Time) (c keyhatch.Caller, err error) {
	c.Origin = keyhatch.OriginOf(ctx)
	refused := kernel.TokenInvalid()
	shown, ok := shownAs(secret)
	if !ok {
		return c, refused
	}
	err = svc.k.FindToken(ctx, shown.Secret, func(hashes []keyhatch.TokenHash) error {
		return svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
			token, hash, err := firstToken(image, hashes, now)
			if err != nil {
				return err
			}
			user, err := image.User(token.User)
			if err != nil {
				return err
			}
			if !user.Active || !token.Live(now) || shown.Token != "" && shown.Token != token.ID {
				return refused
			}
			c.User, c.Token, c.Secret = user, token, hash
			if shown.Workspace != "" && !(kernel.Belongs(image, shown.Workspace, user) && c.Confine(shown.Workspace)) {
				return refused
			}
			return nil
		})
	})
	if errors.Is(err, keyhatch.NotFound) {
		err = refused
	}
	return c, err
}

// shownAs reads the secret of a token, in any spelling, or a signed text that could be a token
// of ours: those are looked up by their whole text, see Issue.
func shownAs(secret keyhatch.Secret) (keyhatch.ShownToken, bool) {
	if keyhatch.LooksSigned(secret.Reveal()) {
		return keyhatch.ShownToken{Secret: secret}, true
	}
	return keyhatch.ParseTokenSecret(secret.Reveal())
}

// firstToken looks the hashes up. That the index is a map tells nothing of a
// secret by its timing: its keys are keyed hashes.
func firstToken(image *mirror.Image, hashes []keyhatch.TokenHash, now time.Time) (token keyhatch.Token, hash keyhatch.TokenHash, err error) {
	for _, hash = range hashes {
		if token, err = image.TokenByHash(hash, now); err == nil {
			return token, hash, nil
		}
	}
	return token, hash, err
}

// failed counts a failure against the address that it came from.
func (svc *Service) failed(o keyhatch.Origin, now time.Time, err error) error {
	_, tooMany := svc.failures.Take(kernel.Sender(o.Address), svc.limits.FailuresPerMinute, now)
	return cmp.Or(tooMany, err)
}

// Trial begins a check that costs work, of what somebody shows who may be anybody. Until it
// is over it takes one of the failures that are left to the address: keyhatch.TooMany when
// none is, also beside others that are not over.
func (svc *Service) Trial(o keyhatch.Origin, now time.Time) (over func(), err error) {
	whose := kernel.Sender(o.Address)
	if _, err := svc.failures.Take(whose, svc.limits.FailuresPerMinute, now); err != nil {
		return nil, err
	}
	return func() { svc.failures.Return(whose, now) }, nil
}
