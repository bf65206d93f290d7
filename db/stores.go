package db

import (
	"context"
	"strings"

	"github.com/keyhatch/keyhatch"
)

const storeColumns = "id, workspace, teamspace, name, kind, lends, path, endpoint, region, credential, one_bucket, keys, keys_endpoint, created_at"

func scanStore(row row) (s keyhatch.Store, err error) {
	err = row.Scan(&s.ID, textColumn{&s.Workspace}, textColumn{&s.Teamspace}, &s.Name, &s.Kind, &s.Lends,
		&s.Path, &s.Endpoint, &s.Region, textColumn{&s.Credential}, &s.OneBucket, &s.Keys, &s.KeysEndpoint, timeColumn{&s.CreatedAt})
	return s, err
}

// InsertStore adds a store.
func (t *Tx) InsertStore(ctx context.Context, s keyhatch.Store) error {
	err := t.exec(ctx, "insert into stores ("+storeColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)",
		s.ID, optText(s.Workspace), optText(s.Teamspace), s.Name, string(s.Kind), string(s.Lends),
		s.Path, s.Endpoint, s.Region, optText(s.Credential), s.OneBucket, string(s.Keys), s.KeysEndpoint, micros(s.CreatedAt))
	if err != nil {
		return err
	}
	return t.changed(ctx, StoreChanged, s.Workspace, s.ID)
}

// UpdateStore changes the name and the credential.
func (t *Tx) UpdateStore(ctx context.Context, s keyhatch.Store) error {
	err := t.execOne(ctx, keyhatch.CodeStoreNotFound, "update stores set name = $2, credential = $3 where id = $1",
		s.ID, s.Name, optText(s.Credential))
	if err != nil {
		return err
	}
	return t.changed(ctx, StoreChanged, s.Workspace, s.ID)
}

// DeleteStore removes a store. Its buckets keep it from being removed.
func (t *Tx) DeleteStore(ctx context.Context, s keyhatch.Store) error {
	if err := t.execOne(ctx, keyhatch.CodeStoreNotFound, "delete from stores where id = $1", s.ID); err != nil {
		return err
	}
	return t.changed(ctx, StoreChanged, s.Workspace, s.ID)
}

// Store returns the store of the id.
func (r Reader) Store(ctx context.Context, id string) (keyhatch.Store, error) {
	return one(ctx, r, keyhatch.CodeStoreNotFound, scanStore, "select "+storeColumns+" from stores where id = $1", id)
}

// StoreByName returns the store of the name.
func (r Reader) StoreByName(ctx context.Context, name string) (keyhatch.Store, error) {
	return one(ctx, r, keyhatch.CodeStoreNotFound, scanStore, "select "+storeColumns+" from stores where name = $1", name)
}

// ofSeenTeamspace are the stores that a member of the workspace sees, $2, who does not
// manage it: those of a private teamspace only who is in that does.
const ofSeenTeamspace = `(teamspace is null or teamspace in (select id from circles where visibility = 'public')
	or teamspace in (select circle from circle_members where user_id = $2))`

// Stores lists stores by id: of every workspace or, when within is set, of that one,
// and the shared ones; when member is set those of the workspaces that the user is a
// member of, but for what is of teamspaces that it does not see.
func (r Reader) Stores(ctx context.Context, member, within string, p Page) ([]keyhatch.Store, error) {
	return many(ctx, r, scanStore, "select "+storeColumns+` from stores
		where id > $1 and (workspace is null or $3 in ('', workspace) and ($2 = ''
			or workspace in (select workspace from workspace_members where user_id = $2 and role in ('owner', 'admin'))
			or workspace in (select workspace from workspace_members where user_id = $2) and `+ofSeenTeamspace+`))
		order by id limit $4`, p.After, member, within, p.Limit)
}

// StoresOfCredential lists the stores that the credential acts for, by id.
func (r Reader) StoresOfCredential(ctx context.Context, credential string) ([]keyhatch.Store, error) {
	return many(ctx, r, scanStore, "select "+storeColumns+" from stores where credential = $1 order by id", credential)
}

