package oauth

import (
	"context"
	"errors"
	"slices"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/policy"
)

// CreateClient registers a client, and returns its secret if it is a confidential one; it is
// not kept. For installation admins.
func (svc *Service) CreateClient(ctx context.Context, c keyhatch.Caller, n keyhatch.OAuthClient) (made keyhatch.OAuthClient, secret keyhatch.Secret, err error) {
	if n.Confidential {
		secret = keyhatch.ClientSecret.New()
	}
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if err := w.MustInstall(); err != nil {
			return err
		}
		if err := n.Check(); err != nil {
			return err
		}
		scopes, err := policy.ParseScopes(n.Scopes)
		if err != nil {
			return err
		}
		if scopes.BoundsS3() {
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidScope, "a client has no s3 scopes, which are of one workspace: leave them out, its users choose what they borrow").In("scopes")
		}
		if n.Signed && svc.issuer == "" {
			return noIssuer()
		}
		made = n
		made.ID, made.CreatedAt = keyhatch.NewID(keyhatch.OAuthClientID, w.Now), w.Now
		hashed := db.HashedClient{OAuthClient: made}
		if n.Confidential {
			if hashed.Hash, err = svc.k.Keys.HashToken(secret); err != nil {
				return err
			}
		}
		if err := w.Tx.InsertOAuthClient(ctx, hashed); err != nil {
			return err
		}
		return w.Record(ClientCreated, "", made.ID, kernel.Detail("name", made.Name, "confidential", kernel.Yes(made.Confidential),
			"trusted", kernel.Yes(made.Trusted), "signed", kernel.Yes(made.Signed), "earthdata", kernel.Yes(made.Earthdata)))
	})
	if err != nil {
		return keyhatch.OAuthClient{}, "", err
	}
	return made, secret, nil
}

// Clients lists the clients. For installation admins.
func (svc *Service) Clients(ctx context.Context, c keyhatch.Caller, p kernel.Page) (kernel.List[keyhatch.OAuthClient], error) {
	v := svc.k.View(ctx, c)
	if err := v.MustInstall(); err != nil {
		return kernel.List[keyhatch.OAuthClient]{}, err
	}
	return kernel.Paged(p, keyhatch.OAuthClientID, func(c keyhatch.OAuthClient) string { return c.ID }, func(p kernel.Page) ([]keyhatch.OAuthClient, error) {
		all, err := v.OAuthClients(ctx, p)
		out := make([]keyhatch.OAuthClient, len(all))
		for i, c := range all {
			out[i] = c.OAuthClient
		}
		return out, err
	})
}

// DeleteClient removes a client of an id or a name, and ends all that users have let it do.
// For installation admins.
func (svc *Service) DeleteClient(ctx context.Context, c keyhatch.Caller, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if err := w.MustInstall(); err != nil {
			return err
		}
		client, err := w.OAuthClient(ctx, ref)
		if err != nil {
			return err
		}
		consents, err := w.Consents(ctx, "", client.ID, db.Everything)
		if err != nil {
			return err
		}
		for _, consent := range consents {
			if err := svc.people.EndConsent(w, consent, "the client was removed"); err != nil {
				return err
			}
		}
		if err := w.Tx.DeleteOAuthClient(ctx, client.ID); err != nil {
			return err
		}
		return w.Record(ClientDeleted, "", client.ID, kernel.Detail("name", client.Name))
	})
}

// Proof is what a client shows of itself.
type Proof struct {
	Client string // its name
	Secret keyhatch.Secret
}

// prove tells which client it is: ErrClient when it is none, or does not show its secret.
func (svc *Service) prove(ctx context.Context, p Proof) (keyhatch.OAuthClient, error) {
	client, err := svc.client(ctx, p.Client)
	switch {
	case err != nil:
	case client.Name != p.Client: // an id is ours
		err = ErrClient
	case !client.Confidential && p.Secret != "", client.Confidential && !keyhatch.ClientSecret.Is(p.Secret):
		err = ErrClient
	case client.Confidential:
		err = svc.k.FindToken(ctx, p.Secret, func(hashes []keyhatch.TokenHash) error {
			if !slices.Contains(hashes, client.Hash) {
				return kernel.NotFound(keyhatch.CodeClientNotFound)
			}
			return nil
		})
	}
	if errors.Is(err, keyhatch.NotFound) || errors.Is(err, ErrClient) {
		err = svc.failed(ctx, ErrClient)
	}
	if err != nil {
		return keyhatch.OAuthClient{}, err
	}
	return client.OAuthClient, nil
}

// client finds the client of a name, or of an id: ErrClient when there is none.
func (svc *Service) client(ctx context.Context, name string) (db.HashedClient, error) {
	if own, ok := keyhatch.BuiltInClient(name); ok {
		if own.ID == keyhatch.EarthdataClient.ID {
			if svc.issuer == "" { // it has nowhere to be sent back to
				return db.HashedClient{}, ErrClient
			}
			own.Redirects = []string{svc.issuer + keyhatch.KeysRedirect}
		}
		return db.HashedClient{OAuthClient: own}, nil
	}
	client, err := svc.k.DB.OAuthClient(ctx, name)
	if errors.Is(err, keyhatch.NotFound) {
		err = ErrClient
	}
	return client, err
}

// Wanted is what a client asks a user for.
type Wanted struct {
	Scopes []keyhatch.Scope // none: all that it may
	OpenID bool             // who the user is
	Nonce  string
}

// within are the scopes that a client gets for what it asks: ErrScope when it may not have
// them.
func within(most []keyhatch.Scope, asked []keyhatch.Scope) ([]keyhatch.Scope, error) {
	if len(asked) == 0 {
		return most, nil
	}
	outer, err := policy.ParseScopes(most)
	if err != nil {
		return nil, err
	}
	inner, err := policy.ParseScopes(asked)
	if err != nil || len(asked) > keyhatch.MaxScopes || inner.BoundsS3() || !inner.Within(outer) {
		return nil, ErrScope
	}
	return asked, nil
}
