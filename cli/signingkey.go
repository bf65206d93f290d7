package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var signingKeys = ask.Sheet[api.SigningKey]{
	{Title: "ID", Cell: func(_ *ask.Names, k api.SigningKey) string { return k.ID }},
	{Title: "STATE", Cell: func(_ *ask.Names, k api.SigningKey) string {
		if k.RetiredAt == nil {
			return "signs"
		}
		return "published"
	}},
	{Title: "CREATED", Cell: func(_ *ask.Names, k api.SigningKey) string { return ask.TimeOf(k.CreatedAt) }},
	{Title: "UNTIL", Cell: func(_ *ask.Names, k api.SigningKey) string { return ask.TimeOf(k.Until) }},
}

type signingKeyCommand struct {
	List   signingKeyList   `cmd:"" help:"List the keys that sign what programs get, and for how long they are published."`
	Rotate signingKeyRotate `cmd:"" help:"Have another key sign; what the one before has signed stays valid."`
}

type signingKeyList struct{ ask.Listing }

func (l signingKeyList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, l.Listing, signingKeys, func(c *client.Client) iter.Seq2[api.SigningKey, error] {
		all, err := c.SigningKeys(ctx)
		return each(all, err)
	})
}

type signingKeyRotate struct {
	ask.Listing
	Now bool `help:"Withdraw the keys of before at once, and end all tokens that they have signed: for a key that others have."`
}

func (r signingKeyRotate) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, r.Listing, signingKeys, func(c *client.Client) iter.Seq2[api.SigningKey, error] {
		all, err := c.RotateSigningKey(ctx, r.Now)
		return each(all, err)
	})
}
