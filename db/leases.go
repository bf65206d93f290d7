package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

const leaseColumns = "id, workspace, user_id, token, pair, presigned, store, store_name, access_key_id, vend, access, parts, session_name, policies, ancestors, issued_at, expires_at, revoked_at"

func scanLease(row row) (l keyhatch.Lease, err error) {
	err = row.Scan(&l.ID, &l.Workspace, &l.User, &l.Token, &l.Pair, &l.Presigned, &l.Store, &l.StoreName, &l.AccessKeyID, &l.Vend, &l.Access,
		jsonColumn{&l.Parts}, &l.SessionName, jsonColumn{&l.Policies}, jsonColumn{&l.Ancestors}, timeColumn{&l.IssuedAt}, timeColumn{&l.ExpiresAt}, timeColumn{&l.RevokedAt})
	return l, err
}

// InsertLease records a lease. The change feed needs no line: what makes a lease
// valid travels in its session token.
func (t *Tx) InsertLease(ctx context.Context, l keyhatch.Lease) error {
	return t.exec(ctx, "insert into leases ("+leaseColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, null)",
		l.ID, l.Workspace, l.User, l.Token, l.Pair, l.Presigned, l.Store, l.StoreName, l.AccessKeyID, l.Vend, string(l.Access),
		jsonText(l.Parts), l.SessionName, jsonText(l.Policies), jsonText(l.Ancestors), micros(l.IssuedAt), micros(l.ExpiresAt))
}

// RevokeLease ends a lease and those that were borrowed with it, which are all of
// one user; the first time stands. The feed tells of the one: memory knows what
// ends with it.
func (t *Tx) RevokeLease(ctx context.Context, l keyhatch.Lease, at time.Time) error {
	err := t.exec(ctx, "update leases set revoked_at = $2 where id = $1 and revoked_at is null", l.ID, micros(at))
	if err != nil {
		return err
	}
	err = t.exec(ctx, "update leases set revoked_at = $2 where user_id = $3 and expires_at > $2 and ancestors <> 'null' and ancestors like $1 and revoked_at is null",
		`%"`+l.ID+`"%`, micros(at), l.User)
	if err != nil {
		return err
	}
	return t.changed(ctx, LeaseRevoked, l.Workspace, l.ID)
}

// Lease returns the lease of the id.
func (r Reader) Lease(ctx context.Context, id string) (keyhatch.Lease, error) {
	return one(ctx, r, keyhatch.CodeLeaseNotFound, scanLease, "select "+leaseColumns+" from leases where id = $1", id)
}

// LeaseFilter narrows a list of leases; empty fields do not.
type LeaseFilter struct {
	Workspace string
	User      string
	LiveAt    time.Time // neither revoked nor expired at the time
}

// Leases lists leases by id, newest first: what comes after a page's last id is
// older.
func (r Reader) Leases(ctx context.Context, f LeaseFilter, p Page) ([]keyhatch.Lease, error) {
	where := conditions{}
	where.add("id < ?", p.After)
	where.add("workspace = ?", f.Workspace)
	where.add("user_id = ?", f.User)
	if !f.LiveAt.IsZero() {
		where.always("revoked_at is null and expires_at > ?", micros(f.LiveAt))
	}
	return many(ctx, r, scanLease, "select "+leaseColumns+" from leases"+where.sql("order by id desc limit ?", p.Limit), where.args...)
}

// RevokedLeases returns the leases that were revoked and have not yet expired.
func (r Reader) RevokedLeases(ctx context.Context, now time.Time) ([]keyhatch.Lease, error) {
	return many(ctx, r, scanLease, "select "+leaseColumns+
		" from leases where revoked_at is not null and expires_at > $1", micros(now))
}

// VendRevoked tells whether a lease of the vend was revoked.
func (r Reader) VendRevoked(ctx context.Context, vend string) (bool, error) {
	return exists(ctx, r, "select 1 from leases where vend = $1 and vend <> '' and revoked_at is not null", vend)
}

// URLsOfStore returns the leases of presigned URLs that the store's own sessions have
// signed and that have not expired by the time, revoked ones too: nothing ends them there.
func (r Reader) URLsOfStore(ctx context.Context, store string, now time.Time) ([]keyhatch.Lease, error) {
	return many(ctx, r, scanLease, "select "+leaseColumns+
		" from leases where presigned and vend <> '' and store = $1 and expires_at > $2", store, micros(now))
}
