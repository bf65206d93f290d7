package tiledb

import (
	"errors"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
)

// member is a user in a workspace or a teamspace.
type member struct {
	UserID      string    `json:"user_id"`
	Username    string    `json:"username"`
	DisplayName string    `json:"display_name"`
	Email       string    `json:"email"`
	Role        string    `json:"role"`
	AddedBy     string    `json:"added_by"` // not kept here: empty
	CreatedAt   time.Time `json:"created_at"`
}

func encodeMember(u keyhatch.User, role keyhatch.Role, since time.Time) member {
	return member{UserID: u.ID, Username: u.Name, DisplayName: displayName(u), Email: u.Email, Role: string(role), CreatedAt: since}
}

func displayName(u keyhatch.User) string {
	if u.FullName != "" {
		return u.FullName
	}
	return u.Name
}

type workspace struct {
	WorkspaceID string    `json:"workspace_id"`
	Name        string    `json:"name"`
	CreatedBy   member    `json:"created_by"` // not kept here: the owner who has been there longest, or oneself
	Self        member    `json:"self"`
	CreatedAt   time.Time `json:"created_at"`
}

func (d *Door) getWorkspace(c *call) (any, error) {
	ws, err := d.people.Workspace(c.ctx, c.caller, c.workspace)
	if err != nil {
		return nil, err
	}
	encoded, err := d.encodeWorkspace(c, ws)
	return data[workspace]{encoded}, err
}

func (d *Door) encodeWorkspace(c *call, ws keyhatch.Workspace) (workspace, error) {
	// An installation admin who is no member does there what an owner does.
	self := keyhatch.WorkspaceMember{User: c.caller.User.ID, Role: keyhatch.OwnerRole, Since: ws.CreatedAt}
	first := self
	members, err := everything(func(p kernel.Page) (kernel.List[keyhatch.WorkspaceMember], error) {
		return d.people.WorkspaceMembers(c.ctx, c.caller, ws.ID, p)
	})
	if err != nil {
		return workspace{}, err
	}
	found := false
	for _, m := range members {
		if m.User == c.caller.User.ID {
			self = m
		}
		if m.Role == keyhatch.OwnerRole && (!found || m.Since.Before(first.Since)) {
			first, found = m, true
		}
	}
	creator, err := d.people.User(c.ctx, c.caller, first.User)
	if errors.Is(err, keyhatch.NotFound) { // of no common workspace, with a token that is confined to this one
		creator, first = c.caller.User, self
	} else if err != nil {
		return workspace{}, err
	}
	return workspace{
		WorkspaceID: ws.ID, Name: ws.Name, CreatedAt: ws.CreatedAt,
		CreatedBy: encodeMember(creator, first.Role, first.Since), Self: encodeMember(c.caller.User, self.Role, self.Since),
	}, nil
}

// everything is all of a list.
func everything[T any](list func(kernel.Page) (kernel.List[T], error)) (all []T, err error) {
	p := kernel.Page{Limit: kernel.MaxPage}
	for {
		part, err := list(p)
		if err != nil {
			return nil, err
		}
		all = append(all, part.Items...)
		if part.Next == "" {
			return all, nil
		}
		p.After = part.Next
	}
}

type teamspace struct {
	TeamspaceID string    `json:"teamspace_id"`
	Name        string    `json:"name"`
	SpaceType   string    `json:"space_type"`
	Visibility  string    `json:"visibility"`
	CreatedAt   time.Time `json:"created_at"`
	CreatedBy   member    `json:"created_by"`
	Self        *member   `json:"self,omitempty"` // of members
}

func (d *Door) getTeamspace(c *call) (any, error) {
	ws, err := d.people.Workspace(c.ctx, c.caller, c.workspace)
	if err != nil {
		return nil, err
	}
	s, err := d.teamspaceIn(c, ws, c.name)
	if err != nil {
		return nil, err
	}
	encoded, err := d.encodeTeamspace(c, s)
	return data[teamspace]{encoded}, err
}

