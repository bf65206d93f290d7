package db

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
)

// PairsTable is where the secrets of access keys are kept that our own S3 endpoint has
// to know, in SecretColumn.
const PairsTable = "access_key_pairs"

const accessKeyColumns = `id, workspace, store, name, owner, token, see_all, read_all, write_all, networks,
	state, reason, created_at, expires_at, last_used_at, revision, applied, issuing_until`

func scanAccessKey(row row) (k keyhatch.AccessKey, err error) {
	err = row.Scan(&k.ID, &k.Workspace, &k.Store, &k.Name, &k.Owner, &k.Token, &k.Rights.SeeAll, &k.Rights.ReadAll, &k.Rights.WriteAll, jsonColumn{&k.Networks},
		&k.State, &k.Reason, timeColumn{&k.CreatedAt}, timeColumn{&k.ExpiresAt}, timeColumn{&k.LastUsedAt},
		&k.Revision, &k.Applied, timeColumn{&k.IssuingUntil})
	return k, err
}

// InsertAccessKey adds a key with its rights. It has no pair.
func (t *Tx) InsertAccessKey(ctx context.Context, k keyhatch.AccessKey) error {
	err := t.exec(ctx, "insert into access_keys ("+accessKeyColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)",
		k.ID, k.Workspace, k.Store, k.Name, k.Owner, k.Token, k.Rights.SeeAll, k.Rights.ReadAll, k.Rights.WriteAll, optJSON(k.Networks, len(k.Networks)),
		string(k.State), k.Reason, micros(k.CreatedAt), optMicros(k.ExpiresAt), optMicros(k.LastUsedAt),
		k.Revision, k.Applied, optMicros(k.IssuingUntil))
	if err != nil {
		return err
	}
	return t.putRights(ctx, k)
}

// UpdateAccessKey changes all but what it is of, its pairs and its last use.
func (t *Tx) UpdateAccessKey(ctx context.Context, k keyhatch.AccessKey) error {
	err := t.execOne(ctx, keyhatch.CodeAccessKeyNotFound, `update access_keys set name = $2, see_all = $3, read_all = $4, write_all = $5,
		expires_at = $6 where id = $1`,
		k.ID, k.Name, k.Rights.SeeAll, k.Rights.ReadAll, k.Rights.WriteAll, optMicros(k.ExpiresAt))
	if err != nil {
		return err
	}
	if err := t.UpdateAccessKeyState(ctx, k); err != nil {
		return err
	}
	if err := t.exec(ctx, "delete from access_key_rights where access_key = $1", k.ID); err != nil {
		return err
	}
	return t.putRights(ctx, k)
}

// UpdateAccessKeyState changes how far the store is with a key.
func (t *Tx) UpdateAccessKeyState(ctx context.Context, k keyhatch.AccessKey) error {
	err := t.execOne(ctx, keyhatch.CodeAccessKeyNotFound,
		"update access_keys set state = $2, reason = $3, revision = $4, applied = $5, issuing_until = $6 where id = $1",
		k.ID, string(k.State), k.Reason, k.Revision, k.Applied, optMicros(k.IssuingUntil))
	if err != nil {
		return err
	}
	return t.changed(ctx, AccessKeyChanged, k.Workspace, k.ID)
}

func (t *Tx) putRights(ctx context.Context, k keyhatch.AccessKey) error {
	put := func(bucket string, reads, writes bool) error {
		return t.exec(ctx, `insert into access_key_rights (workspace, access_key, bucket, reads, writes) values ($1, $2, $3, $4, $5)
			on conflict (access_key, bucket) do update set reads = access_key_rights.reads or excluded.reads, writes = access_key_rights.writes or excluded.writes`,
			k.Workspace, k.ID, bucket, reads, writes)
	}
	for _, bucket := range k.Rights.Read {
		if err := put(bucket, true, false); err != nil {
			return err
		}
	}
	for _, bucket := range k.Rights.Write {
		if err := put(bucket, false, true); err != nil {
			return err
		}
	}
	return t.changed(ctx, AccessKeyChanged, k.Workspace, k.ID)
}

// DeleteAccessKey removes a key with its rights and pairs.
func (t *Tx) DeleteAccessKey(ctx context.Context, k keyhatch.AccessKey) error {
	for _, p := range k.Pairs {
		if err := t.DeletePair(ctx, k, p.AccessKeyID); err != nil {
			return err
		}
	}
	if err := t.exec(ctx, "delete from ended_pairs where access_key = $1", k.ID); err != nil {
		return err
	}
	if err := t.exec(ctx, "delete from access_key_rights where access_key = $1", k.ID); err != nil {
		return err
	}
	if err := t.execOne(ctx, keyhatch.CodeAccessKeyNotFound, "delete from access_keys where id = $1", k.ID); err != nil {
		return err
	}
	return t.changed(ctx, AccessKeyChanged, k.Workspace, k.ID)
}

