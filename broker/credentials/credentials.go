package credentials

import (
	"context"
	"crypto/rand"
	"slices"
	"strconv"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/driver"
)

// The events of credentials.
const (
	Created keyhatch.Action = "credential.create"
	Updated keyhatch.Action = "credential.update"
	Deleted keyhatch.Action = "credential.delete"
	// Verified: a cloud is about to be asked about an authority, in our name, unless it
	// is claimed elsewhere.
	Verified keyhatch.Action = "credential.verify"
)

// In names the place that a request is about, and in which its names are looked up.
// Where both are empty it is of an installation admin the installation, of others
// the workspace that is implied.
type In struct{ Workspace, Teamspace string } // ids or names

// Service does the use cases.
type Service struct {
	k           *kernel.Kernel
	prober      driver.Prober
	webIdentity func(context.Context) (keyhatch.Secret, error)
}

// New makes the service. prober asks the clouds. webIdentity is the token that tells
// clouds who the server is; nil: it has none.
func New(k *kernel.Kernel, prober driver.Prober, webIdentity func(context.Context) (keyhatch.Secret, error)) *Service {
	return &Service{k, prober, webIdentity}
}

// NewCredential is what a credential is made from.
type NewCredential struct {
	In
	Name      string
	Authority keyhatch.Authority
	Marks
	Sessions keyhatch.Sessions
	// MakeExternalID: a role that comes without an external id gets one.
	MakeExternalID bool
}

// Marks say what a credential is for; nil leaves a mark as it is, at first unset.
type Marks struct {
	Default        *bool // one a provider and place: it takes the mark from the other
	AllowedInTasks *bool
	Base           *bool // one a place, of AWS: it takes the mark from the other
	AnyExternalID  *bool // of a role; for installation admins
}

// maxCredentials is how many a place may have.
const maxCredentials = 1000

// Made is a new credential.
type Made struct {
	keyhatch.Credential
	ExternalID keyhatch.Secret // that a role got which came without
}

// Create adds a credential to a place: for the installation its admins may, for a
// workspace its admins, for a teamspace its owners and editors. Whether it works is
// not asked; Verify does that.
func (svc *Service) Create(ctx context.Context, c keyhatch.Caller, n NewCredential) (Made, error) {
	var made Made
	if n.MakeExternalID && n.Authority.Kind == keyhatch.RoleCredential && n.Authority.Secret == "" {
		made.ExternalID = newExternalID()
		n.Authority.Secret = made.ExternalID
	}
	var err error
	if n.Authority, err = svc.checked(ctx, c, n.In, n.Authority); err != nil {
		return Made{}, err
	}
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		in, err := w.ManagedPlace(n.Workspace, n.Teamspace)
		if err != nil {
			return err
		}
		if err := roomIn(w, in); err != nil {
			return err
		}
		row := db.SealedCredential{Credential: keyhatch.Credential{
			ID: keyhatch.NewID(keyhatch.CredentialID, w.Now), Workspace: in.Workspace, Teamspace: in.Teamspace, CreatedAt: w.Now,
		}}
		detail, err := svc.set(w, &row, Change{Name: &n.Name, Authority: &n.Authority, Marks: n.Marks, Sessions: &n.Sessions})
		if err != nil {
			return err
		}
		made.Credential = row.Credential
		if err := w.Tx.InsertCredential(ctx, row); err != nil {
			return err
		}
		return w.Record(Created, made.Workspace, made.ID, detail)
	})
	if err != nil {
		return Made{}, err
	}
	return made, nil
}

// newExternalID makes a word that nobody can guess, for a role's trust policy.
func newExternalID() keyhatch.Secret { return keyhatch.Secret("keyhatch-" + rand.Text()) }

// checked is the authority, looked through for somebody who may put one there. Its
// endpoint is looked up, which is not for others to have done.
func (svc *Service) checked(ctx context.Context, c keyhatch.Caller, in In, a keyhatch.Authority) (keyhatch.Authority, error) {
	if _, err := svc.k.View(ctx, c).ManagedPlace(in.Workspace, in.Teamspace); err != nil {
		return a, err
	}
	return svc.looked(ctx, a)
}

func (svc *Service) looked(ctx context.Context, a keyhatch.Authority) (keyhatch.Authority, error) {
	a, err := a.Checked()
	if err == nil && a.Endpoint != "" {
		a.Endpoint, err = svc.k.CheckEndpoint(ctx, a.Endpoint)
	}
	return a, err
}

