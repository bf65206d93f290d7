package cli

import (
	"github.com/alecthomas/kong"
	"github.com/keyhatch/keyhatch/cli/account"
	"github.com/keyhatch/keyhatch/cli/lending"
	"github.com/keyhatch/keyhatch/cli/tokens"
)

// Verbs are the commands. A program embeds them in its own.
type Verbs struct {
	Login  account.Login  `cmd:"" group:"You" help:"Keep a token for a server, for the commands after this one."`
	Logout account.Logout `cmd:"" group:"You" help:"Forget the token that login kept. It stays valid: token revoke ends it."`
	Whoami account.Whoami `cmd:"" group:"You" help:"Show who you are to the server, and by which token."`

	Lease lending.Lease `cmd:"" group:"Keys to objects" help:"Borrow S3 keys for a location; list and end them."`
	Exec  lending.Exec  `cmd:"" group:"Keys to objects" help:"Run a program with S3 keys that renew themselves."`

	Key keyCommand `cmd:"" group:"Keys to objects" help:"Long-lived S3 keys, for what cannot use leases."`

	Location     locationCommand     `cmd:"" group:"Places and rights" help:"Named prefixes of buckets."`
	Grant        grantCommand        `cmd:"" group:"Places and rights" help:"Who may read or write a location."`
	Bucket       bucketCommand       `cmd:"" group:"Places and rights" help:"Buckets of a workspace."`
	Store        storeCommand        `cmd:"" group:"Places and rights" help:"Object stores that keys are handed out for."`
	StoreAccount storeAccountCommand `cmd:"" group:"Places and rights" help:"A workspace's standing on stores."`
	Credential   credentialCommand   `cmd:"" group:"Places and rights" help:"Keys with which Keyhatch acts on stores."`

	User        userCommand        `cmd:"" group:"People" help:"People and services that call."`
	Group       groupCommand       `cmd:"" group:"People" help:"Sets of users of a workspace, for grants."`
	Teamspace   teamspaceCommand   `cmd:"" group:"People" help:"Smaller circles of a workspace, with members of their own."`
	Workspace   workspaceCommand   `cmd:"" group:"People" help:"Tenants, and who is in them."`
	Token       tokens.Token       `cmd:"" group:"People" help:"API tokens."`
	Session     sessionCommand     `cmd:"" group:"People" help:"Browsers in which people are signed in."`
	OAuthClient oauthClientCommand `cmd:"" name:"oauth-client" group:"People" help:"Programs that users can let act for them."`
	Consent     consentCommand     `cmd:"" group:"People" help:"What people have let programs do."`
	SigningKey  signingKeyCommand  `cmd:"" name:"signing-key" group:"People" help:"Keys that sign what programs get."`
}

// Vars are what the help of the verbs is filled in with.
func Vars() kong.Vars { return kong.Vars{"tools": lending.Tools()} }
