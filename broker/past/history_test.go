package past_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"pgregory.net/rapid"
)

// history is a random course of use cases, by two processes that take turns on
// the same files.
type history struct {
	t          *testing.T
	cores      [2]*coretest.Core
	core       *coretest.Core // whose turn it is
	workspaces []keyhatch.Workspace
	groups     []keyhatch.Group
	teamspaces []keyhatch.Teamspace
	locations  []keyhatch.Location
	grants     []keyhatch.Grant
	callers    []keyhatch.Caller
	names      int
	seen       []sight
	done       map[string]int // how often each act succeeded
}

// sight is to whom a lease was lent at a moment.
type sight struct {
	at       time.Time
	location string // id
	url      string // "": all of it
	access   keyhatch.Access
	active   map[string]bool // who was there
	lent     map[string]bool // by user
}

func newHistory(t *testing.T) *history {
	c := coretest.New(t)
	h := &history{t: t, cores: [2]*coretest.Core{c, c.Beside(t)}, core: c, done: map[string]int{}}
	for _, name := range []string{"lab", "mine"} {
		ws := c.Workspace(t, name)
		h.workspaces = append(h.workspaces, ws)
		h.locations = append(h.locations, c.Location(t, ws, "s3://"+name+"-data/a/"))
	}
	h.callers = []keyhatch.Caller{c.Admin, c.User(t, "ann"), c.User(t, "bob")}
	for _, ws := range h.workspaces {
		g, err := c.Broker.People.CreateGroup(t.Context(), c.Admin, ws.ID, "staff")
		h.did("create group", err)
		h.groups = append(h.groups, g)
		for _, u := range h.callers[1:] {
			c.Member(t, ws, u, keyhatch.MemberRole)
			_, err := c.Broker.People.PutGroupMember(t.Context(), c.Admin, "", g.ID, u.User.ID)
			h.did("join", err)
		}
	}
	for _, ws := range h.workspaces {
		s, err := c.Broker.People.CreateTeamspace(t.Context(), c.Admin, people.NewTeamspace{Workspace: ws.ID, Name: "space"})
		h.did("create teamspace", err)
		h.teamspaces = append(h.teamspaces, s)
		_, err = c.Broker.People.PutTeamspaceMember(t.Context(), c.Admin, "", s.ID, "ann", keyhatch.ViewerRole)
		h.did("join teamspace", err)
	}
	for i, g := range h.groups {
		grant, err := c.Broker.Places.GiveGrant(t.Context(), c.Admin, places.NewGrant{
			Location: h.locations[i].ID, Subject: keyhatch.SubjectGroup, Name: g.ID, Access: keyhatch.Write,
		})
		h.did("give grant", err)
		h.grants = append(h.grants, grant)
	}
	return h
}

// did counts an act that succeeded. One that is refused is part of a history as
// well: it leaves no event.
func (h *history) did(act string, err error) bool {
	var e *keyhatch.Error
	if err != nil && (!errors.As(err, &e) || e.Kind == keyhatch.Internal || e.Kind == keyhatch.Unavailable) {
		h.t.Errorf("%s: %v", act, err)
	}
	if err == nil {
		h.done[act]++
	}
	return err == nil
}

func (h *history) name() string {
	h.names++
	return fmt.Sprintf("n%d", h.names)
}

func draw[T any](t *rapid.T, from []T, label string) T {
	return from[rapid.IntRange(0, len(from)-1).Draw(t, label)]
}

func (h *history) user(t *rapid.T) string { return draw(t, h.callers, "user").User.ID }

func drawAccess(t *rapid.T) keyhatch.Access {
	return draw(t, []keyhatch.Access{keyhatch.Read, keyhatch.Write}, "access")
}

// expiry is often so soon that the grant ends within the history, and never on a
// second.
func drawExpiry(t *rapid.T) time.Time {
	after := draw(t, []time.Duration{0, 7 * time.Minute, 20 * time.Minute, time.Hour}, "expires after")
	if after == 0 {
		return time.Time{}
	}
	return time.Now().Add(after + 123457*time.Microsecond)
}

