package tokens

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

type tokenRevoke struct {
	ask.Question
	Token string `arg:"" optional:"" help:"Id."`
	Made  bool   `help:"End the tokens too that were made or rotated with it, and with those in turn."`

	All         bool   `help:"End all tokens of a user instead."`
	User        string `placeholder:"NAME" help:"With --all: of another user, by name or id; for installation admins."`
	KeepCurrent bool   `help:"With --all: keep the token that you are using."`
}

// Run ends one token, or all. Without either it ends nothing: what is left away by
// mistake shall not end the token in use.
func (t tokenRevoke) Run(ctx context.Context, s ask.Streams) error {
	ended := ask.Ended{Action: "token.revoke", Target: t.Token}
	switch {
	case t.All && (t.Token != "" || t.Made):
		return ask.UsageError{Err: errors.New("--all is about every token of a user: name no token, and not --made")}
	case t.All:
		return t.all(ctx, s)
	case t.Token == "":
		return ask.UsageError{Err: errors.New("say which token: name its id, or --all for all of yours")}
	case t.User != "" || t.KeepCurrent:
		return ask.UsageError{Err: errors.New("--user and --keep-current go with --all")}
	case t.Made:
		return ask.End(s, t.Question, ended, "the token has ended, with those that were made with it and the leases that they borrowed",
			func(c *client.Client) error { return c.RevokeTokenAndMade(ctx, t.Token) })
	}
	return ask.End(s, t.Question, ended, "the token has ended, with the leases that it borrowed",
		func(c *client.Client) error { return c.RevokeToken(ctx, t.Token) })
}

func (t tokenRevoke) all(ctx context.Context, s ask.Streams) error {
	c, err := t.Client()
	if err != nil {
		return err
	}
	user := t.User
	if user == "" {
		current, err := c.CurrentToken(ctx)
		if err != nil {
			return t.Explain(err)
		}
		user = current.User
	}
	ended, err := c.RevokeTokens(ctx, user, t.KeepCurrent)
	if err != nil {
		return t.Explain(err)
	}
	return t.Write(s.Out, ended, func(to io.Writer) error {
		_, err := fmt.Fprintln(to, howMany(ended))
		return err
	})
}

func howMany(ended api.RevokedTokens) string {
	switch ended.Revoked {
	case 0:
		return "there was no token to end"
	case 1:
		return "1 token has ended, with the leases that it borrowed"
	}
	return fmt.Sprintf("%d tokens have ended, with the leases that they borrowed", ended.Revoked)
}

type tokenLeak struct {
	ask.Connection
	shownSecret
}

// Help is what --help says beside the flags.
func (tokenLeak) Help() string {
	return `For whoever finds a token where it does not belong. It ends at once, with all tokens that were made with it and
what was borrowed with them, and that it was reported is on record. Nobody is told whose it was, or whether there was one.`
}

// Run needs no token of one's own, and does not send one.
func (t tokenLeak) Run(ctx context.Context, s ask.Streams) error {
	kept, err := ask.ReadLogins()
	if err != nil {
		return err
	}
	server, err := t.ServerURL(kept)
	if err != nil {
		return err
	}
	text, err := t.read(s, "Token that was found: ")
	if err != nil {
		return err
	}
	if why := ask.WhyNoToken(text); why != "" && !keyhatch.LooksSigned(text) {
		return ask.UsageError{Err: errors.New("nothing was reported: " + why)}
	}
	if err := client.New(server, "").ReportLeak(ctx, text); err != nil {
		return t.Explain(err)
	}
	_, err = fmt.Fprintf(s.Out, "reported to %s: if there was such a token, it has ended, with those that were made with it\n", server)
	return err
}
