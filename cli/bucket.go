package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var buckets = ask.Sheet[api.Bucket]{
	{Title: "NAME", Cell: func(_ *ask.Names, b api.Bucket) string { return b.Name }},
	{Title: "STORE", Cell: func(n *ask.Names, b api.Bucket) string { return n.Store(b.Store) }},
	{Title: "OWNER", Cell: func(n *ask.Names, b api.Bucket) string { return n.User(b.Owner) }},
	{Title: "WORKSPACE", Cell: func(n *ask.Names, b api.Bucket) string { return n.Workspace(b.Workspace) }},
	{Title: "ID", Cell: func(_ *ask.Names, b api.Bucket) string { return b.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, b api.Bucket) string { return ask.TimeOf(b.CreatedAt) }},
}

type bucketCommand struct {
	List   bucketList   `cmd:"" help:"List the workspace's buckets."`
	Show   bucketShow   `cmd:"" help:"Show a bucket."`
	Create bucketCreate `cmd:"" help:"Put a bucket of a store on record as the workspace's."`
	Update bucketUpdate `cmd:"" help:"Hand a bucket over."`
	Delete bucketDelete `cmd:"" help:"Take a bucket without locations off the record; its objects stay."`
}

type bucketList struct{ ask.Listing }

func (b bucketList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, b.Listing, buckets, func(c *client.Client) iter.Seq2[api.Bucket, error] { return c.Buckets(ctx) })
}

type bucketShow struct {
	ask.Question
	Bucket string `arg:"" help:"Name or id."`
}

func (b bucketShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, b.Question, buckets, func(c *client.Client) (api.Bucket, error) { return c.Bucket(ctx, b.Bucket) })
}

type bucketCreate struct {
	ask.Question
	Name  string `arg:"" help:"As it is called on the store."`
	Store string `required:"" placeholder:"NAME" help:"The store that has it, by name or id."`
	Owner string `placeholder:"NAME" help:"Who may make access keys for it, beside the workspace's admins, by name or id. Default: you."`
}

func (b bucketCreate) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, b.Question, buckets, func(c *client.Client) (api.Bucket, error) {
		return c.CreateBucket(ctx, api.NewBucket{Store: b.Store, Name: b.Name, Owner: b.Owner})
	})
}

type bucketUpdate struct {
	ask.Question
	Bucket string  `arg:"" help:"Name or id."`
	Owner  *string `placeholder:"NAME" help:"Another owner, by name or id."`
}

func (b bucketUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.BucketChange{Owner: b.Owner}
	if err := ask.Wanting(change); err != nil {
		return err
	}
	return ask.Show(ctx, s, b.Question, buckets, func(c *client.Client) (api.Bucket, error) { return c.UpdateBucket(ctx, b.Bucket, change) })
}

type bucketDelete struct {
	ask.Question
	Bucket string `arg:"" help:"Name or id."`
}

func (b bucketDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, b.Question, ask.Ended{Action: "bucket.delete", Target: b.Bucket}, "the bucket is off the record; its objects stay",
		func(c *client.Client) error { return c.DeleteBucket(ctx, b.Bucket) })
}
