package rest

import (
	"cmp"
	"context"
	"net/http"
	"reflect"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/broker/credentials"
)

// InPlace is the place that a request is about.
type InPlace struct {
	Workspace string `query:"workspace" maxLength:"128" doc:"Id or name. Default: of an installation admin none, which is the installation; of others that of the token, else the only one that you are a member of"`
	Teamspace string `query:"teamspace" maxLength:"128" doc:"Id, or name in the workspace. Default: none, which is the workspace itself"`
}

func (p InPlace) in() credentials.In { return credentials.In(p) }

// CredentialRef names a credential in the path.
type CredentialRef struct {
	InPlace
	Credential string `path:"credential" maxLength:"128" doc:"Id, or name in its place"`
}

func (d *Door) credentials(a huma.API) {
	const noun = "credentials"
	const one = "/credentials/{credential}"
	handle(d, a, call{method: http.MethodGet, path: "/credentials", id: "listCredentials", summary: "List the credentials of a teamspace, a workspace or the installation", noun: noun}, d.listCredentials)
	handle(d, a, call{method: http.MethodPost, path: "/credentials", id: "createCredential", summary: "Add a credential", noun: noun, status: http.StatusCreated}, d.createCredential)
	handle(d, a, call{method: http.MethodPost, path: "/credentials/verify", id: "verifyAuthority", summary: "Ask whether an authority would do, and store nothing", noun: noun}, d.verifyAuthority)
	handle(d, a, call{method: http.MethodGet, path: one, id: "getCredential", summary: "Show a credential without its secret", noun: noun}, d.getCredential)
	handle(d, a, call{method: http.MethodPatch, path: one, id: "updateCredential", summary: "Change a credential, or what it acts with", noun: noun}, d.updateCredential)
	handle(d, a, call{method: http.MethodDelete, path: one, id: "deleteCredential", summary: "Remove a credential", noun: noun, status: http.StatusNoContent}, d.deleteCredential)
	handle(d, a, call{method: http.MethodPost, path: one + "/verify", id: "verifyCredential", summary: "Ask whether a credential still does, and store nothing", noun: noun}, d.verifyCredential)
}

// CredentialList asks for a part of the list of a place's credentials.
type CredentialList struct {
	InPlace
	OnePage
	Provider string `query:"provider" enum:"AWS,AZURE,GCP" doc:"Only those of the provider"`
	Kind     string `query:"kind" enum:"credential,role,token" doc:"Only those of the kind"`
}

func (d *Door) listCredentials(ctx context.Context, c keyhatch.Caller, in *CredentialList) (*body[api.Page[api.Credential]], error) {
	filter := credentials.Filter{Provider: keyhatch.Provider(in.Provider), Kind: keyhatch.CredentialKind(in.Kind)}
	list, err := d.broker.Credentials.Credentials(ctx, c, in.in(), filter, in.page())
	return pageOf(list, err, encodeCredential)
}

type createCredentialInput struct {
	InPlace
	Body api.NewCredential
}

func (d *Door) createCredential(ctx context.Context, c keyhatch.Caller, in *createCredentialInput) (*body[api.CreatedCredential], error) {
	a, err := decodeAuthority(in.Body.Authority)
	if err != nil {
		return nil, err
	}
	made, err := d.broker.Credentials.Create(ctx, c, credentials.NewCredential{
		In: in.in(), Name: in.Body.Name, Authority: *cmp.Or(a, &keyhatch.Authority{}), Marks: credentials.Marks(in.Body.CredentialMarks), MakeExternalID: true,
		Sessions: *cmp.Or(decodeSessions(in.Body.Sessions), &keyhatch.Sessions{}),
	})
	return one(made, err, func(m credentials.Made) api.CreatedCredential {
		return api.CreatedCredential{Credential: encodeCredential(m.Credential), ExternalID: m.ExternalID.Reveal()}
	})
}

func (d *Door) getCredential(ctx context.Context, c keyhatch.Caller, in *CredentialRef) (*body[api.Credential], error) {
	found, err := d.broker.Credentials.Credential(ctx, c, in.in(), in.Credential)
	return one(found, err, encodeCredential)
}

type updateCredentialInput struct {
	CredentialRef
	Body api.CredentialChange
}

func (d *Door) updateCredential(ctx context.Context, c keyhatch.Caller, in *updateCredentialInput) (*body[api.Credential], error) {
	a, err := decodeAuthority(in.Body.Authority)
	if err != nil {
		return nil, err
	}
	changed, err := d.broker.Credentials.Update(ctx, c, in.in(), in.Credential, credentials.Change{
		Name: in.Body.Name, Authority: a, Marks: credentials.Marks(in.Body.CredentialMarks), OnlyVerified: in.Body.OnlyVerified,
		Sessions: decodeSessions(in.Body.Sessions),
	})
	return one(changed, err, encodeCredential)
}

