package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

const storeColumns = "id, workspace, teamspace, name, kind, lends, path, endpoint, region, credential, one_bucket, keys, keys_endpoint, console, proof, created_at"

func scanStore(row row) (s keyhatch.Store, err error) {
	err = row.Scan(&s.ID, textColumn{&s.Workspace}, textColumn{&s.Teamspace}, &s.Name, &s.Kind, &s.Lends,
		&s.Path, &s.Endpoint, &s.Region, textColumn{&s.Credential}, &s.OneBucket, &s.Keys, &s.KeysEndpoint, &s.Console, jsonColumn{&s.Proof}, timeColumn{&s.CreatedAt})
	return s, err
}

// InsertStore adds a store.
func (t *Tx) InsertStore(ctx context.Context, s keyhatch.Store) error {
	err := t.exec(ctx, "insert into stores ("+storeColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)",
		s.ID, optText(s.Workspace), optText(s.Teamspace), s.Name, string(s.Kind), string(s.Lends),
		s.Path, s.Endpoint, s.Region, optText(s.Credential), s.OneBucket, string(s.Keys), s.KeysEndpoint, s.Console, jsonText(s.Proof), micros(s.CreatedAt))
	if err != nil {
		return err
	}
	return t.changed(ctx, StoreChanged, s.Workspace, s.ID)
}

// UpdateStore changes the name, the credential, how it lends and its console. Its proof
// stays what it is.
func (t *Tx) UpdateStore(ctx context.Context, s keyhatch.Store) error {
	err := t.execOne(ctx, keyhatch.CodeStoreNotFound, "update stores set name = $2, credential = $3, lends = $4, console = $5 where id = $1",
		s.ID, s.Name, optText(s.Credential), string(s.Lends), s.Console)
	if err != nil {
		return err
	}
	return t.changed(ctx, StoreChanged, s.Workspace, s.ID)
}

// UpdateStoreProof changes the proof and nothing else.
func (t *Tx) UpdateStoreProof(ctx context.Context, s keyhatch.Store) error {
	if err := t.execOne(ctx, keyhatch.CodeStoreNotFound, "update stores set proof = $2 where id = $1", s.ID, jsonText(s.Proof)); err != nil {
		return err
	}
	return t.changed(ctx, StoreChanged, s.Workspace, s.ID)
}

// DeleteStore removes a store with the accounts on it. Its buckets keep it from being
// removed.
func (t *Tx) DeleteStore(ctx context.Context, s keyhatch.Store) error {
	if err := t.deleteAccounts(ctx, "store", s.ID); err != nil {
		return err
	}
	if err := t.execOne(ctx, keyhatch.CodeStoreNotFound, "delete from stores where id = $1", s.ID); err != nil {
		return err
	}
	return t.changed(ctx, StoreChanged, s.Workspace, s.ID)
}

// Store returns the store of the id.
func (r Reader) Store(ctx context.Context, id string) (keyhatch.Store, error) {
	return one(ctx, r, keyhatch.CodeStoreNotFound, scanStore, "select "+storeColumns+" from stores where id = $1", id)
}

// StoreByName returns the store of the name.
func (r Reader) StoreByName(ctx context.Context, name string) (keyhatch.Store, error) {
	return one(ctx, r, keyhatch.CodeStoreNotFound, scanStore, "select "+storeColumns+" from stores where name = $1", name)
}

// ofSeenTeamspace are the stores that a member of the workspace sees, $2, who does not
// manage it: those of a private teamspace only who is in that does.
const ofSeenTeamspace = `(teamspace is null or teamspace in (select id from circles where visibility = 'public')
	or teamspace in (select circle from circle_members where user_id = $2))`

// Stores lists stores by id: of every workspace or, when within is set, of that one,
// and the shared ones; when member is set those of the workspaces that the user is a
// member of, but for what is of teamspaces that it does not see.
func (r Reader) Stores(ctx context.Context, member, within string, p Page) ([]keyhatch.Store, error) {
	return many(ctx, r, scanStore, "select "+storeColumns+` from stores
		where id > $1 and (workspace is null or $3 in ('', workspace) and ($2 = ''
			or workspace in (select workspace from workspace_members where user_id = $2 and role in ('owner', 'admin'))
			or workspace in (select workspace from workspace_members where user_id = $2) and `+ofSeenTeamspace+`))
		order by id limit $4`, p.After, member, within, p.Limit)
}

// StoresOfCredential lists the stores that the credential acts for, by id.
func (r Reader) StoresOfCredential(ctx context.Context, credential string) ([]keyhatch.Store, error) {
	return many(ctx, r, scanStore, "select "+storeColumns+" from stores where credential = $1 order by id", credential)
}

// HasAccessKeys tells whether there are access keys for the store.
func (r Reader) HasAccessKeys(ctx context.Context, store string) (bool, error) {
	return exists(ctx, r, "select 1 from access_keys where store = $1", store)
}
