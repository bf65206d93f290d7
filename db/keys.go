package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

// ReplaceKeyset stores a keyset with other keys in it in place of another, which must
// be the one that is stored: keyhatch.Conflict if not, since two who change it must
// not undo each other's change.
func (t *Tx) ReplaceKeyset(ctx context.Context, before, after keyhatch.Keyset) error {
	if err := t.RewrapKeyset(ctx, before, after); err != nil {
		return err
	}
	return t.changed(ctx, KeysetChanged, "", after.Name)
}

// RewrapKeyset is ReplaceKeyset for the same keys, wrapped by another key-encryption
// key. Memory, which has them open, need not know: a process that was not given the
// other key goes on with what it has.
func (t *Tx) RewrapKeyset(ctx context.Context, before, after keyhatch.Keyset) error {
	result, err := t.q.ExecContext(ctx, "update keysets set kek = $3, wrapped = $4 where name = $1 and wrapped = $2",
		before.Name, before.Wrapped, after.KEK, after.Wrapped)
	if err != nil {
		return dbError(err)
	}
	if n, err := result.RowsAffected(); err != nil || n != 1 {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeKeysChanged, "the keys were changed at the same time: look at them, then try again").Because(err)
	}
	return nil
}

// DataKey is what is on record about a data key.
type DataKey struct {
	Keyset    string
	ID        uint32
	CreatedAt time.Time
	RetiredAt time.Time // zero: it has not been replaced
}

// DataKeys lists what is on record about the data keys that there are.
func (r Reader) DataKeys(ctx context.Context) ([]DataKey, error) {
	return many(ctx, r, func(row row) (k DataKey, err error) {
		err = row.Scan(&k.Keyset, &k.ID, timeColumn{&k.CreatedAt}, timeColumn{&k.RetiredAt})
		return k, err
	}, "select keyset, id, created_at, retired_at from data_keys where dropped_at is null order by keyset, created_at, id")
}

// PutDataKey puts a data key on record.
func (t *Tx) PutDataKey(ctx context.Context, k DataKey) error {
	return t.exec(ctx, `insert into data_keys (keyset, id, created_at, retired_at) values ($1, $2, $3, $4)
		on conflict (keyset, id) do update set retired_at = excluded.retired_at`, k.Keyset, k.ID, micros(k.CreatedAt), optMicros(k.RetiredAt))
}

// DropDataKey puts on record that a data key is gone. From then on nothing is stored
// that was made with it.
func (t *Tx) DropDataKey(ctx context.Context, keyset string, id uint32, at time.Time) error {
	return t.exec(ctx, `insert into data_keys (keyset, id, created_at, retired_at, dropped_at) values ($1, $2, $3, $3, $3)
		on conflict (keyset, id) do update set dropped_at = excluded.dropped_at`, keyset, id, micros(at))
}

// SealedColumn is a column that holds sealed secrets, in a table with an id.
type SealedColumn struct {
	Table   string
	Column  string
	Changed ChangeKind // what memory reads again; empty: it knows nothing of it
}

// SealedColumns are all of them: what stands in none of these is lost when its key
// is dropped. A test looks for others.
var SealedColumns = []SealedColumn{
	{CredentialsTable, SecretColumn, CredentialChanged},
	{PasswordsTable, HashColumn, UserChanged}, // memory has no passwords: it reads the user again
	{PairsTable, SecretColumn, PairChanged},
	{OAuthKeysTable, SecretColumn, ""},
}

// SealedRow is a secret as it is stored.
type SealedRow struct {
	ID        string
	Workspace string
	Sealed    []byte
}

// SealedOtherwise lists, by id, what is not sealed with the key of the prefix.
func (r Reader) SealedOtherwise(ctx context.Context, c SealedColumn, prefix []byte, p Page) ([]SealedRow, error) {
	return many(ctx, r, func(row row) (s SealedRow, err error) {
		err = row.Scan(&s.ID, textColumn{&s.Workspace}, &s.Sealed)
		return s, err
	}, "select id, workspace, "+c.Column+" from "+c.Table+" where id > $1 and substr("+c.Column+", 1, $2) <> $3 order by id limit $4",
		p.After, len(prefix), prefix, p.Limit)
}

// CountSealedWith counts the secrets that are sealed with the key of the prefix.
func (r Reader) CountSealedWith(ctx context.Context, prefix []byte) (all int, err error) {
	for _, c := range SealedColumns {
		var n int
		err := r.q.QueryRowContext(ctx, "select count(*) from "+c.Table+" where substr("+c.Column+", 1, $1) = $2", len(prefix), prefix).Scan(&n)
		if err != nil {
			return 0, dbError(err)
		}
		all += n
	}
	return all, nil
}

// Reseal stores a secret sealed anew, unless it is another one by now: false. What
// holds it in memory reads it again.
func (t *Tx) Reseal(ctx context.Context, c SealedColumn, before SealedRow, sealed []byte) (bool, error) {
	if err := t.mustOpen(ctx, c.Table, c.Column, before.ID, sealed); err != nil {
		return false, err
	}
	result, err := t.q.ExecContext(ctx, "update "+c.Table+" set "+c.Column+" = $3 where id = $1 and "+c.Column+" = $2", before.ID, before.Sealed, sealed)
	if err != nil {
		return false, dbError(err)
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return false, dbError(err)
	}
	if c.Changed == "" {
		return true, nil
	}
	return true, t.changed(ctx, c.Changed, before.Workspace, before.ID)
}

// CountPeppered counts the tokens, password resets, sessions and secrets of the authorization server that are hashed with the pepper, also those that have
// ended and are still on record: one that is shown must be known as that. The secret
// before counts while it works.
func (r Reader) CountPeppered(ctx context.Context, pepper uint32, at time.Time) (n int, err error) {
	err = r.q.QueryRowContext(ctx, `select (select count(*) from tokens where pepper = $1 or old_pepper = $1 and old_until > $2)
		+ (select count(*) from password_resets where pepper = $1 and expires_at > $2)
		+ (select count(*) from sessions where pepper = $1 and expires_at > $2)
		+ (select count(*) from ended_bearers where pepper = $1 and until > $2)
		+ (select count(*) from oauth_clients where pepper = $1)
		+ (select count(*) from oauth_codes where pepper = $1 and expires_at > $2)
		+ (select count(*) from oauth_refreshes where pepper = $1 and expires_at > $2)
		+ (select count(*) from oauth_devices where pepper = $1 and expires_at > $2)`, pepper, micros(at)).Scan(&n)
	return n, dbError(err)
}

// LastLeaseOf tells when the last of the leases ends that were issued up to a time,
// zero for none.
func (r Reader) LastLeaseOf(ctx context.Context, issued time.Time) (end time.Time, err error) {
	err = r.q.QueryRowContext(ctx, "select max(expires_at) from leases where issued_at <= $1", micros(issued)).Scan(timeColumn{&end})
	return end, dbError(err)
}
