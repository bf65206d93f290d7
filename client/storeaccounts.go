package client

import (
	"context"
	"iter"
	"net/http"

	"github.com/keyhatch/keyhatch/api"
)

// StoreAccounts lists the workspace's accounts on stores.
func (c *Client) StoreAccounts(ctx context.Context) iter.Seq2[api.StoreAccount, error] {
	return list[api.StoreAccount](ctx, c, "/store-accounts", c.here())
}

// StoreAccount shows an account, by its id, or by the id or name of its store.
func (c *Client) StoreAccount(ctx context.Context, account string) (a api.StoreAccount, err error) {
	err = c.call(ctx, http.MethodGet, at("store-accounts", account), c.here(), nil, &a)
	return a, err
}

// OpenStoreAccount opens an account on a store, which is provisioned in the background.
func (c *Client) OpenStoreAccount(ctx context.Context, store string) (a api.StoreAccount, err error) {
	err = c.call(ctx, http.MethodPost, "/store-accounts", c.here(), api.NewStoreAccount{Store: store}, &a)
	return a, err
}

// DeleteStoreAccount puts an account into the trash.
func (c *Client) DeleteStoreAccount(ctx context.Context, account string) (a api.StoreAccount, err error) {
	err = c.call(ctx, http.MethodDelete, at("store-accounts", account), c.here(), nil, &a)
	return a, err
}

// RestoreStoreAccount takes an account out of the trash.
func (c *Client) RestoreStoreAccount(ctx context.Context, account string) (api.StoreAccount, error) {
	return c.closeOrOpen(ctx, account, "restore")
}

// SuspendStoreAccount closes an account: what rests on it opens nothing.
func (c *Client) SuspendStoreAccount(ctx context.Context, account string) (api.StoreAccount, error) {
	return c.closeOrOpen(ctx, account, "suspend")
}

// ResumeStoreAccount opens a suspended account again.
func (c *Client) ResumeStoreAccount(ctx context.Context, account string) (api.StoreAccount, error) {
	return c.closeOrOpen(ctx, account, "resume")
}

func (c *Client) closeOrOpen(ctx context.Context, account, what string) (a api.StoreAccount, err error) {
	err = c.call(ctx, http.MethodPost, at("store-accounts", account, what), c.here(), nil, &a)
	return a, err
}

// PurgeStoreAccount removes an account from the trash before its time.
func (c *Client) PurgeStoreAccount(ctx context.Context, account string) error {
	return c.call(ctx, http.MethodPost, at("store-accounts", account, "purge"), c.here(), nil, nil)
}