// acts are what happens. Each use case that has a line in the table of changes is
// one of them. Rapid prefers the first ones.
func (h *history) acts() []func(*rapid.T) {
	ctx := h.t.Context()
	return []func(*rapid.T){
		h.give,
		func(t *rapid.T) {
			name, owner, locked := h.name(), h.user(t), rapid.IntRange(0, 2).Draw(t, "locked") == 0
			change := places.LocationChange{Locked: &locked}
			if rapid.Bool().Draw(t, "hand over") {
				change.Owner, change.Name = &owner, &name
			}
			_, err := h.core.Broker.Places.UpdateLocation(ctx, h.core.Admin, "", draw(t, h.locations, "location").ID, change)
			h.did("change location", err)
		},
		func(t *rapid.T) {
			access, expires := drawAccess(t), drawExpiry(t)
			change := places.GrantChange{Access: &access}
			if rapid.Bool().Draw(t, "set expiry") {
				change.ExpiresAt = &expires
			}
			_, err := h.core.Broker.Places.UpdateGrant(ctx, h.core.Admin, draw(t, h.grants, "grant").ID, change)
			h.did("change grant", err)
		},
		func(t *rapid.T) {
			name, active := h.name(), rapid.IntRange(0, 3).Draw(t, "active") > 0
			change := people.UserChange{Active: &active}
			if rapid.Bool().Draw(t, "rename") {
				change.Name = &name
			}
			_, err := h.core.Broker.People.UpdateUser(ctx, h.core.Admin, h.user(t), change)
			h.did("change user", err)
		},
		func(t *rapid.T) {
			h.did("take grant", h.core.Broker.Places.TakeGrant(ctx, h.core.Admin, draw(t, h.grants, "grant").ID))
		},
		func(t *rapid.T) { time.Sleep(draw(t, []time.Duration{time.Minute, 10 * time.Minute}, "for")) },
		h.join,
		func(t *rapid.T) {
			h.did("leave", h.core.Broker.People.RemoveGroupMember(ctx, h.core.Admin, "", draw(t, h.groups, "group").ID, h.user(t)))
		},
		func(t *rapid.T) {
			s := draw(t, h.teamspaces, "teamspace").ID
			h.did("leave teamspace", h.core.Broker.People.RemoveTeamspaceMember(ctx, h.core.Admin, "", s, h.user(t)))
		},
		func(t *rapid.T) {
			s, role := draw(t, h.teamspaces, "teamspace").ID, draw(t, []keyhatch.Role{keyhatch.OwnerRole, keyhatch.ViewerRole}, "role")
			_, err := h.core.Broker.People.PutTeamspaceMember(ctx, h.core.Admin, "", s, h.user(t), role)
			h.did("join teamspace", err)
		},
		func(t *rapid.T) {
			ws := draw(t, h.workspaces, "workspace")
			n := places.NewLocation{Workspace: ws.ID, Name: h.name(), Owner: h.user(t)}
			n.URL = "s3://" + ws.Name + "-data/" + draw(t, []string{"a/", "ab/", "b/c/"}, "prefix")
			l, err := h.core.Broker.Places.CreateLocation(ctx, h.core.Admin, n)
			if h.did("create location", err) {
				h.locations = append(h.locations, l)
			}
		},
		func(t *rapid.T) {
			h.did("remove member", h.core.Broker.People.RemoveWorkspaceMember(ctx, h.core.Admin, draw(t, h.workspaces, "workspace").ID, h.user(t)))
		},
		func(t *rapid.T) {
			_, err := h.core.Broker.People.PutWorkspaceMember(ctx, h.core.Admin, draw(t, h.workspaces, "workspace").ID, h.user(t), keyhatch.MemberRole)
			h.did("put member", err)
		},
		func(t *rapid.T) {
			if len(h.locations) < 3 {
				return
			}
			l := draw(t, h.locations, "location")
			h.did("delete location", h.core.Broker.Places.DeleteLocation(ctx, h.core.Admin, "", l.ID))
			h.locations = slices.DeleteFunc(h.locations, func(o keyhatch.Location) bool { return o.ID == l.ID })
		},
		func(t *rapid.T) {
			_, err := h.core.Broker.People.RenameGroup(ctx, h.core.Admin, "", draw(t, h.groups, "group").ID, h.name())
			h.did("rename group", err)
		},
		func(t *rapid.T) {
			if len(h.groups) < 2 {
				return
			}
			g := draw(t, h.groups, "group")
			h.did("delete group", h.core.Broker.People.DeleteGroup(ctx, h.core.Admin, "", g.ID))
			h.groups = slices.DeleteFunc(h.groups, func(o keyhatch.Group) bool { return o.ID == g.ID })
		},
		func(t *rapid.T) {
			g, err := h.core.Broker.People.CreateGroup(ctx, h.core.Admin, draw(t, h.workspaces, "workspace").ID, h.name())
			if h.did("create group", err) {
				h.groups = append(h.groups, g)
			}
		},
		h.remakeTeamspace,
		func(t *rapid.T) {
			name, v := h.name(), draw(t, []keyhatch.Visibility{keyhatch.Private, keyhatch.Public}, "visibility")
			change := people.TeamspaceChange{Name: &name, Visibility: &v}
			_, err := h.core.Broker.People.UpdateTeamspace(ctx, h.core.Admin, "", draw(t, h.teamspaces, "teamspace").ID, change)
			h.did("change teamspace", err)
		},
		func(t *rapid.T) {
			if len(h.callers) < 4 {
				h.did("create user", nil)
				h.callers = append(h.callers, h.core.User(h.t, h.name()))
			}
		},
		func(t *rapid.T) {
			i := rapid.IntRange(1, max(1, len(h.callers)-1)).Draw(t, "user")
			if i < len(h.callers) && h.did("delete user", h.core.Broker.People.DeleteUser(ctx, h.core.Admin, h.callers[i].User.ID)) {
				h.callers = slices.Delete(h.callers, i, i+1)
			}
		},
		func(t *rapid.T) {
			ws, err := h.core.Broker.People.CreateWorkspace(ctx, h.core.Admin, h.name())
			if h.did("create workspace", err) {
				h.did("delete workspace", h.core.Broker.People.DeleteWorkspace(ctx, h.core.Admin, ws.ID))
			}
		},
	}
}

