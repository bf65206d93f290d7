package passwords

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// resetLife is how long a reset can be used.
const resetLife = 24 * time.Hour

// NewReset makes the secret with which a user sets a password of its own, whatever it had
// before: once, within a day. It takes the place of the one before, and ends when the
// password is set in another way or removed. The password stays valid until then. For
// installation admins, with a token that is bounded in nothing: who has the secret can do
// all that the user may (S4).
func (svc *Service) NewReset(ctx context.Context, c keyhatch.Caller, user string) (secret keyhatch.Secret, expires time.Time, err error) {
	secret = keyhatch.NewResetSecret()
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		hash, err := svc.k.Keys.HashToken(secret)
		if err != nil {
			return err
		}
		u, err := w.VisibleUser(user)
		if err != nil {
			return err
		}
		if err := w.MustInstall(); err != nil {
			return err
		}
		allowed := mustBeUnbounded
		if u.ID == w.Caller.User.ID {
			allowed = mustBeginPassword
		}
		if err := allowed(w.View); err != nil {
			return err
		}
		if !u.Active {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNotPermitted, "the user is not active: activate it first").In("user")
		}
		expires = w.Now.Add(resetLife)
		if err := w.Tx.PutPasswordReset(ctx, db.PasswordReset{User: u.ID, Hash: hash, ExpiresAt: expires}); err != nil {
			return err
		}
		return w.Record(Reset, "", u.ID, kernel.Detail("name", u.Name, "expires", kernel.TimeText(expires)))
	})
	if err != nil {
		return "", time.Time{}, err
	}
	return secret, expires, nil
}

// ResetPassword sets a user's password with the secret of a reset, which ends by it. A
// secret that opens nothing, or nothing any more, fails with keyhatch.Unauthenticated;
// an address from which too many did, with keyhatch.TooMany.
func (svc *Service) ResetPassword(ctx context.Context, secret, password keyhatch.Secret) error {
	now, address := svc.k.Now(), kernel.Sender(keyhatch.OriginOf(ctx).Address)
	if err := svc.attempts.takeAddress(address, now); err != nil {
		return err
	}
	if !keyhatch.IsResetSecret(secret.Reveal()) {
		return resetInvalid()
	}
	hashes, err := svc.k.Keys.HashesOfToken(secret)
	if err != nil {
		return err
	}
	// It is looked up twice: who guesses shall not hold up those who write.
	u, err := usable(ctx, svc.k.DB.Reader, hashes, now)
	if err != nil {
		return err
	}
	password = normal(password)
	if err := checkNew(u, password); err != nil {
		return err
	}
	text, err := svc.hashing.hash(ctx, password)
	if err != nil {
		return err
	}
	err = svc.k.ChangeUnasked(ctx, func(w *kernel.Work) error {
		u, err := usable(ctx, w.Reader, hashes, w.Now)
		if err != nil {
			return err
		}
		w.Caller.User = u
		return svc.put(w, u, text)
	})
	if err == nil {
		svc.attempts.byAddress.Return(address, now)
	}
	return err
}

// usable finds the user whose password may be set.
func usable(ctx context.Context, r db.Reader, hashes []keyhatch.TokenHash, now time.Time) (keyhatch.User, error) {
	reset, err := r.PasswordResetByHash(ctx, hashes)
	if errors.Is(err, keyhatch.NotFound) || err == nil && !now.Before(reset.ExpiresAt) {
		err = resetInvalid()
	}
	if err != nil {
		return keyhatch.User{}, err
	}
	u, err := r.User(ctx, reset.User)
	if err == nil && !u.Active {
		err = resetInvalid()
	}
	return u, err
}

func resetInvalid() error {
	return keyhatch.Fail(keyhatch.Unauthenticated, keyhatch.CodeResetInvalid,
		"this sets no password: it was used, replaced or mistyped, or is older than a day; ask an installation admin for another one")
}
