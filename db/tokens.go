package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

const tokenColumns = "id, workspace, user_id, name, scopes, expires_at, since, created_at, created_from, rotated_at, old_until"

func tokenFields(t *keyhatch.Token) []any {
	return []any{
		&t.ID,
		textColumn{&t.Workspace},
		&t.User, &t.Name,
		jsonColumn{&t.Scopes},
		timeColumn{&t.ExpiresAt},
		timeColumn{&t.Since},
		timeColumn{&t.CreatedAt},
		&t.CreatedFrom,
		timeColumn{&t.RotatedAt},
		timeColumn{&t.GraceUntil},
	}
}

func scanToken(row row) (t keyhatch.Token, err error) {
	err = row.Scan(tokenFields(&t)...)
	return t, err
}

// HashedToken is a token with the hash of its secret.
type HashedToken struct {
	keyhatch.Token
	Hash keyhatch.TokenHash
	Old  keyhatch.TokenHash // of the secret that works too until GraceUntil; zero: none
}

// Opens tells whether the hash is that of a secret which works at the time.
func (t HashedToken) Opens(h keyhatch.TokenHash, now time.Time) bool {
	return h == t.Hash || h == t.Old && now.Before(t.GraceUntil)
}

const hashedTokenColumns = tokenColumns + ", pepper, hash, coalesce(old_pepper, 0), old_hash"

func scanHashedToken(row row) (t HashedToken, err error) {
	var hash, old []byte
	err = row.Scan(append(tokenFields(&t.Token), &t.Hash.Pepper, &hash, &t.Old.Pepper, &old)...)
	t.Hash.Hash, t.Old.Hash = string(hash), string(old)
	return t, err
}

// InsertToken adds a token with the hash of its secret. It was never rotated.
func (t *Tx) InsertToken(ctx context.Context, k HashedToken) error {
	err := t.exec(ctx, `insert into tokens (id, workspace, user_id, name, scopes, expires_at, since, created_at, created_from, pepper, hash)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		k.ID, optText(k.Workspace), k.User, k.Name, jsonText(k.Scopes), optMicros(k.ExpiresAt),
		micros(k.Since), micros(k.CreatedAt), k.CreatedFrom, int64(k.Hash.Pepper), []byte(k.Hash.Hash))
	if err != nil {
		return err
	}
	return t.changed(ctx, TokenChanged, k.Workspace, k.ID)
}

// RotateToken stores what a rotation sets: the hashes, its time and its grace.
func (t *Tx) RotateToken(ctx context.Context, k HashedToken) error {
	var oldPepper, oldHash any
	if k.Old != (keyhatch.TokenHash{}) {
		oldPepper, oldHash = int64(k.Old.Pepper), []byte(k.Old.Hash)
	}
	err := t.execOne(ctx, keyhatch.CodeTokenNotFound, `update tokens set pepper = $2, hash = $3, rotated_at = $4, old_pepper = $5,
		old_hash = $6, old_until = $7 where id = $1`,
		k.ID, int64(k.Hash.Pepper), []byte(k.Hash.Hash), micros(k.RotatedAt), oldPepper, oldHash, optMicros(k.GraceUntil))
	if err != nil {
		return err
	}
	return t.changed(ctx, TokenChanged, k.Workspace, k.ID)
}

// DeleteToken removes a token: it is revoked.
func (t *Tx) DeleteToken(ctx context.Context, k keyhatch.Token) error {
	if err := t.execOne(ctx, keyhatch.CodeTokenNotFound, "delete from tokens where id = $1", k.ID); err != nil {
		return err
	}
	return t.changed(ctx, TokenChanged, k.Workspace, k.ID)
}

// Token returns the token of the id.
func (r Reader) Token(ctx context.Context, id string) (keyhatch.Token, error) {
	return one(ctx, r, keyhatch.CodeTokenNotFound, scanToken, "select "+tokenColumns+" from tokens where id = $1", id)
}

// HashedToken returns the token of the id with its hashes.
func (r Reader) HashedToken(ctx context.Context, id string) (HashedToken, error) {
	return one(ctx, r, keyhatch.CodeTokenNotFound, scanHashedToken,
		"select "+hashedTokenColumns+" from tokens where id = $1", id)
}

// CountTokens counts a user's tokens.
func (r Reader) CountTokens(ctx context.Context, user string) (int, error) {
	var n int
	err := r.q.QueryRowContext(ctx, "select count(*) from tokens where user_id = $1", user).Scan(&n)
	return n, dbError(err)
}

// AllTokens returns every token with its hashes, for the memory image.
func (r Reader) AllTokens(ctx context.Context) ([]HashedToken, error) {
	return many(ctx, r, scanHashedToken, "select "+hashedTokenColumns+" from tokens")
}

// Tokens lists tokens by id: of one user, or of all when user is empty; those
// confined to one workspace when that is set.
func (r Reader) Tokens(ctx context.Context, user, workspace string, p Page) ([]keyhatch.Token, error) {
	return many(ctx, r, scanToken, "select "+tokenColumns+` from tokens
		where id > $1 and ($2 = '' or user_id = $2) and ($3 = '' or workspace = $3) order by id limit $4`,
		p.After, user, workspace, p.Limit)
}