// InsertPair adds a pair to a key; sealed is nil where the store keeps the secret.
func (t *Tx) InsertPair(ctx context.Context, k keyhatch.AccessKey, p keyhatch.IssuedPair, sealed []byte) error {
	if sealed != nil {
		if err := t.mustOpen(ctx, PairsTable, SecretColumn, p.AccessKeyID, sealed); err != nil {
			return err
		}
	}
	err := t.exec(ctx, "insert into access_key_pairs (id, workspace, access_key, secret, token, issued_at, ends_at) values ($1, $2, $3, $4, $5, $6, $7)",
		p.AccessKeyID, k.Workspace, k.ID, sealed, p.Token, micros(p.IssuedAt), optMicros(p.EndsAt))
	if err != nil {
		return err
	}
	return t.pairChanged(ctx, k, p.AccessKeyID)
}

// EndPair says until when a pair works.
func (t *Tx) EndPair(ctx context.Context, k keyhatch.AccessKey, p keyhatch.IssuedPair) error {
	err := t.execOne(ctx, keyhatch.CodeAccessKeyNotFound, "update access_key_pairs set ends_at = $2 where id = $1", p.AccessKeyID, optMicros(p.EndsAt))
	if err != nil {
		return err
	}
	return t.pairChanged(ctx, k, p.AccessKeyID)
}

// DeletePair removes a pair. Of one that a store keeps it stays known that it has ended:
// see EndedPair.
func (t *Tx) DeletePair(ctx context.Context, k keyhatch.AccessKey, accessKeyID string) error {
	err := t.exec(ctx, `insert into ended_pairs (workspace, access_key, id, told)
		select workspace, access_key, id, false from access_key_pairs where id = $1 and secret is null
		on conflict (access_key, id) do nothing`, accessKeyID)
	if err != nil {
		return err
	}
	if err := t.execOne(ctx, keyhatch.CodeAccessKeyNotFound, "delete from access_key_pairs where id = $1", accessKeyID); err != nil {
		return err
	}
	return t.pairChanged(ctx, k, accessKeyID)
}

// PairTold notes that an event tells of a pair that it has ended, or that its store was
// found with it, whether it was ever on record or not.
func (t *Tx) PairTold(ctx context.Context, k keyhatch.AccessKey, accessKeyID string) error {
	return t.exec(ctx, `insert into ended_pairs (workspace, access_key, id, told) values ($1, $2, $3, true)
		on conflict (access_key, id) do update set told = true`, k.Workspace, k.ID, accessKeyID)
}

func (t *Tx) pairChanged(ctx context.Context, k keyhatch.AccessKey, accessKeyID string) error {
	if err := t.changed(ctx, PairChanged, k.Workspace, accessKeyID); err != nil {
		return err
	}
	return t.changed(ctx, AccessKeyChanged, k.Workspace, k.ID)
}

// AccessKey returns the key of the id.
func (r Reader) AccessKey(ctx context.Context, id string) (keyhatch.AccessKey, error) {
	k, err := one(ctx, r, keyhatch.CodeAccessKeyNotFound, scanAccessKey, "select "+accessKeyColumns+" from access_keys where id = $1", id)
	return r.whole(ctx, k, err)
}

// AccessKeyByName returns the key of the name in the workspace.
func (r Reader) AccessKeyByName(ctx context.Context, workspace, name string) (keyhatch.AccessKey, error) {
	k, err := one(ctx, r, keyhatch.CodeAccessKeyNotFound, scanAccessKey,
		"select "+accessKeyColumns+" from access_keys where workspace = $1 and name = $2", workspace, name)
	return r.whole(ctx, k, err)
}

// AccessKeyOfPair returns the key of which the pair is, ended or not.
func (r Reader) AccessKeyOfPair(ctx context.Context, accessKeyID string) (keyhatch.AccessKey, error) {
	k, err := one(ctx, r, keyhatch.CodeAccessKeyNotFound, scanAccessKey,
		"select "+accessKeyColumns+" from access_keys where id = (select access_key from access_key_pairs where id = $1)", accessKeyID)
	return r.whole(ctx, k, err)
}

// EndedPair tells of a pair that is not on record whether it is known, since it was on
// record before or PairTold was called of it, and whether an event tells of it by itself.
func (r Reader) EndedPair(ctx context.Context, key, accessKeyID string) (known, told bool, err error) {
	told, err = one(ctx, r, keyhatch.CodeAccessKeyNotFound, scanValue[bool], "select told from ended_pairs where access_key = $1 and id = $2", key, accessKeyID)
	if errors.Is(err, keyhatch.NotFound) {
		return false, false, nil
	}
	return err == nil, told, err
}

// AccessKeyFilter says which keys a list has; empty fields are all.
type AccessKeyFilter struct{ Workspace, Store, Owner string }

// AccessKeys lists keys by id.
func (r Reader) AccessKeys(ctx context.Context, f AccessKeyFilter, p Page) ([]keyhatch.AccessKey, error) {
	var where conditions
	where.add("id > ?", p.After)
	where.add("workspace = ?", f.Workspace)
	where.add("store = ?", f.Store)
	where.add("owner = ?", f.Owner)
	found, err := many(ctx, r, scanAccessKey, "select "+accessKeyColumns+" from access_keys"+where.sql("order by id limit ?", p.Limit), where.args...)
	return r.eachWhole(ctx, found, err)
}

