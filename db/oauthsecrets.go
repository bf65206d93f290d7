package db

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
)

// AuthorizationCode is the code of a consent.
type AuthorizationCode struct {
	Consent   string
	Hash      keyhatch.TokenHash
	Redirect  string
	Challenge string // S256
	ExpiresAt time.Time
	UsedAt    time.Time // zero: it was not
}

// InsertAuthorizationCode adds a code.
func (t *Tx) InsertAuthorizationCode(ctx context.Context, c AuthorizationCode) error {
	if err := t.mustKnowPepper(ctx, c.Hash); err != nil {
		return err
	}
	return t.exec(ctx, "insert into oauth_codes (id, pepper, hash, redirect, challenge, expires_at) values ($1, $2, $3, $4, $5, $6)",
		c.Consent, int64(c.Hash.Pepper), []byte(c.Hash.Hash), c.Redirect, c.Challenge, micros(c.ExpiresAt))
}

// UseAuthorizationCode notes that a code was used.
func (t *Tx) UseAuthorizationCode(ctx context.Context, consent string, at time.Time) error {
	return t.execOne(ctx, keyhatch.CodeConsentNotFound, "update oauth_codes set used_at = $2 where id = $1 and used_at is null", consent, micros(at))
}

// AuthorizationCodeByHash returns the code that has one of the hashes.
func (r Reader) AuthorizationCodeByHash(ctx context.Context, hashes []keyhatch.TokenHash) (AuthorizationCode, error) {
	return byHash(hashes, func(h keyhatch.TokenHash) (AuthorizationCode, error) {
		return one(ctx, r, keyhatch.CodeConsentNotFound, func(row row) (c AuthorizationCode, err error) {
			c.Hash = h
			err = row.Scan(&c.Consent, &c.Redirect, &c.Challenge, timeColumn{&c.ExpiresAt}, timeColumn{&c.UsedAt})
			return c, err
		}, "select id, redirect, challenge, expires_at, used_at from oauth_codes where pepper = $1 and hash = $2", int64(h.Pepper), []byte(h.Hash))
	})
}

// byHash is what the first of the hashes finds.
func byHash[T any](hashes []keyhatch.TokenHash, find func(keyhatch.TokenHash) (T, error)) (found T, err error) {
	for _, h := range hashes {
		if found, err = find(h); !errors.Is(err, keyhatch.NotFound) {
			return found, err
		}
	}
	return found, err
}

// Refresh is a refresh token.
type Refresh struct {
	ID        string
	Consent   string
	Hash      keyhatch.TokenHash
	ExpiresAt time.Time
	UsedAt    time.Time // zero: it was not
}

// InsertRefresh adds a refresh token.
func (t *Tx) InsertRefresh(ctx context.Context, f Refresh) error {
	if err := t.mustKnowPepper(ctx, f.Hash); err != nil {
		return err
	}
	return t.exec(ctx, "insert into oauth_refreshes (id, consent, pepper, hash, expires_at) values ($1, $2, $3, $4, $5)",
		f.ID, f.Consent, int64(f.Hash.Pepper), []byte(f.Hash.Hash), micros(f.ExpiresAt))
}

// UseRefresh notes that a refresh token was used.
func (t *Tx) UseRefresh(ctx context.Context, id string, at time.Time) error {
	return t.execOne(ctx, keyhatch.CodeConsentNotFound, "update oauth_refreshes set used_at = $2 where id = $1 and used_at is null", id, micros(at))
}

// RefreshByHash returns the refresh token that has one of the hashes.
func (r Reader) RefreshByHash(ctx context.Context, hashes []keyhatch.TokenHash) (Refresh, error) {
	return byHash(hashes, func(h keyhatch.TokenHash) (Refresh, error) {
		return one(ctx, r, keyhatch.CodeConsentNotFound, func(row row) (f Refresh, err error) {
			f.Hash = h
			err = row.Scan(&f.ID, &f.Consent, timeColumn{&f.ExpiresAt}, timeColumn{&f.UsedAt})
			return f, err
		}, "select id, consent, expires_at, used_at from oauth_refreshes where pepper = $1 and hash = $2", int64(h.Pepper), []byte(h.Hash))
	})
}

// Device waits for somebody to type its code.
type Device struct {
	ID        string
	Client    string
	Hash      keyhatch.TokenHash // of what the device shows when it asks
	Code      string             // what the user types
	Scopes    []keyhatch.Scope
	OpenID    bool
	Address   string // from where it asked
	CreatedAt time.Time
	ExpiresAt time.Time
	Consent   string // empty: nobody has consented
	Refused   bool
}

