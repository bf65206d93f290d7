package db

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
)

// InsertInstallation names the installation by its cluster id; there is one.
func (t *Tx) InsertInstallation(ctx context.Context, cluster string, at time.Time) error {
	return t.exec(ctx, "insert into installation (id, created_at) values ($1, $2)", cluster, micros(at))
}

// ClusterID returns the installation's five characters.
func (r Reader) ClusterID(ctx context.Context) (string, error) {
	var id string
	err := r.q.QueryRowContext(ctx, "select id from installation").Scan(&id)
	return id, dbError(err)
}

// InsertKeyset keeps a wrapped keyset.
func (t *Tx) InsertKeyset(ctx context.Context, k keyhatch.Keyset) error {
	return t.exec(ctx, "insert into keysets (name, kek, wrapped, created_at) values ($1, $2, $3, $4)",
		k.Name, k.KEK, k.Wrapped, micros(k.CreatedAt))
}

// Keysets returns all wrapped keysets.
func (r Reader) Keysets(ctx context.Context) ([]keyhatch.Keyset, error) {
	return many(ctx, r, func(row row) (k keyhatch.Keyset, err error) {
		err = row.Scan(&k.Name, &k.KEK, &k.Wrapped, timeColumn{&k.CreatedAt})
		return k, err
	}, "select name, kek, wrapped, created_at from keysets order by name")
}
