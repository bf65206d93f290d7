package db

import (
	"context"
	"crypto/rand"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
)

// ends is what lets somebody in, and how it is ended at a time. Rows stay whose ending would be
// forgotten with them, as it is of what is signed elsewhere, and of the configuration's token.
var ends = []struct{ what, sql string }{
	{"users", "update users set active = false where active"},
	{"passwords", "delete from passwords"},
	{"", "delete from password_resets"},
	{"sessions", "delete from sessions"},
	{"", "delete from begun_logins"},
	{"", "delete from former_names"},
	{"", "insert into former_names (name, until) values ('" + everyName + "', $1)"},
	{"", "update identities set created_at = $1"},
	{"consents", "delete from oauth_consents"},
	{"", "delete from oauth_devices"},
	{"", "delete from earthdata_tokens"},
	{"signing_keys", "delete from oauth_keys"},
	{"tokens", "delete from tokens where id <> '" + keyhatch.RootToken + "' and issuer is null"},
	{"", "update tokens set expires_at = $1 where expires_at is null or expires_at > $1"},
	{"leases", "update leases set revoked_at = $1 where revoked_at is null and expires_at > $1"},
	{"access_keys", "update access_keys set expires_at = $1 where expires_at is null or expires_at > $1"},
	{"", "update access_key_pairs set ends_at = $1 where ends_at is null or ends_at > $1"},
	{"", "update buckets set presigned_since = $1"}, // their URLs work that were signed since
}

// EndAll ends whatever lets somebody in: users are inactive, their passwords, sessions and
// consents, all tokens, leases, access keys and their pairs have ended at the time, and what
// others signed before it, or was signed here, counts for nothing. No secret of a client of
// the authorization server works. It counts what ended, by noun. Memory is not
// told: it must not have seen the tables before.
func (t *Tx) EndAll(ctx context.Context, at time.Time) (map[string]int64, error) {
	ended := map[string]int64{}
	for _, e := range ends {
		var args []any
		if strings.Contains(e.sql, "$1") {
			args = append(args, micros(at))
		}
		result, err := t.q.ExecContext(ctx, e.sql, args...)
		if err != nil {
			return nil, dbError(err)
		}
		n, err := result.RowsAffected()
		if err != nil {
			return nil, dbError(err)
		}
		if e.what != "" {
			ended[e.what] = n
		}
	}
	// A client without a secret would be one that needs none.
	nobodys := make([]byte, 32)
	rand.Read(nobodys) // never fails
	return ended, t.exec(ctx, "update oauth_clients set hash = $1 where hash is not null", nobodys)
}