// deleteCredentialInput names a credential that ends.
type deleteCredentialInput struct {
	CredentialRef
	Force bool `query:"force" doc:"Also when stores act through it: nothing of theirs can be reached then, until they get another"`
}

func (d *Door) deleteCredential(ctx context.Context, c keyhatch.Caller, in *deleteCredentialInput) (*done, error) {
	return nil, d.broker.Credentials.Delete(ctx, c, in.in(), in.Credential, in.Force)
}

type verifyAuthorityInput struct {
	InPlace
	Body api.Authority
}

func (d *Door) verifyAuthority(ctx context.Context, c keyhatch.Caller, in *verifyAuthorityInput) (*body[api.Verification], error) {
	a, err := decodeAuthority(in.Body)
	if err != nil {
		return nil, err
	}
	checks, err := d.broker.Credentials.Verify(ctx, c, in.in(), *cmp.Or(a, &keyhatch.Authority{}))
	return one(checks, err, encodeVerification)
}

func (d *Door) verifyCredential(ctx context.Context, c keyhatch.Caller, in *CredentialRef) (*body[api.Verification], error) {
	checks, err := d.broker.Credentials.VerifyStored(ctx, c, in.in(), in.Credential)
	return one(checks, err, encodeVerification)
}

// decodeAuthority reads the one that is given; nil when none is.
func decodeAuthority(a api.Authority) (*keyhatch.Authority, error) {
	var given []keyhatch.Authority
	add := func(p keyhatch.Provider, k keyhatch.CredentialKind, principal, secret, endpoint string) {
		given = append(given, keyhatch.Authority{Provider: p, Kind: k, Principal: principal, Endpoint: endpoint, Secret: keyhatch.Secret(secret)})
	}
	if x := a.AWSKeys; x != nil {
		add(keyhatch.AWS, keyhatch.KeysCredential, x.AccessKeyID, x.SecretAccessKey, x.Endpoint)
	}
	if x := a.AWSRole; x != nil {
		add(keyhatch.AWS, keyhatch.RoleCredential, x.RoleARN, x.ExternalID, x.Endpoint)
	}
	if x := a.AzureKeys; x != nil {
		add(keyhatch.Azure, keyhatch.KeysCredential, x.AccountName, x.AccountKey, "")
	}
	if x := a.AzureToken; x != nil {
		add(keyhatch.Azure, keyhatch.TokenCredential, x.AccountName, x.SASToken, "")
	}
	if x := a.GCPKeys; x != nil {
		add(keyhatch.GCP, keyhatch.KeysCredential, x.AccessKeyID, x.SecretAccessKey, "")
	}
	if x := a.GCPToken; x != nil {
		add(keyhatch.GCP, keyhatch.TokenCredential, "", x.KeyText, "")
	}
	switch len(given) {
	case 0:
		return nil, nil
	case 1:
		return &given[0], nil
	}
	return nil, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidCredential,
		"a credential acts with one of aws_keys, aws_role, azure_keys, azure_token, gcp_keys and gcp_token: give one of them")
}

// decodeSessions reads what is said of sessions; nil when nothing is.
func decodeSessions(s *api.Sessions) *keyhatch.Sessions {
	if s == nil {
		return nil
	}
	return &keyhatch.Sessions{Longest: seconds(s.LongestSeconds), Name: s.Name, SourceIdentity: s.SourceIdentity, Tags: s.Tags, WebIdentity: s.WebIdentity}
}

func encodeSessions(s keyhatch.Sessions) *api.Sessions {
	out := api.Sessions{Name: s.Name, SourceIdentity: s.SourceIdentity, Tags: s.Tags, WebIdentity: s.WebIdentity}
	if s.Longest != 0 {
		longest := int(s.Longest / time.Second)
		out.LongestSeconds = &longest
	}
	if reflect.DeepEqual(out, api.Sessions{}) {
		return nil
	}
	return &out
}

func encodeCredential(c keyhatch.Credential) api.Credential {
	return api.Credential{
		ID: c.ID, Workspace: c.Workspace, Teamspace: c.Teamspace, Name: c.Name, Provider: string(c.Provider), Kind: string(c.Kind),
		Principal: c.Principal, KeyID: c.KeyID, Endpoint: c.Endpoint, Default: c.Default, AllowedInTasks: c.AllowedInTasks(),
		Base: c.Base, AnyExternalID: c.AnyExternalID, Sessions: encodeSessions(c.Sessions), CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt,
	}
}

func encodeVerification(checks []keyhatch.Check) api.Verification {
	v := api.Verification{Outcome: string(keyhatch.Passed), Checks: []api.Check{}}
	for _, c := range checks {
		v.Checks = append(v.Checks, api.Check{Name: c.Name, Outcome: string(c.Outcome), Milliseconds: c.Took.Milliseconds(), Reason: c.Reason})
		if c.Outcome == keyhatch.Failed || c.Outcome == keyhatch.Warning && v.Outcome != string(keyhatch.Failed) {
			v.Outcome = string(c.Outcome)
		}
	}
	return v
}
