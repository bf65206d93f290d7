package rest

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/accounts"
)

// StoreAccountRef names a store account in the path.
type StoreAccountRef struct {
	InWorkspace
	Account string `path:"account" maxLength:"128" doc:"Its id, or the id or name of its store"`
}

func (d *Door) storeAccounts(a huma.API) {
	const noun = "store-accounts"
	handle(d, a, call{method: http.MethodGet, path: "/store-accounts", id: "listStoreAccounts", summary: "List a workspace's accounts on stores", noun: noun}, d.listStoreAccounts)
	handle(d, a, call{method: http.MethodPost, path: "/store-accounts", id: "openStoreAccount", summary: "Open an account of a workspace on a store, which is provisioned in the background", noun: noun, status: http.StatusCreated}, d.openStoreAccount)
	handle(d, a, call{method: http.MethodGet, path: "/store-accounts/{account}", id: "getStoreAccount", summary: "Show a store account", noun: noun}, d.getStoreAccount)
	handle(d, a, call{method: http.MethodDelete, path: "/store-accounts/{account}", id: "deleteStoreAccount", summary: "Put a store account without buckets and access keys into the trash, for 48 hours", noun: noun}, d.deleteStoreAccount)
	handle(d, a, call{method: http.MethodPost, path: "/store-accounts/{account}/restore", id: "restoreStoreAccount", summary: "Take a store account out of the trash", noun: noun}, d.restoreStoreAccount)
	handle(d, a, call{method: http.MethodPost, path: "/store-accounts/{account}/purge", id: "purgeStoreAccount", summary: "Remove a store account from the trash before its time", noun: noun, status: http.StatusNoContent}, d.purgeStoreAccount)
	handle(d, a, call{method: http.MethodPost, path: "/store-accounts/{account}/suspend", id: "suspendStoreAccount", summary: "Close a store account: what rests on it opens nothing", noun: noun}, d.suspendStoreAccount)
	handle(d, a, call{method: http.MethodPost, path: "/store-accounts/{account}/resume", id: "resumeStoreAccount", summary: "Open a suspended store account again", noun: noun}, d.resumeStoreAccount)
}

func (d *Door) listStoreAccounts(ctx context.Context, c keyhatch.Caller, in *WorkspaceList) (*body[api.Page[api.StoreAccount]], error) {
	found, err := d.broker.Accounts.Accounts(ctx, c, in.Workspace, in.page())
	return pageOf(found, err, encodeStoreAccount)
}

type openStoreAccountInput struct {
	InWorkspace
	Body api.NewStoreAccount
}

func (d *Door) openStoreAccount(ctx context.Context, c keyhatch.Caller, in *openStoreAccountInput) (*body[api.StoreAccount], error) {
	account, err := d.broker.Accounts.Open(ctx, c, in.Workspace, in.Body.Store)
	return d.storeAccount(ctx, c, account, err)
}

func (d *Door) getStoreAccount(ctx context.Context, c keyhatch.Caller, in *StoreAccountRef) (*body[api.StoreAccount], error) {
	account, err := d.broker.Accounts.Account(ctx, c, in.Workspace, in.Account)
	return one(account, err, encodeStoreAccount)
}

func (d *Door) deleteStoreAccount(ctx context.Context, c keyhatch.Caller, in *StoreAccountRef) (*body[api.StoreAccount], error) {
	account, err := d.broker.Accounts.Delete(ctx, c, in.Workspace, in.Account)
	return d.storeAccount(ctx, c, account, err)
}

func (d *Door) restoreStoreAccount(ctx context.Context, c keyhatch.Caller, in *StoreAccountRef) (*body[api.StoreAccount], error) {
	account, err := d.broker.Accounts.Restore(ctx, c, in.Workspace, in.Account)
	return d.storeAccount(ctx, c, account, err)
}

func (d *Door) purgeStoreAccount(ctx context.Context, c keyhatch.Caller, in *StoreAccountRef) (*done, error) {
	return nil, d.broker.Accounts.Purge(ctx, c, in.Workspace, in.Account)
}

func (d *Door) suspendStoreAccount(ctx context.Context, c keyhatch.Caller, in *StoreAccountRef) (*body[api.StoreAccount], error) {
	account, err := d.broker.Accounts.Suspend(ctx, c, in.Workspace, in.Account)
	return d.storeAccount(ctx, c, account, err)
}

func (d *Door) resumeStoreAccount(ctx context.Context, c keyhatch.Caller, in *StoreAccountRef) (*body[api.StoreAccount], error) {
	account, err := d.broker.Accounts.Resume(ctx, c, in.Workspace, in.Account)
	return d.storeAccount(ctx, c, account, err)
}

// storeAccount answers with an account as it is after a change.
func (d *Door) storeAccount(ctx context.Context, c keyhatch.Caller, a keyhatch.StoreAccount, err error) (*body[api.StoreAccount], error) {
	if err != nil {
		return nil, err
	}
	account, err := d.broker.Accounts.Account(ctx, c, "", a.ID)
	return one(account, err, encodeStoreAccount)
}

func encodeStoreAccount(a accounts.Account) api.StoreAccount {
	return api.StoreAccount{
		ID: a.ID, Workspace: a.Workspace, Store: a.Store, State: string(a.State), Reason: a.Reason, Buckets: a.Buckets, Bytes: a.Bytes,
		ProvisionedAt: optTime(a.ProvisionedAt), KeepUntil: optTime(a.KeepUntil), CreatedAt: a.CreatedAt,
	}
}
