package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

var buckets = sheet[api.Bucket]{
	{title: "NAME", cell: func(_ *names, b api.Bucket) string { return b.Name }},
	{title: "STORE", cell: func(n *names, b api.Bucket) string { return n.store(b.Store) }},
	{title: "WORKSPACE", cell: func(n *names, b api.Bucket) string { return n.workspace(b.Workspace) }},
	{title: "ID", cell: func(_ *names, b api.Bucket) string { return b.ID }},
	{title: "CREATED", detail: true, cell: func(_ *names, b api.Bucket) string { return timeOf(b.CreatedAt) }},
}

type bucketCommand struct {
	List   bucketList   `cmd:"" help:"List the workspace's buckets."`
	Show   bucketShow   `cmd:"" help:"Show a bucket."`
	Create bucketCreate `cmd:"" help:"Put a bucket of a store on record as the workspace's."`
	Delete bucketDelete `cmd:"" help:"Take a bucket without locations off the record; its objects stay."`
}

type bucketList struct{ listing }

func (b bucketList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, b.listing, buckets, func(c *client.Client) iter.Seq2[api.Bucket, error] { return c.Buckets(ctx) })
}

type bucketShow struct {
	question
	Bucket string `arg:"" help:"Name or id."`
}

func (b bucketShow) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, b.question, buckets, func(c *client.Client) (api.Bucket, error) { return c.Bucket(ctx, b.Bucket) })
}

type bucketCreate struct {
	question
	Name  string `arg:"" help:"As it is called on the store."`
	Store string `required:"" placeholder:"NAME" help:"The store that has it, by name or id."`
}

func (b bucketCreate) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, b.question, buckets, func(c *client.Client) (api.Bucket, error) {
		return c.CreateBucket(ctx, api.NewBucket{Store: b.Store, Name: b.Name})
	})
}

type bucketDelete struct {
	question
	Bucket string `arg:"" help:"Name or id."`
}

func (b bucketDelete) Run(ctx context.Context, s Streams) error {
	return end(s, b.question, "the bucket is off the record; its objects stay", func(c *client.Client) error { return c.DeleteBucket(ctx, b.Bucket) })
}
