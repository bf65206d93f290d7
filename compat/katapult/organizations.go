package katapult

import (
	"iter"
	"strings"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
)

// organizationPart is what lists tell of one: a workspace, whose name is its sub-domain.
type organizationPart struct {
	ID                   string  `json:"id"`
	Name                 string  `json:"name"`
	SubDomain            string  `json:"sub_domain"`
	InfrastructureDomain *string `json:"infrastructure_domain"`
	CreatedAt            int64   `json:"created_at"`
	Suspended            bool    `json:"suspended"`
	Managed              bool    `json:"managed"`
}

// wholeOrganization is one by itself. Nobody is billed here: the rest is null.
type wholeOrganization struct {
	organizationPart
	BillingName  *string   `json:"billing_name"`
	Address1     *string   `json:"address1"`
	Address2     *string   `json:"address2"`
	Address3     *string   `json:"address3"`
	Address4     *string   `json:"address4"`
	Postcode     *string   `json:"postcode"`
	VATNumber    *string   `json:"vat_number"`
	PhoneNumber  *string   `json:"phone_number"`
	Currency     *struct{} `json:"currency"`
	Country      *struct{} `json:"country"`
	CountryState *struct{} `json:"country_state"`
}

func encodeOrganization(ws keyhatch.Workspace) organizationPart {
	return organizationPart{ID: ws.ID, Name: ws.Name, SubDomain: ws.Name, CreatedAt: ws.CreatedAt.Unix()}
}

// workspace is the organization that a call is about.
func (d *Door) workspace(c *call) (keyhatch.Workspace, error) {
	return d.people.Workspace(c.ctx, c.caller, c.Reference("organization", keyhatch.WorkspaceID))
}

// region is the cluster that a call is about: a store, whose name is its region.
func (c *call) region() string { return c.Reference("object_storage_cluster", keyhatch.StoreID) }

func (d *Door) cluster(c *call) (keyhatch.Store, error) {
	return d.places.Store(c.ctx, c.caller, c.region())
}

func (d *Door) workspaces(c *call) iter.Seq2[keyhatch.Workspace, error] {
	return everything(func(p kernel.Page) (kernel.List[keyhatch.Workspace], error) {
		return d.people.Workspaces(c.ctx, c.caller, p)
	})
}

// everything goes through all of a list of the core.
func everything[T any](list func(kernel.Page) (kernel.List[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		for p := (kernel.Page{Limit: kernel.MaxPage}); ; {
			part, err := list(p)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, item := range part.Items {
				if !yield(item, nil) {
					return
				}
			}
			if p.After = part.Next; part.Next == "" {
				return
			}
		}
	}
}

func (d *Door) listOrganizations(c *call) (any, error) {
	out := struct {
		Organizations []organizationPart `json:"organizations"`
	}{[]organizationPart{}}
	for ws, err := range d.workspaces(c) {
		if err != nil {
			return nil, err
		}
		out.Organizations = append(out.Organizations, encodeOrganization(ws))
	}
	return out, nil
}

func (d *Door) getOrganization(c *call) (any, error) {
	ws, err := d.workspace(c)
	return struct {
		Organization wholeOrganization `json:"organization"`
	}{wholeOrganization{organizationPart: encodeOrganization(ws)}}, err
}

type user struct {
	ID        string  `json:"id"`
	FirstName string  `json:"first_name"`
	LastName  string  `json:"last_name"`
	AvatarURL *string `json:"avatar_url"`
}

type usersOrganization struct {
	ID        string `json:"id"`
	Name      string `json:"name"`
	SubDomain string `json:"sub_domain"`
}

// currentUser tells who calls. We keep one name of a person: its first word is taken for
// the first name, or the name by which the user logs in when there is none.
func (d *Door) currentUser(c *call) (any, error) {
	u := c.caller.User
	first, last, _ := strings.Cut(firstOf(u.FullName, u.Name), " ")
	out := struct {
		User          user                `json:"user"`
		Organizations []usersOrganization `json:"organizations"`
		APITokenID    string              `json:"api_token_id"`
	}{user{ID: u.ID, FirstName: first, LastName: last}, []usersOrganization{}, c.caller.Token.ID}
	for ws, err := range d.workspaces(c) {
		if err != nil {
			return nil, err
		}
		out.Organizations = append(out.Organizations, usersOrganization{ws.ID, ws.Name, ws.Name})
	}
	return out, nil
}
