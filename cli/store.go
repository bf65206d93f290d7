package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var stores = ask.Sheet[api.Store]{
	{Title: "NAME", Cell: func(_ *ask.Names, t api.Store) string { return t.Name }},
	{Title: "KIND", Cell: func(_ *ask.Names, t api.Store) string { return t.Kind }},
	{Title: "PLACE", Cut: 24, Cell: func(_ *ask.Names, t api.Store) string { return t.Path + t.Endpoint }},
	{Title: "REGION", Cell: func(_ *ask.Names, t api.Store) string { return t.Region }},
	{Title: "CREDENTIAL", Cell: func(n *ask.Names, t api.Store) string { return n.Credential(t.Credential) }},
	{Title: "WORKSPACE", Detail: true, Cell: func(n *ask.Names, t api.Store) string { return n.Workspace(t.Workspace) }},
	{Title: "TEAMSPACE", Detail: true, Cell: func(n *ask.Names, t api.Store) string { return n.Teamspace(t.Teamspace) }},
	{Title: "LENDS", Detail: true, Cell: func(_ *ask.Names, t api.Store) string { return t.Lends }},
	{Title: "PROOF", Detail: true, Cell: func(n *ask.Names, t api.Store) string { return proofOf(n, t.Proof) }},
	{Title: "CONSOLE", Detail: true, Cell: func(_ *ask.Names, t api.Store) string { return t.Console }},
	{Title: "KEYS", Detail: true, Cell: func(_ *ask.Names, t api.Store) string { return t.Keys }},
	{Title: "KEPT AT", Detail: true, Cell: func(_ *ask.Names, t api.Store) string { return t.KeysEndpoint }},
	{Title: "ID", Cell: func(_ *ask.Names, t api.Store) string { return t.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, t api.Store) string { return ask.TimeOf(t.CreatedAt) }},
}

type storeCommand struct {
	List   storeList   `cmd:"" help:"List the stores that you may see."`
	Show   storeShow   `cmd:"" help:"Show a store."`
	Create storeCreate `cmd:"" help:"Add a store: a folder, or an S3 endpoint."`
	Update storeUpdate `cmd:"" help:"Change a store's name, credential, lending or console."`
	Verify storeVerify `cmd:"" help:"Try on the store whether it confines the sessions that it mints."`
	Accept storeAccept `cmd:"" help:"Let a store lend although it did not pass."`
	Delete storeDelete `cmd:"" help:"Remove a store without buckets."`
}

type storeList struct{ ask.Listing }

func (t storeList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, t.Listing, stores, func(c *client.Client) iter.Seq2[api.Store, error] { return c.Stores(ctx) })
}

type storeShow struct {
	ask.Question
	Store string `arg:"" help:"Name or id."`
}

func (t storeShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, t.Question, stores, func(c *client.Client) (api.Store, error) { return c.Store(ctx, t.Store) })
}

type storeCreate struct {
	ask.Question
	Name         string `arg:"" help:"Unique in the installation. With --workspace it is that one's own, and begins with its name and a dot."`
	Path         string `xor:"place" required:"" placeholder:"FOLDER" help:"A folder on the server, inside one of its directory_roots: makes a directory store."`
	Endpoint     string `xor:"place" required:"" placeholder:"URL" help:"An S3 endpoint: makes an S3 store."`
	Region       string `placeholder:"REGION" help:"Of an S3 store: what requests are signed for. Default: us-east-1."`
	Credential   string `placeholder:"NAME" help:"Of an S3 store: the credential that acts on it, by name or id."`
	Keys         string `enum:"own,iam,rgw,none" default:"own" help:"Whose access keys work on it: own, of Keyhatch's S3 endpoint; iam, users of its IAM; rgw, users of Ceph's RGW; none."`
	KeysEndpoint string `placeholder:"URL" help:"Where they are kept, when that is not AWS's IAM, or of RGW the endpoint."`
	Lends        string `enum:"own,sts" default:"own" help:"Where leases come from: own, Keyhatch's S3 endpoint; sts, the store's own token service, once the store is verified."`
	Console      string `placeholder:"URL" help:"Of an S3 store that is not AWS's: the URL of its console, in which {bucket} and {prefix} stand for what is to be seen."`
}

func (t storeCreate) Run(ctx context.Context, s ask.Streams) error {
	n := api.NewStore{Name: t.Name, Kind: "directory", Path: t.Path, Endpoint: t.Endpoint, Region: t.Region, Credential: t.Credential, KeysEndpoint: t.KeysEndpoint, Console: t.Console}
	if t.Lends != "own" {
		n.Lends = t.Lends
	}
	if t.Keys != "own" {
		n.Keys = t.Keys
	}
	if t.Endpoint != "" {
		n.Kind = "s3"
	}
	return ask.Show(ctx, s, t.Question, stores, func(c *client.Client) (api.Store, error) { return c.CreateStore(ctx, n) })
}

type storeUpdate struct {
	ask.Question
	Store      string  `arg:"" help:"Name or id."`
	Name       *string `placeholder:"NAME" help:"Another name."`
	Credential *string `placeholder:"NAME" help:"Another credential, by name or id."`
	Lends      *string `enum:"own,sts" placeholder:"own|sts" help:"Where leases come from; what was lent before stays what it is."`
	Console    *string `placeholder:"URL" help:"Another URL of its console; empty for none."`
}

func (t storeUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.StoreChange{Name: t.Name, Credential: t.Credential, Lends: t.Lends, Console: t.Console}
	if err := ask.Wanting(change); err != nil {
		return err
	}
	return ask.Show(ctx, s, t.Question, stores, func(c *client.Client) (api.Store, error) { return c.UpdateStore(ctx, t.Store, change) })
}

type storeDelete struct {
	ask.Question
	Store string `arg:"" help:"Name or id."`
}

func (t storeDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, t.Question, ask.Ended{Action: "store.delete", Target: t.Store}, "the store is off the record; its objects stay",
		func(c *client.Client) error { return c.DeleteStore(ctx, t.Store) })
}
