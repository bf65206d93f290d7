package cli

import (
	"context"
	"iter"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
	"github.com/keyhatch/keyhatch/client"
)

var buckets = ask.Sheet[api.Bucket]{
	{Title: "NAME", Cell: func(_ *ask.Names, b api.Bucket) string { return b.Name }},
	{Title: "STORE", Cell: func(n *ask.Names, b api.Bucket) string { return n.Store(b.Store) }},
	{Title: "OWNER", Cell: func(n *ask.Names, b api.Bucket) string { return n.User(b.Owner) }},
	{Title: "WORKSPACE", Cell: func(n *ask.Names, b api.Bucket) string { return n.Workspace(b.Workspace) }},
	{Title: "STATE", Cell: func(_ *ask.Names, b api.Bucket) string { return b.State }},
	{Title: "PUBLIC", Cell: func(_ *ask.Names, b api.Bucket) string { return ask.Yes(b.PublicRead) }},
	{Title: "LABEL", Detail: true, Cell: func(_ *ask.Names, b api.Bucket) string { return b.Label }},
	{Title: "ALL KEYS", Detail: true, Cell: func(_ *ask.Names, b api.Bucket) string { return allKeys(b) }},
	{Title: "STATIC SITE", Detail: true, Cell: func(_ *ask.Names, b api.Bucket) string { return staticSite(b) }},
	{Title: "PRESIGNED", Detail: true, Cell: func(_ *ask.Names, b api.Bucket) string { return "at most " + ask.Seconds(b.MaxPresignedSeconds) }},
	{Title: "WHOLE LIST", Detail: true, Cell: func(_ *ask.Names, b api.Bucket) string { return ask.Yes(b.ListWhole) }},
	{Title: "OBJECTS", Detail: true, Cell: func(_ *ask.Names, b api.Bucket) string { return countOf(b.Usage, b.Usage.Objects) }},
	{Title: "BYTES", Detail: true, Cell: func(_ *ask.Names, b api.Bucket) string { return countOf(b.Usage, b.Usage.Bytes) }},
	{Title: "ID", Cell: func(_ *ask.Names, b api.Bucket) string { return b.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, b api.Bucket) string { return ask.TimeOf(b.CreatedAt) }},
}

func allKeys(b api.Bucket) string {
	var may []string
	if b.AllKeysRead {
		may = append(may, "read")
	}
	if b.AllKeysWrite {
		may = append(may, "write")
	}
	return strings.Join(may, ", ")
}

// staticSite is what the bucket says of one, which nobody serves.
func staticSite(b api.Bucket) string {
	if !b.ServeStaticSite {
		return ask.Yes(false)
	}
	return strings.TrimSpace("noted, not served " + strings.TrimSpace(b.StaticSiteIndex+" "+b.StaticSiteError))
}

func countOf(u api.BucketUsage, n int64) string {
	if u.CountedAt == nil {
		return "not counted yet"
	}
	return strconv.FormatInt(n, 10)
}

