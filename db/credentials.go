package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

const credentialColumns = `id, workspace, teamspace, name, provider, kind, principal, key_id, endpoint,
	is_default, tasks_since, is_base, any_external_id, sessions, created_at, updated_at`

func credentialFields(c *keyhatch.Credential) []any {
	return []any{
		&c.ID,
		textColumn{&c.Workspace},
		textColumn{&c.Teamspace},
		&c.Name, &c.Provider, &c.Kind, &c.Principal, &c.KeyID, &c.Endpoint,
		&c.Default,
		timeColumn{&c.TasksSince},
		&c.Base, &c.AnyExternalID,
		jsonColumn{&c.Sessions},
		timeColumn{&c.CreatedAt},
		timeColumn{&c.UpdatedAt},
	}
}

func scanCredential(row row) (c keyhatch.Credential, err error) {
	err = row.Scan(credentialFields(&c)...)
	return c, err
}

// SealedCredential is a credential with its secret, sealed.
type SealedCredential struct {
	keyhatch.Credential
	Sealed   []byte
	RoleMark string // of a role: see ClaimRole
}

const selectSealed = "select " + credentialColumns + ", secret, role_mark"

func scanSealedCredential(row row) (c SealedCredential, err error) {
	err = row.Scan(append(credentialFields(&c.Credential), &c.Sealed, textColumn{&c.RoleMark})...)
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
	if err := t.mustOpen(ctx, CredentialsTable, SecretColumn, c.ID, c.Sealed); err != nil {
		return err
	}
	err := t.exec(ctx, "insert into credentials ("+credentialColumns+`, secret, role_mark)
		values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18)`,
		c.ID, optText(c.Workspace), optText(c.Teamspace), c.Name, string(c.Provider), string(c.Kind), c.Principal, c.KeyID, c.Endpoint,
		c.Default, optMicros(c.TasksSince), c.Base, c.AnyExternalID, jsonText(c.Sessions), micros(c.CreatedAt), micros(c.UpdatedAt), c.Sealed, optText(c.RoleMark))
	if err != nil {
		return err
	}
	return t.changed(ctx, CredentialChanged, c.Workspace, c.ID)
}

// UpdateCredential changes everything but the id, the place and when it was made.
func (t *Tx) UpdateCredential(ctx context.Context, c SealedCredential) error {
	if err := t.mustOpen(ctx, CredentialsTable, SecretColumn, c.ID, c.Sealed); err != nil {
		return err
	}
	err := t.execOne(ctx, keyhatch.CodeCredentialNotFound, `update credentials set name = $2, provider = $3, kind = $4, principal = $5,
		key_id = $6, endpoint = $7, is_default = $8, tasks_since = $9, is_base = $10, any_external_id = $11, updated_at = $12, secret = $13, role_mark = $14, sessions = $15
		where id = $1`,
		c.ID, c.Name, string(c.Provider), string(c.Kind), c.Principal, c.KeyID, c.Endpoint, c.Default, optMicros(c.TasksSince), c.Base, c.AnyExternalID,
		micros(c.UpdatedAt), c.Sealed, optText(c.RoleMark), jsonText(c.Sessions))
	if err != nil {
		return err
	}
	return t.changed(ctx, CredentialChanged, c.Workspace, c.ID)
}

// DeleteCredential removes a credential. What it acts for keeps it from being
// removed.
func (t *Tx) DeleteCredential(ctx context.Context, c keyhatch.Credential) error {
	if err := t.execOne(ctx, keyhatch.CodeCredentialNotFound, "delete from credentials where id = $1", c.ID); err != nil {
		return err
	}
	return t.changed(ctx, CredentialChanged, c.Workspace, c.ID)
}

// ClaimRole tells which workspace the role of the mark belongs to from now on: the
// one that had it before, else this one. Empty is the installation.
func (t *Tx) ClaimRole(ctx context.Context, mark, workspace string) (owner string, err error) {
	err = t.exec(ctx, "insert into role_claims (mark, workspace) values ($1, $2) on conflict (mark) do nothing", mark, workspace)
	if err != nil {
		return "", err
	}
	return t.RoleOwner(ctx, mark)
}

// RoleOwner tells which workspace the role of the mark belongs to.
func (r Reader) RoleOwner(ctx context.Context, mark string) (workspace string, err error) {
	return one(ctx, r, keyhatch.CodeCredentialNotFound, scanValue[string], "select workspace from role_claims where mark = $1", mark)
}

// ReleaseRoles gives up the claims that no credential rests on.
func (t *Tx) ReleaseRoles(ctx context.Context) error {
	return t.exec(ctx, "delete from role_claims where not exists (select 1 from credentials where role_mark = mark)")
}

// SealedCredential returns the credential of the id with its secret.
func (r Reader) SealedCredential(ctx context.Context, id string) (SealedCredential, error) {
	return one(ctx, r, keyhatch.CodeCredentialNotFound, scanSealedCredential,
		selectSealed+" from credentials where id = $1", id)
}

// Place is where credentials live: a teamspace, else a workspace, else the
// installation. They are ids.
type Place struct{ Workspace, Teamspace string }

// key is what the indexes of the table have for it.
func (p Place) key() string {
	if p.Teamspace != "" {
		return p.Teamspace
	}
	return p.Workspace
}

const inPlace = " from credentials where coalesce(teamspace, workspace, '') = $1"

// CredentialByName returns the credential of the name in the place with its secret.
func (r Reader) CredentialByName(ctx context.Context, in Place, name string) (SealedCredential, error) {
	return one(ctx, r, keyhatch.CodeCredentialNotFound, scanSealedCredential,
		selectSealed+inPlace+" and name = $2", in.key(), name)
}

// DefaultCredential returns the default of the provider in the place with its secret.
func (r Reader) DefaultCredential(ctx context.Context, in Place, p keyhatch.Provider) (SealedCredential, error) {
	return one(ctx, r, keyhatch.CodeCredentialNotFound, scanSealedCredential,
		selectSealed+inPlace+" and provider = $2 and is_default", in.key(), string(p))
}

// BaseCredential returns the base of the place with its secret.
func (r Reader) BaseCredential(ctx context.Context, in Place) (SealedCredential, error) {
	return one(ctx, r, keyhatch.CodeCredentialNotFound, scanSealedCredential,
		selectSealed+inPlace+" and is_base", in.key())
}

// CountCredentials tells how many there are in the place.
func (r Reader) CountCredentials(ctx context.Context, in Place) (n int, err error) {
	return one(ctx, r, keyhatch.CodeCredentialNotFound, scanValue[int], "select count(*)"+inPlace, in.key())
}

// CredentialFilter says which credentials of a place a list has; empty fields are
// all.
type CredentialFilter struct {
	Provider keyhatch.Provider
	Kind     keyhatch.CredentialKind
}

// Credentials lists a place's credentials by id.
func (r Reader) Credentials(ctx context.Context, in Place, f CredentialFilter, p Page) ([]keyhatch.Credential, error) {
	return many(ctx, r, scanCredential, "select "+credentialColumns+inPlace+
		" and id > $2 and ($3 = '' or provider = $3) and ($4 = '' or kind = $4) order by id limit $5",
		in.key(), p.After, string(f.Provider), string(f.Kind), p.Limit)
}

// AllCredentials lists every credential with its secret.
func (r Reader) AllCredentials(ctx context.Context) ([]SealedCredential, error) {
	return many(ctx, r, scanSealedCredential, selectSealed+" from credentials")
}
