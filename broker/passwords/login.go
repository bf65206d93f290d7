package passwords

import (
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// Login tells whose name and password these are. The name is the user's, or its e-mail
// address when no other user has that one. A name that nobody has, a wrong password, a
// user without one and a user who is not active fail alike, with
// keyhatch.Unauthenticated, and each costs the work of one hash (S6).
//
// Attempts are bounded: keyhatch.TooMany for a name or an address that has failed too
// often, keyhatch.Unavailable when too many passwords are being checked (S12). Tokens
// work on regardless.
func (svc *Service) Login(ctx context.Context, name string, password keyhatch.Secret) (keyhatch.User, error) {
	l, err := svc.check(ctx, name, password)
	return l.User, err
}

// Authenticate is Login for a format that shows name and password with every request.
// The caller may what its user may, for as long as the password stays the same; it
// borrows no leases, since those end with a token. The request is counted
// against the user's limit, which is that of a token. A password that was right is taken
// for right again, for a while, without the work of a hash.
func (svc *Service) Authenticate(ctx context.Context, name string, password keyhatch.Secret) (keyhatch.Caller, error) {
	l, err := svc.check(ctx, name, password)
	if err != nil {
		return keyhatch.Caller{}, err
	}
	c := keyhatch.Caller{
		User: l.User, Token: keyhatch.PasswordToken(l.User.ID), Password: l.Password.ID, Origin: keyhatch.OriginOf(ctx),
	}
	if c.Allowance, err = svc.k.CountRequestOf(l.User.ID, svc.k.Now()); err != nil {
		return keyhatch.Caller{}, err
	}
	return c, nil
}

// check finds the user of the name, and holds the password against its.
func (svc *Service) check(ctx context.Context, name string, password keyhatch.Secret) (db.Login, error) {
	if len(name) > maxName || len(password) > keyhatch.MaxPasswordBytes { // of nobody
		name, password = "", ""
	}
	password = normal(password)
	l, err := svc.find(ctx, name)
	if err != nil {
		return db.Login{}, err
	}
	right, err := svc.right(ctx, attempt{name, kernel.Sender(keyhatch.OriginOf(ctx).Address)}, l, password)
	if err == nil && !(right && l.User.Active) {
		err = kernel.LoginFailed()
	}
	if err != nil {
		return db.Login{}, err
	}
	return l, nil
}

// maxName is the longest name at a login in bytes.
const maxName = 300

// find returns the user of the name with its password, and where there is none, or not
// one alone, nobody, without a password.
func (svc *Service) find(ctx context.Context, name string) (db.Login, error) {
	if name == "" {
		return db.Login{}, nil
	}
	found, err := svc.k.DB.Logins(ctx, name)
	if err != nil || len(found) != 1 {
		return db.Login{}, err
	}
	return found[0], nil
}

// right tells whether the password is the user's. The attempt is counted before it is
// known how it ends, so that many side by side are too; one that succeeds is given back.
func (svc *Service) right(ctx context.Context, a attempt, l db.Login, password keyhatch.Secret) (bool, error) {
	now := svc.k.Now()
	if l.Password.ID != "" && svc.proven.has(l.Password, password, now) {
		return true, nil
	}
	if err := svc.attempts.take(a, now); err != nil {
		return false, err
	}
	text, err := svc.hashOf(l.Password)
	if err != nil {
		return false, err
	}
	right, old, err := svc.hashing.verify(ctx, text, password)
	if err != nil || !right || l.Password.ID == "" {
		return false, err
	}
	if l.User.Active {
		svc.attempts.succeeded(a, now)
		svc.proven.add(l.Password, password, now)
		if old {
			svc.renew(ctx, l.Password, password)
		}
	}
	return true, nil
}

// hashOf is the text of the password's hash, and one that nothing fits for no password.
func (svc *Service) hashOf(p db.SealedPassword) (string, error) {
	if p.ID == "" {
		return svc.hashing.nobodys, nil
	}
	return svc.open(p)
}

// renew hashes a password as new ones are. The login stands without it.
func (svc *Service) renew(ctx context.Context, p db.SealedPassword, password keyhatch.Secret) {
	err := func() error {
		text, err := svc.hashing.hash(ctx, password)
		if err != nil {
			return err
		}
		if p.Sealed, err = svc.seal(p.User, text); err != nil {
			return err
		}
		return svc.k.DB.Write(ctx, func(tx *db.Tx) error { return tx.ReplacePasswordHash(ctx, p) })
	}()
	if err != nil && !errors.Is(err, context.Canceled) {
		svc.log.WarnContext(ctx, "a password could not be hashed anew; its next login tries again", "user", p.User, "error", err)
	}
}