type bucketCommand struct {
	List       bucketList       `cmd:"" help:"List the workspace's buckets."`
	Show       bucketShow       `cmd:"" help:"Show a bucket."`
	Create     bucketCreate     `cmd:"" help:"Make a bucket at a store."`
	Register   bucketRegister   `cmd:"" help:"Put a bucket that is at a store on record as the workspace's."`
	Update     bucketUpdate     `cmd:"" help:"Change what is said of a bucket, hand it over, or make it public."`
	Usage      bucketUsage      `cmd:"" help:"Tell how much is in a bucket."`
	Object     bucketObject     `cmd:"" help:"Tell what is known of an object."`
	Keys       bucketKeys       `cmd:"" help:"List the access keys that name a bucket, or say which do."`
	Presign    bucketPresign    `cmd:"" help:"Make a URL with which whoever has it reads one object for a while."`
	RevokeURLs bucketRevokeURLs `cmd:"" name:"revoke-urls" help:"End the presigned URLs that Keyhatch has made of a bucket's objects."`
	Unregister bucketUnregister `cmd:"" help:"Take a bucket without locations off the record; it stays at the store."`
	Delete     bucketDelete     `cmd:"" help:"Remove an empty bucket, from its store too."`
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

// bucketFields are the flags of what is said of a bucket.
type bucketFields struct {
	Owner        *string    `placeholder:"NAME" help:"Who may make access keys for it, beside the workspace's admins, by name or id."`
	Label        *string    `placeholder:"TEXT" help:"What people call it."`
	Public       *bool      `negatable:"" help:"Let everyone who is signed in read and list it."`
	AllKeysRead  *bool      `negatable:"" help:"Let each access key of the workspace read it whose owner decides over it."`
	AllKeysWrite *bool      `negatable:"" help:"The same for writing."`
	MaxPresigned times.Span `placeholder:"TIME" help:"How long a presigned URL may work, at most 24h."`
	ListWhole    *bool      `negatable:"" help:"Let leases of Provena's clients list all of it, and so see its neighbours' names."`
	StaticSite   *bool      `negatable:"" help:"Note that it is a web site; Keyhatch serves none."`
	SiteIndex    *string    `placeholder:"NAME" help:"The object that stands for a folder of the site."`
	SiteError    *string    `placeholder:"KEY" help:"The object that stands for what the site does not have."`
}

func (f bucketFields) change() api.BucketChange {
	return api.BucketChange{
		Owner: f.Owner, Label: f.Label, ServeStaticSite: f.StaticSite, StaticSiteIndex: f.SiteIndex, StaticSiteError: f.SiteError,
		AllKeysRead: f.AllKeysRead, AllKeysWrite: f.AllKeysWrite, PublicRead: f.Public, PublicList: f.Public, MaxPresignedSeconds: f.MaxPresigned.WholeSeconds(), ListWhole: f.ListWhole,
	}
}

type bucketCreate struct {
	ask.Question
	Name  string `arg:"" help:"No bucket of the store may have it."`
	Store string `required:"" placeholder:"NAME" help:"By name or id."`
	bucketFields
	Location bool `help:"With a location over all of it."`
}

func (b bucketCreate) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, b.Question, buckets, func(c *client.Client) (api.Bucket, error) {
		return c.CreateBucket(ctx, api.NewBucket{Store: b.Store, Name: b.Name, BucketChange: b.change(), Location: b.Location})
	})
}

type bucketRegister struct {
	ask.Question
	Name  string `arg:"" help:"As it is called at the store."`
	Store string `required:"" placeholder:"NAME" help:"The store that has it, by name or id."`
	Owner string `placeholder:"NAME" help:"Who may make access keys for it, beside the workspace's admins, by name or id. Default: you."`
}

// Help is what --help says beside the flags.
func (bucketRegister) Help() string {
	return `A folder of a directory store that is not there is made when something is written. On a store that serves every workspace this is for installation admins.`
}

func (b bucketRegister) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, b.Question, buckets, func(c *client.Client) (api.Bucket, error) {
		return c.RegisterBucket(ctx, api.ExistingBucket{Store: b.Store, Name: b.Name, Owner: b.Owner})
	})
}

type bucketUpdate struct {
	ask.Question
	Bucket string `arg:"" help:"Name or id."`
	bucketFields
}

func (b bucketUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := b.change()
	if err := ask.Wanting(change); err != nil {
		return err
	}
	return ask.Show(ctx, s, b.Question, buckets, func(c *client.Client) (api.Bucket, error) { return c.UpdateBucket(ctx, b.Bucket, change) })
}

type bucketUnregister struct {
	ask.Question
	Bucket string `arg:"" help:"Name or id."`
}

func (b bucketUnregister) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, b.Question, ask.Ended{Action: "bucket.unregister", Target: b.Bucket}, "the bucket is off the record; it stays at the store",
		func(c *client.Client) error { return c.UnregisterBucket(ctx, b.Bucket) })
}

type bucketDelete struct {
	ask.Question
	Bucket string `arg:"" help:"Name or id."`
}

func (b bucketDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, b.Question, ask.Ended{Action: "bucket.delete", Target: b.Bucket}, "the bucket is gone",
		func(c *client.Client) error { return c.DeleteBucket(ctx, b.Bucket) })
}
