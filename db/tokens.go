package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

const tokenColumns = "id, workspace, user_id, name, scopes, expires_at, since, created_at, created_from, rotated_at, old_until, " +
	"networks, requests_per_minute, annotations, updated_at, last_used_at, last_used_from, made_with, " +
	"coalesce(issuer, ''), coalesce(issuer_rules, ''), issued_until, coalesce(consent, '')"

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
		jsonColumn{&t.Networks},
		&t.RequestsPerMinute,
		jsonColumn{&t.Annotations},
		timeColumn{&t.UpdatedAt},
		timeColumn{&t.LastUsedAt},
		textColumn{&t.LastUsedFrom},
		textColumn{&t.MadeWith},
		&t.Bearer.Issuer, &t.Bearer.Rules,
		timeColumn{&t.Bearer.Until},
		&t.Consent,
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
	if err := t.mustKnowPepper(ctx, k.Hash); err != nil {
		return err
	}
	err := t.exec(ctx, `insert into tokens (id, workspace, user_id, name, scopes, expires_at, since, created_at, created_from,
		pepper, hash, networks, requests_per_minute, annotations, made_with, issuer, issuer_rules, issued_until, consent)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)`,
		k.ID, optText(k.Workspace), k.User, k.Name, jsonText(k.Scopes), optMicros(k.ExpiresAt),
		micros(k.Since), micros(k.CreatedAt), k.CreatedFrom, int64(k.Hash.Pepper), []byte(k.Hash.Hash),
		optJSON(k.Networks, len(k.Networks)), k.RequestsPerMinute, optJSON(k.Annotations, len(k.Annotations)), optText(k.MadeWith),
		optText(k.Bearer.Issuer), optText(k.Bearer.Rules), optMicros(k.Bearer.Until), optText(k.Consent))
	if err != nil {
		return err
	}
	return t.changed(ctx, TokenChanged, k.Workspace, k.ID)
}

// UpdateToken stores what of a token can change besides its secret.
func (t *Tx) UpdateToken(ctx context.Context, k keyhatch.Token) error {
	err := t.execOne(ctx, keyhatch.CodeTokenNotFound, `update tokens set name = $2, scopes = $3, expires_at = $4, since = $5,
		networks = $6, requests_per_minute = $7, annotations = $8, updated_at = $9 where id = $1`,
		k.ID, k.Name, jsonText(k.Scopes), optMicros(k.ExpiresAt), micros(k.Since),
		optJSON(k.Networks, len(k.Networks)), k.RequestsPerMinute, optJSON(k.Annotations, len(k.Annotations)), micros(k.UpdatedAt))
	if err != nil {
		return err
	}
	return t.changed(ctx, TokenChanged, k.Workspace, k.ID)
}

// TokenUsed notes a token's last use. A token that has ended is none.
func (t *Tx) TokenUsed(ctx context.Context, id string, at time.Time, from string) error {
	return t.exec(ctx, "update tokens set last_used_at = $2, last_used_from = $3 where id = $1", id, micros(at), optText(from))
}

