package credentials

import (
	"context"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
	"github.com/keyhatch/keyhatch/mirror"
)

// What is here is for who acts on a store, and has no caller: what a caller may do there
// has been decided before. All of it is from memory. A store that has no credential is
// keyhatch.Unavailable.

// KeysOf opens the keys that act on the store. A store whose credential is a role has
// none: it mints sessions alone.
func (svc *Service) KeysOf(ctx context.Context, s keyhatch.Store) (keyhatch.KeyPair, error) {
	row, _, err := svc.rowsOf(ctx, s)
	if err == nil && row.Kind != keyhatch.KeysCredential {
		err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStoreUnsupported,
			"the store's credential is a role, with which sessions are lent and nothing else is done there: give it keys for that")
	}
	if err != nil {
		return keyhatch.KeyPair{}, err
	}
	a, err := svc.open(row)
	return keyhatch.KeyPair{AccessKeyID: a.Principal, SecretAccessKey: a.Secret}, err
}

// ActingOn opens what mints sessions on the store: its credential, with what that is
// reached through.
func (svc *Service) ActingOn(ctx context.Context, s keyhatch.Store) (driver.Acting, error) {
	row, base, err := svc.rowsOf(ctx, s)
	if err != nil {
		return driver.Acting{}, err
	}
	settings, err := json.Marshal(row.Sessions)
	if err != nil {
		return driver.Acting{}, err
	}
	as := driver.Acting{
		Credential: row.ID, Version: strings.Join([]string{version(row), version(base), string(settings)}, " "),
		Longest: row.Sessions.Longest, SourceIdentity: row.Sessions.SourceIdentity, Tags: row.Sessions.Tags, SessionName: row.Sessions.Name,
		AnyExternalID: row.AnyExternalID,
		With:          strings.Join([]string{string(row.Provider), string(row.Kind), row.Endpoint, row.RoleMark, base.ID, kernel.Yes(row.Sessions.WebIdentity), keyhatch.ProvenBy}, " "),
	}
	if as.Authority, err = svc.open(row); err != nil {
		return driver.Acting{}, err
	}
	if row.Kind == keyhatch.RoleCredential && row.Sessions.WebIdentity {
		if svc.webIdentity == nil { // it is assumed with nothing else: what we are with keys was not what was allowed
			return driver.Acting{}, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreUnsupported,
				"the store's role is assumed with the server's web identity, and the server has none any more: ask an installation admin")
		}
		as.WebIdentity = svc.webIdentity
		return as, nil
	}
	if base.ID == "" {
		return as, nil
	}
	through, err := svc.open(base)
	as.Base = &through
	return as, err
}

// version is another one when another authority was set.
func version(row db.SealedCredential) string {
	return row.ID + "@" + strconv.FormatInt(row.UpdatedAt.UnixMicro(), 36)
}

// rowsOf finds the credential of the store, and of a role what it is assumed through.
func (svc *Service) rowsOf(ctx context.Context, s keyhatch.Store) (row, base db.SealedCredential, err error) {
	if s.Credential == "" {
		return row, base, keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeStoreUnsupported,
			"the store has no credential: who manages it must give it one")
	}
	err = svc.k.Mirror.View(ctx, func(image *mirror.Image) (err error) {
		if row, err = image.Credential(s.Credential); err != nil || row.Kind != keyhatch.RoleCredential {
			return err
		}
		in := kernel.Place{Workspace: row.Workspace, Teamspace: row.Teamspace}
		base, err = baseIn(in, keyhatch.Authority{Principal: row.Principal}, image.BaseCredential)
		return err
	})
	return row, base, err
}