// InsertDevice adds a device.
func (t *Tx) InsertDevice(ctx context.Context, d Device) error {
	if err := t.mustKnowPepper(ctx, d.Hash); err != nil {
		return err
	}
	return t.exec(ctx, `insert into oauth_devices (id, client, pepper, hash, code, scopes, openid, address, created_at, expires_at, refused)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		d.ID, d.Client, int64(d.Hash.Pepper), []byte(d.Hash.Hash), d.Code, jsonText(d.Scopes), d.OpenID, d.Address,
		micros(d.CreatedAt), micros(d.ExpiresAt), d.Refused)
}

// DecideDevice stores what a user has decided, once.
func (t *Tx) DecideDevice(ctx context.Context, d Device) error {
	return t.execOne(ctx, keyhatch.CodeDeviceNotFound, "update oauth_devices set consent = $2, refused = $3 where id = $1 and consent is null and not refused",
		d.ID, optText(d.Consent), d.Refused)
}

// DeleteDevice removes a device: it has its tokens, or was refused.
func (t *Tx) DeleteDevice(ctx context.Context, id string) error {
	return t.execOne(ctx, keyhatch.CodeDeviceNotFound, "delete from oauth_devices where id = $1", id)
}

const deviceColumns = "id, client, pepper, hash, code, scopes, openid, address, created_at, expires_at, consent, refused"

func scanDevice(row row) (d Device, err error) {
	var hash []byte
	err = row.Scan(&d.ID, &d.Client, &d.Hash.Pepper, &hash, &d.Code, jsonColumn{&d.Scopes}, &d.OpenID, &d.Address,
		timeColumn{&d.CreatedAt}, timeColumn{&d.ExpiresAt}, textColumn{&d.Consent}, &d.Refused)
	d.Hash.Hash = string(hash)
	return d, err
}

// DeviceByCode returns the device of the code that its user types.
func (r Reader) DeviceByCode(ctx context.Context, code string) (Device, error) {
	return one(ctx, r, keyhatch.CodeDeviceNotFound, scanDevice, "select "+deviceColumns+" from oauth_devices where code = $1", code)
}

// DeviceByHash returns the device that has one of the hashes.
func (r Reader) DeviceByHash(ctx context.Context, hashes []keyhatch.TokenHash) (Device, error) {
	return byHash(hashes, func(h keyhatch.TokenHash) (Device, error) {
		return one(ctx, r, keyhatch.CodeDeviceNotFound, scanDevice, "select "+deviceColumns+" from oauth_devices where pepper = $1 and hash = $2",
			int64(h.Pepper), []byte(h.Hash))
	})
}

// CountDevices counts the devices that wait at the time.
func (r Reader) CountDevices(ctx context.Context, at time.Time) (n int, err error) {
	err = r.q.QueryRowContext(ctx, "select count(*) from oauth_devices where expires_at > $1", micros(at)).Scan(&n)
	return n, dbError(err)
}

// OAuthKeysTable is where signing keys are, sealed in SecretColumn.
const OAuthKeysTable = "oauth_keys"

// SigningKey signs what others check.
type SigningKey struct {
	ID        string // its kid
	Sealed    []byte // for OAuthKeysTable, the id and SecretColumn: PKCS 8, in base64
	Public    string // PKIX, in base64
	CreatedAt time.Time
	RetiredAt time.Time // zero: it signs
}

// InsertSigningKey adds a key.
func (t *Tx) InsertSigningKey(ctx context.Context, k SigningKey) error {
	if err := t.mustOpen(ctx, OAuthKeysTable, SecretColumn, k.ID, k.Sealed); err != nil {
		return err
	}
	return t.exec(ctx, "insert into oauth_keys (id, secret, public, created_at) values ($1, $2, $3, $4)", k.ID, k.Sealed, k.Public, micros(k.CreatedAt))
}

// RetireSigningKeys has the keys sign no more that do.
func (t *Tx) RetireSigningKeys(ctx context.Context, at time.Time) error {
	return t.exec(ctx, "update oauth_keys set retired_at = $1 where retired_at is null", micros(at))
}

// PruneSigningKeys removes keys that were retired before a time and have signed no token of
// Earthdata Login that there still is.
func (t *Tx) PruneSigningKeys(ctx context.Context, before time.Time) error {
	return t.exec(ctx, "delete from oauth_keys where retired_at < $1 and id not in (select signed_by from earthdata_tokens)", micros(before))
}

// DeleteSigningKey removes a key. The tokens of Earthdata Login that it has signed are to be ended before.
func (t *Tx) DeleteSigningKey(ctx context.Context, id string) error {
	if err := t.exec(ctx, "delete from earthdata_tokens where signed_by = $1", id); err != nil { // of such as were given another secret since
		return err
	}
	return t.exec(ctx, "delete from oauth_keys where id = $1", id)
}

// SignedTokens returns the tokens whose secrets are signed: of clients that were registered so, and of Earthdata Login.
func (r Reader) SignedTokens(ctx context.Context) ([]keyhatch.Token, error) {
	return many(ctx, r, scanToken, "select "+tokenColumns+` from tokens where made_with is null and consent in (
			select c.id from oauth_consents c join oauth_clients k on k.id = c.client where k.signed)
		or id in (select e.id from earthdata_tokens e) order by id`)
}

// SigningKeys lists the keys, the one that signs first.
func (r Reader) SigningKeys(ctx context.Context) ([]SigningKey, error) {
	return many(ctx, r, func(row row) (k SigningKey, err error) {
		err = row.Scan(&k.ID, &k.Sealed, &k.Public, timeColumn{&k.CreatedAt}, timeColumn{&k.RetiredAt})
		return k, err
	}, "select id, secret, public, created_at, retired_at from oauth_keys order by case when retired_at is null then 0 else 1 end, id desc")
}
