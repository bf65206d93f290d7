package oauth

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// Issued is what a client gets.
type Issued struct {
	Access    keyhatch.Secret
	Refresh   keyhatch.Secret // empty: there is none
	ID        keyhatch.Secret // the ID token; empty: it was not asked for
	Scopes    []keyhatch.Scope
	OpenID    bool
	User      keyhatch.User
	Earthdata bool      // of the client
	ExpiresAt time.Time // of Access
	Life      time.Duration
}

// Redemption is what a client shows of a code.
type Redemption struct {
	Code     keyhatch.Secret
	Redirect string
	Verifier keyhatch.Secret // of PKCE
}

// Redeem gives a client the tokens of a code, once. A code that is shown a second time, or to
// which the rest does not fit, ends all that came of its consent: nobody can tell then who is
// the thief.
//
// Source: RFC 6749, sections 4.1.3 and 10.5; RFC 7636, section 4.6.
func (svc *Service) Redeem(ctx context.Context, p Proof, r Redemption) (Issued, error) {
	client, err := svc.prove(ctx, p)
	if err != nil {
		return Issued{}, err
	}
	if !keyhatch.AuthorizationCode.Is(r.Code) {
		return Issued{}, svc.failed(ctx, ErrGrant)
	}
	return svc.hand(ctx, client, r.Code, func(w *kernel.Work, hashes []keyhatch.TokenHash) (keyhatch.Consent, string, error) {
		code, err := w.AuthorizationCodeByHash(w.Ctx, hashes)
		if err != nil {
			return keyhatch.Consent{}, "", err
		}
		consent, err := w.Consent(w.Ctx, code.Consent)
		switch {
		case err != nil:
			return consent, "", err
		case consent.Client != client.ID:
			return consent, "", ErrGrant
		case !code.UsedAt.IsZero():
			return consent, "its code was shown twice", nil
		case !w.Now.Before(code.ExpiresAt):
			return consent, "", ErrGrant
		case code.Redirect != r.Redirect || !proves(client, code.Challenge, r.Verifier):
			return consent, "its code was shown by somebody else", nil
		}
		if err = w.Tx.UseAuthorizationCode(w.Ctx, consent.ID, w.Now); errors.Is(err, keyhatch.NotFound) { // by another process, meanwhile
			return consent, "its code was shown twice", nil
		}
		return consent, "", err
	}, nil)
}

// proves tells whether the verifier is what a code takes. One that was asked for without a
// challenge, which clients for Earthdata Login alone may, takes none, and is not good with one.
//
// Source: RFC 9700, section 4.8.2.
func proves(client keyhatch.OAuthClient, challenge string, verifier keyhatch.Secret) bool {
	if challenge == "" {
		return client.Earthdata && verifier == ""
	}
	return fits(challenge, verifier)
}

// fits tells whether a verifier is the challenge's.
func fits(challenge string, verifier keyhatch.Secret) bool {
	v := verifier.Reveal()
	if len(v) < 43 || len(v) > 128 || strings.Trim(v, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~") != "" {
		return false
	}
	sum := sha256.Sum256([]byte(v))
	return subtle.ConstantTimeCompare([]byte(base64.RawURLEncoding.EncodeToString(sum[:])), []byte(challenge)) == 1
}

// Refresh gives a client another access token and another refresh token for one, which works
// once. Scopes are those of the consent when none are asked for, or fewer. A refresh token
// that is shown a second time ends all that came of its consent. It is keyhatch.TooMany for a
// client that refreshes without end.
//
// Source: RFC 6749, section 6; RFC 9700, section 4.14.2.
func (svc *Service) Refresh(ctx context.Context, p Proof, refresh keyhatch.Secret, scopes []keyhatch.Scope) (Issued, error) {
	client, err := svc.prove(ctx, p)
	if err != nil {
		return Issued{}, err
	}
	if !keyhatch.RefreshToken.Is(refresh) {
		return Issued{}, svc.failed(ctx, ErrGrant)
	}
	return svc.hand(ctx, client, refresh, func(w *kernel.Work, hashes []keyhatch.TokenHash) (keyhatch.Consent, string, error) {
		f, err := w.RefreshByHash(w.Ctx, hashes)
		if err != nil {
			return keyhatch.Consent{}, "", err
		}
		consent, err := w.Consent(w.Ctx, f.Consent)
		switch {
		case err != nil:
			return consent, "", err
		case consent.Client != client.ID:
			return consent, "", ErrGrant
		case !f.UsedAt.IsZero():
			return consent, "a refresh token was shown twice", nil
		case !w.Now.Before(f.ExpiresAt):
			return consent, "", ErrGrant
		}
		if _, err := svc.refreshes.Take(consent.ID, refreshesOfConsent, w.Now); err != nil {
			return consent, "", err
		}
		if err = w.Tx.UseRefresh(w.Ctx, f.ID, w.Now); errors.Is(err, keyhatch.NotFound) { // by another process, meanwhile
			return consent, "a refresh token was shown twice", nil
		}
		if err != nil {
			return consent, "", err
		}
		return consent, "", w.Record(Refreshed, "", consent.ID, detailOf(consent, client))
	}, scopes)
}

