package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

const sessionColumns = `s.id, s.user_id, s.password, s.issuer, s.browser, s.created_at, s.created_from, s.last_used_at, s.last_used_from, s.expires_at, s.logged_in`

const (
	fromSessions = " from sessions s join users u on u.id = s.user_id"
	// standing is the condition that one stands at the time $1: not one of a user who was
	// disabled since, nor one that was begun with a password which is no longer the user's.
	standing = `s.expires_at > $1 and u.active and s.created_at >= u.active_since
	and (s.password is null or exists (select 1 from passwords p where p.id = s.user_id and p.password = s.password))`

	liveSessions = fromSessions + " where " + standing
)

func scanSession(row row) (s keyhatch.BrowserSession, err error) {
	err = row.Scan(&s.ID, &s.User, textColumn{&s.Password}, textColumn{&s.Issuer}, &s.Browser, timeColumn{&s.CreatedAt}, &s.CreatedFrom,
		timeColumn{&s.LastUsedAt}, &s.LastUsedFrom, timeColumn{&s.ExpiresAt}, timeColumn{&s.LoggedIn})
	return s, err
}

// InsertSession adds a session with the hash of its secret.
func (t *Tx) InsertSession(ctx context.Context, s keyhatch.BrowserSession, h keyhatch.TokenHash) error {
	if err := t.mustKnowPepper(ctx, h); err != nil {
		return err
	}
	return t.exec(ctx, `insert into sessions (id, user_id, password, issuer, pepper, hash, browser, created_at, created_from, last_used_at, last_used_from, expires_at, logged_in)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)`,
		s.ID, s.User, optText(s.Password), optText(s.Issuer), int64(h.Pepper), []byte(h.Hash), s.Browser, micros(s.CreatedAt), s.CreatedFrom,
		micros(s.LastUsedAt), s.LastUsedFrom, micros(s.ExpiresAt), optMicros(s.LoggedIn))
}

// SessionUsed notes a session's last use and when it ends by that. One that has ended is none.
func (t *Tx) SessionUsed(ctx context.Context, s keyhatch.BrowserSession) error {
	return t.exec(ctx, "update sessions set last_used_at = $2, last_used_from = $3, expires_at = $4 where id = $1",
		s.ID, micros(s.LastUsedAt), s.LastUsedFrom, micros(s.ExpiresAt))
}

// DeleteSession ends a session.
func (t *Tx) DeleteSession(ctx context.Context, id string) error {
	return t.execOne(ctx, keyhatch.CodeSessionNotFound, "delete from sessions where id = $1", id)
}

// PruneSessions takes a step of removing the sessions that had expired at the time.
func (t *Tx) PruneSessions(ctx context.Context, at time.Time) (more bool, err error) {
	return t.prune(ctx, "sessions", "id", "expires_at <= $1", micros(at))
}

// Session returns the session of the id, if it stands at the time.
func (r Reader) Session(ctx context.Context, id string, at time.Time) (keyhatch.BrowserSession, error) {
	return one(ctx, r, keyhatch.CodeSessionNotFound, scanSession, "select "+sessionColumns+liveSessions+" and s.id = $2", micros(at), id)
}

// SessionByHash returns the session whose secret has one of the hashes, if it stands at the
// time.
func (r Reader) SessionByHash(ctx context.Context, hashes []keyhatch.TokenHash, at time.Time) (s keyhatch.BrowserSession, err error) {
	for _, h := range hashes {
		s, err = one(ctx, r, keyhatch.CodeSessionNotFound, scanSession,
			"select "+sessionColumns+liveSessions+" and s.pepper = $2 and s.hash = $3", micros(at), int64(h.Pepper), []byte(h.Hash))
		if err == nil {
			return s, nil
		}
	}
	return s, err
}

// Sessions lists the sessions that stand at the time by id: of one user, or of all when user
// is empty.
func (r Reader) Sessions(ctx context.Context, user string, at time.Time, p Page) ([]keyhatch.BrowserSession, error) {
	where := conditions{text: []string{standing}, args: []any{micros(at)}}
	where.add("s.id > ?", p.After)
	where.add("s.user_id = ?", user)
	return many(ctx, r, scanSession, "select "+sessionColumns+fromSessions+where.sql("order by s.id limit ?", p.Limit), where.args...)
}

// StalestSessions returns those of a user's sessions that were not used for the longest, but
// for the newest few.
func (r Reader) StalestSessions(ctx context.Context, user string, but int) ([]keyhatch.BrowserSession, error) {
	return many(ctx, r, scanSession, "select "+sessionColumns+` from sessions s where s.user_id = $1 and s.id not in (
		select id from sessions where user_id = $1 order by last_used_at desc, id desc limit $2) order by s.id`, user, but)
}