// AccessKeysByToken lists the keys that were made with a token, or of which a pair was
// issued with it.
func (r Reader) AccessKeysByToken(ctx context.Context, token string) ([]keyhatch.AccessKey, error) {
	found, err := many(ctx, r, scanAccessKey, "select "+accessKeyColumns+` from access_keys k
		where token = $1 or exists (select 1 from access_key_pairs p where p.access_key = k.id and p.token = $1) order by id`, token)
	return r.eachWhole(ctx, found, err)
}

// AccessKeysWriting lists the keys of a workspace on a store that may write in a bucket
// by their own rights, or as all keys may.
func (r Reader) AccessKeysWriting(ctx context.Context, workspace, store, bucket string) ([]keyhatch.AccessKey, error) {
	found, err := many(ctx, r, scanAccessKey, "select "+accessKeyColumns+` from access_keys k where workspace = $1 and store = $2
		and (write_all or exists (select 1 from buckets where id = $3 and all_keys_write)
			or exists (select 1 from access_key_rights r where r.access_key = k.id and r.bucket = $3 and r.writes)) order by id`,
		workspace, store, bucket)
	return found, err
}

// CountAccessKeys tells how many a workspace has.
func (r Reader) CountAccessKeys(ctx context.Context, workspace string) (int, error) {
	return one(ctx, r, keyhatch.CodeAccessKeyNotFound, scanValue[int], "select count(*) from access_keys where workspace = $1", workspace)
}

// whole is a key with its rights on buckets and its pairs.
func (r Reader) whole(ctx context.Context, k keyhatch.AccessKey, err error) (keyhatch.AccessKey, error) {
	keys, err := r.eachWhole(ctx, []keyhatch.AccessKey{k}, err)
	return keys[0], err
}

// eachWhole adds to keys, which are in the order of their ids, their rights on buckets and
// their pairs, the newest first: memory reads all keys at the start.
func (r Reader) eachWhole(ctx context.Context, keys []keyhatch.AccessKey, err error) ([]keyhatch.AccessKey, error) {
	if err != nil || len(keys) == 0 {
		return keys, err
	}
	of := make(map[string]*keyhatch.AccessKey, len(keys))
	for i := range keys {
		of[keys[i].ID] = &keys[i]
	}
	first, last := keys[0].ID, keys[len(keys)-1].ID
	type right struct {
		key, bucket   string
		reads, writes bool
	}
	rights, err := many(ctx, r, func(row row) (x right, err error) {
		err = row.Scan(&x.key, &x.bucket, &x.reads, &x.writes)
		return x, err
	}, "select access_key, bucket, reads, writes from access_key_rights where access_key between $1 and $2 order by access_key, bucket", first, last)
	if err != nil {
		return keys, err
	}
	for _, x := range rights {
		k := of[x.key]
		if k != nil && x.reads {
			k.Rights.Read = append(k.Rights.Read, x.bucket)
		}
		if k != nil && x.writes {
			k.Rights.Write = append(k.Rights.Write, x.bucket)
		}
	}
	type issued struct {
		key string
		keyhatch.IssuedPair
	}
	pairs, err := many(ctx, r, func(row row) (p issued, err error) {
		err = row.Scan(&p.key, &p.AccessKeyID, &p.Token, timeColumn{&p.IssuedAt}, timeColumn{&p.EndsAt})
		return p, err
	}, `select access_key, id, token, issued_at, ends_at from access_key_pairs where access_key between $1 and $2
		order by access_key, case when ends_at is null then 0 else 1 end, issued_at desc, id`, first, last)
	for _, p := range pairs {
		if k := of[p.key]; k != nil {
			k.Pairs = append(k.Pairs, p.IssuedPair)
		}
	}
	return keys, err
}

// SealedPair is a pair as our own S3 endpoint has to know it.
type SealedPair struct {
	keyhatch.IssuedPair
	Key    string // whose it is
	Sealed []byte
}

func scanSealedPair(row row) (p SealedPair, err error) {
	err = row.Scan(&p.AccessKeyID, &p.Key, &p.Sealed, &p.Token, timeColumn{&p.IssuedAt}, timeColumn{&p.EndsAt})
	return p, err
}

const selectPairs = "select id, access_key, secret, token, issued_at, ends_at from access_key_pairs"

// SealedPair returns the pair of the access key id, if its secret is here.
func (r Reader) SealedPair(ctx context.Context, accessKeyID string) (SealedPair, error) {
	return one(ctx, r, keyhatch.CodeAccessKeyNotFound, scanSealedPair, selectPairs+" where id = $1 and secret is not null", accessKeyID)
}

// AllSealedPairs lists every pair whose secret is here.
func (r Reader) AllSealedPairs(ctx context.Context) ([]SealedPair, error) {
	return many(ctx, r, scanSealedPair, selectPairs+" where secret is not null")
}

// AccessKeyUsed notes a key's last use. One that has gone has none.
func (t *Tx) AccessKeyUsed(ctx context.Context, id string, at time.Time) error {
	return t.exec(ctx, "update access_keys set last_used_at = $2 where id = $1", id, micros(at))
}
