package bearers

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// End ends a signed token that one shows: who holds it may, from wherever. It stays ended,
// also when it was never shown before. What does not work is not told apart, but for
// keyhatch.TooMany when there was too much of it.
func (svc *Service) End(ctx context.Context, jwt keyhatch.Secret) error {
	return svc.end(ctx, jwt, svc.people.RevokeSecret, svc.people.EndByHolder)
}

// ReportLeak ends a signed token that somebody has found where it does not belong, with all
// that came of it, as People.ReportLeak does.
func (svc *Service) ReportLeak(ctx context.Context, jwt keyhatch.Secret) error {
	return svc.end(ctx, jwt, svc.people.ReportLeak, svc.people.EndLeaked)
}

var errEnded = errors.New("it has ended before")

// end ends a signed token: with own if it was issued here, and looked up like any token.
func (svc *Service) end(ctx context.Context, jwt keyhatch.Secret, own func(context.Context, keyhatch.Secret) error, end func(*kernel.Work, keyhatch.Token) error) error {
	if ours, err := svc.people.HasIssued(ctx, jwt); err != nil {
		return err
	} else if ours {
		return own(ctx, jwt)
	}
	if err := svc.people.CountEnding(ctx); err != nil || svc.issuers == nil {
		return err
	}
	now := svc.k.Now()
	var s shown
	var err error
	if s.Assertion, err = svc.issuers.Verify(ctx, jwt, now); err != nil {
		return nil
	}
	if err = svc.find(ctx, &s, now); err == nil {
		err = svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
			t, err := svc.kept(w, s)
			if errors.Is(err, keyhatch.NotFound) {
				t, err = s.token, svc.insert(w, s.caller, s)
			}
			if err != nil {
				return err
			}
			if !t.Live(w.Now) {
				return errEnded
			}
			return end(w, t)
		})
	}
	var why reason
	if errors.Is(err, errEnded) || errors.Is(err, keyhatch.Unauthenticated) || errors.As(err, &why) {
		return nil
	}
	return err
}

// kept is the token that stands for a signed token, keyhatch.NotFound when it was not shown
// before.
func (svc *Service) kept(w *kernel.Work, s shown) (keyhatch.Token, error) {
	hashes, err := svc.k.Keys.HashesOfToken(s.secret())
	if err != nil {
		return keyhatch.Token{}, err
	}
	return w.TokenByHash(w.Ctx, hashes, w.Now)
}
