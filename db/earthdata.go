package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

// EarthdataToken is what a user's signed token says, by which its text is made again.
type EarthdataToken struct {
	HashedToken
	Key    string // id of the key that signed it
	UID    string // what the user was called then
	Issued time.Time
	Until  time.Time // the end that was signed; that of the token may be another since
}

// InsertEarthdataToken notes what a token says, which is inserted before.
func (t *Tx) InsertEarthdataToken(ctx context.Context, k EarthdataToken) error {
	return t.exec(ctx, "insert into earthdata_tokens (id, signed_by, uid, issued_at, expires_at) values ($1, $2, $3, $4, $5)",
		k.ID, k.Key, k.UID, micros(k.Issued), micros(k.Until))
}

// DeleteEarthdataToken forgets what a token says, which itself stays.
func (t *Tx) DeleteEarthdataToken(ctx context.Context, id string) error {
	return t.execOne(ctx, keyhatch.CodeTokenNotFound, "delete from earthdata_tokens where id = $1", id)
}

// EarthdataTokens returns a user's, the newest first, whether they have expired or not.
func (r Reader) EarthdataTokens(ctx context.Context, user string) ([]EarthdataToken, error) {
	return many(ctx, r, func(row row) (k EarthdataToken, err error) {
		var hash, old []byte
		err = row.Scan(append(tokenFields(&k.Token), &k.Hash.Pepper, &hash, &k.Old.Pepper, &old, &k.Key, &k.UID, timeColumn{&k.Issued}, timeColumn{&k.Until})...)
		k.Hash.Hash, k.Old.Hash = string(hash), string(old)
		return k, err
	}, "select t.*, e.signed_by, e.uid, e.issued_at, e.expires_at from (select "+hashedTokenColumns+` from tokens where user_id = $1) t
		join earthdata_tokens e on e.id = t.id order by t.id desc`, user)
}
