package db

import (
	"context"
	"errors"
	"time"

	"github.com/keyhatch/keyhatch"
)

const locationQuery = `select l.id, l.workspace, b.store, l.bucket, b.name, l.prefix, l.name, l.teamspace, l.is_default, l.owner, l.locked,
	l.writable_since, l.max_lease_micros, l.kms_key, l.shared_sessions, l.release, l.networks, l.networks_since, l.terms, l.created_at, l.locked and (exists (
		select 1 from access_keys k where k.store = b.store and k.workspace = l.workspace and k.state = 'pending' and k.applied <> ''
	) or exists (
		select 1 from jobs j where j.store = b.store and j.workspace = l.workspace and j.kind = 'access_key'
			and not exists (select 1 from access_keys k where k.id = j.subject)
	)) from locations l join buckets b on b.id = l.bucket`

func scanLocation(row row) (l keyhatch.Location, err error) {
	var maxLease int64
	err = row.Scan(&l.ID, &l.Workspace, &l.Store, &l.Bucket, &l.BucketName, &l.Prefix, &l.Name, textColumn{&l.Teamspace}, &l.Default, &l.Owner, &l.Locked,
		timeColumn{&l.WritableSince}, &maxLease, &l.KMSKey, &l.SharedSessions, &l.Release,
		jsonColumn{&l.Networks}, timeColumn{&l.NetworksSince}, &l.Terms, timeColumn{&l.CreatedAt}, &l.LockPending)
	l.MaxLease = time.Duration(maxLease) * time.Microsecond
	return l, err
}