func roomIn(w *kernel.Work, in kernel.Place) error {
	n, err := w.CountCredentials(w.Ctx, in)
	if err == nil && n >= maxCredentials {
		err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeLimitReached, "a place has at most %d credentials: delete some first", maxCredentials)
	}
	return err
}

// Change is what can be changed of a credential; nil leaves it as it is.
type Change struct {
	Name      *string
	Authority *keyhatch.Authority // instead of the one that it has, of whatever provider and kind
	Marks
	Sessions *keyhatch.Sessions // instead of all that is said of its sessions
	// OnlyVerified: an authority is only taken when it has been verified, and until
	// then the one that it has stays.
	OnlyVerified bool
}

// Update changes a credential. From the next request on the stores are asked with
// another authority. Who may is as with Create. When one had to be verified and was
// not, nothing has changed; the error is of keyhatch.CodeNotVerified and tells why.
func (svc *Service) Update(ctx context.Context, c keyhatch.Caller, in In, ref string, ch Change) (changed keyhatch.Credential, err error) {
	var id string // of what an authority was looked through for
	if ch.Authority != nil {
		var a keyhatch.Authority
		if id, a, err = svc.replacement(svc.k.View(ctx, c), in, ref, ch); err != nil {
			return changed, err
		}
		ch.Authority = &a
	} else if ch.OnlyVerified {
		return changed, keyhatch.Fail(keyhatch.Invalid, keyhatch.CodeInvalidCredential, "there is nothing to verify: give what it shall act with").In("only_verified")
	}
	err = svc.k.Change(ctx, c, func(w *kernel.Work) error {
		row, err := w.ManagedCredential(in.Workspace, in.Teamspace, ref)
		if err == nil && id != "" && row.ID != id { // renamed meanwhile
			err = keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeStandingChanged, "another credential has the name now: look, and ask again")
		}
		if err != nil {
			return err
		}
		detail, err := svc.set(w, &row, ch)
		if err != nil {
			return err
		}
		changed = row.Credential
		if err := w.Tx.UpdateCredential(ctx, row); err != nil {
			return err
		}
		if err := w.Tx.ReleaseRoles(ctx); err != nil {
			return err
		}
		return w.Record(Updated, row.Workspace, row.ID, detail)
	})
	return changed, err
}

// replacement is the authority of a change, looked through, and verified where that
// was asked; and the id of the credential that it is for.
func (svc *Service) replacement(v kernel.View, in In, ref string, ch Change) (id string, a keyhatch.Authority, err error) {
	row, err := v.ManagedCredential(in.Workspace, in.Teamspace, ref)
	if err != nil {
		return "", a, err
	}
	a, err = svc.looked(v.Ctx, *ch.Authority)
	if err != nil || !ch.OnlyVerified {
		return row.ID, a, err
	}
	checks, err := svc.verify(v, kernel.Place{Workspace: row.Workspace, Teamspace: row.Teamspace}, row.ID, a)
	if err != nil {
		return "", a, err
	}
	return row.ID, a, Failure(checks)
}

// set puts a change into a row that is about to be written, and tells of it for its
// event.
func (svc *Service) set(w *kernel.Work, row *db.SealedCredential, ch Change) (map[string]string, error) {
	kernel.Set(&row.Name, ch.Name)
	if err := keyhatch.CheckName(row.Name); err != nil {
		return nil, err
	}
	if ch.Authority != nil {
		if err := svc.setAuthority(w, row, *ch.Authority); err != nil {
			return nil, err
		}
	}
	if err := setMarks(w, row, ch.Marks); err != nil {
		return nil, err
	}
	if err := svc.setSessions(w, row, ch.Sessions); err != nil {
		return nil, err
	}
	detail := kernel.Detail("name", row.Name, "teamspace", row.Teamspace, "default", kernel.Yes(row.Default), "base", kernel.Yes(row.Base),
		"allowed_in_tasks", kernel.Yes(row.AllowedInTasks()), "any_external_id", kernel.Yes(row.AnyExternalID))
	if ch.Authority != nil {
		detail["provider"], detail["kind"], detail["principal"] = string(row.Provider), string(row.Kind), row.Principal
		if row.Endpoint != "" {
			detail["endpoint"] = row.Endpoint
		}
	}
	if ch.Sessions != nil {
		if err := tell(detail, *row); err != nil {
			return nil, err
		}
	}
	return detail, nil
}

