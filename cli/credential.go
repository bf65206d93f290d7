package cli

import (
	"context"
	"iter"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
)

var credentials = sheet[api.Credential]{
	{title: "NAME", cell: func(_ *names, c api.Credential) string { return c.Name }},
	{title: "PROVIDER", cell: func(_ *names, c api.Credential) string { return c.Provider }},
	{title: "KIND", cell: func(_ *names, c api.Credential) string { return c.Kind }},
	{title: "ACCESS KEY ID", cell: func(_ *names, c api.Credential) string { return c.AccessKeyID }},
	{title: "KEYS SET", cell: func(_ *names, c api.Credential) string { return timeOf(c.UpdatedAt) }},
	{title: "WORKSPACE", detail: true, cell: func(n *names, c api.Credential) string { return n.workspace(c.Workspace) }},
	{title: "ID", cell: func(_ *names, c api.Credential) string { return c.ID }},
	{title: "CREATED", detail: true, cell: func(_ *names, c api.Credential) string { return timeOf(c.CreatedAt) }},
}

type credentialCommand struct {
	List   credentialList   `cmd:"" help:"List the installation's credentials."`
	Show   credentialShow   `cmd:"" help:"Show a credential, without its secret."`
	Create credentialCreate `cmd:"" help:"Add a credential for stores; its secret is read from the terminal or from standard input."`
	Update credentialUpdate `cmd:"" help:"Change a credential's name or keys."`
	Delete credentialDelete `cmd:"" help:"Remove a credential that acts for no store."`
}

type credentialList struct{ listing }

func (c credentialList) Run(ctx context.Context, s Streams) error {
	return list(ctx, s, c.listing, credentials, func(k *client.Client) iter.Seq2[api.Credential, error] { return k.Credentials(ctx) })
}

type credentialShow struct {
	question
	Credential string `arg:"" help:"Name or id."`
}

func (c credentialShow) Run(ctx context.Context, s Streams) error {
	return show(ctx, s, c.question, credentials, func(k *client.Client) (api.Credential, error) { return k.Credential(ctx, c.Credential) })
}

type credentialCreate struct {
	question
	Name        string `arg:"" help:"Unique in the installation."`
	AccessKeyID string `required:"" placeholder:"KEY" help:"The key's id. Its secret is no flag: everybody on the machine can read flags."`
}

func (c credentialCreate) Run(ctx context.Context, s Streams) error {
	keys, err := readKeys(s, c.AccessKeyID)
	if err != nil {
		return err
	}
	return show(ctx, s, c.question, credentials, func(k *client.Client) (api.Credential, error) {
		return k.CreateCredential(ctx, api.NewCredential{Name: c.Name, KeyPair: keys})
	})
}

func readKeys(s Streams, accessKeyID string) (api.KeyPair, error) {
	secret, err := readSecret(s, "Secret of "+accessKeyID+": ")
	return api.KeyPair{AccessKeyID: accessKeyID, SecretAccessKey: secret}, err
}

type credentialUpdate struct {
	question
	Credential  string  `arg:"" help:"Name or id."`
	Name        *string `placeholder:"NAME" help:"Another name."`
	AccessKeyID *string `placeholder:"KEY" help:"Another key, which acts from the next request on. Its secret is read from the terminal or from standard input."`
}

func (c credentialUpdate) Run(ctx context.Context, s Streams) error {
	change := api.CredentialChange{Name: c.Name}
	if c.AccessKeyID != nil {
		keys, err := readKeys(s, *c.AccessKeyID)
		if err != nil {
			return err
		}
		change.Keys = &keys
	}
	return show(ctx, s, c.question, credentials, func(k *client.Client) (api.Credential, error) {
		return k.UpdateCredential(ctx, c.Credential, change)
	})
}

type credentialDelete struct {
	question
	Credential string `arg:"" help:"Name or id."`
}

func (c credentialDelete) Run(ctx context.Context, s Streams) error {
	return end(s, c.question, "the credential is gone", func(k *client.Client) error { return k.DeleteCredential(ctx, c.Credential) })
}