// HasAccessKeys tells whether there are access keys for the store.
func (r Reader) HasAccessKeys(ctx context.Context, store string) (bool, error) {
	return exists(ctx, r, "select 1 from access_keys where store = $1", store)
}

const bucketColumns = "id, workspace, store, name, owner, created_at"

func scanBucket(row row) (b keyhatch.Bucket, err error) {
	err = row.Scan(&b.ID, &b.Workspace, &b.Store, &b.Name, textColumn{&b.Owner}, timeColumn{&b.CreatedAt})
	return b, err
}

// InsertBucket adds a bucket.
func (t *Tx) InsertBucket(ctx context.Context, b keyhatch.Bucket) error {
	err := t.exec(ctx, "insert into buckets ("+bucketColumns+") values ($1, $2, $3, $4, $5, $6)",
		b.ID, b.Workspace, b.Store, b.Name, optText(b.Owner), micros(b.CreatedAt))
	if err != nil {
		return err
	}
	return t.changed(ctx, BucketChanged, b.Workspace, b.ID)
}

// UpdateBucket changes the owner.
func (t *Tx) UpdateBucket(ctx context.Context, b keyhatch.Bucket) error {
	if err := t.execOne(ctx, keyhatch.CodeBucketNotFound, "update buckets set owner = $2 where id = $1", b.ID, optText(b.Owner)); err != nil {
		return err
	}
	return t.changed(ctx, BucketChanged, b.Workspace, b.ID)
}

// DeleteBucket removes a bucket from the record; its objects stay where they
// are. Its locations keep it from being removed.
func (t *Tx) DeleteBucket(ctx context.Context, b keyhatch.Bucket) error {
	if err := t.execOne(ctx, keyhatch.CodeBucketNotFound, "delete from buckets where id = $1", b.ID); err != nil {
		return err
	}
	return t.changed(ctx, BucketChanged, b.Workspace, b.ID)
}

// Bucket returns the bucket of the id.
func (r Reader) Bucket(ctx context.Context, id string) (keyhatch.Bucket, error) {
	return one(ctx, r, keyhatch.CodeBucketNotFound, scanBucket, "select "+bucketColumns+" from buckets where id = $1", id)
}

// BucketByName returns the bucket of the name in the workspace.
func (r Reader) BucketByName(ctx context.Context, workspace, name string) (keyhatch.Bucket, error) {
	return one(ctx, r, keyhatch.CodeBucketNotFound, scanBucket,
		"select "+bucketColumns+" from buckets where workspace = $1 and name = $2", workspace, name)
}

// BucketElsewhere tells whether another store of the endpoint, and of the same
// workspace or of the installation too, has a bucket of the name: it would be the same
// one, whether it is reached with TLS or without.
func (r Reader) BucketElsewhere(ctx context.Context, s keyhatch.Store, name string) (bool, error) {
	_, host, _ := strings.Cut(s.Endpoint, "://")
	return exists(ctx, r, `select 1 from buckets join stores on stores.id = buckets.store
		where buckets.name = $1 and stores.endpoint in ($2, $3) and stores.kind = $4 and stores.id <> $5
			and coalesce(stores.workspace, '') = $6`,
		name, "http://"+host, "https://"+host, string(keyhatch.S3Store), s.ID, s.Workspace)
}

// Buckets lists a workspace's buckets by id; of every workspace when it is
// empty.
func (r Reader) Buckets(ctx context.Context, workspace string, p Page) ([]keyhatch.Bucket, error) {
	return many(ctx, r, scanBucket, "select "+bucketColumns+
		" from buckets where id > $1 and ($2 = '' or workspace = $2) order by id limit $3", p.After, workspace, p.Limit)
}

// BucketsSeenBy is Buckets of one workspace for a member who does not manage it: without
// those of others in teamspaces that it does not see.
func (r Reader) BucketsSeenBy(ctx context.Context, workspace, member string, p Page) ([]keyhatch.Bucket, error) {
	return many(ctx, r, scanBucket, "select "+bucketColumns+` from buckets
		where id > $1 and workspace = $3 and (owner = $2 or store in (select id from stores where `+ofSeenTeamspace+`))
		order by id limit $4`, p.After, member, workspace, p.Limit)
}
