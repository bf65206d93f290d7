package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var credentials = ask.Sheet[api.Credential]{
	{Title: "NAME", Cell: func(_ *ask.Names, c api.Credential) string { return c.Name }},
	{Title: "PROVIDER", Cell: func(_ *ask.Names, c api.Credential) string { return c.Provider }},
	{Title: "KIND", Cell: func(_ *ask.Names, c api.Credential) string { return c.Kind }},
	{Title: "ACCESS KEY ID", Cell: func(_ *ask.Names, c api.Credential) string { return c.AccessKeyID }},
	{Title: "KEYS SET", Cell: func(_ *ask.Names, c api.Credential) string { return ask.TimeOf(c.UpdatedAt) }},
	{Title: "WORKSPACE", Detail: true, Cell: func(n *ask.Names, c api.Credential) string { return n.Workspace(c.Workspace) }},
	{Title: "ID", Cell: func(_ *ask.Names, c api.Credential) string { return c.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, c api.Credential) string { return ask.TimeOf(c.CreatedAt) }},
}

type credentialCommand struct {
	List   credentialList   `cmd:"" help:"List the installation's credentials."`
	Show   credentialShow   `cmd:"" help:"Show a credential, without its secret."`
	Create credentialCreate `cmd:"" help:"Add a credential for stores; its secret is read from the terminal or from standard input."`
	Update credentialUpdate `cmd:"" help:"Change a credential's name or keys."`
	Delete credentialDelete `cmd:"" help:"Remove a credential that acts for no store."`
}

type credentialList struct{ ask.Listing }

func (c credentialList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, c.Listing, credentials, func(k *client.Client) iter.Seq2[api.Credential, error] { return k.Credentials(ctx) })
}

type credentialShow struct {
	ask.Question
	Credential string `arg:"" help:"Name or id."`
}

func (c credentialShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, c.Question, credentials, func(k *client.Client) (api.Credential, error) { return k.Credential(ctx, c.Credential) })
}

type credentialCreate struct {
	ask.Question
	Name        string `arg:"" help:"Unique in the installation."`
	AccessKeyID string `required:"" placeholder:"KEY" help:"The key's id. Its secret is no flag: everybody on the machine can read flags."`
}

func (c credentialCreate) Run(ctx context.Context, s ask.Streams) error {
	keys, err := readKeys(s, c.AccessKeyID)
	if err != nil {
		return err
	}
	return ask.Show(ctx, s, c.Question, credentials, func(k *client.Client) (api.Credential, error) {
		return k.CreateCredential(ctx, api.NewCredential{Name: c.Name, KeyPair: keys})
	})
}

func readKeys(s ask.Streams, accessKeyID string) (api.KeyPair, error) {
	secret, err := ask.Secret(s, "Secret of "+accessKeyID+": ")
	return api.KeyPair{AccessKeyID: accessKeyID, SecretAccessKey: secret}, err
}

type credentialUpdate struct {
	ask.Question
	Credential  string  `arg:"" help:"Name or id."`
	Name        *string `placeholder:"NAME" help:"Another name."`
	AccessKeyID *string `placeholder:"KEY" help:"Another key, which acts from the next request on. Its secret is read from the terminal or from standard input."`
}

func (c credentialUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.CredentialChange{Name: c.Name}
	if c.AccessKeyID != nil {
		keys, err := readKeys(s, *c.AccessKeyID)
		if err != nil {
			return err
		}
		change.Keys = &keys
	}
	if err := wanting(change); err != nil {
		return err
	}
	return ask.Show(ctx, s, c.Question, credentials, func(k *client.Client) (api.Credential, error) {
		return k.UpdateCredential(ctx, c.Credential, change)
	})
}

type credentialDelete struct {
	ask.Question
	Credential string `arg:"" help:"Name or id."`
}

func (c credentialDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, c.Question, ask.Ended{Action: "credential.delete", Target: c.Credential}, "the credential is gone",
		func(k *client.Client) error { return k.DeleteCredential(ctx, c.Credential) })
}