// take finds what was shown and takes it: the consent that it is of, and why that is to end
// instead.
type take func(w *kernel.Work, hashes []keyhatch.TokenHash) (c keyhatch.Consent, end string, err error)

// hand gives a client tokens for what it has shown, in one transaction.
func (svc *Service) hand(ctx context.Context, client keyhatch.OAuthClient, shown keyhatch.Secret, take take, scopes []keyhatch.Scope) (out Issued, err error) {
	if err := svc.mayHaveToSign(ctx); err != nil {
		return Issued{}, err
	}
	ended := false
	err = svc.k.FindToken(ctx, shown, func(hashes []keyhatch.TokenHash) error {
		return svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
			consent, why, err := take(w, hashes)
			if err != nil {
				return err
			}
			if ended = why != ""; ended {
				return svc.people.EndConsent(w, consent, why)
			}
			if consent.Scopes, err = within(consent.Scopes, scopes); err != nil {
				return err
			}
			out, err = svc.issue(w, client, consent)
			return err
		})
	})
	if err == nil && ended {
		err = ErrGrant
	}
	if err != nil {
		return Issued{}, svc.grantFailed(ctx, err)
	}
	return out, nil
}

// issue makes the tokens of a consent.
func (svc *Service) issue(w *kernel.Work, client keyhatch.OAuthClient, consent keyhatch.Consent) (out Issued, err error) {
	user, err := w.User(w.Ctx, consent.User)
	if errors.Is(err, keyhatch.NotFound) || err == nil && (!user.Active || !consent.Lasts(w.Now)) {
		err = ErrGrant
	}
	if err != nil {
		return out, err
	}
	w.Caller.User = user
	if err := svc.forgetExpired(w, consent); err != nil {
		return out, err
	}
	t := keyhatch.Token{
		ID: keyhatch.NewID(keyhatch.TokenID, w.Now), User: user.ID, Name: client.Name, Scopes: consent.Scopes,
		ExpiresAt: consent.Within(svc.people.IssuedUntil(w.Now, client.AccessLife)), Since: w.Now, CreatedAt: w.Now, CreatedFrom: w.Caller.Origin.AddressText(),
		Consent: consent.ID,
	}
	out = Issued{Access: keyhatch.NewTokenSecret(), Scopes: t.Scopes, OpenID: consent.OpenID, User: user, Earthdata: client.Earthdata, ExpiresAt: t.ExpiresAt, Life: t.ExpiresAt.Sub(w.Now)}
	if client.Signed {
		if out.Access, err = svc.signAccess(w, client, user, t); err != nil {
			return out, err
		}
	}
	if consent.OpenID {
		if out.ID, err = svc.signID(w, client, user, consent, t.ExpiresAt); err != nil {
			return out, err
		}
	}
	if err := svc.people.Issue(w, t, out.Access); err != nil {
		return out, err
	}
	until := t.ExpiresAt
	if client.RefreshLife > 0 {
		f := db.Refresh{ID: keyhatch.NewID(keyhatch.RefreshID, w.Now), Consent: consent.ID, ExpiresAt: consent.Within(kernel.Stored(w.Now.Add(client.RefreshLife)))}
		out.Refresh = keyhatch.RefreshToken.New()
		if f.Hash, err = svc.k.Keys.HashToken(out.Refresh); err != nil {
			return out, err
		}
		if err := w.Tx.InsertRefresh(w.Ctx, f); err != nil {
			return out, err
		}
		until = slices.MaxFunc([]time.Time{until, f.ExpiresAt}, time.Time.Compare)
	}
	return out, w.Tx.ExtendConsent(w.Ctx, consent.ID, until)
}

// forgetExpired removes the access tokens of a consent that have expired: a client that
// refreshes each hour would leave a long list.
func (svc *Service) forgetExpired(w *kernel.Work, consent keyhatch.Consent) error {
	tokens, err := w.ConsentTokens(w.Ctx, consent.ID)
	if err != nil {
		return err
	}
	for _, t := range tokens {
		if !t.Live(w.Now) {
			if err := w.Tx.DeleteToken(w.Ctx, t); err != nil {
				return err
			}
		}
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
