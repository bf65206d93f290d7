package db

import (
	"context"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
)

const bucketColumns = `id, workspace, store, name, owner, state, label, serve_static_site, static_site_index, static_site_error,
	all_keys_read, all_keys_write, presigned_since, max_presigned_micros, list_whole_since, created_at`

func scanBucket(row row) (b keyhatch.Bucket, err error) {
	var most int64
	err = row.Scan(&b.ID, &b.Workspace, &b.Store, &b.Name, textColumn{&b.Owner}, &b.State, &b.Label, &b.Site.Serve, &b.Site.Index, &b.Site.Error,
		&b.AllKeysRead, &b.AllKeysWrite, timeColumn{&b.PresignedSince}, &most, timeColumn{&b.ListWholeSince}, timeColumn{&b.CreatedAt})
	b.MaxPresigned = time.Duration(most) * time.Microsecond
	return b, err
}

// InsertBucket adds a bucket.
func (t *Tx) InsertBucket(ctx context.Context, b keyhatch.Bucket) error {
	err := t.exec(ctx, "insert into buckets ("+bucketColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
		b.ID, b.Workspace, b.Store, b.Name, optText(b.Owner), string(b.State), b.Label, b.Site.Serve, b.Site.Index, b.Site.Error,
		b.AllKeysRead, b.AllKeysWrite, optMicros(b.PresignedSince), b.MaxPresigned.Microseconds(), optMicros(b.ListWholeSince), micros(b.CreatedAt))
	if err != nil {
		return err
	}
	return t.changed(ctx, BucketChanged, b.Workspace, b.ID)
}

// UpdateBucket changes all but where it lies, its name, and when it was made.
func (t *Tx) UpdateBucket(ctx context.Context, b keyhatch.Bucket) error {
	err := t.execOne(ctx, keyhatch.CodeBucketNotFound, `update buckets set owner = $2, state = $3, label = $4, serve_static_site = $5,
		static_site_index = $6, static_site_error = $7, all_keys_read = $8, all_keys_write = $9, presigned_since = $10, max_presigned_micros = $11,
		list_whole_since = $12
		where id = $1`,
		b.ID, optText(b.Owner), string(b.State), b.Label, b.Site.Serve, b.Site.Index, b.Site.Error,
		b.AllKeysRead, b.AllKeysWrite, optMicros(b.PresignedSince), b.MaxPresigned.Microseconds(), optMicros(b.ListWholeSince))
	if err != nil {
		return err
	}
	return t.changed(ctx, BucketChanged, b.Workspace, b.ID)
}

// DeleteBucket removes a bucket from the record. Its locations, and access keys that name
// it, keep it from being removed.
func (t *Tx) DeleteBucket(ctx context.Context, b keyhatch.Bucket) error {
	if err := t.exec(ctx, "delete from bucket_usage where bucket = $1", b.ID); err != nil {
		return err
	}
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

// BucketOnStore returns the bucket of the name on the store.
func (r Reader) BucketOnStore(ctx context.Context, store, name string) (keyhatch.Bucket, error) {
	return one(ctx, r, keyhatch.CodeBucketNotFound, scanBucket, "select "+bucketColumns+" from buckets where store = $1 and name = $2", store, name)
}

// BucketsOnStore lists the buckets of a store by id.
func (r Reader) BucketsOnStore(ctx context.Context, store string, p Page) ([]keyhatch.Bucket, error) {
	return many(ctx, r, scanBucket, "select "+bucketColumns+" from buckets where store = $1 and id > $2 order by id limit $3", store, p.After, p.Limit)
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

// CountBuckets tells how many a workspace has.
func (r Reader) CountBuckets(ctx context.Context, workspace string) (int, error) {
	return one(ctx, r, keyhatch.CodeBucketNotFound, scanValue[int], "select count(*) from buckets where workspace = $1", workspace)
}

// KeysNameBucket tells whether the lists of access keys name the bucket.
func (r Reader) KeysNameBucket(ctx context.Context, bucket string) (bool, error) {
	return exists(ctx, r, "select 1 from access_key_rights where bucket = $1", bucket)
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

// PublicBuckets lists the ids of those buckets of a workspace that are public at the time:
// a grant lets everyone read all that is in them. bucket narrows it to one.
func (r Reader) PublicBuckets(ctx context.Context, workspace, bucket string, now time.Time) ([]string, error) {
	return many(ctx, r, scanValue[string], `select distinct l.bucket from grants g join locations l on l.id = g.location
		where l.workspace = $1 and ($2 = '' or l.bucket = $2) and l.prefix = '' and g.prefix = '' and g.subject_kind = 'everyone'
			and (g.expires_at is null or g.expires_at > $3)`, workspace, bucket, micros(now))
}

// SetBucketUsage keeps what was counted.
func (t *Tx) SetBucketUsage(ctx context.Context, b keyhatch.Bucket, u keyhatch.BucketUsage) error {
	return t.exec(ctx, `insert into bucket_usage (bucket, workspace, objects, bytes, counted_at) values ($1, $2, $3, $4, $5)
		on conflict (bucket) do update set objects = excluded.objects, bytes = excluded.bytes, counted_at = excluded.counted_at`,
		b.ID, b.Workspace, u.Objects, u.Bytes, micros(u.CountedAt))
}

// BucketUsages returns what was counted in a workspace's buckets, by their ids. bucket
// narrows it to one.
func (r Reader) BucketUsages(ctx context.Context, workspace, bucket string) (map[string]keyhatch.BucketUsage, error) {
	out := map[string]keyhatch.BucketUsage{}
	_, err := many(ctx, r, func(row row) (id string, err error) {
		var u keyhatch.BucketUsage
		err = row.Scan(&id, &u.Objects, &u.Bytes, timeColumn{&u.CountedAt})
		out[id] = u
		return id, err
	}, "select bucket, objects, bytes, counted_at from bucket_usage where workspace = $1 and ($2 = '' or bucket = $2)", workspace, bucket)
	return out, err
}
