package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

const grantQuery = `select g.id, g.workspace, g.location, b.name, g.prefix, g.subject_kind, g.subject, g.access, g.expires_at,
	g.since, g.created_by, g.created_at from grants g join locations l on l.id = g.location join buckets b on b.id = l.bucket`

func scanGrant(row row) (g keyhatch.Grant, err error) {
	err = row.Scan(&g.ID, &g.Workspace, &g.Location, &g.Bucket, &g.Prefix, &g.Subject.Kind, &g.Subject.ID, &g.Access,
		timeColumn{&g.ExpiresAt}, timeColumn{&g.Since}, &g.CreatedBy, timeColumn{&g.CreatedAt})
	return g, err
}

// InsertGrant adds a grant.
func (t *Tx) InsertGrant(ctx context.Context, g keyhatch.Grant) error {
	err := t.exec(ctx, `insert into grants (id, workspace, location, prefix, subject_kind, subject, access,
		expires_at, since, created_by, created_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)`,
		g.ID, g.Workspace, g.Location, string(g.Prefix), string(g.Subject.Kind), g.Subject.ID, string(g.Access),
		optMicros(g.ExpiresAt), micros(g.Since), g.CreatedBy, micros(g.CreatedAt))
	if err != nil {
		return err
	}
	return t.changed(ctx, GrantChanged, g.Workspace, g.ID)
}

// UpdateGrant stores access, expiry and since.
func (t *Tx) UpdateGrant(ctx context.Context, g keyhatch.Grant) error {
	err := t.execOne(ctx, keyhatch.CodeGrantNotFound,
		"update grants set access = $2, expires_at = $3, since = $4 where id = $1",
		g.ID, string(g.Access), optMicros(g.ExpiresAt), micros(g.Since))
	if err != nil {
		return err
	}
	return t.changed(ctx, GrantChanged, g.Workspace, g.ID)
}

// DeleteGrant removes a grant.
func (t *Tx) DeleteGrant(ctx context.Context, g keyhatch.Grant) error {
	if err := t.execOne(ctx, keyhatch.CodeGrantNotFound, "delete from grants where id = $1", g.ID); err != nil {
		return err
	}
	return t.changed(ctx, GrantChanged, g.Workspace, g.ID)
}

// Grant returns the grant of the id.
func (r Reader) Grant(ctx context.Context, id string) (keyhatch.Grant, error) {
	return one(ctx, r, keyhatch.CodeGrantNotFound, scanGrant, grantQuery+" where g.id = $1", id)
}

// GrantsOn returns all grants on a location.
func (r Reader) GrantsOn(ctx context.Context, location string) ([]keyhatch.Grant, error) {
	return many(ctx, r, scanGrant, grantQuery+" where g.location = $1 order by g.id", location)
}

// CountGrants counts the grants on a location.
func (r Reader) CountGrants(ctx context.Context, location string) (int, error) {
	var n int
	err := r.q.QueryRowContext(ctx, "select count(*) from grants where location = $1", location).Scan(&n)
	return n, dbError(err)
}

// AllGrants returns every grant, for the memory image.
func (r Reader) AllGrants(ctx context.Context) ([]keyhatch.Grant, error) {
	return many(ctx, r, scanGrant, grantQuery)
}

// GrantFilter narrows a list of grants; empty fields do not.
type GrantFilter struct {
	Workspace string
	Location  string
	// SeenBy is a user: the grants that reach it and those on locations that
	// it owns.
	SeenBy string
}

// Grants lists grants by id.
func (r Reader) Grants(ctx context.Context, f GrantFilter, now time.Time, p Page) ([]keyhatch.Grant, error) {
	var where conditions
	if f.SeenBy != "" {
		where = conditions{text: []string{"(l.owner = $1 or (" + reachedBy + "))"}, args: []any{f.SeenBy, micros(now)}}
	}
	where.always("g.workspace = ?", f.Workspace)
	where.add("g.location = ?", f.Location)
	where.add("g.id > ?", p.After)
	return many(ctx, r, scanGrant, grantQuery+where.sql("order by g.id limit ?", p.Limit), where.args...)
}

// GrantReaches tells whether some live grant in the workspace reaches the user.
func (r Reader) GrantReaches(ctx context.Context, workspace, user string, now time.Time) (bool, error) {
	return exists(ctx, r, "select 1 from grants g where g.workspace = $3 and "+reachedBy, user, micros(now), workspace)
}

// GrantReachesUser tells whether the grant is live and names the user, a group
// or teamspace of its, or everyone.
func (r Reader) GrantReachesUser(ctx context.Context, grant, user string, now time.Time) (bool, error) {
	return exists(ctx, r, "select 1 from grants g where g.id = $3 and "+reachedBy, user, micros(now), grant)
}

// LocationReaches tells whether some live grant on the location reaches the
// user.
func (r Reader) LocationReaches(ctx context.Context, location, user string, now time.Time) (bool, error) {
	return exists(ctx, r, "select 1 from grants g where g.location = $3 and "+reachedBy, user, micros(now), location)
}
