package credentials

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/mirror"
)

// KeysOf opens the keys that act on the store, from memory. It is for who acts
// on the store, and has no caller: what a caller may do there has been decided
// before.
func (svc *Service) KeysOf(ctx context.Context, s keyhatch.Store) (keyhatch.KeyPair, error) {
	var row db.SealedCredential
	err := svc.k.Mirror.View(ctx, func(image *mirror.Image) (err error) {
		row, err = image.Credential(s.Credential)
		return err
	})
	if err != nil {
		return keyhatch.KeyPair{}, err
	}
	secret, err := svc.k.Keys.OpenColumn(db.CredentialsTable, row.ID, db.SecretColumn, row.Sealed)
	return keyhatch.KeyPair{AccessKeyID: row.AccessKeyID, SecretAccessKey: secret}, err
}
