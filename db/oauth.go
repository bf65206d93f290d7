package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

// HashedClient is a client of the authorization server with the hash of its secret.
type HashedClient struct {
	keyhatch.OAuthClient
	Hash keyhatch.TokenHash // zero: a public one
}

// InsertOAuthClient adds a client.
func (t *Tx) InsertOAuthClient(ctx context.Context, c HashedClient) error {
	var pepper, hash any
	if c.Confidential {
		if err := t.mustKnowPepper(ctx, c.Hash); err != nil {
			return err
		}
		pepper, hash = int64(c.Hash.Pepper), []byte(c.Hash.Hash)
	}
	return t.exec(ctx, `insert into oauth_clients (id, name, title, flows, redirects, trusted, signed, scopes, access_life, refresh_life, pepper, hash, created_at, earthdata)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)`,
		c.ID, c.Name, c.Title, jsonText(c.Flows), optJSON(c.Redirects, len(c.Redirects)), c.Trusted, c.Signed, jsonText(c.Scopes),
		int64(c.AccessLife.Seconds()), int64(c.RefreshLife.Seconds()), pepper, hash, micros(c.CreatedAt), c.Earthdata)
}

// DeleteOAuthClient removes a client. What came of it is to be ended before.
func (t *Tx) DeleteOAuthClient(ctx context.Context, id string) error {
	if err := t.exec(ctx, "delete from oauth_devices where client = $1", id); err != nil {
		return err
	}
	return t.execOne(ctx, keyhatch.CodeClientNotFound, "delete from oauth_clients where id = $1", id)
}

const clientColumns = "id, name, title, flows, redirects, trusted, signed, scopes, access_life, refresh_life, coalesce(pepper, 0), hash, created_at, coalesce(earthdata, false)"

func scanClient(row row) (c HashedClient, err error) {
	var access, refresh int64
	var hash []byte
	err = row.Scan(&c.ID, &c.Name, &c.Title, jsonColumn{&c.Flows}, jsonColumn{&c.Redirects}, &c.Trusted, &c.Signed, jsonColumn{&c.Scopes},
		&access, &refresh, &c.Hash.Pepper, &hash, timeColumn{&c.CreatedAt}, &c.Earthdata)
	c.AccessLife, c.RefreshLife = time.Duration(access)*time.Second, time.Duration(refresh)*time.Second
	c.Hash.Hash, c.Confidential = string(hash), hash != nil
	return c, err
}

// OAuthClient returns the client of an id or a name.
func (r Reader) OAuthClient(ctx context.Context, ref string) (HashedClient, error) {
	return one(ctx, r, keyhatch.CodeClientNotFound, scanClient, "select "+clientColumns+" from oauth_clients where id = $1 or name = $1", ref)
}

// OAuthClients lists the clients by id.
func (r Reader) OAuthClients(ctx context.Context, p Page) ([]HashedClient, error) {
	return many(ctx, r, scanClient, "select "+clientColumns+" from oauth_clients where id > $1 order by id limit $2", p.After, p.Limit)
}

// InsertConsent adds a consent.
func (t *Tx) InsertConsent(ctx context.Context, c keyhatch.Consent) error {
	return t.exec(ctx, `insert into oauth_consents (id, client, user_id, scopes, openid, nonce, logged_in, created_at, expires_at, issuer, ends_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		c.ID, c.Client, c.User, jsonText(c.Scopes), c.OpenID, c.Nonce, micros(c.LoggedIn), micros(c.CreatedAt), micros(c.ExpiresAt), optText(c.Issuer), optMicros(c.EndsAt))
}

// ExtendConsent lets a consent end later: never earlier.
func (t *Tx) ExtendConsent(ctx context.Context, id string, until time.Time) error {
	return t.exec(ctx, "update oauth_consents set expires_at = $2 where id = $1 and expires_at < $2", id, micros(until))
}

// DeleteConsent removes a consent with its code and its refresh tokens. Its access tokens are
// to be ended before.
func (t *Tx) DeleteConsent(ctx context.Context, id string) error {
	return t.execOne(ctx, keyhatch.CodeConsentNotFound, "delete from oauth_consents where id = $1", id)
}

const consentColumns = "id, client, user_id, scopes, openid, nonce, logged_in, created_at, expires_at, issuer, ends_at"

func scanConsent(row row) (c keyhatch.Consent, err error) {
	err = row.Scan(&c.ID, &c.Client, &c.User, jsonColumn{&c.Scopes}, &c.OpenID, &c.Nonce,
		timeColumn{&c.LoggedIn}, timeColumn{&c.CreatedAt}, timeColumn{&c.ExpiresAt}, textColumn{&c.Issuer}, timeColumn{&c.EndsAt})
	return c, err
}

// Consent returns the consent of the id.
func (r Reader) Consent(ctx context.Context, id string) (keyhatch.Consent, error) {
	return one(ctx, r, keyhatch.CodeConsentNotFound, scanConsent, "select "+consentColumns+" from oauth_consents where id = $1", id)
}

// Consents lists consents by id: of one user, of one client, or of all where these are empty.
func (r Reader) Consents(ctx context.Context, user, client string, p Page) ([]keyhatch.Consent, error) {
	where := conditions{}
	where.add("id > ?", p.After)
	where.add("user_id = ?", user)
	where.add("client = ?", client)
	return many(ctx, r, scanConsent, "select "+consentColumns+" from oauth_consents"+where.sql("order by id limit ?", p.Limit), where.args...)
}

// StalestConsents returns those of a user's consents to a client that are the first to go, but for that of the id, and so many
// others: those of which nothing has come, and then those whose tokens were not used for the longest.
func (r Reader) StalestConsents(ctx context.Context, user, client, but string, others int) ([]keyhatch.Consent, error) {
	return many(ctx, r, scanConsent, "select "+consentColumns+` from oauth_consents where user_id = $1 and client = $2 and id <> $3 and id not in (
		select c.id from oauth_consents c where c.user_id = $1 and c.client = $2 and c.id <> $3
		order by exists (select 1 from tokens t where t.consent = c.id) desc,
			coalesce((select max(coalesce(t.last_used_at, t.created_at)) from tokens t where t.consent = c.id), c.created_at) desc, c.id desc limit $4) order by id`,
		user, client, but, others)
}

// PruneOAuth takes a step of removing the refresh tokens, devices and consents of which nothing could
// come any more at the time. A refresh token that was used is known until then, in case it comes again.
func (t *Tx) PruneOAuth(ctx context.Context, at time.Time) (more bool, err error) {
	for _, table := range []string{"oauth_refreshes", "oauth_devices", "oauth_consents"} { // what is of a consent goes with it: that is little by then
		if more, err := t.prune(ctx, table, "id", "expires_at <= $1", micros(at)); more || err != nil {
			return more, err
		}
	}
	return false, nil
}

// ConsentTokens returns the tokens that came of a consent and have not been removed.
func (r Reader) ConsentTokens(ctx context.Context, consent string) ([]keyhatch.Token, error) {
	return many(ctx, r, scanToken, "select "+tokenColumns+" from tokens where consent = $1 order by id", consent)
}
