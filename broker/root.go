package broker

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/seal"
)

const rootName = "system-root"

// ErrRootEnded is what SetRoot tells of a secret that was revoked, or has expired. It does
// not come back (S7); another one does.
var ErrRootEnded = errors.New("the system root token of the configuration was revoked, or has expired, and does not work: give it another secret")

// SetRoot makes the token of the system root what the configuration says: one of an
// installation admin of its own, with the secret, or none when the secret is empty.
// Nobody can be asked; who writes the configuration has everything anyway.
func SetRoot(ctx context.Context, d *db.DB, keys *seal.Keyring, secret keyhatch.Secret) error {
	hash, err := keys.HashToken(secret)
	if err != nil {
		return err
	}
	hashes, err := keys.HashesOfToken(secret)
	if err != nil {
		return err
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		r := rooting{Tx: tx, ctx: ctx, at: kernel.Stored(time.Now())}
		token, err := tx.HashedToken(ctx, keyhatch.RootToken)
		exists := err == nil
		ended := exists && !token.Live(r.at)
		same := exists && slices.Contains(hashes, token.Hash)
		switch {
		case !exists && !errors.Is(err, keyhatch.NotFound):
			return err
		case same && ended:
			return ErrRootEnded
		case same, secret == "" && (!exists || ended):
			return errAsItIs
		}
		if exists {
			if err := r.revoke(token.Token); err != nil {
				return err
			}
		}
		if secret == "" {
			return nil
		}
		if err := r.user(); err != nil {
			return err
		}
		return r.token(hash)
	})
	if errors.Is(err, errAsItIs) {
		return nil
	}
	return err
}

var errAsItIs = errors.New("nothing is to be changed")

// endRoot has the secret of the configuration be one that was revoked. Whether it was, since
// the backup that is put back, is not known.
func endRoot(ctx context.Context, tx *db.Tx, keys *seal.Keyring, secret keyhatch.Secret, at time.Time) error {
	if secret == "" {
		return nil
	}
	hash, err := keys.HashToken(secret)
	if err != nil {
		return err
	}
	switch before, err := tx.HashedToken(ctx, keyhatch.RootToken); {
	case err == nil:
		if err := tx.DeleteToken(ctx, before.Token); err != nil {
			return err
		}
	case !errors.Is(err, keyhatch.NotFound):
		return err
	}
	if _, err := tx.User(ctx, keyhatch.RootUser); errors.Is(err, keyhatch.NotFound) {
		nobody := rootUser(at)
		nobody.Active = false
		err = tx.InsertUser(ctx, nobody)
		if err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	t := rootToken(at)
	t.ExpiresAt = at
	return tx.InsertToken(ctx, db.HashedToken{Token: t, Hash: hash})
}

func rootUser(at time.Time) keyhatch.User {
	return keyhatch.User{
		ID: keyhatch.RootUser, Name: rootName, FullName: "System root", Admin: true, Active: true, ActiveSince: at, CreatedAt: at,
	}
}

func rootToken(at time.Time) keyhatch.Token {
	return keyhatch.Token{
		ID: keyhatch.RootToken, User: keyhatch.RootUser, Name: rootName, Scopes: []keyhatch.Scope{keyhatch.ScopeAll}, Since: at, CreatedAt: at,
	}
}

type rooting struct {
	*db.Tx
	ctx context.Context
	at  time.Time
}

func (r rooting) revoke(t keyhatch.Token) error {
	if err := r.DeleteToken(r.ctx, t); err != nil {
		return err
	}
	return r.record(people.TokenRevoked, t.ID, "user", keyhatch.RootUser, "name", t.Name)
}

// user makes sure of the user.
func (r rooting) user() error {
	u := rootUser(r.at)
	action := people.UserCreated
	before, err := r.Tx.User(r.ctx, keyhatch.RootUser)
	switch {
	case errors.Is(err, keyhatch.NotFound):
		err = r.InsertUser(r.ctx, u)
	case err != nil:
	case before.Active && before.Admin:
		return nil
	default:
		action = people.UserUpdated
		u.Name, u.CreatedAt = before.Name, before.CreatedAt
		err = r.UpdateUser(r.ctx, u)
	}
	if err != nil {
		return err
	}
	return r.record(action, u.ID, "name", u.Name, "admin", kernel.Yes(true), "active", kernel.Yes(true))
}

func (r rooting) token(hash keyhatch.TokenHash) error {
	t := rootToken(r.at)
	if err := r.InsertToken(r.ctx, db.HashedToken{Token: t, Hash: hash}); err != nil {
		return err
	}
	return r.record(people.TokenCreated, t.ID, "user", keyhatch.RootUser, "name", t.Name, "scopes", string(keyhatch.ScopeAll))
}

func (r rooting) record(a keyhatch.Action, target string, detail ...string) error {
	return r.Record(r.ctx, keyhatch.Event{
		ID: keyhatch.NewID(keyhatch.EventID, r.at), At: r.at, Action: a, Target: target, Detail: kernel.Detail(detail...),
	})
}
