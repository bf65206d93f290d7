package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

// proofOf is the proof of a store in a line.
func proofOf(n *ask.Names, p *api.Proof) string {
	if p == nil {
		return ""
	}
	out := fmt.Sprintf("%s in bucket %s, %s", p.Outcome, p.Bucket, ask.TimeOf(p.At))
	if p.Networks != "passed" {
		out += "; for networks: " + p.Networks
	}
	if p.AcceptedBy != "" && p.AcceptedAt != nil {
		out += fmt.Sprintf("; accepted by %s, %s", n.User(p.AcceptedBy), ask.TimeOf(*p.AcceptedAt))
	}
	return out
}

type storeVerify struct {
	ask.Question
	Store       string `arg:"" help:"Name or id."`
	Bucket      string `placeholder:"NAME" help:"In which objects are put, below a prefix of their own, and removed. Default: the store's first, unless they are of several workspaces."`
	OtherBucket string `placeholder:"NAME" help:"Of which nothing is open then. Default: the store's next of the same workspace; without one, that it was not tried is a weakness."`
	Wait        bool   `help:"Wait for the end of a session too: store show tells it then, and until when it is waited for."`
}

// Run writes what was tried. It fails when an attempt does.
func (t storeVerify) Run(ctx context.Context, s ask.Streams) error {
	c, err := t.Client()
	if err != nil {
		return err
	}
	store, err := c.VerifyStore(ctx, t.Store, api.StoreTrial{Bucket: t.Bucket, OtherBucket: t.OtherBucket, Wait: t.Wait})
	if err != nil {
		return t.Explain(err)
	}
	proof := *store.Proof
	if err := t.Write(s.Out, proof, func(to io.Writer) error { return checks.Table(to, ask.NewNames(ctx, c), proof.Checks) }); err != nil {
		return err
	}
	accepting := fmt.Sprintf("`keyhatch store accept %s --confirm %s` has it lend all the same", store.Name, store.Name)
	switch proof.Outcome {
	case "failed":
		return errors.New("the store did not pass, and lends nothing: the attempts tell why; " + accepting)
	case "warning":
		weak := slices.IndexFunc(proof.Checks, func(c api.Check) bool { return c.Outcome == "warning" })
		return fmt.Errorf("the store has a weakness (%s), and lends nothing until somebody who may accepts that: %s", proof.Checks[weak].Name, accepting)
	}
	return nil
}

type storeAccept struct {
	ask.Question
	Store   string `arg:"" help:"Name or id."`
	Confirm string `required:"" placeholder:"NAME" help:"The store's name once more: whoever borrows from it may have more than was lent, up to all that its credential opens."`
}

func (t storeAccept) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, t.Question, stores, func(c *client.Client) (api.Store, error) {
		now, err := c.Store(ctx, t.Store)
		if err != nil {
			return api.Store{}, err
		}
		accepted := api.StoreAcceptance{Name: t.Confirm}
		if now.Proof != nil {
			accepted.ProofAt = &now.Proof.At
		}
		return c.AcceptStore(ctx, t.Store, accepted)
	})
}
