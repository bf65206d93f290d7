package cli

import (
	"context"
	"errors"
	"io"
	"iter"
	"strconv"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/client"
)

var credentials = ask.Sheet[api.Credential]{
	{Title: "NAME", Cell: func(_ *ask.Names, c api.Credential) string { return c.Name }},
	{Title: "PROVIDER", Cell: func(_ *ask.Names, c api.Credential) string { return c.Provider }},
	{Title: "KIND", Cell: func(_ *ask.Names, c api.Credential) string { return c.Kind }},
	{Title: "PRINCIPAL", Cut: 20, Cell: func(_ *ask.Names, c api.Credential) string { return c.Principal }},
	{Title: "MARKS", Cell: func(_ *ask.Names, c api.Credential) string { return marksOf(c) }},
	{Title: "SET", Cell: func(_ *ask.Names, c api.Credential) string { return ask.TimeOf(c.UpdatedAt) }},
	{Title: "ENDPOINT", Detail: true, Cell: func(_ *ask.Names, c api.Credential) string { return c.Endpoint }},
	{Title: "KEY ID", Detail: true, Cell: func(_ *ask.Names, c api.Credential) string { return c.KeyID }},
	{Title: "WORKSPACE", Detail: true, Cell: func(n *ask.Names, c api.Credential) string { return n.Workspace(c.Workspace) }},
	{Title: "TEAMSPACE", Detail: true, Cell: func(n *ask.Names, c api.Credential) string { return n.Teamspace(c.Teamspace) }},
	{Title: "SESSIONS", Detail: true, Cell: func(_ *ask.Names, c api.Credential) string { return sessionsOf(c.Sessions) }},
	{Title: "ID", Cell: func(_ *ask.Names, c api.Credential) string { return c.ID }},
	{Title: "CREATED", Detail: true, Cell: func(_ *ask.Names, c api.Credential) string { return ask.TimeOf(c.CreatedAt) }},
}

var createdCredentials = func() (out ask.Sheet[api.CreatedCredential]) {
	for _, column := range credentials {
		cell := column.Cell
		out = append(out, ask.Column[api.CreatedCredential]{Title: column.Title, Detail: column.Detail, Cell: func(n *ask.Names, c api.CreatedCredential) string { return cell(n, c.Credential) }})
	}
	return append(out, ask.Column[api.CreatedCredential]{Title: "EXTERNAL ID", Detail: true, Cell: func(_ *ask.Names, c api.CreatedCredential) string { return c.ExternalID }})
}()

func marksOf(c api.Credential) string {
	return joined(map[string]bool{"default": c.Default, "base": c.Base, "tasks": c.AllowedInTasks, "any-external-id": c.AnyExternalID})
}

type credentialCommand struct {
	List   credentialList   `cmd:"" help:"List the credentials of the installation, a workspace or a teamspace."`
	Show   credentialShow   `cmd:"" help:"Show a credential, without its secret."`
	Create credentialCreate `cmd:"" help:"Add a credential; its secret is read from the terminal or from standard input."`
	Update credentialUpdate `cmd:"" help:"Change a credential, or what it acts with."`
	Verify credentialVerify `cmd:"" help:"Ask whether a credential does what it should; nothing is changed."`
	Delete credentialDelete `cmd:"" help:"Remove a credential."`
}

// ofPlace names the teamspace that credentials are looked up in.
type ofPlace struct {
	Teamspace string `placeholder:"NAME" help:"Of a teamspace, by name or id. Default: of the workspace; of the installation for its admins who name none."`
}

// ofCredential names the credential that a verb is about.
type ofCredential struct {
	ofPlace
	Credential string `arg:"" help:"Name or id."`
}

type credentialList struct {
	ask.Listing
	ofPlace
	Provider string `enum:"AWS,AZURE,GCP," default:"" placeholder:"AWS|AZURE|GCP" help:"Of one provider only."`
	Kind     string `enum:"credential,role,token," default:"" placeholder:"credential|role|token" help:"Of one kind only."`
}

func (c credentialList) Run(ctx context.Context, s ask.Streams) error {
	return ask.List(ctx, s, c.Listing, credentials, func(k *client.Client) iter.Seq2[api.Credential, error] {
		return k.Credentials(ctx, c.Teamspace, client.CredentialFilter{Provider: c.Provider, Kind: c.Kind})
	})
}

type credentialShow struct {
	ask.Question
	ofCredential
}

