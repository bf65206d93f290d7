package oauth

import (
	"context"
	"encoding/base64"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// codeLife is how long a code can be used.
const codeLife = 60 * time.Second

// mostOfClient bounds what a user has let one program do (S9): those end of which nothing has come, and
// then those that were not used for the longest. Nobody is kept from logging in by what programs
// have left; and there are as many as a user can have workers, each of which logs in.
const mostOfClient = 1000

// maxNonce bounds what a client has put into its ID token.
const maxNonce = 512

// Request is what a client asks for through a user's browser.
type Request struct {
	Client    string // its name
	Redirect  string
	Challenge string // of PKCE
	Method    string // S256
	// Age is how long ago the user may have logged in.
	Age keyhatch.LoginAge
	// Whole is all that the client has asked with, and Mark what Service.Mark has made of it before; empty: it was not asked.
	Whole, Mark string
	Wanted
}

// Asked is what a user is shown before it consents.
type Asked struct {
	Client keyhatch.OAuthClient
	Scopes []keyhatch.Scope
}

// Unasked tells whether the user need not be asked: the client is the installation's own, and
// proves that. One without a secret is whoever calls itself by its name; but what is built in
// and trusted is sent back to our own URL only, and its code is bound to the browser and by PKCE.
//
// Source: RFC 6749, section 10.2; RFC 8252, section 8.6.
func (a Asked) Unasked() bool {
	return a.Client.Trusted && (a.Client.Confidential || a.Client.BuiltIn())
}

// MayReturn tells whether a browser may be sent to the address with an answer for the client:
// nothing is sent there before. ErrClient or ErrRedirect when not.
func (svc *Service) MayReturn(ctx context.Context, client, redirect string) error {
	c, err := svc.client(ctx, client)
	switch {
	case err != nil:
		return err
	case c.Name != client: // an id is ours
		return ErrClient
	case !c.SendsTo(redirect):
		return ErrRedirect
	}
	return nil
}

// Ask checks what a client asks for. Its refusals are for the client, where MayReturn lets
// them be sent.
func (svc *Service) Ask(ctx context.Context, r Request) (Asked, error) {
	if err := svc.MayReturn(ctx, r.Client, r.Redirect); err != nil {
		return Asked{}, err
	}
	c, err := svc.client(ctx, r.Client)
	switch {
	case err != nil:
		return Asked{}, err
	case !slices.Contains(c.Flows, keyhatch.CodeFlow):
		return Asked{}, ErrFlow
	case !(c.Earthdata && r.Method == "" && r.Challenge == "") && (r.Method != "S256" || !isChallenge(r.Challenge)):
		return Asked{}, ErrChallenge
	case len(r.Nonce) > maxNonce || keyhatch.CheckText("nonce", r.Nonce) != nil:
		return Asked{}, Refusal{"invalid_request", "the nonce is too long, or no text: send 512 characters at most", keyhatch.Invalid}
	}
	scopes, err := within(c.Scopes, r.Scopes)
	return Asked{Client: c.OAuthClient, Scopes: scopes}, err
}

// isChallenge tells whether a text is a SHA-256 in base64url.
func isChallenge(s string) bool {
	b, err := base64.RawURLEncoding.Strict().DecodeString(s)
	return err == nil && len(b) == 32 && len(s) == 43
}

// Allow is a user's consent to what a client asks for. The code that it returns is for the
// client, at its address, once, and within a minute.
func (svc *Service) Allow(ctx context.Context, c keyhatch.Caller, r Request) (code keyhatch.Secret, err error) {
	asked, err := svc.Ask(ctx, r)
	if err != nil {
		return "", err
	}
	code = keyhatch.AuthorizationCode.New()
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if err := svc.recent(w.View, r); err != nil {
			return err
		}
		until := w.Now.Add(codeLife)
		consent, err := svc.consent(w, asked, r.Wanted, until)
		if err != nil {
			return err
		}
		hash, err := svc.k.Keys.HashToken(code)
		if err != nil {
			return err
		}
		return w.Tx.InsertAuthorizationCode(ctx, db.AuthorizationCode{
			Consent: consent.ID, Hash: hash, Redirect: r.Redirect, Challenge: r.Challenge, ExpiresAt: until,
		})
	})
	if err != nil {
		return "", err
	}
	return code, nil
}

// consent stores that the caller lets a client do what it was asked for.
func (svc *Service) consent(w *kernel.Work, asked Asked, wanted Wanted, until time.Time) (keyhatch.Consent, error) {
	if err := mustBePerson(w.Caller); err != nil {
		return keyhatch.Consent{}, err
	}
	if !asked.Client.BuiltIn() {
		if _, err := w.OAuthClient(w.Ctx, asked.Client.ID); err != nil { // it was removed meanwhile
			return keyhatch.Consent{}, err
		}
	}
	in, err := session(w.View)
	if err != nil {
		return keyhatch.Consent{}, err
	}
	consent := keyhatch.Consent{
		ID: keyhatch.NewID(keyhatch.ConsentID, w.Now), Client: asked.Client.ID, User: w.Caller.User.ID, Scopes: asked.Scopes,
		OpenID: wanted.OpenID, Nonce: wanted.Nonce, LoggedIn: in.LoggedIn, Issuer: in.Issuer, CreatedAt: w.Now, ExpiresAt: until,
	}
	if in.Issuer != "" { // there is no word from there when the account ends
		consent.EndsAt = kernel.Stored(w.Now.Add(svc.lifeElsewhere))
	}
	if err := w.Tx.InsertConsent(w.Ctx, consent); err != nil {
		return keyhatch.Consent{}, err
	}
	stale, err := w.StalestConsents(w.Ctx, consent.User, consent.Client, consent.ID, svc.mostOfClient-1)
	if err != nil {
		return keyhatch.Consent{}, err
	}
	for _, old := range stale {
		if err := svc.people.EndConsent(w, old, "newer ones of its client took its place"); err != nil {
			return keyhatch.Consent{}, err
		}
	}
	return consent, w.Record(Consented, "", consent.ID, detailOf(consent, asked.Client))
}

func detailOf(consent keyhatch.Consent, client keyhatch.OAuthClient) map[string]string {
	return kernel.Detail("client", client.Name, "user", consent.User, "scopes", scopesText(consent.Scopes), "openid", kernel.Yes(consent.OpenID))
}
