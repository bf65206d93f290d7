package cli

import (
	"context"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

// What is in a bucket, and who reads and writes it.

var bucketUsages = ask.Sheet[api.BucketUsage]{
	{Title: "OBJECTS", Cell: func(_ *ask.Names, u api.BucketUsage) string { return countOf(u, u.Objects) }},
	{Title: "BYTES", Cell: func(_ *ask.Names, u api.BucketUsage) string { return countOf(u, u.Bytes) }},
	{Title: "COUNTED", Cell: func(_ *ask.Names, u api.BucketUsage) string { return ask.TimeOr(u.CountedAt, "-") }},
}

type bucketUsage struct {
	ask.Question
	Bucket string `arg:"" help:"Name or id."`
}

// Help is what --help says beside the flags.
func (bucketUsage) Help() string {
	return `What takes more than a moment to count is counted in the background: ask again for the new number.`
}

func (b bucketUsage) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, b.Question, bucketUsages, func(c *client.Client) (api.BucketUsage, error) { return c.BucketUsage(ctx, b.Bucket) })
}

var objectDetails = ask.Sheet[api.ObjectDetails]{
	{Title: "KEY", Cell: func(_ *ask.Names, o api.ObjectDetails) string { return o.Key }},
	{Title: "FOLDER", Cell: func(_ *ask.Names, o api.ObjectDetails) string { return ask.Yes(o.Folder) }},
	{Title: "BYTES", Cell: func(_ *ask.Names, o api.ObjectDetails) string { return sizeOf(o) }},
	{Title: "MODIFIED", Cell: func(_ *ask.Names, o api.ObjectDetails) string { return ask.TimeOr(o.ModifiedAt, "-") }},
}

func sizeOf(o api.ObjectDetails) string {
	if o.Bytes == nil {
		return "-"
	}
	return strconv.FormatInt(*o.Bytes, 10)
}

type bucketObject struct {
	ask.Question
	Bucket string `arg:"" help:"Name or id."`
	Key    string `arg:"" help:"The object's."`
}

func (b bucketObject) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, b.Question, objectDetails, func(c *client.Client) (api.ObjectDetails, error) { return c.ObjectDetails(ctx, b.Bucket, b.Key) })
}

var keysOfBuckets = ask.Sheet[api.BucketKeys]{
	{Title: "READ", Cell: func(_ *ask.Names, k api.BucketKeys) string { return strings.Join(k.Read, " ") }},
	{Title: "WRITE", Cell: func(_ *ask.Names, k api.BucketKeys) string { return strings.Join(k.Write, " ") }},
}

type bucketKeys struct {
	ask.Question
	Bucket  string   `arg:"" help:"Name or id."`
	Read    []string `xor:"read" placeholder:"KEY" help:"Keys that read it, by name or id, instead of those that do now."`
	Write   []string `xor:"write" placeholder:"KEY" help:"Keys that write to it."`
	NoRead  bool     `xor:"read" help:"No key's list is to let it read."`
	NoWrite bool     `xor:"write" help:"Nor write."`
}

func (b bucketKeys) Run(ctx context.Context, s ask.Streams) error {
	var change api.BucketKeysChange
	if b.NoRead || len(b.Read) > 0 {
		change.Read = new(append([]string{}, b.Read...))
	}
	if b.NoWrite || len(b.Write) > 0 {
		change.Write = new(append([]string{}, b.Write...))
	}
	return ask.Show(ctx, s, b.Question, keysOfBuckets, func(c *client.Client) (api.BucketKeys, error) {
		if change == (api.BucketKeysChange{}) {
			return c.BucketKeys(ctx, b.Bucket)
		}
		return c.SetBucketKeys(ctx, b.Bucket, change)
	})
}
