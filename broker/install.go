package broker

import (
	"context"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/seal"
)

// Install fills a new database: the cluster id, the wrapped data keys, and the
// first installation admin with a token, whose secret it returns.
func Install(ctx context.Context, d *db.DB, keysets []keyhatch.Keyset, keys *seal.Keyring, admin string) (cluster string, secret keyhatch.Secret, err error) {
	if err := keyhatch.CheckName(admin); err != nil {
		return "", "", err
	}
	at := kernel.Stored(time.Now())
	cluster, secret = keyhatch.NewClusterID(), keyhatch.NewTokenSecret()
	hash, err := keys.HashToken(secret)
	if err != nil {
		return "", "", err
	}
	user := keyhatch.User{
		ID: keyhatch.NewID(keyhatch.UserID, at), Name: admin, Admin: true, Active: true, ActiveSince: at, CreatedAt: at,
	}
	token := keyhatch.Token{
		ID: keyhatch.NewID(keyhatch.TokenID, at), User: user.ID, Name: "first", Scopes: []keyhatch.Scope{keyhatch.ScopeAll},
		Since: at, CreatedAt: at,
	}
	err = d.Write(ctx, func(tx *db.Tx) error {
		if err := tx.InsertInstallation(ctx, cluster, at); err != nil {
			return err
		}
		if err := tx.BeginRecord(ctx); err != nil {
			return err
		}
		for _, k := range keysets {
			if err := tx.InsertKeyset(ctx, k); err != nil {
				return err
			}
		}
		if err := tx.InsertUser(ctx, user); err != nil {
			return err
		}
		if err := tx.InsertToken(ctx, db.HashedToken{Token: token, Hash: hash}); err != nil {
			return err
		}
		return tx.Record(ctx, keyhatch.Event{
			ID: keyhatch.NewID(keyhatch.EventID, at), At: at, Action: people.Installed, Target: cluster,
			Detail: kernel.Detail("admin", user.ID, "name", admin, "token", token.ID),
		})
	})
	return cluster, secret, err
}
