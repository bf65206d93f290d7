package people

import (
	"errors"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// A consent is what a user has let a program do. All that came of it ends with it: its code, its
// refresh tokens, its access tokens, and the tokens and access keys that were made with those.

// ConsentEnded is the event of a consent that ends.
const ConsentEnded keyhatch.Action = "consent.end"

// Why a consent ends.
const (
	becauseRevoked  = "its token was revoked"
	becauseLeaked   = "its token was found where it does not belong"
	becauseAll      = "all tokens of its user were revoked"
	becauseInactive = "its user is not active any more"
	becauseRemoved  = "its user was removed"
	becauseNotIn    = "its user is not let in any more at the provider"
)

// EndConsent ends a consent with all that came of it.
func (svc *Service) EndConsent(w *kernel.Work, consent keyhatch.Consent, why string) error {
	return svc.endConsents(w, []keyhatch.Consent{consent}, why)
}

// EndConsentsAt ends what a user has let programs do in sessions that were begun at the provider of the issuer. Whether
// that is to be was decided before.
func (svc *Service) EndConsentsAt(w *kernel.Work, user, issuer string) error {
	given, err := w.Consents(w.Ctx, user, "", db.Everything)
	if err != nil {
		return err
	}
	return svc.endConsents(w, slices.DeleteFunc(given, func(c keyhatch.Consent) bool { return c.Issuer != issuer }), becauseNotIn)
}

// endConsentsOf ends all that a user has let programs do.
func (svc *Service) endConsentsOf(w *kernel.Work, user, why string) error {
	given, err := w.Consents(w.Ctx, user, "", db.Everything)
	if err != nil {
		return err
	}
	return svc.endConsents(w, given, why)
}

func (svc *Service) endConsents(w *kernel.Work, given []keyhatch.Consent, why string) error {
	all, err := together(w, nil, given, "")
	if err != nil {
		return err
	}
	return svc.endTogether(w, all, TokenRevoked, why)
}

// ending is what ends at once.
type ending struct {
	tokens   []keyhatch.Token
	came     map[string]bool // the ids of those of which the access keys end too
	consents []keyhatch.Consent
}

// together is what ends with some tokens and consents: with the token that a program got goes
// its consent, and with a consent all that came of it. What a program has made for itself ends
// alone. The consent that is kept is left alone; empty: none is.
func together(w *kernel.Work, tokens []keyhatch.Token, consents []keyhatch.Consent, kept string) (ending, error) {
	e := ending{came: map[string]bool{}}
	seen := map[string]bool{kept: true, "": true}
	add := func(tokens ...keyhatch.Token) {
		for _, t := range tokens {
			if !seen[t.ID] {
				seen[t.ID], e.tokens = true, append(e.tokens, t)
			}
		}
	}
	withConsent := func(c keyhatch.Consent) error {
		if seen[c.ID] {
			return nil
		}
		seen[c.ID], e.consents = true, append(e.consents, c)
		of, err := w.ConsentTokens(w.Ctx, c.ID)
		if err != nil || len(of) == 0 {
			return err
		}
		came, err := cameOf(w, of...)
		for _, t := range append(of, came...) {
			e.came[t.ID] = true
			add(t)
		}
		return err
	}
	add(tokens...)
	for _, c := range consents {
		if err := withConsent(c); err != nil {
			return e, err
		}
	}
	for i := 0; i < len(e.tokens); i++ { // it grows
		t := e.tokens[i]
		if t.MadeWith != "" || seen[t.Consent] {
			continue
		}
		c, err := w.Consent(w.Ctx, t.Consent)
		if errors.Is(err, keyhatch.NotFound) {
			continue
		}
		if err == nil {
			err = withConsent(c)
		}
		if err != nil {
			return e, err
		}
	}
	return e, nil
}

// endTogether ends it. as is the event of the first token; the others are revoked.
func (svc *Service) endTogether(w *kernel.Work, e ending, as keyhatch.Action, why string) error {
	for _, t := range e.tokens {
		if e.came[t.ID] {
			if err := svc.endKeys(w, t.ID); err != nil {
				return err
			}
		}
		if err := svc.revoke(w, t, as); err != nil {
			return err
		}
		as = TokenRevoked
	}
	for _, c := range e.consents {
		if err := w.Tx.DeleteConsent(w.Ctx, c.ID); err != nil {
			return err
		}
		if err := w.Record(ConsentEnded, "", c.ID, kernel.Detail("client", c.Client, "user", c.User, "reason", why)); err != nil {
			return err
		}
	}
	return nil
}
