package passwords

import (
	"cmp"
	"context"
	"errors"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/policy"
)

// The events of passwords.
const (
	Set     keyhatch.Action = "password.set"
	Removed keyhatch.Action = "password.remove"
	Reset   keyhatch.Action = "password.reset"
)

// SetPassword sets a password of the caller's own: of others it is refused. Who has one shows it, whatever its token
// may: keyhatch.Forbidden if it is another, with the bounds of Login. The first one takes a token that is bounded in nothing, since with a password its user may do all
// that it may (S4), and a user who logs in at no provider.
//
// Tokens stay as they are. Whoever used the password before is let in no more, and a
// reset that was made before ends.
func (svc *Service) SetPassword(ctx context.Context, c keyhatch.Caller, user string, current, password keyhatch.Secret) error {
	v, err := svc.k.Stands(ctx, c)
	if err != nil {
		return err
	}
	u, err := v.VisibleUser(user)
	if err != nil {
		return err
	}
	if u.ID != c.User.ID {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"a password is set by its user alone: ask an installation admin to make a secret with which it does so")
	}
	password = normal(password)
	if err := checkNew(c.User, password); err != nil {
		return err
	}
	have, err := svc.k.DB.Password(ctx, c.User.ID)
	switch {
	case errors.Is(err, keyhatch.NotFound):
		have = db.SealedPassword{}
	case err != nil:
		return err
	default:
		if err := svc.showsOwn(ctx, c, have, current); err != nil {
			return err
		}
	}
	text, err := svc.hashing.hash(ctx, password)
	if err != nil {
		return err
	}
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		now, err := w.Password(ctx, w.Caller.User.ID)
		switch {
		case err != nil && !errors.Is(err, keyhatch.NotFound):
			return err
		case now.ID != have.ID: // it was changed since it was checked
			return kernel.LoginFailed()
		case have.ID == "":
			if err := mustBeginPassword(w.View); err != nil {
				return err
			}
		}
		return svc.put(w, w.Caller.User, text)
	})
}

// RemovePassword takes a user's password away, and what could set it: nobody logs in with
// one until another is set. One's own, or anybody's for an installation admin.
// keyhatch.NotFound when there is nothing to take away.
func (svc *Service) RemovePassword(ctx context.Context, c keyhatch.Caller, user string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		u, err := w.VisibleUser(user)
		if err != nil {
			return err
		}
		if u.ID != w.Caller.User.ID || w.Caller.Token.Workspace != "" { // users are of the installation
			if err := w.MustInstall(); err != nil {
				return err
			}
		}
		had, could := w.Tx.DeletePassword(ctx, u.ID), w.Tx.DeletePasswordReset(ctx, u.ID)
		if errors.Is(could, keyhatch.NotFound) && had == nil || errors.Is(had, keyhatch.NotFound) && could == nil {
			had, could = nil, nil
		}
		if err := errors.Join(had, could); err != nil {
			return cmp.Or(had, could)
		}
		return w.Record(Removed, "", u.ID, kernel.Detail("name", u.Name))
	})
}

// showsOwn checks the caller's own password again.
func (svc *Service) showsOwn(ctx context.Context, c keyhatch.Caller, have db.SealedPassword, shown keyhatch.Secret) error {
	if len(shown) > keyhatch.MaxPasswordBytes {
		shown = ""
	}
	right, err := svc.right(ctx, attempt{c.User.Name, kernel.Sender(c.Origin.Address)}, db.Login{User: c.User, Password: have}, normal(shown))
	if err == nil && !right {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted, "the current password is another one: check it, and send it again").In("current_password")
	}
	return err
}

// put stores a password for the user and ends its reset.
func (svc *Service) put(w *kernel.Work, u keyhatch.User, text string) error {
	sealed, err := svc.seal(u.ID, text)
	if err != nil {
		return err
	}
	p := db.SealedPassword{User: u.ID, ID: keyhatch.NewID(keyhatch.PasswordID, w.Now), Sealed: sealed, SetAt: w.Now}
	if err := w.Tx.PutPassword(w.Ctx, p); err != nil {
		return err
	}
	if err := w.Tx.DeletePasswordReset(w.Ctx, u.ID); err != nil && !errors.Is(err, keyhatch.NotFound) {
		return err
	}
	return w.Record(Set, "", u.ID, kernel.Detail("name", u.Name))
}

// mustBeginPassword refuses who may not have a first password by what it has shown: what is bounded,
// and whatever a user shows who logs in at a provider, since a password would outlive the account
// there. A program may hold a token that is bounded in nothing.
func mustBeginPassword(v kernel.View) error {
	if err := mustBeUnbounded(v); err != nil {
		return err
	}
	elsewhere, err := v.LogsInElsewhere(v.Ctx, v.Caller.User.ID)
	if err == nil && elsewhere {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"who logs in at a provider needs no password here: if you need one, ask another installation admin for a secret with which you set it")
	}
	return err
}

// mustBeUnbounded refuses a token that is bounded in anything: with a password one can
// do all that its user may, and for longer.
func mustBeUnbounded(v kernel.View) error {
	t := v.Caller.Token
	scopes, err := policy.ParseScopes(t.Scopes)
	if err != nil {
		return err
	}
	_, task := t.OfTask()
	if !scopes.All() || t.Workspace != "" || len(t.Networks) > 0 || t.RequestsPerMinute > 0 || task || v.Caller.Lease != "" || t.Consent != "" {
		return keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeScopeTooBroad,
			`with a password its user can do everything that it may: use a token with the scope "all" and no limits of its own`)
	}
	if !v.Caller.HasToken() {
		return nil
	}
	own, err := v.HashedToken(v.Ctx, t.ID)
	if err == nil && v.Caller.Secret != own.Hash {
		err = keyhatch.Fail(keyhatch.Forbidden, keyhatch.CodeNotPermitted,
			"this secret was replaced and works on for a grace only: set passwords with the newer one")
	}
	return err
}