// InsertLocation adds a location. Whether it overlaps another is asked with
// OverlappingLocation in the same transaction.
func (t *Tx) InsertLocation(ctx context.Context, l keyhatch.Location) error {
	err := t.exec(ctx, `insert into locations (id, workspace, bucket, prefix, name, teamspace, is_default, owner, locked, writable_since,
		max_lease_micros, kms_key, shared_sessions, release, networks, networks_since, terms, created_at)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		l.ID, l.Workspace, l.Bucket, string(l.Prefix), l.Name, optText(l.Teamspace), l.Default, l.Owner, l.Locked, micros(l.WritableSince),
		l.MaxLease.Microseconds(), l.KMSKey, l.SharedSessions, string(l.Release), optJSON(l.Networks, len(l.Networks)), optMicros(l.NetworksSince), l.Terms, micros(l.CreatedAt))
	if err != nil {
		return err
	}
	return t.changed(ctx, LocationChanged, l.Workspace, l.ID)
}

// UpdateLocation stores name, owner, lock, release, longest lease, whether it is the default,
// what is said of sessions, networks, and which terms it has.
func (t *Tx) UpdateLocation(ctx context.Context, l keyhatch.Location) error {
	err := t.execOne(ctx, keyhatch.CodeLocationNotFound, `update locations set name = $2, owner = $3, locked = $4,
		writable_since = $5, max_lease_micros = $6, is_default = $7, kms_key = $8, shared_sessions = $9, release = $10,
		networks = $11, networks_since = $12, terms = $13 where id = $1`,
		l.ID, l.Name, l.Owner, l.Locked, micros(l.WritableSince), l.MaxLease.Microseconds(), l.Default, l.KMSKey, l.SharedSessions, string(l.Release),
		optJSON(l.Networks, len(l.Networks)), optMicros(l.NetworksSince), l.Terms)
	if err != nil {
		return err
	}
	return t.changed(ctx, LocationChanged, l.Workspace, l.ID)
}

// DeleteLocation removes a location with its grants and returns how many those
// were. The objects stay where they are.
func (t *Tx) DeleteLocation(ctx context.Context, l keyhatch.Location) (grants int, err error) {
	all, err := t.GrantsOn(ctx, l.ID)
	if err != nil {
		return 0, err
	}
	for _, g := range all {
		if err := t.DeleteGrant(ctx, g); err != nil {
			return 0, err
		}
	}
	if err := t.dropTerms(ctx, l.ID); err != nil {
		return 0, err
	}
	if err := t.execOne(ctx, keyhatch.CodeLocationNotFound, "delete from locations where id = $1", l.ID); err != nil {
		return 0, err
	}
	return len(all), t.changed(ctx, LocationChanged, l.Workspace, l.ID)
}

// LocationAround returns the location that holds everything below a prefix of a bucket.
func (r Reader) LocationAround(ctx context.Context, bucket string, prefix keyhatch.Prefix) (keyhatch.Location, error) {
	for _, p := range prefix.Ancestors() {
		l, err := one(ctx, r, keyhatch.CodeLocationNotFound, scanLocation, locationQuery+" where l.bucket = $1 and l.prefix = $2", bucket, string(p))
		if !errors.Is(err, keyhatch.NotFound) {
			return l, err
		}
	}
	return keyhatch.Location{}, notFound(keyhatch.CodeLocationNotFound)
}

// OverlappingLocation finds a location of the bucket that has keys in common
// with the prefix.
func (r Reader) OverlappingLocation(ctx context.Context, bucket string, prefix keyhatch.Prefix) (l keyhatch.Location, found bool, err error) {
	for _, p := range prefix.Ancestors() {
		at, err := many(ctx, r, scanLocation, locationQuery+" where l.bucket = $1 and l.prefix = $2", bucket, string(p))
		if err != nil {
			return l, false, err
		}
		if len(at) > 0 {
			return at[0], true, nil
		}
	}
	// What lies below "a/" sorts from "a/" up to "a0", as '0' follows '/'.
	from, to := string(prefix), ""
	if prefix != "" {
		to = string(prefix[:len(prefix)-1]) + "0"
	}
	below, err := many(ctx, r, scanLocation, locationQuery+
		" where l.bucket = $1 and l.prefix >= $2 and ($3 = '' or l.prefix < $3) limit 1", bucket, from, to)
	if err != nil || len(below) == 0 {
		return l, false, err
	}
	return below[0], true, nil
}

// Location returns the location of the id.
func (r Reader) Location(ctx context.Context, id string) (keyhatch.Location, error) {
	return one(ctx, r, keyhatch.CodeLocationNotFound, scanLocation, locationQuery+" where l.id = $1", id)
}

// LocationByName returns the location of the name in the workspace.
func (r Reader) LocationByName(ctx context.Context, workspace, name string) (keyhatch.Location, error) {
	return one(ctx, r, keyhatch.CodeLocationNotFound, scanLocation,
		locationQuery+" where l.workspace = $1 and l.name = $2", workspace, name)
}

// DefaultLocation returns the default of a teamspace or, where that is empty, of the
// workspace.
func (r Reader) DefaultLocation(ctx context.Context, in Place) (keyhatch.Location, error) {
	return one(ctx, r, keyhatch.CodeLocationNotFound, scanLocation,
		locationQuery+" where coalesce(l.teamspace, l.workspace) = $1 and l.is_default", in.key())
}

// LocationsOfBucket returns all locations in a bucket, to read them again when
// the bucket changes.
func (r Reader) LocationsOfBucket(ctx context.Context, bucket string) ([]keyhatch.Location, error) {
	return many(ctx, r, scanLocation, locationQuery+" where l.bucket = $1", bucket)
}

// AllLocations returns every location, for the memory image.
func (r Reader) AllLocations(ctx context.Context) ([]keyhatch.Location, error) {
	return many(ctx, r, scanLocation, locationQuery)
}

// OwnsLocation tells whether the user owns a location of the workspace.
func (r Reader) OwnsLocation(ctx context.Context, workspace, user string) (bool, error) {
	return exists(ctx, r, "select 1 from locations where workspace = $1 and owner = $2", workspace, user)
}

// reachedBy is the condition that a grant g reaches the user $1 at the time $2.
const reachedBy = `((g.expires_at is null or g.expires_at > $2) and (g.subject_kind = 'everyone'
	or g.subject_kind = 'user' and g.subject = $1
	or g.subject_kind in ('group', 'teamspace') and g.subject in (select circle from circle_members where user_id = $1)))`

// Locations lists a workspace's locations by id: all of them, or when seenBy is
// set those that the user owns or that a live grant gives it something in.
func (r Reader) Locations(ctx context.Context, workspace, seenBy string, now time.Time, p Page) ([]keyhatch.Location, error) {
	return many(ctx, r, scanLocation, locationQuery+` where l.workspace = $3 and l.id > $4
		and ($1 = '' or l.owner = $1 or exists (select 1 from grants g where g.location = l.id and `+reachedBy+`))
		order by l.id limit $5`, seenBy, micros(now), workspace, p.After, p.Limit)
}