// remakeTeamspace deletes one, when there are others, or makes one, which the
// admin owns while it is a member of the workspace.
func (h *history) remakeTeamspace(t *rapid.T) {
	if i := rapid.IntRange(0, len(h.teamspaces)-1).Draw(t, "teamspace"); i > 0 {
		h.did("delete teamspace", h.core.Broker.People.DeleteTeamspace(h.t.Context(), h.core.Admin, "", h.teamspaces[i].ID))
		h.teamspaces = slices.Delete(h.teamspaces, i, i+1)
		return
	}
	n := people.NewTeamspace{Workspace: draw(t, h.workspaces, "workspace").ID, Name: h.name()}
	s, err := h.core.Broker.People.CreateTeamspace(h.t.Context(), h.core.Admin, n)
	if h.did("create teamspace", err) {
		h.teamspaces = append(h.teamspaces, s)
	}
}

func (h *history) join(t *rapid.T) {
	_, err := h.core.Broker.People.PutGroupMember(h.t.Context(), h.core.Admin, "", draw(t, h.groups, "group").ID, h.user(t))
	h.did("join", err)
}

func (h *history) give(t *rapid.T) {
	n := places.NewGrant{
		Location: draw(t, h.locations, "location").ID, Prefix: draw(t, []string{"", "", "x/", "x/y/"}, "prefix"), Access: drawAccess(t), ExpiresAt: drawExpiry(t),
		Subject: draw(t, []keyhatch.SubjectKind{keyhatch.SubjectUser, keyhatch.SubjectGroup, keyhatch.SubjectTeamspace, keyhatch.SubjectEveryone}, "to"),
	}
	switch n.Subject {
	case keyhatch.SubjectUser:
		n.Name = h.user(t)
	case keyhatch.SubjectGroup:
		n.Name = draw(t, h.groups, "group").ID
	case keyhatch.SubjectTeamspace:
		n.Name = draw(t, h.teamspaces, "teamspace").ID
	}
	g, err := h.core.Broker.Places.GiveGrant(h.t.Context(), h.core.Admin, n)
	if h.did("give grant", err) {
		h.grants = append(h.grants, g)
	}
}

// look notes, at a moment at which nothing else happens, what each user may
// borrow of a location, and hands the turn over.
func (h *history) look(t *rapid.T) {
	time.Sleep(time.Microsecond)
	h.must(h.core.Mirror.CatchUp(h.t.Context()))
	l := draw(t, h.locations, "of")
	inner := draw(t, []string{"", "", "x/", "x/y/"}, "in it")
	for _, access := range []keyhatch.Access{keyhatch.Read, keyhatch.Write} {
		s := sight{at: time.Now(), location: l.ID, access: access, active: map[string]bool{}, lent: map[string]bool{}}
		r := lending.LeaseRequest{Location: l.ID, Access: access}
		if inner != "" {
			s.url = l.URL().String() + inner
			r.Prefixes = []string{inner}
		}
		for _, c := range h.callers {
			u, err := h.core.DB.User(h.t.Context(), c.User.ID)
			h.must(err)
			s.active[u.ID], s.lent[u.ID] = u.Active, h.borrows(c, r, u.Active)
		}
		h.seen = append(h.seen, s)
	}
	time.Sleep(time.Microsecond)
	h.core = h.cores[rapid.IntRange(0, 1).Draw(t, "whose turn")]
	h.must(h.core.Mirror.CatchUp(h.t.Context()))
}

func (h *history) borrows(c keyhatch.Caller, r lending.LeaseRequest, active bool) bool {
	_, err := h.core.Broker.Lending.Lease(h.t.Context(), c, r)
	var e *keyhatch.Error
	if errors.As(err, &e) && e.Code == keyhatch.CodeLifeExceedsLimit {
		// A grant that ends in a few minutes is too short for a new lease, but older
		// ones rest on it until it ends. Only after that is it asked whether the user
		// is active.
		return active
	}
	if e == nil {
		h.must(err)
	}
	return err == nil
}

func (h *history) must(err error) {
	h.t.Helper()
	if err != nil {
		h.t.Fatal(err)
	}
}
