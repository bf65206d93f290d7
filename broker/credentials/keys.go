package credentials

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/mirror"
)

// KeysOf opens the keys that act on the store, from memory. It is for who acts
// on the store, and has no caller: what a caller may do there has been decided
// before. A store that has none is keyhatch.Unavailable.
func (svc *Service) KeysOf(ctx context.Context, s keyhatch.Store) (keyhatch.KeyPair, error) {
	if s.Credential == "" {
		return keyhatch.KeyPair{}, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreUnsupported,
			"the store has no credential: who manages it must give it one")
	}
	var row db.SealedCredential
	err := svc.k.Mirror.View(ctx, func(image *mirror.Image) (err error) {
		row, err = image.Credential(s.Credential)
		return err
	})
	if err != nil {
		return keyhatch.KeyPair{}, err
	}
	a, err := svc.open(row)
	return keyhatch.KeyPair{AccessKeyID: a.Principal, SecretAccessKey: a.Secret}, err
}
