package people

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/mirror"
)

// Issue makes a token that its user has let a program have, for as long as it says and at most
// as long as the installation lets users have tokens: the caller of the work is that user. Its
// secret is what a token has, or a text that we have signed and that names it. Such a text is
// found by its hash like every secret, so that its row alone tells whether it works; its
// signature is for others.
func (svc *Service) Issue(w *kernel.Work, t keyhatch.Token, secret keyhatch.Secret) error {
	if err := checkToken(t); err != nil {
		return err
	}
	if err := roomForToken(w, t.User); err != nil {
		return err
	}
	hash, err := svc.k.Keys.HashToken(secret)
	if err != nil {
		return err
	}
	if err := w.Tx.InsertToken(w.Ctx, db.HashedToken{Token: t, Hash: hash}); err != nil {
		return err
	}
	return w.Record(TokenCreated, t.Workspace, t.ID, kernel.Detail("user", t.User, "name", t.Name,
		"scopes", joinScopes(t.Scopes), "expires", kernel.TimeText(t.ExpiresAt)))
}

// IssuedUntil is when a token ends that is issued now to live so long.
func (svc *Service) IssuedUntil(now time.Time, life time.Duration) time.Time {
	if longest := svc.limits.LongestToken; longest > 0 {
		life = min(life, longest)
	}
	return kernel.Stored(now.Add(life))
}

// HasIssued tells whether a signed text is a token that was issued here and has not been
// removed.
func (svc *Service) HasIssued(ctx context.Context, signed keyhatch.Secret) (bool, error) {
	now := svc.k.Now()
	err := svc.k.FindToken(ctx, signed, func(hashes []keyhatch.TokenHash) error {
		return svc.k.Mirror.View(ctx, func(image *mirror.Image) error {
			_, _, err := firstToken(image, hashes, now)
			return err
		})
	})
	if errors.Is(err, keyhatch.NotFound) {
		return false, nil
	}
	return err == nil, err
}
