package tokens

import (
	"context"
	"maps"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/times"
	"github.com/keyhatch/keyhatch/client"
)

type tokenUpdate struct {
	ask.Question
	Token   string         `arg:"" optional:"" help:"Id. Default: the one that you are using."`
	Name    *string        `placeholder:"TEXT" help:"What it is for."`
	Scope   []string       `sep:"none" placeholder:"SCOPE" help:"What it may do, instead of all that it may now; none for nothing. May be repeated."`
	Expires times.Deadline `placeholder:"TIME" help:"When it ends."`

	Network           []string          `sep:"none" placeholder:"CIDR" help:"Network or address from which alone it works, instead of all that there are now; everywhere for no bound. May be repeated."`
	RequestsPerMinute *int              `placeholder:"N" help:"How often it may ask, on average and at once; 0 for as often as the server says."`
	Annotate          map[string]string `mapsep:"none" placeholder:"KEY=TEXT" help:"What you want to note about it beside what is noted; without a text the key is taken away. May be repeated."`
}

// Help is what --help says beside the flags.
func (tokenUpdate) Help() string { return times.DeadlineForms }

// Words for an empty list, which a flag cannot hold.
const (
	noScope    = "none"
	everywhere = ask.Everywhere
)

// Run changes what was given. Notes are kept but for those that are named, hence the
// token is asked for first then: the server changes them as a whole.
func (t tokenUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.TokenChange{Name: t.Name, RequestsPerMinute: t.RequestsPerMinute, ExpiresAt: t.Expires.Or(), NeverExpires: t.Expires.Never}
	var err error
	if change.Scopes, err = ask.ListOr(t.Scope, noScope); err != nil {
		return err
	}
	if change.Networks, err = ask.ListOr(t.Network, everywhere); err != nil {
		return err
	}
	if len(t.Annotate) == 0 {
		if err := ask.Wanting(change); err != nil {
			return err
		}
	}
	return ask.Show(ctx, s, t.Question, tokens, func(c *client.Client) (api.Token, error) {
		if len(t.Annotate) > 0 {
			now, err := t.now(ctx, c)
			if err != nil {
				return now, err
			}
			all := annotated(now.Annotations, t.Annotate)
			change.Annotations = &all
		}
		return c.UpdateToken(ctx, t.Token, change)
	})
}

func (t tokenUpdate) now(ctx context.Context, c *client.Client) (api.Token, error) {
	if t.Token == "" {
		return c.CurrentToken(ctx)
	}
	return c.Token(ctx, t.Token)
}

// annotated are notes with some changed; an empty text takes one away.
func annotated(now, change map[string]string) map[string]string {
	out := map[string]string{}
	maps.Copy(out, now)
	for key, text := range change {
		if text == "" {
			delete(out, key)
		} else {
			out[key] = text
		}
	}
	return out
}
