package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

// Identity is who somebody is here who logs in at another provider.
type Identity struct {
	Issuer, Subject string
	User            string // empty: that user was removed here
	CreatedAt       time.Time
}

// PutIdentity says who somebody is from then on.
func (t *Tx) PutIdentity(ctx context.Context, i Identity) error {
	return t.exec(ctx, `insert into identities (issuer, subject, user_id, created_at) values ($1, $2, $3, $4)
		on conflict (issuer, subject) do update set user_id = excluded.user_id, created_at = excluded.created_at`,
		i.Issuer, i.Subject, i.User, micros(i.CreatedAt))
}

// Identity returns who somebody is: keyhatch.NotFound for who has never been here.
func (r Reader) Identity(ctx context.Context, issuer, subject string) (Identity, error) {
	return one(ctx, r, keyhatch.CodeUserNotFound, func(row row) (i Identity, err error) {
		err = row.Scan(&i.Issuer, &i.Subject, textColumn{&i.User}, timeColumn{&i.CreatedAt})
		return i, err
	}, "select issuer, subject, user_id, created_at from identities where issuer = $1 and subject = $2", issuer, subject)
}

// LogsInElsewhere tells whether a user is who somebody is that logs in at another provider.
func (r Reader) LogsInElsewhere(ctx context.Context, user string) (is bool, err error) {
	err = r.q.QueryRowContext(ctx, "select exists (select 1 from identities where user_id = $1)", user).Scan(&is)
	return is, dbError(err)
}

// Gift is what a login has given: the installation to administer, where Workspace is empty; else
// a place in the group Circle, or in the Workspace where that is empty. Both are ids.
type Gift struct{ Workspace, Circle string }

// AddGift notes what a login at the issuer has given a user.
func (t *Tx) AddGift(ctx context.Context, user, issuer string, g Gift) error {
	return t.exec(ctx, "insert into login_gifts (user_id, issuer, workspace, circle) values ($1, $2, $3, $4)", user, issuer, g.Workspace, g.Circle)
}

// DeleteGift forgets it.
func (t *Tx) DeleteGift(ctx context.Context, user, issuer string, g Gift) error {
	return t.exec(ctx, "delete from login_gifts where user_id = $1 and issuer = $2 and workspace = $3 and circle = $4", user, issuer, g.Workspace, g.Circle)
}

// Gifts are what logins at the issuer have given a user: groups before their workspaces.
func (r Reader) Gifts(ctx context.Context, user, issuer string) ([]Gift, error) {
	return many(ctx, r, func(row row) (g Gift, err error) {
		err = row.Scan(&g.Workspace, &g.Circle)
		return g, err
	}, "select workspace, circle from login_gifts where user_id = $1 and issuer = $2 order by circle desc, workspace", user, issuer)
}

// LoggedIn is a user who has something of a login at the issuer: a gift, a session, or a consent.
type LoggedIn struct{ User, Issuer string }

// LoggedIn are all who have something of a login elsewhere.
func (r Reader) LoggedIn(ctx context.Context) ([]LoggedIn, error) {
	return many(ctx, r, func(row row) (l LoggedIn, err error) {
		err = row.Scan(&l.User, &l.Issuer)
		return l, err
	}, `select user_id, issuer from login_gifts union select user_id, issuer from sessions where issuer is not null
		union select user_id, issuer from oauth_consents where issuer is not null
		order by user_id, issuer`)
}

// BegunLogin is a login at a provider that a browser has begun.
type BegunLogin struct {
	Hash      []byte // of what the browser holds
	Provider  string
	Next      string // where it leads on to, sealed
	Age       keyhatch.LoginAge
	ExpiresAt time.Time
}

// BeginLogin notes that a browser has begun to log in at a provider.
func (t *Tx) BeginLogin(ctx context.Context, b BegunLogin) error {
	var most any
	if b.Age.Bounded {
		most = int64(b.Age.Most.Seconds())
	}
	return t.exec(ctx, "insert into begun_logins (hash, provider, next, most_age, expires_at) values ($1, $2, $3, $4, $5)",
		b.Hash, b.Provider, b.Next, most, micros(b.ExpiresAt))
}

// EndLogin forgets a login that was begun, and returns it: keyhatch.NotFound for one that could not come back any
// more from that provider at the time.
func (t *Tx) EndLogin(ctx context.Context, hash []byte, provider string, at time.Time) (b BegunLogin, err error) {
	b, err = one(ctx, t.Reader, keyhatch.CodeSessionNotFound, func(row row) (b BegunLogin, err error) {
		b.Hash, b.Provider = hash, provider
		var most int64
		err = row.Scan(textColumn{&b.Next}, &b.Age.Bounded, &most, timeColumn{&b.ExpiresAt})
		b.Age.Most = time.Duration(most) * time.Second
		return b, err
	}, "select next, most_age is not null, coalesce(most_age, 0), expires_at from begun_logins where hash = $1 and provider = $2 and expires_at > $3", hash, provider, micros(at))
	if err != nil {
		return b, err
	}
	return b, t.execOne(ctx, keyhatch.CodeSessionNotFound, "delete from begun_logins where hash = $1", hash)
}

// KeepLogins removes the logins that were begun first, but for the newest ones, so many of them.
func (t *Tx) KeepLogins(ctx context.Context, most int) error {
	return t.exec(ctx, `delete from begun_logins where hash in (
		select hash from begun_logins order by expires_at desc, hash limit $2 offset $1)`, most, most)
}

// PruneLogins takes a step of removing the logins that cannot come back any more at the time.
func (t *Tx) PruneLogins(ctx context.Context, at time.Time) (more bool, err error) {
	return t.prune(ctx, "begun_logins", "hash", "expires_at <= $1", micros(at))
}