// setAuthority seals an authority into the row.
func (svc *Service) setAuthority(w *kernel.Work, row *db.SealedCredential, a keyhatch.Authority) (err error) {
	stores, err := w.StoresOfCredential(w.Ctx, row.ID)
	if err != nil {
		return err
	}
	if bound := slices.DeleteFunc(stores, func(s keyhatch.Store) bool { return s.ReachedWith(a.Provider, a.Kind) }); len(bound) > 0 {
		return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse,
			"it acts for stores (%s) which could not be reached with this: give them another credential first", names(bound))
	}
	row.Provider, row.Kind, row.Principal, row.KeyID, row.Endpoint = a.Provider, a.Kind, a.Principal, a.KeyID, a.Endpoint
	row.UpdatedAt, row.AnyExternalID, row.Sessions.WebIdentity = w.Now, false, false // an admin's word was for the role before
	if row.RoleMark, err = svc.claim(w, row.Workspace, a); err != nil {
		return err
	}
	row.Sealed, err = svc.k.Keys.SealColumn(db.CredentialsTable, row.ID, db.SecretColumn, a.Secret)
	return err
}

func names(stores []keyhatch.Store) string {
	var all []string
	for _, s := range stores {
		all = append(all, s.Name)
	}
	slices.Sort(all)
	const shown = 10
	if len(all) > shown {
		all = append(all[:shown], "…")
	}
	return strings.Join(all, ", ")
}

// storeUpdated is the event of a store that loses its credential; the package of places
// has the others.
const storeUpdated keyhatch.Action = "store.update"

// Delete removes a credential. One that acts for stores is not removed, unless forced:
// then they have none, and nothing of theirs can be reached, until they get another.
// Who may is as with Create.
func (svc *Service) Delete(ctx context.Context, c keyhatch.Caller, in In, ref string, force bool) error {
	return svc.k.Change(ctx, c, func(w *kernel.Work) error {
		row, err := w.ManagedCredential(in.Workspace, in.Teamspace, ref)
		if err != nil {
			return err
		}
		stores, err := w.StoresOfCredential(ctx, row.ID)
		if err != nil {
			return err
		}
		if len(stores) > 0 && !force {
			return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeInUse,
				"it acts for stores (%s): give them another credential first, or force it, and nothing of theirs can be reached", names(stores))
		}
		for _, s := range stores {
			s.Credential = ""
			if err := w.Tx.UpdateStore(ctx, s); err != nil {
				return err
			}
			if err := w.Record(storeUpdated, s.Workspace, s.ID, kernel.Detail("name", s.Name, "credential_taken", row.ID)); err != nil {
				return err
			}
		}
		if err := w.Tx.DeleteCredential(ctx, row.Credential); err != nil {
			return err
		}
		if err := w.Tx.ReleaseRoles(ctx); err != nil {
			return err
		}
		return w.Record(Deleted, row.Workspace, row.ID, kernel.Detail("name", row.Name, "teamspace", row.Teamspace, "taken_from_stores", strconv.Itoa(len(stores))))
	})
}

// Credential returns one credential. The members of its workspace or teamspace may
// see it.
func (svc *Service) Credential(ctx context.Context, c keyhatch.Caller, in In, ref string) (keyhatch.Credential, error) {
	row, err := svc.k.View(ctx, c).VisibleCredential(in.Workspace, in.Teamspace, ref)
	return row.Credential, err
}

// Filter says which credentials of a place a list has; empty fields are all.
type Filter = db.CredentialFilter

// Credentials lists a place's credentials, for who may see them.
func (svc *Service) Credentials(ctx context.Context, c keyhatch.Caller, in In, f Filter, p kernel.Page) (kernel.List[keyhatch.Credential], error) {
	v := svc.k.View(ctx, c)
	place, _, err := v.PlaceFor(in.Workspace, in.Teamspace)
	if err != nil {
		return kernel.List[keyhatch.Credential]{}, err
	}
	return kernel.Paged(p, keyhatch.CredentialID, func(c keyhatch.Credential) string { return c.ID },
		func(p kernel.Page) ([]keyhatch.Credential, error) { return v.Credentials(ctx, place, f, p) })
}
