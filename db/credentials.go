package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

const credentialColumns = "id, workspace, name, provider, kind, access_key_id, created_at, updated_at"

func scanCredential(row row) (c keyhatch.Credential, err error) {
	err = row.Scan(&c.ID, textColumn{&c.Workspace}, &c.Name, &c.Provider, &c.Kind, &c.AccessKeyID,
		timeColumn{&c.CreatedAt}, timeColumn{&c.UpdatedAt})
	return c, err
}

// SealedCredential is a credential with its secret, sealed.
type SealedCredential struct {
	keyhatch.Credential
	Sealed []byte
}

func scanSealedCredential(row row) (c SealedCredential, err error) {
	err = row.Scan(&c.ID, textColumn{&c.Workspace}, &c.Name, &c.Provider, &c.Kind, &c.AccessKeyID,
		timeColumn{&c.CreatedAt}, timeColumn{&c.UpdatedAt}, &c.Sealed)
	return c, err
}

// CredentialsTable and SecretColumn name where a secret is kept, which it is
// sealed for.
const (
	CredentialsTable = "credentials"
	SecretColumn     = "secret"
)

// InsertCredential adds a credential.
func (t *Tx) InsertCredential(ctx context.Context, c SealedCredential) error {
	err := t.exec(ctx, "insert into credentials ("+credentialColumns+", secret) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		c.ID, optText(c.Workspace), c.Name, string(c.Provider), string(c.Kind), c.AccessKeyID, micros(c.CreatedAt), micros(c.UpdatedAt), c.Sealed)
	if err != nil {
		return err
	}
	return t.changed(ctx, CredentialChanged, c.Workspace, c.ID)
}

// UpdateCredential changes the name, the keys and when they were set.
func (t *Tx) UpdateCredential(ctx context.Context, c SealedCredential) error {
	err := t.execOne(ctx, keyhatch.CodeCredentialNotFound,
		"update credentials set name = $2, access_key_id = $3, updated_at = $4, secret = $5 where id = $1",
		c.ID, c.Name, c.AccessKeyID, micros(c.UpdatedAt), c.Sealed)
	if err != nil {
		return err
	}
	return t.changed(ctx, CredentialChanged, c.Workspace, c.ID)
}

// DeleteCredential removes a credential. The stores that it acts for keep it
// from being removed.
func (t *Tx) DeleteCredential(ctx context.Context, c keyhatch.Credential) error {
	if err := t.execOne(ctx, keyhatch.CodeCredentialNotFound, "delete from credentials where id = $1", c.ID); err != nil {
		return err
	}
	return t.changed(ctx, CredentialChanged, c.Workspace, c.ID)
}

// SealedCredential returns the credential of the id with its secret.
func (r Reader) SealedCredential(ctx context.Context, id string) (SealedCredential, error) {
	return one(ctx, r, keyhatch.CodeCredentialNotFound, scanSealedCredential,
		"select "+credentialColumns+", secret from credentials where id = $1", id)
}

// SharedCredentialByName returns the installation's credential of the name with
// its secret.
func (r Reader) SharedCredentialByName(ctx context.Context, name string) (SealedCredential, error) {
	return one(ctx, r, keyhatch.CodeCredentialNotFound, scanSealedCredential,
		"select "+credentialColumns+", secret from credentials where workspace is null and name = $1", name)
}

// SharedCredentials lists the installation's credentials by id.
func (r Reader) SharedCredentials(ctx context.Context, p Page) ([]keyhatch.Credential, error) {
	return many(ctx, r, scanCredential,
		"select "+credentialColumns+" from credentials where workspace is null and id > $1 order by id limit $2", p.After, p.Limit)
}

// AllCredentials lists every credential with its secret.
func (r Reader) AllCredentials(ctx context.Context) ([]SealedCredential, error) {
	return many(ctx, r, scanSealedCredential, "select "+credentialColumns+", secret from credentials")
}