func (c credentialShow) Run(ctx context.Context, s ask.Streams) error {
	return ask.Show(ctx, s, c.Question, credentials, func(k *client.Client) (api.Credential, error) {
		return k.Credential(ctx, c.Teamspace, c.Credential)
	})
}

type credentialCreate struct {
	ask.Question
	ofPlace
	Name string `arg:"" help:"Unique in its place."`
	authority
	marks
	sessions
}

func (c credentialCreate) Run(ctx context.Context, s ask.Streams) error {
	a, err := c.authority.read(s)
	if err == nil && a == (api.Authority{}) {
		err = ask.UsageError{Err: errors.New("say what it acts with: --access-key-id, --role-arn, --azure-account, --gcp-access-id or --gcp-key-file")}
	}
	if err != nil {
		return err
	}
	return ask.Show(ctx, s, c.Question, createdCredentials, func(k *client.Client) (api.CreatedCredential, error) {
		return k.CreateCredential(ctx, c.Teamspace, api.NewCredential{Name: c.Name, Authority: a, CredentialMarks: c.marks.of(), Sessions: c.sessions.over(nil)})
	})
}

type credentialUpdate struct {
	ask.Question
	ofCredential
	Name *string `placeholder:"NAME" help:"Another name."`
	authority
	marks
	sessions
	OnlyVerified bool `help:"Take what it shall act with only when that has been verified; until then the old stays."`
}

func (c credentialUpdate) Run(ctx context.Context, s ask.Streams) error {
	change := api.CredentialChange{Name: c.Name, CredentialMarks: c.marks.of()}
	a, err := c.authority.read(s)
	if err != nil {
		return err
	}
	change.Authority, change.Sessions = a, c.sessions.over(nil)
	if err := ask.Wanting(change); err != nil {
		return err
	}
	change.OnlyVerified = c.OnlyVerified
	return ask.Show(ctx, s, c.Question, credentials, func(k *client.Client) (api.Credential, error) {
		if change.Sessions != nil {
			now, err := k.Credential(ctx, c.Teamspace, c.Credential)
			if err != nil {
				return now, err
			}
			change.Sessions = c.sessions.over(now.Sessions)
		}
		return k.UpdateCredential(ctx, c.Teamspace, c.Credential, change)
	})
}

type credentialDelete struct {
	ask.Question
	ofCredential
	Force bool `help:"Also when stores act through it: nothing of theirs can be reached then, until they get another."`
}

func (c credentialDelete) Run(ctx context.Context, s ask.Streams) error {
	return ask.End(s, c.Question, ask.Ended{Action: "credential.delete", Target: c.Credential}, "the credential is gone",
		func(k *client.Client) error { return k.DeleteCredential(ctx, c.Teamspace, c.Credential, c.Force) })
}

type credentialVerify struct {
	ask.Question
	ofPlace
	Credential string `arg:"" optional:"" help:"Name or id. Without it, what the flags say is verified, and stored nowhere."`
	authority
}

var checks = ask.Sheet[api.Check]{
	{Title: "CHECK", Cell: func(_ *ask.Names, c api.Check) string { return c.Name }},
	{Title: "OUTCOME", Cell: func(_ *ask.Names, c api.Check) string { return c.Outcome }},
	{Title: "TOOK", Cell: func(_ *ask.Names, c api.Check) string { return strconv.FormatInt(c.Milliseconds, 10) + " ms" }},
	{Title: "REASON", Cell: func(_ *ask.Names, c api.Check) string { return c.Reason }},
}

// Run writes what was looked at. It fails when a check does.
func (c credentialVerify) Run(ctx context.Context, s ask.Streams) error {
	a, err := c.authority.read(s)
	if err != nil {
		return err
	}
	if (c.Credential == "") == (a == (api.Authority{})) {
		return ask.UsageError{Err: errors.New("name a credential, or say with flags what it would act with")}
	}
	k, err := c.Client()
	if err != nil {
		return err
	}
	var v api.Verification
	if c.Credential != "" {
		v, err = k.VerifyCredential(ctx, c.Teamspace, c.Credential)
	} else {
		v, err = k.VerifyAuthority(ctx, c.Teamspace, a)
	}
	if err != nil {
		return c.Explain(err)
	}
	if err := c.Write(s.Out, v, func(to io.Writer) error { return checks.Table(to, ask.NewNames(ctx, k), v.Checks) }); err != nil {
		return err
	}
	if v.Outcome == "failed" {
		return errors.New("it was not verified: the checks tell why")
	}
	return nil
}
