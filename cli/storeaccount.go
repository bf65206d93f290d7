package cli

import (
	"context"
	"iter"
	"strconv"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var storeAccounts = ask.Sheet[api.StoreAccount]{
	{Title: "STORE", Cell: func(n *ask.Names, a api.StoreAccount) string { return n.Store(a.Store) }},
	{Title: "WORKSPACE", Cell: func(n *ask.Names, a api.StoreAccount) string { return n.Workspace(a.Workspace) }},
	{Title: "STATE", Cell: func(_ *ask.Names, a api.StoreAccount) string { return a.State }},
	{Title: "REASON", Detail: true, Cell: func(_ *ask.Names, a api.StoreAccount) string { return a.Reason }},
	{Title: "KEPT UNTIL", Detail: true, Cell: func(_ *ask.Names, a api.StoreAccount) string { return ask.TimeOr(a.KeepUntil, "-") }},
	{Title: "BUCKETS", Cell: func(_ *ask.Names, a api.StoreAccount) string { return strconv.Itoa(a.Buckets) }},
	{Title: "BYTES", Cell: func(_ *ask.Names, a api.StoreAccount) string { return strconv.FormatInt(a.Bytes, 10) }},
	{Title: "ID", Cell: func(_ *ask.Names, a api.StoreAccount) string { return a.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, a api.StoreAccount) string { return ask.TimeOf(a.CreatedAt) }},
}

type storeAccountCommand struct {
	List    storeAccountList    `cmd:"" help:"List the workspace's accounts on stores."`
	Show    storeAccountShow    `cmd:"" help:"Show an account on a store."`
	Open    storeAccountOpen    `cmd:"" help:"Open an account on a store, or try again to provision one that failed."`
	Suspend storeAccountSuspend `cmd:"" help:"Close an account: what rests on it opens nothing; for installation admins."`
	Resume  storeAccountResume  `cmd:"" help:"Open a suspended account again; for installation admins."`
	Delete  storeAccountDelete  `cmd:"" help:"Put an account without buckets and keys into the trash, for 48 hours."`
	Restore storeAccountRestore `cmd:"" help:"Take an account out of the trash."`
	Purge   storeAccountPurge   `cmd:"" help:"Remove an account from the trash before its time."`
}

// Help is what --help says beside the verbs.
func (storeAccountCommand) Help() string {
	return `An account is a workspace's standing on a store: its buckets and access keys there rest on it. Who makes the first of them gets one.`
}

type storeAccountList struct{ ask.Listing }

func (a storeAccountList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, a.Listing, storeAccounts, func(c *client.Client) iter.Seq2[api.StoreAccount, error] { return c.StoreAccounts(ctx) })
}

// onAccount is a question about one account.
type onAccount struct {
	ask.Question
	Account string `arg:"" help:"Name or id of its store, or its own id."`
}

func (a onAccount) show(ctx context.Context, s ask.Streams, do func(*client.Client, context.Context, string) (api.StoreAccount, error)) error {
	return ask.Show(ctx, s, a.Question, storeAccounts, func(c *client.Client) (api.StoreAccount, error) { return do(c, ctx, a.Account) })
}

type storeAccountShow struct{ onAccount }

func (a storeAccountShow) Run(ctx context.Context, s ask.Streams) error {
	return a.show(ctx, s, (*client.Client).StoreAccount)
}

type storeAccountOpen struct {
	ask.Question
	Store string `arg:"" help:"Name or id."`
}

func (a storeAccountOpen) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, a.Question, storeAccounts, func(c *client.Client) (api.StoreAccount, error) { return c.OpenStoreAccount(ctx, a.Store) })
}

type storeAccountSuspend struct{ onAccount }

func (a storeAccountSuspend) Run(ctx context.Context, s ask.Streams) error {
	return a.show(ctx, s, (*client.Client).SuspendStoreAccount)
}

type storeAccountResume struct{ onAccount }

func (a storeAccountResume) Run(ctx context.Context, s ask.Streams) error {
	return a.show(ctx, s, (*client.Client).ResumeStoreAccount)
}

type storeAccountDelete struct{ onAccount }

func (a storeAccountDelete) Run(ctx context.Context, s ask.Streams) error {
	return a.show(ctx, s, (*client.Client).DeleteStoreAccount)
}

type storeAccountRestore struct{ onAccount }

func (a storeAccountRestore) Run(ctx context.Context, s ask.Streams) error {
	return a.show(ctx, s, (*client.Client).RestoreStoreAccount)
}

type storeAccountPurge struct{ onAccount }

func (a storeAccountPurge) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, a.Question, ask.Ended{Action: "store_account.purge", Target: a.Account}, "the account is gone",
		func(c *client.Client) error { return c.PurgeStoreAccount(ctx, a.Account) })
}
