package tiledb

import (
	"cmp"
	"errors"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// credential is one as answers have it.
type credential struct {
	CredentialType  string         `json:"credential_type"` // where it lives: workspace or teamspace
	ID              string         `json:"id"`
	Name            string         `json:"name"`
	Provider        string         `json:"provider"`
	ProviderDefault bool           `json:"provider_default"`
	CreatedAt       time.Time      `json:"created_at"`
	UpdatedAt       time.Time      `json:"updated_at"`
	AllowedInTasks  bool           `json:"allowed_in_tasks"`
	Credential      map[string]any `json:"credential,omitempty"`
	Role            map[string]any `json:"role,omitempty"`
	Token           map[string]any `json:"token,omitempty"`
}

func encodeCredential(c keyhatch.Credential) credential {
	out := credential{
		CredentialType: "workspace", ID: c.ID, Name: c.Name, Provider: string(c.Provider), ProviderDefault: c.Default,
		CreatedAt: c.CreatedAt, UpdatedAt: c.UpdatedAt, AllowedInTasks: c.AllowedInTasks(),
	}
	if c.Teamspace != "" {
		out.CredentialType = "teamspace"
	}
	switch c.Kind {
	case keyhatch.KeysCredential:
		out.Credential = shown(c)
	case keyhatch.RoleCredential:
		out.Role = shown(c)
	case keyhatch.TokenCredential:
		out.Token = shown(c)
	}
	return out
}

// request is what creating, changing and verifying say of a credential.
type request struct {
	Name            *string `json:"name"`
	Provider        *string `json:"provider"`
	ProviderDefault *bool   `json:"provider_default"`
	AllowedInTasks  *bool   `json:"allowed_in_tasks"`
	// What it acts with: one of the three.
	Keys  *byProvider `json:"credential"`
	Role  *byProvider `json:"role"`
	Token *byProvider `json:"token"`
	// Of verifying:
	Workspace string `json:"workspace_id"`
	Teamspace string `json:"teamspace_id"`
}

func (r request) marks() credentials.Marks {
	return credentials.Marks{Default: r.ProviderDefault, AllowedInTasks: r.AllowedInTasks}
}

// whole is the authority of a request that must have one.
func (r request) whole() (keyhatch.Authority, error) {
	switch keyhatch.Provider(value(r.Provider)) {
	case keyhatch.AWS, keyhatch.Azure, keyhatch.GCP:
	default:
		return keyhatch.Authority{}, invalid("a provider is AWS (also every S3-compatible store, with its endpoint), AZURE or GCP", "provider")
	}
	a, err := r.authority()
	if err == nil && a == nil {
		err = invalid("say what the credential acts with: credential, role or token", "credential")
	}
	if err != nil {
		return keyhatch.Authority{}, err
	}
	return *a, nil
}

func value(s *string) string { return *cmp.Or(s, new("")) }

// listCredentials has two more filters in some clients. Their words for kinds are
// older ones.
func (d *Door) listCredentials(c *call) (any, error) {
	ws, teamspace, err := d.in(c)
	if err != nil {
		return nil, err
	}
	filter := credentials.Filter{Provider: keyhatch.Provider(c.query.Get("provider"))}
	if text := c.query.Get("type"); text != "" {
		kind, ok := oldKinds[text]
		if !ok {
			return nil, invalid("type is key, arn or token", "type")
		}
		filter.Kind = kind
	}
	list, err := d.credentials.Credentials(c.ctx, c.caller, credentials.In{Workspace: ws.ID, Teamspace: teamspace}, filter, kernel.Page{Limit: kernel.MaxPage})
	if err != nil {
		return nil, err
	}
	all := make([]credential, len(list.Items))
	for i, item := range list.Items {
		all[i] = encodeCredential(item)
	}
	return paged(c.query, all)
}

var oldKinds = map[string]keyhatch.CredentialKind{
	"key": keyhatch.KeysCredential, "arn": keyhatch.RoleCredential, "token": keyhatch.TokenCredential, "azure_token": keyhatch.TokenCredential,
}

// createCredential checks what there is to be read, and asks no cloud.
func (d *Door) createCredential(c *call) (any, error) {
	ws, teamspace, err := d.in(c)
	if err != nil {
		return nil, err
	}
	r, err := decode[request](c)
	if err != nil {
		return nil, err
	}
	a, err := r.whole()
	if err != nil {
		return nil, err
	}
	_, err = d.credentials.Create(c.ctx, c.caller, credentials.NewCredential{
		In: credentials.In{Workspace: ws.ID, Teamspace: teamspace}, Name: value(r.Name), Authority: a, Marks: r.marks(),
	})
	return nil, wordsOf(err, a)
}

// wordsOf names a part of an authority by its place in the format's objects.
func wordsOf(err error, a keyhatch.Authority) error {
	var e *keyhatch.Error
	form, unknown := keyhatch.FormOf(a.Provider, a.Kind)
	if unknown != nil || !errors.As(err, &e) {
		return err
	}
	switch e.Field {
	case form.Principal, form.Secret, "endpoint":
		in := *e
		in.Field = strings.Join([]string{string(a.Kind), strings.ToLower(string(a.Provider)), e.Field}, ".")
		return &in
	}
	return err
}

// named finds the credential that a path names. An id that is one of another place is
// not there.
func (d *Door) named(c *call) (in credentials.In, found keyhatch.Credential, err error) {
	ws, teamspace, err := d.in(c)
	if err != nil {
		return in, found, err
	}
	in = credentials.In{Workspace: ws.ID, Teamspace: teamspace}
	found, err = d.credentials.Credential(c.ctx, c.caller, in, c.name)
	if err == nil && (found.Workspace != ws.ID || found.Teamspace != teamspace) {
		err = keyhatch.NotFoundError(keyhatch.CodeCredentialNotFound)
	}
	return in, found, err
}

func (d *Door) getCredential(c *call) (any, error) {
	_, found, err := d.named(c)
	if err != nil {
		return nil, err
	}
	return data[credential]{encodeCredential(found)}, nil
}

// updateCredential changes what is said. A provider is that of the authority, and
// changes with it.
func (d *Door) updateCredential(c *call) (any, error) {
	in, found, err := d.named(c)
	if err != nil {
		return nil, err
	}
	r, err := decode[request](c)
	if err != nil {
		return nil, err
	}
	a, err := r.authority()
	if err != nil {
		return nil, err
	}
	if p := value(r.Provider); a == nil && p != "" && p != string(found.Provider) {
		return nil, invalid("a provider changes with what the credential acts with: say its credential, role or token too", "provider")
	}
	_, err = d.credentials.Update(c.ctx, c.caller, in, found.ID, credentials.Change{Name: r.Name, Authority: a, Marks: r.marks()})
	return nil, wordsOf(err, *cmp.Or(a, &keyhatch.Authority{}))
}

func (d *Door) deleteCredential(c *call) (any, error) {
	in, found, err := d.named(c)
	if err != nil {
		return nil, err
	}
	return nil, d.credentials.Delete(c.ctx, c.caller, in, found.ID, false)
}

// verifyCredential looks at the authority of the request, not at a stored one. The
// place is in the body; before that was so, in the path or the header.
func (d *Door) verifyCredential(c *call) (any, error) {
	r, err := decode[request](c)
	if err != nil {
		return nil, err
	}
	if c.workspace == "" {
		c.workspace = cmp.Or(r.Workspace, c.caller.Token.Workspace)
	}
	if r.Teamspace != "" {
		c.query.Set("teamspace_id", r.Teamspace)
	}
	ws, teamspace, err := d.in(c)
	if err != nil {
		return nil, err
	}
	if err := keyhatch.CheckName(value(r.Name)); err != nil {
		return nil, err
	}
	a, err := r.whole()
	if err != nil {
		return nil, err
	}
	checks, err := d.credentials.Verify(c.ctx, c.caller, credentials.In{Workspace: ws.ID, Teamspace: teamspace}, a)
	if err != nil {
		return nil, err
	}
	return nil, credentials.Failure(checks)
}
