package db

import (
	"context"

	"github.com/keyhatch/keyhatch"
)

const accountColumns = "id, workspace, store, state, reason, provisioned_at, keep_until, created_at"

func scanAccount(row row) (a keyhatch.StoreAccount, err error) {
	err = row.Scan(&a.ID, &a.Workspace, &a.Store, &a.State, &a.Reason, timeColumn{&a.ProvisionedAt}, timeColumn{&a.KeepUntil}, timeColumn{&a.CreatedAt})
	return a, err
}

// InsertStoreAccount adds an account, of which a workspace has one on a store.
func (t *Tx) InsertStoreAccount(ctx context.Context, a keyhatch.StoreAccount) error {
	err := t.exec(ctx, "insert into store_accounts ("+accountColumns+") values ($1, $2, $3, $4, $5, $6, $7, $8)",
		a.ID, a.Workspace, a.Store, string(a.State), a.Reason, optMicros(a.ProvisionedAt), optMicros(a.KeepUntil), micros(a.CreatedAt))
	if err != nil {
		return err
	}
	return t.changed(ctx, StoreAccountChanged, a.Workspace, a.ID)
}

// UpdateStoreAccount changes all but whose it is, and where.
func (t *Tx) UpdateStoreAccount(ctx context.Context, a keyhatch.StoreAccount) error {
	err := t.execOne(ctx, keyhatch.CodeAccountNotFound, "update store_accounts set state = $2, reason = $3, provisioned_at = $4, keep_until = $5 where id = $1",
		a.ID, string(a.State), a.Reason, optMicros(a.ProvisionedAt), optMicros(a.KeepUntil))
	if err != nil {
		return err
	}
	return t.changed(ctx, StoreAccountChanged, a.Workspace, a.ID)
}

// DeleteStoreAccount removes an account. Whether anything rests on it is asked with
// OnStoreAccount in the same transaction.
func (t *Tx) DeleteStoreAccount(ctx context.Context, a keyhatch.StoreAccount) error {
	if err := t.execOne(ctx, keyhatch.CodeAccountNotFound, "delete from store_accounts where id = $1", a.ID); err != nil {
		return err
	}
	return t.changed(ctx, StoreAccountChanged, a.Workspace, a.ID)
}

// deleteAccounts removes those of a workspace or a store that is about to go: column says
// which.
func (t *Tx) deleteAccounts(ctx context.Context, column, id string) error {
	gone, err := many(ctx, t.Reader, scanAccount, "select "+accountColumns+" from store_accounts where "+column+" = $1", id)
	for _, a := range gone {
		if err == nil {
			err = t.DeleteStoreAccount(ctx, a)
		}
	}
	return err
}

// StoreAccount returns the account of the id.
func (r Reader) StoreAccount(ctx context.Context, id string) (keyhatch.StoreAccount, error) {
	return one(ctx, r, keyhatch.CodeAccountNotFound, scanAccount, "select "+accountColumns+" from store_accounts where id = $1", id)
}

// StoreAccountOn returns the workspace's account on the store.
func (r Reader) StoreAccountOn(ctx context.Context, workspace, store string) (keyhatch.StoreAccount, error) {
	return one(ctx, r, keyhatch.CodeAccountNotFound, scanAccount,
		"select "+accountColumns+" from store_accounts where workspace = $1 and store = $2", workspace, store)
}

// StoreAccounts lists a workspace's accounts by id, of every workspace when it is empty;
// when member is set without those on stores of teamspaces that the member does not see.
func (r Reader) StoreAccounts(ctx context.Context, workspace, member string, p Page) ([]keyhatch.StoreAccount, error) {
	return many(ctx, r, scanAccount, "select "+accountColumns+` from store_accounts
		where id > $1 and ($3 = '' or workspace = $3) and ($2 = '' or store in (select id from stores where `+ofSeenTeamspace+`))
		order by id limit $4`, p.After, member, workspace, p.Limit)
}

// OnStoreAccount tells whether the workspace has buckets or access keys on the store.
func (r Reader) OnStoreAccount(ctx context.Context, workspace, store string) (bool, error) {
	return exists(ctx, r, `select 1 from buckets where workspace = $1 and store = $2
		union all select 1 from access_keys where workspace = $1 and store = $2`, workspace, store)
}

// AccountUsage tells what the workspace has on the store.
func (r Reader) AccountUsage(ctx context.Context, workspace, store string) (keyhatch.AccountUsage, error) {
	return one(ctx, r, keyhatch.CodeAccountNotFound, func(row row) (u keyhatch.AccountUsage, err error) {
		err = row.Scan(&u.Buckets, &u.Bytes)
		return u, err
	}, `select count(*), coalesce(sum(u.bytes), 0) from buckets b left join bucket_usage u on u.bucket = b.id
		where b.workspace = $1 and b.store = $2`, workspace, store)
}
