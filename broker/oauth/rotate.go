package oauth

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// A key signs until it is retired, and is published until all has ended that it has signed.
const (
	keyLife  = 90 * 24 * time.Hour // then another one signs
	keptOver = keyhatch.MaxSignedLife + time.Hour
)

// SigningKey is a key with which we sign, without the key.
type SigningKey struct {
	ID        string // its kid
	CreatedAt time.Time
	RetiredAt time.Time // zero: it signs
	// Until is when it is replaced if it signs, and until when it is published if it does not.
	Until time.Time
}

// SigningKeys lists the keys that are published, that which signs first. There is none before
// anything was signed. For installation admins.
func (svc *Service) SigningKeys(ctx context.Context, c keyhatch.Caller) ([]SigningKey, error) {
	v := svc.k.View(ctx, c)
	if err := v.MustInstall(); err != nil {
		return nil, err
	}
	keys, err := v.SigningKeys(ctx)
	out := make([]SigningKey, len(keys))
	for i, k := range keys {
		out[i] = SigningKey{ID: k.ID, CreatedAt: k.CreatedAt, RetiredAt: k.RetiredAt, Until: k.CreatedAt.Add(keyLife)}
		if !k.RetiredAt.IsZero() {
			out[i].Until = k.RetiredAt.Add(keptOver)
		}
	}
	return out, err
}

// RotateKey has another key sign from now on. The one before is published until all that it
// has signed has ended. Withdrawn, as one must be that others have, it and all that were before are published no more, and the
// access tokens that they have signed end, with what was made with them: who has a key, and knows what a token
// says, can write it again. Programs refresh theirs, or ask their users again. Who checks tokens
// without asking here believes them until it fetches the keys anew. For installation admins.
func (svc *Service) RotateKey(ctx context.Context, c keyhatch.Caller, withdraw bool) error {
	if err := svc.k.View(ctx, c).MustInstall(); err != nil {
		return err
	}
	private, err := svc.newKey()
	if err != nil {
		return err
	}
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if err := w.MustInstall(); err != nil {
			return err
		}
		before, err := w.SigningKeys(ctx)
		if err != nil {
			return err
		}
		if err := w.Tx.RetireSigningKeys(ctx, w.Now); err != nil {
			return err
		}
		if _, err := svc.insertKey(w, private); err != nil || !withdraw {
			return err
		}
		return svc.withdraw(w, before)
	})
}

// withdraw ends all that the keys have signed, and them.
func (svc *Service) withdraw(w *kernel.Work, keys []db.SigningKey) error {
	signed, err := w.SignedTokens(w.Ctx)
	if err != nil {
		return err
	}
	if err := svc.people.EndCopied(w, signed); err != nil {
		return err
	}
	for _, k := range keys {
		if err := w.Tx.DeleteSigningKey(w.Ctx, k.ID); err != nil {
			return err
		}
		if err := w.Record(KeyWithdrawn, "", k.ID, nil); err != nil {
			return err
		}
	}
	return nil
}

// rotateOld has another key sign in the place of one that has signed for long enough.
func (svc *Service) rotateOld(ctx context.Context) error {
	if old, err := isOld(svc.k.View(ctx, keyhatch.Caller{})); err != nil || !old || svc.issuer == "" {
		return err
	}
	private, err := svc.newKey()
	if err != nil {
		return err
	}
	err = svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
		old, err := isOld(w.View)
		if err == nil && !old {
			err = errMade
		}
		if err != nil {
			return err
		}
		if err := w.Tx.RetireSigningKeys(ctx, w.Now); err != nil {
			return err
		}
		_, err = svc.insertKey(w, private)
		return err
	})
	if errors.Is(err, errMade) {
		return nil
	}
	return err
}

func isOld(v kernel.View) (bool, error) {
	keys, err := v.SigningKeys(v.Ctx)
	return len(keys) > 0 && !v.Now.Before(keys[0].CreatedAt.Add(keyLife)), err
}