// RotateToken stores what a rotation sets: the hashes, its time and its grace.
func (t *Tx) RotateToken(ctx context.Context, k HashedToken) error {
	if err := t.mustKnowPepper(ctx, k.Hash); err != nil {
		return err
	}
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

// DeleteToken removes a token: it is revoked. Those that were made with it count as
// made with the one that it was made with itself, so that they are still found: as it
// stands now, since that one may have ended too since the token was read. Where it was made
// with none, they keep its id: what a token made is never taken for what a program was given.
func (t *Tx) DeleteToken(ctx context.Context, k keyhatch.Token) error {
	if err := t.exec(ctx, `update tokens set made_with = coalesce((select up.made_with from tokens up where up.id = $1), $1)
		where made_with = $1`, k.ID); err != nil {
		return err
	}
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

// TokenByHash returns the token that one of the hashes is of, whether it works or not; or,
// until its grace is over, was of before the last rotation. A secret that was replaced is
// of nothing then.
func (r Reader) TokenByHash(ctx context.Context, hashes []keyhatch.TokenHash, now time.Time) (t keyhatch.Token, err error) {
	for _, h := range hashes {
		t, err = one(ctx, r, keyhatch.CodeTokenNotFound, scanToken, "select "+tokenColumns+` from tokens
			where pepper = $1 and hash = $2 or old_pepper = $1 and old_hash = $2 and old_until > $3`,
			int64(h.Pepper), []byte(h.Hash), micros(now))
		if err == nil {
			return t, nil
		}
	}
	return t, err
}

// TokensMadeWith returns the tokens that were made with the one of the id, and with
// those in turn.
func (r Reader) TokensMadeWith(ctx context.Context, id string) ([]keyhatch.Token, error) {
	return many(ctx, r, scanToken, `with recursive line (id) as (
			select id from tokens where made_with = $1
			union select t.id from tokens t join line on t.made_with = line.id)
		select `+tokenColumns+` from tokens natural join line order by id`, id)
}

// SecretsGiven tells which tokens were ever given a secret with another one, by the id of
// that other one. action is that of the events that tell of it.
func (r Reader) SecretsGiven(ctx context.Context, action keyhatch.Action) (map[string][]string, error) {
	type given struct{ with, token string }
	all, err := many(ctx, r, func(row row) (g given, err error) {
		err = row.Scan(&g.with, &g.token)
		return g, err
	}, `select distinct e.token, t.id from tokens t join events e on e.target = t.id and e.action = $1
		where t.rotated_at is not null and e.token <> t.id`, string(action))
	out := map[string][]string{}
	for _, g := range all {
		out[g.with] = append(out[g.with], g.token)
	}
	return out, err
}

// CountTokens counts a user's tokens, but for those that stand for signed tokens.
func (r Reader) CountTokens(ctx context.Context, user string) (n int, err error) {
	err = r.q.QueryRowContext(ctx, "select count(*) from tokens where user_id = $1 and issuer is null", user).Scan(&n)
	return n, dbError(err)
}

// CountBearers counts a user's tokens that stand for signed tokens.
func (r Reader) CountBearers(ctx context.Context, user string) (n int, err error) {
	err = r.q.QueryRowContext(ctx, "select count(*) from tokens where user_id = $1 and issuer is not null", user).Scan(&n)
	return n, dbError(err)
}

// ExpiredTokens returns tokens that had expired at the time, of one user, or of all when
// user is empty: so many at most, the oldest first. That of the system root is not among
// them: it stays. Neither are those that stand for signed tokens: see EndedBearers.
func (r Reader) ExpiredTokens(ctx context.Context, user string, at time.Time, limit int) ([]keyhatch.Token, error) {
	return many(ctx, r, scanToken, "select "+tokenColumns+` from tokens
		where expires_at <= $1 and issuer is null and ($2 = '' or user_id = $2) and id <> $4
		order by expires_at, id limit $3`,
		micros(at), user, limit, keyhatch.RootToken)
}

// EndedBearers returns tokens whose signed tokens had ended at the time, of one user, or of
// all when user is empty: so many at most.
func (r Reader) EndedBearers(ctx context.Context, user string, at time.Time, limit int) ([]keyhatch.Token, error) {
	return many(ctx, r, scanToken, "select "+tokenColumns+` from tokens
		where issued_until <= $1 and ($2 = '' or user_id = $2) order by issued_until, id limit $3`, micros(at), user, limit)
}

// LiveBearers returns the tokens that stand for signed tokens and had not expired at the
// time: of one user, or of all when user is empty; those confined to one workspace when
// that is set.
func (r Reader) LiveBearers(ctx context.Context, user, workspace string, at time.Time) ([]keyhatch.Token, error) {
	return many(ctx, r, scanToken, "select "+tokenColumns+` from tokens
		where issuer is not null and expires_at > $1 and ($2 = '' or user_id = $2) and ($3 = '' or workspace = $3) order by id`,
		micros(at), user, workspace)
}

// AllTokens returns every token with its hashes, for the memory image.
func (r Reader) AllTokens(ctx context.Context) ([]HashedToken, error) {
	return many(ctx, r, scanHashedToken, "select "+hashedTokenColumns+" from tokens")
}

// Tokens lists tokens by id: of one user, or of all when user is empty; those
// confined to one workspace when that is set. Those that stand for signed tokens are not
// among them: nobody has made them.
func (r Reader) Tokens(ctx context.Context, user, workspace string, p Page) ([]keyhatch.Token, error) {
	where := conditions{text: []string{"issuer is null"}}
	where.add("id > ?", p.After)
	where.add("user_id = ?", user)
	where.add("workspace = ?", workspace)
	return many(ctx, r, scanToken, "select "+tokenColumns+" from tokens"+where.sql("order by id limit ?", p.Limit), where.args...)
}