func (d *Door) encodeTeamspace(c *call, s keyhatch.Teamspace) (teamspace, error) {
	members, err := everything(func(p kernel.Page) (kernel.List[keyhatch.CircleMember], error) {
		return d.people.TeamspaceMembers(c.ctx, c.caller, s.Workspace, s.ID, p)
	})
	if err != nil {
		return teamspace{}, err
	}
	out := teamspace{TeamspaceID: s.ID, Name: s.Name, SpaceType: "teamspace", Visibility: string(s.Visibility), CreatedAt: s.CreatedAt}
	creator, err := d.people.User(c.ctx, c.caller, s.CreatedBy)
	if errors.Is(err, keyhatch.NotFound) { // gone since, or of no common workspace any more
		creator = keyhatch.User{ID: s.CreatedBy}
	} else if err != nil {
		return teamspace{}, err
	}
	out.CreatedBy = encodeMember(creator, keyhatch.OwnerRole, s.CreatedAt)
	for _, m := range members {
		if m.User == s.CreatedBy {
			out.CreatedBy.Role = string(m.Role)
		}
		if m.User == c.caller.User.ID {
			self := encodeMember(c.caller.User, m.Role, m.Since)
			out.Self = &self
		}
	}
	return out, nil
}

// listTeamspaces has no pages. By default it has those that the caller is in.
func (d *Door) listTeamspaces(c *call) (any, error) {
	ws, err := d.people.Workspace(c.ctx, c.caller, c.workspace)
	if err != nil {
		return nil, err
	}
	all, err := everything(func(p kernel.Page) (kernel.List[keyhatch.Teamspace], error) {
		return d.people.Teamspaces(c.ctx, c.caller, ws.ID, p)
	})
	if err != nil {
		return nil, err
	}
	order, err := orderOf(c.query)
	if err != nil {
		return nil, err
	}
	out := data[[]teamspace]{[]teamspace{}}
	for _, s := range all {
		encoded, err := d.encodeTeamspace(c, s)
		if err != nil {
			return nil, err
		}
		if encoded.Self != nil || c.query.Get("memberships") == "false" {
			out.Data = append(out.Data, encoded)
		}
	}
	slices.SortStableFunc(out.Data, order)
	return out, nil
}

type newTeamspace struct {
	Name       *string `json:"name"`
	Visibility *string `json:"visibility"`
	// What a new teamspace is to have besides is made by calls of its own: it would be
	// half there when one of them failed.
	Credential *struct{} `json:"default_credential"`
	Storage    *struct{} `json:"default_storage_setting"`
}

func (d *Door) createTeamspace(c *call) (any, error) {
	ws, err := d.people.Workspace(c.ctx, c.caller, c.workspace)
	if err != nil {
		return nil, err
	}
	n, err := decode[newTeamspace](c)
	if err != nil {
		return nil, err
	}
	if n.Credential != nil || n.Storage != nil {
		return nil, invalid("make the teamspace first, and then its credentials: a call for each", "default_credential")
	}
	visibility, err := keyhatch.ParseVisibility(value(n.Visibility))
	if err != nil {
		return nil, err
	}
	s, err := d.people.CreateTeamspace(c.ctx, c.caller, people.NewTeamspace{Workspace: ws.ID, Name: value(n.Name), Visibility: visibility})
	if err != nil {
		return nil, err
	}
	encoded, err := d.encodeTeamspace(c, s)
	return data[teamspace]{encoded}, err
}

func (d *Door) deleteTeamspace(c *call) (any, error) {
	ws, err := d.people.Workspace(c.ctx, c.caller, c.workspace)
	if err != nil {
		return nil, err
	}
	s, err := d.teamspaceIn(c, ws, c.name)
	if err != nil {
		return nil, err
	}
	return nil, d.people.DeleteTeamspace(c.ctx, c.caller, ws.ID, s.ID)
}
