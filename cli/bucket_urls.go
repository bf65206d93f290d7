package cli

import (
	"context"
	"fmt"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
	"github.com/keyhatch/keyhatch/client"
)

var presignedURLs = ask.Sheet[api.PresignedURL]{
	{Title: "URL", Cell: func(_ *ask.Names, u api.PresignedURL) string { return u.URL }},
	{Title: "LEASE", Cell: func(_ *ask.Names, u api.PresignedURL) string { return u.Lease }},
	{Title: "EXPIRES", Cell: func(_ *ask.Names, u api.PresignedURL) string { return ask.TimeOf(u.ExpiresAt) }},
}

type bucketPresign struct {
	ask.Question
	Bucket string     `arg:"" help:"Name or id."`
	Key    string     `arg:"" help:"The object's, which need not be there yet."`
	For    times.Span `placeholder:"TIME" help:"How long it works, as 30m, at most a day. Default: 1h, or less where a limit is lower."`
}

// Help is what --help says beside the flags.
func (bucketPresign) Help() string {
	return `The URL reads one object with nothing else to show: whoever has it can, so keep it like a password. It is on record as a lease,
and ends with that (keyhatch lease revoke), with all others of the bucket (keyhatch bucket revoke-urls), and when you may not
read the object any more.`
}

func (b bucketPresign) Run(ctx context.Context, s ask.Streams) error {
	r := api.PresignRequest{Key: b.Key, ExpirySeconds: b.For.WholeSeconds()}
	return ask.Show(ctx, s, b.Question, presignedURLs, func(c *client.Client) (api.PresignedURL, error) { return c.Presign(ctx, b.Bucket, r) })
}

type bucketRevokeURLs struct {
	ask.Question
	Bucket string `arg:"" help:"Name or id."`
}

// Help is what --help says beside the flags.
func (bucketRevokeURLs) Help() string {
	return `It ends the URLs that were made until now (keyhatch bucket presign), but for those that sessions of the store itself have signed:
nothing ends these before their time, and the answer tells how many there are and until when they work. A URL that the
holder of a lease or of an access key has signed ends with the lease or the pair, and not by this.`
}

func (b bucketRevokeURLs) Run(ctx context.Context, s ask.Streams) error {
	c, err := b.Client()
	if err != nil {
		return err
	}
	revoked, err := c.RevokePresignedURLs(ctx, b.Bucket)
	if err != nil {
		return b.Explain(err)
	}
	text := "the presigned URLs that Keyhatch has made of its objects have ended"
	if revoked.Left > 0 {
		text += fmt.Sprintf(", but for %d that sessions of the store itself have signed: nothing ends those, the last works until %s", revoked.Left, ask.TimeOf(*revoked.LeftUntil))
	}
	text += "; one that the holder of a lease or of an access key has signed ends with that, and not by this"
	return b.Say(s.Out, revoked, text)
}
