package cli

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"strconv"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

// KeysVerbs ask a server about its data keys. A program embeds them beside its own.
type KeysVerbs struct {
	List   keysList   `cmd:"" help:"List the data keys, what needs them, and when old ones go."`
	Rotate keysRotate `cmd:"" help:"Make new data keys, and seal anew what is sealed with the old ones, while everything is served."`
}

var dataKeys = ask.Sheet[api.Key]{
	{Title: "KEYSET", Cell: func(_ *ask.Names, k api.Key) string { return k.Keyset }},
	{Title: "KEY", Cell: func(_ *ask.Names, k api.Key) string { return k.ID }},
	{Title: "STATE", Cell: func(_ *ask.Names, k api.Key) string { return k.State }},
	{Title: "MADE", Cell: func(_ *ask.Names, k api.Key) string { return ask.TimeOf(k.CreatedAt) }},
	{Title: "NEEDED BY", Cell: func(_ *ask.Names, k api.Key) string { return neededBy(k) }},
	{Title: "GOES", Cell: func(_ *ask.Names, k api.Key) string { return goes(k) }},
	{Title: "WRAPPED BY", Cell: func(_ *ask.Names, k api.Key) string { return k.WrappedBy }},
}

// The keysets whose keys are counted, and what is.
var counted = map[string][2]string{"columns": {"secret", "secrets"}, "tokens": {"token", "tokens"}}

func neededBy(k api.Key) string {
	switch words, ok := counted[k.Keyset]; {
	case ok && k.NeededBy == 1:
		return "1 " + words[0]
	case ok:
		return strconv.Itoa(k.NeededBy) + " " + words[1]
	case k.Keyset == "sessions":
		return "leases"
	}
	return "the audit record"
}

// goes tells when an old key may go, which it then does by itself.
func goes(k api.Key) string {
	switch {
	case k.State != "old":
		return "-"
	case k.Keyset == "columns" && k.NeededBy > 0:
		return "when they are sealed anew"
	case k.NeededBy > 0:
		return "when they have ended"
	case k.Until != nil:
		return "after " + ask.TimeOf(*k.Until)
	}
	return "soon"
}

type keysList struct{ ask.Listing }

func (c keysList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, c.Listing, dataKeys, func(k *client.Client) iter.Seq2[api.Key, error] {
		all, err := k.Keys(ctx)
		return each(all, err)
	})
}

// each goes through a list that has no pages.
func each[T any](all []T, err error) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		if err != nil {
			var none T
			yield(none, err)
			return
		}
		for _, k := range all {
			if !yield(k, nil) {
				return
			}
		}
	}
}

type keysRotate struct {
	ask.Listing
	Keysets []string `arg:"" optional:"" placeholder:"KEYSET" help:"columns (secrets of credentials), sessions (of leases), tokens (hashes of API tokens). Default: all."`
	Wait    bool     `help:"Wait until the new keys are used and no secret is sealed with an old one."`
}

// Help is what --help says beside the flags.
func (keysRotate) Help() string {
	return `The server does it in the background, and goes on by itself when it is started again. Leases and tokens go on; an old key stays until nothing needs it and then goes by itself, which the server's log says. This is not how the key-encryption key is replaced: see docs/keys.md.`
}

func (c keysRotate) Run(ctx context.Context, s ask.Streams) error {
	k, err := c.Client()
	if err != nil {
		return err
	}
	all, err := k.RotateKeys(ctx, api.KeyRotation{Keysets: c.Keysets})
	if err != nil {
		return c.Explain(err)
	}
	if c.Wait {
		if all, err = c.wait(ctx, s, k, all); err != nil {
			return c.Explain(err)
		}
	}
	return ask.List(ctx, s, c.Listing, dataKeys, func(*client.Client) iter.Seq2[api.Key, error] { return each(all, nil) })
}

// Looking again and telling how far it is begins when a person would wonder.
const (
	lookEvery = 250 * time.Millisecond
	tellAfter = 2 * time.Second
)

// wait looks until nothing is left to do but to let things end.
func (c keysRotate) wait(ctx context.Context, s ask.Streams, k *client.Client, all []api.Key) ([]api.Key, error) {
	progress := ask.NewProgress(s, tellAfter)
	defer progress.End()
	tick := time.NewTicker(lookEvery)
	defer tick.Stop()
	for {
		left, text := atWork(all)
		if !left {
			return all, nil
		}
		progress.Tell(text)
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-tick.C:
		}
		var err error
		if all, err = k.Keys(ctx); err != nil {
			return nil, err
		}
	}
}

// atWork tells whether the server has something to do yet, and what.
func atWork(all []api.Key) (left bool, text string) {
	if slices.ContainsFunc(all, func(k api.Key) bool { return k.State == "coming" }) {
		return true, "every process of the server learns of the new keys"
	}
	secrets, anew := 0, 0
	for _, k := range all {
		if k.Keyset == "columns" {
			secrets += k.NeededBy
		}
		if k.Keyset == "columns" && k.State == "primary" {
			anew = k.NeededBy
		}
	}
	return anew < secrets, fmt.Sprintf("sealed with the new key: %d of %d secrets", anew, secrets)
}
