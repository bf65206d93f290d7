package db

import (
	"context"
	"database/sql"
	"time"

	"github.com/keyhatch/keyhatch"
)

// SealedPassword is what a user's password is checked against.
type SealedPassword struct {
	User   string
	ID     string // another one whenever a password is set; empty: the user has none
	Sealed []byte // for PasswordsTable, the user's id and HashColumn
	SetAt  time.Time
}

// PasswordsTable and HashColumn name where it is kept.
const (
	PasswordsTable = "passwords"
	HashColumn     = "hash"
)

// PutPassword sets a user's password in place of the one before.
func (t *Tx) PutPassword(ctx context.Context, p SealedPassword) error {
	if err := t.mustOpen(ctx, PasswordsTable, HashColumn, p.User, p.Sealed); err != nil {
		return err
	}
	return t.exec(ctx, `insert into passwords (id, password, hash, set_at) values ($1, $2, $3, $4)
		on conflict (id) do update set password = excluded.password, hash = excluded.hash, set_at = excluded.set_at`,
		p.User, p.ID, p.Sealed, micros(p.SetAt))
}

// ReplacePasswordHash stores another hash of the same password. Where there is another
// password meanwhile it stays.
func (t *Tx) ReplacePasswordHash(ctx context.Context, p SealedPassword) error {
	if err := t.mustOpen(ctx, PasswordsTable, HashColumn, p.User, p.Sealed); err != nil {
		return err
	}
	return t.exec(ctx, "update passwords set hash = $3 where id = $1 and password = $2", p.User, p.ID, p.Sealed)
}

// DeletePassword removes a user's password; keyhatch.NotFound when it has none.
func (t *Tx) DeletePassword(ctx context.Context, user string) error {
	return t.execOne(ctx, keyhatch.CodePasswordNotFound, "delete from passwords where id = $1", user)
}

// Password returns a user's password.
func (r Reader) Password(ctx context.Context, user string) (SealedPassword, error) {
	return one(ctx, r, keyhatch.CodePasswordNotFound, func(row row) (p SealedPassword, err error) {
		err = row.Scan(&p.User, &p.ID, &p.Sealed, timeColumn{&p.SetAt})
		return p, err
	}, "select id, password, hash, set_at from passwords where id = $1", user)
}

// Login is a user with its password.
type Login struct {
	User     keyhatch.User
	Password SealedPassword // zero: the user has none
}

// Logins returns the users whom a name at a login could mean, with their passwords: the
// one of the name alone if there is one, else those of the e-mail address, two at most.
func (r Reader) Logins(ctx context.Context, name string) ([]Login, error) {
	return many(ctx, r, scanLogin, `select u.id, u.name, u.full_name, u.email, u.admin, u.active, u.active_since, u.created_at,
			p.password, p.hash, p.set_at
		from users u left join passwords p on p.id = u.id
		where u.name = $1 or lower(u.email) = lower($1) and not exists (select 1 from users where name = $1) limit 2`, name)
}

func scanLogin(row row) (l Login, err error) {
	var id sql.NullString
	u := &l.User
	err = row.Scan(&u.ID, &u.Name, &u.FullName, &u.Email, &u.Admin, &u.Active, timeColumn{&u.ActiveSince}, timeColumn{&u.CreatedAt},
		&id, &l.Password.Sealed, timeColumn{&l.Password.SetAt})
	if id.Valid {
		l.Password.User, l.Password.ID = u.ID, id.String
	}
	return l, err
}

// PasswordReset lets somebody set a user's password.
type PasswordReset struct {
	User      string
	Hash      keyhatch.TokenHash // of its secret
	ExpiresAt time.Time
}

// PutPasswordReset stores a reset in place of the user's one before.
func (t *Tx) PutPasswordReset(ctx context.Context, p PasswordReset) error {
	if err := t.mustKnowPepper(ctx, p.Hash); err != nil {
		return err
	}
	return t.exec(ctx, `insert into password_resets (id, pepper, hash, expires_at) values ($1, $2, $3, $4)
		on conflict (id) do update set pepper = excluded.pepper, hash = excluded.hash, expires_at = excluded.expires_at`,
		p.User, int64(p.Hash.Pepper), []byte(p.Hash.Hash), micros(p.ExpiresAt))
}

// DeletePasswordReset takes a user's reset away; keyhatch.NotFound when there is none.
func (t *Tx) DeletePasswordReset(ctx context.Context, user string) error {
	return t.execOne(ctx, keyhatch.CodePasswordNotFound, "delete from password_resets where id = $1", user)
}

// PasswordResetByHash returns the reset whose secret has one of the hashes.
func (r Reader) PasswordResetByHash(ctx context.Context, hashes []keyhatch.TokenHash) (p PasswordReset, err error) {
	for _, h := range hashes {
		p, err = one(ctx, r, keyhatch.CodePasswordNotFound, func(row row) (p PasswordReset, err error) {
			err = row.Scan(&p.User, timeColumn{&p.ExpiresAt})
			p.Hash = h
			return p, err
		}, "select id, expires_at from password_resets where pepper = $1 and hash = $2", int64(h.Pepper), []byte(h.Hash))
		if err == nil {
			return p, nil
		}
	}
	return p, err
}
