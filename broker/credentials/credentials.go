package credentials

import (
	"context"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
)

// The events of credentials.
const (
	Created keyhatch.Action = "credential.create"
	Updated keyhatch.Action = "credential.update"
	Deleted keyhatch.Action = "credential.delete"
)

// Service does the use cases.
type Service struct{ k *kernel.Kernel }

// New makes the service.
func New(k *kernel.Kernel) *Service { return &Service{k} }

// NewCredential is what a credential is made from: the long-lived keys of AWS or
// an S3-compatible store.
type NewCredential struct {
	Name string
	Keys keyhatch.KeyPair
}

// Create adds a credential for the stores of the installation. Installation
// admins only.
func (svc *Service) Create(ctx context.Context, c keyhatch.Caller, n NewCredential) (made keyhatch.Credential, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		if err := w.MustInstall(); err != nil {
			return err
		}
		if err := keyhatch.CheckName(n.Name); err != nil {
			return err
		}
		made = keyhatch.Credential{
			ID: keyhatch.NewID(keyhatch.CredentialID, w.Now), Name: n.Name,
			Provider: keyhatch.AWS, Kind: keyhatch.KeysCredential, CreatedAt: w.Now,
		}
		row, err := svc.withKeys(made, n.Keys, w)
		if err != nil {
			return err
		}
		made = row.Credential
		if err := w.Tx.InsertCredential(ctx, row); err != nil {
			return err
		}
		return w.Record(Created, made.Workspace, made.ID, kernel.Detail("name", made.Name, "access_key_id", made.AccessKeyID))
	})
	return made, err
}

// Change is what can be changed of a credential; nil leaves it as it is.
type Change struct {
	Name *string
	Keys *keyhatch.KeyPair
}

// Update changes the name, or sets other keys: from the next request on the
// stores are asked with those. Installation admins only.
func (svc *Service) Update(ctx context.Context, c keyhatch.Caller, ref string, ch Change) (changed keyhatch.Credential, err error) {
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		row, err := managed(w.View, ref)
		if err != nil {
			return err
		}
		if ch.Name != nil {
			if err := keyhatch.CheckName(*ch.Name); err != nil {
				return err
			}
			row.Name = *ch.Name
		}
		detail := kernel.Detail("name", row.Name)
		if ch.Keys != nil {
			if row, err = svc.withKeys(row.Credential, *ch.Keys, w); err != nil {
				return err
			}
			detail = kernel.Detail("name", row.Name, "access_key_id", row.AccessKeyID)
		}
		changed = row.Credential
		if err := w.Tx.UpdateCredential(ctx, row); err != nil {
			return err
		}
		return w.Record(Updated, row.Workspace, row.ID, detail)
	})
	return changed, err
}

// Delete removes a credential that acts for no store. Installation admins only.
func (svc *Service) Delete(ctx context.Context, c keyhatch.Caller, ref string) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		row, err := managed(w.View, ref)
		if err != nil {
			return err
		}
		if err := w.Tx.DeleteCredential(ctx, row.Credential); err != nil {
			return err
		}
		return w.Record(Deleted, row.Workspace, row.ID, kernel.Detail("name", row.Name))
	})
}

// Credential returns one credential. Installation admins only.
func (svc *Service) Credential(ctx context.Context, c keyhatch.Caller, ref string) (keyhatch.Credential, error) {
	row, err := managed(svc.k.View(ctx, c), ref)
	return row.Credential, err
}

// Credentials lists the installation's credentials. Installation admins only.
func (svc *Service) Credentials(ctx context.Context, c keyhatch.Caller, p kernel.Page) (kernel.List[keyhatch.Credential], error) {
	v := svc.k.View(ctx, c)
	if err := v.MustInstall(); err != nil {
		return kernel.List[keyhatch.Credential]{}, err
	}
	return kernel.Paged(p, keyhatch.CredentialID, func(c keyhatch.Credential) string { return c.ID },
		func(p kernel.Page) ([]keyhatch.Credential, error) { return v.SharedCredentials(ctx, p) })
}

// managed finds a credential for who may do everything with it.
func managed(v kernel.View, ref string) (db.SealedCredential, error) {
	if !v.Installs() { // to others it is not there
		return db.SealedCredential{}, kernel.NotFound(keyhatch.CodeCredentialNotFound)
	}
	return v.FindCredential(ref)
}

// withKeys is the credential's row with other keys in it, set now.
func (svc *Service) withKeys(c keyhatch.Credential, keys keyhatch.KeyPair, w *kernel.Work) (db.SealedCredential, error) {
	if err := checkKeys(keys); err != nil {
		return db.SealedCredential{}, err
	}
	c.AccessKeyID, c.UpdatedAt = keys.AccessKeyID, w.Now
	sealed, err := svc.k.Keys.SealColumn(db.CredentialsTable, c.ID, db.SecretColumn, keys.SecretAccessKey)
	return db.SealedCredential{Credential: c, Sealed: sealed}, err
}

// The longest keys that stores are known to make have a fifth of this.
const maxKeyBytes = 512

// checkKeys refuses what no store makes and a header could not carry.
func checkKeys(keys keyhatch.KeyPair) error {
	for _, s := range []string{keys.AccessKeyID, keys.SecretAccessKey.Reveal()} {
		if s == "" || len(s) > maxKeyBytes || !isVisible(s) {
			return keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidKeys,
				"give the access key id and the secret access key as the store gave them: 1 to %d visible ASCII characters each", maxKeyBytes)
		}
	}
	return nil
}

func isVisible(s string) bool {
	for i := range len(s) {
		if s[i] <= ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}
