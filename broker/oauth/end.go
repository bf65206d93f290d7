package oauth

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// EndConsent ends what a user has let a client do: one's own, or anybody's for an
// installation admin.
func (svc *Service) EndConsent(ctx context.Context, c keyhatch.Caller, id string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		consent, err := w.Consent(ctx, id)
		if err != nil {
			return err
		}
		if consent.User != w.Caller.User.ID && !w.Installs() || !w.Within("") {
			return kernel.NotFound(keyhatch.CodeConsentNotFound)
		}
		return svc.people.EndConsent(w, consent, "the user has taken it back")
	})
}

// Consents lists what the caller has let programs do. Users are of the installation: a token that is confined to a
// workspace sees none.
func (svc *Service) Consents(ctx context.Context, c keyhatch.Caller, p kernel.Page) (kernel.List[Given], error) {
	v := svc.k.View(ctx, c)
	if !v.Within("") {
		return kernel.List[Given]{}, nil
	}
	return kernel.Paged(p, keyhatch.ConsentID, func(g Given) string { return g.ID }, func(p kernel.Page) ([]Given, error) {
		all, err := v.Consents(ctx, c.User.ID, "", p)
		if err != nil {
			return nil, err
		}
		out := make([]Given, len(all))
		for i, consent := range all {
			client, err := svc.client(ctx, consent.Client)
			if err != nil {
				return nil, err
			}
			out[i] = Given{consent, client.OAuthClient}
		}
		return out, nil
	})
}

// Given is a consent with its client.
type Given struct {
	keyhatch.Consent
	To keyhatch.OAuthClient
}

// EndByRefresh ends the consent of a refresh token that one shows, used or not: who holds it
// may. What is none is not told apart, but for keyhatch.TooMany when there were too many.
//
// Source: RFC 7009, section 2.1.
func (svc *Service) EndByRefresh(ctx context.Context, refresh keyhatch.Secret) error {
	if err := svc.failed(ctx, nil); err != nil || !keyhatch.RefreshToken.Is(refresh) {
		return err
	}
	err := svc.k.FindToken(ctx, refresh, func(hashes []keyhatch.TokenHash) error {
		if _, err := svc.k.DB.RefreshByHash(ctx, hashes); err != nil { // who guesses holds up nobody
			return err
		}
		return svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
			f, err := w.RefreshByHash(ctx, hashes)
			if err != nil {
				return err
			}
			consent, err := w.Consent(ctx, f.Consent)
			if err != nil {
				return err
			}
			w.Caller.User.ID = consent.User
			return svc.people.EndConsent(w, consent, "its client has given it up")
		})
	})
	if errors.Is(err, keyhatch.NotFound) {
		return nil
	}
	return err
}
