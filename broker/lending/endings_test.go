package lending_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// stake is a lease with everything that it rests on.
type stake struct {
	*coretest.Core
	t        *testing.T
	ctx      context.Context
	ws       keyhatch.Workspace
	user     keyhatch.Caller
	group    keyhatch.Group
	space    keyhatch.Teamspace
	location keyhatch.Location
	grant    keyhatch.Grant
	lease    keyhatch.Lease
}

// must stops the test when a use case that has no answer fails.
func (s *stake) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

// newStake makes a user of the workspace and its group, and a location that a
// grant of the kind opens to it, and lends.
func newStake(t *testing.T, c *coretest.Core, ws keyhatch.Workspace, name string, by keyhatch.SubjectKind, access keyhatch.Access) *stake {
	t.Helper()
	s := &stake{Core: c, t: t, ctx: t.Context(), ws: ws}
	s.user = c.User(t, "u-"+name)
	c.Member(t, ws, s.user, keyhatch.MemberRole)
	s.group = get[keyhatch.Group](t)(c.Broker.People.CreateGroup(s.ctx, c.Admin, ws.ID, "g-"+name))
	s.join()
	s.openSpace()
	s.location = c.Location(t, ws, "s3://lab-data/"+name+"/")
	s.give(by)
	s.lease = s.lend(access).Lease
	return s
}

func (s *stake) join() {
	s.t.Helper()
	did(s.t)(s.Broker.People.PutGroupMember(s.ctx, s.Admin, "", s.group.ID, s.user.User.ID))
}

// openSpace makes a teamspace with the user in it.
func (s *stake) openSpace() {
	s.t.Helper()
	s.space = get[keyhatch.Teamspace](s.t)(s.Broker.People.CreateTeamspace(s.ctx, s.Admin, people.NewTeamspace{Workspace: s.ws.ID, Name: "s-" + s.user.User.Name}))
	s.joinSpace(keyhatch.ViewerRole)
}

func (s *stake) joinSpace(role keyhatch.Role) {
	s.t.Helper()
	did(s.t)(s.Broker.People.PutTeamspaceMember(s.ctx, s.Admin, "", s.space.ID, s.user.User.ID, role))
}

func (s *stake) leaveSpace() {
	s.t.Helper()
	s.must(s.Broker.People.RemoveTeamspaceMember(s.ctx, s.user, "", s.space.ID, s.user.User.ID))
}

func (s *stake) scopes(scopes ...keyhatch.Scope) {
	s.t.Helper()
	did(s.t)(s.Broker.People.UpdateToken(s.ctx, s.Admin, s.user.Token.ID, people.TokenChange{Scopes: &scopes}))
}

func (s *stake) networks(texts ...string) {
	s.t.Helper()
	networks := []netip.Prefix{}
	for _, text := range texts {
		networks = append(networks, netip.MustParsePrefix(text))
	}
	did(s.t)(s.Broker.People.UpdateToken(s.ctx, s.Admin, s.user.Token.ID, people.TokenChange{Networks: &networks}))
}

func (s *stake) confine(networks ...string) {
	s.t.Helper()
	(&lab{Core: s.Core, t: s.t, location: s.location}).confine(networks...)
}

func (s *stake) tokenUntil(end time.Time) {
	s.t.Helper()
	did(s.t)(s.Broker.People.UpdateToken(s.ctx, s.Admin, s.user.Token.ID, people.TokenChange{ExpiresAt: &end}))
}

func (s *stake) give(by keyhatch.SubjectKind) {
	s.t.Helper()
	names := map[keyhatch.SubjectKind]string{keyhatch.SubjectUser: s.user.User.ID, keyhatch.SubjectGroup: s.group.ID, teamspace: s.space.ID}
	s.grant = get[keyhatch.Grant](s.t)(s.Broker.Places.GiveGrant(s.ctx, s.Admin, places.NewGrant{
		Location: s.location.ID, Subject: by, Name: names[by], Access: keyhatch.Write,
	}))
}

func (s *stake) lend(access keyhatch.Access) lending.Lent {
	s.t.Helper()
	return get[lending.Lent](s.t)(s.Broker.Lending.Lease(s.ctx, s.user, lending.LeaseRequest{Location: s.location.ID, Access: access}))
}

func (s *stake) standing() string { return (&lab{Core: s.Core, t: s.t}).standing(s.lease) }

func (s *stake) active(yes bool) {
	s.t.Helper()
	did(s.t)(s.Broker.People.UpdateUser(s.ctx, s.Admin, s.user.User.ID, people.UserChange{Active: &yes}))
}

func (s *stake) locked(yes bool) {
	s.t.Helper()
	did(s.t)(s.Broker.Places.UpdateLocation(s.ctx, s.Admin, "", s.location.ID, places.LocationChange{Locked: &yes}))
}

func (s *stake) access(a keyhatch.Access) {
	s.t.Helper()
	did(s.t)(s.Broker.Places.UpdateGrant(s.ctx, s.Admin, s.grant.ID, places.GrantChange{Access: &a}))
}

func (s *stake) until(at time.Time) {
	s.t.Helper()
	did(s.t)(s.Broker.Places.UpdateGrant(s.ctx, s.Admin, s.grant.ID, places.GrantChange{ExpiresAt: &at}))
}

const (
	user, group, teamspace, everyone = keyhatch.SubjectUser, keyhatch.SubjectGroup, keyhatch.SubjectTeamspace, keyhatch.SubjectEveryone
	read, write                      = keyhatch.Read, keyhatch.Write
)

// ending is what becomes of a lease when something that it rests on ends or
// narrows. back gives the same again, so that a new lease can be had; without it
// there is no way back.
type ending struct {
	name   string
	by     keyhatch.SubjectKind
	access keyhatch.Access
	end    func(*stake)
	is     string // afterwards, and for ever
	back   func(*stake)
}

// takesRight tells whether the user can borrow the like no more.
func (e ending) takesRight() bool {
	switch e.name {
	case "token-narrowed", "lease-revoked", "lease-revoked-twice", "grant-taken-another-stays", "grant-narrowed-above", "grant-ends-sooner":
		return false
	}
	return e.is != string(e.access)
}

var endings = []ending{
	{"user-disabled", user, write, func(s *stake) { s.active(false) }, "revoked", func(s *stake) { s.active(true) }},
	{"user-disabled-everyone", everyone, read, func(s *stake) { s.active(false) }, "revoked", func(s *stake) { s.active(true) }},
	{"user-deleted", user, write, func(s *stake) { s.must(s.Broker.People.DeleteUser(s.ctx, s.Admin, s.user.User.ID)) }, "revoked", nil},
	{"token-revoked", user, read, func(s *stake) { s.must(s.Broker.People.RevokeToken(s.ctx, s.Admin, s.user.Token.ID)) }, "revoked", func(s *stake) {
		s.user = s.Token(s.t, s.Admin, people.NewToken{User: s.user.User.ID})
	}},
	{"token-narrowed", user, read, func(s *stake) { s.scopes("leases") }, "revoked", func(s *stake) { s.scopes("all") }},
	{"token-confined-to-networks", user, read, func(s *stake) { s.networks("0.0.0.0/0") }, "revoked", func(s *stake) { s.networks() }},
	{"token-expired", user, read, func(s *stake) { s.tokenUntil(time.Now().Add(-time.Hour)) }, "revoked", func(s *stake) {
		s.user = s.Token(s.t, s.Admin, people.NewToken{User: s.user.User.ID})
	}},
	{"lease-revoked", user, read, func(s *stake) { s.must(s.Broker.Lending.RevokeLease(s.ctx, s.user, s.lease.ID)) }, "revoked", func(*stake) {}},
	{"lease-revoked-twice", user, read, func(s *stake) {
		s.must(s.Broker.Lending.RevokeLease(s.ctx, s.user, s.lease.ID))
		s.must(s.Broker.Lending.RevokeLease(s.ctx, s.Admin, s.lease.ID))
	}, "revoked", func(*stake) {}},
	{"grant-taken", user, write, func(s *stake) { s.must(s.Broker.Places.TakeGrant(s.ctx, s.Admin, s.grant.ID)) }, "closed", func(s *stake) { s.give(user) }},
	{"grant-taken-another-stays", user, read, func(s *stake) {
		g := s.grant
		s.give(user)
		s.must(s.Broker.Places.TakeGrant(s.ctx, s.Admin, g.ID))
	}, "closed", func(*stake) {}},
	{"grant-narrowed-below", user, write, func(s *stake) { s.access(read) }, "closed", func(s *stake) { s.access(write) }},
	{"grant-narrowed-above", user, read, func(s *stake) { s.access(read) }, "closed", func(s *stake) { s.access(write) }},
	{"grant-ends-sooner", user, read, func(s *stake) { s.until(time.Now().Add(6 * time.Hour)) }, "closed", func(s *stake) { s.until(time.Time{}) }},
	{"location-deleted", user, read, func(s *stake) { s.must(s.Broker.Places.DeleteLocation(s.ctx, s.Admin, "", s.location.ID)) }, "closed", func(s *stake) {
		s.location = s.Location(s.t, s.ws, s.location.URL().String())
		s.give(user)
	}},
	{"location-confined", user, read, func(s *stake) { s.confine("10.0.0.0/8") }, "closed", func(s *stake) { s.confine() }},
	{"locked", user, write, func(s *stake) { s.locked(true) }, "read", func(s *stake) { s.locked(false) }},
	{"locked-while-reading", user, read, func(s *stake) { s.locked(true) }, "read", func(s *stake) { s.locked(false) }},
	{"left-group", group, write, func(s *stake) {
		s.must(s.Broker.People.RemoveGroupMember(s.ctx, s.Admin, "", s.group.ID, s.user.User.ID))
	}, "closed", (*stake).join},
	{"group-deleted", group, write, func(s *stake) { s.must(s.Broker.People.DeleteGroup(s.ctx, s.Admin, "", s.group.ID)) }, "closed", func(s *stake) {
		s.group = get[keyhatch.Group](s.t)(s.Broker.People.CreateGroup(s.ctx, s.Admin, s.ws.ID, s.group.Name))
		s.join()
		s.give(group)
	}},
	{"left-workspace", user, write, func(s *stake) { s.must(s.Broker.People.RemoveWorkspaceMember(s.ctx, s.Admin, s.ws.ID, s.user.User.ID)) }, "closed", func(s *stake) {
		s.Member(s.t, s.ws, s.user, keyhatch.MemberRole)
		s.give(user)
	}},
	{"left-workspace-and-its-group", group, write, func(s *stake) {
		s.must(s.Broker.People.RemoveWorkspaceMember(s.ctx, s.Admin, s.ws.ID, s.user.User.ID))
	}, "closed", func(s *stake) {
		s.Member(s.t, s.ws, s.user, keyhatch.MemberRole)
		s.join()
	}},
	{"left-teamspace", teamspace, write, (*stake).leaveSpace, "closed", func(s *stake) { s.joinSpace(keyhatch.ViewerRole) }},
	{"teamspace-deleted", teamspace, read, func(s *stake) { s.must(s.Broker.People.DeleteTeamspace(s.ctx, s.Admin, "", s.space.ID)) }, "closed", func(s *stake) {
		s.openSpace()
		s.give(teamspace)
	}},
	{"left-workspace-and-its-teamspace", teamspace, write, func(s *stake) {
		s.must(s.Broker.People.RemoveWorkspaceMember(s.ctx, s.Admin, s.ws.ID, s.user.User.ID))
	}, "closed", func(s *stake) {
		s.Member(s.t, s.ws, s.user, keyhatch.MemberRole)
		s.joinSpace(keyhatch.OwnerRole)
	}},

	// These end nothing.
	{"role-in-teamspace-changed", teamspace, write, func(s *stake) { s.joinSpace(keyhatch.OwnerRole); s.joinSpace(keyhatch.ViewerRole) }, "write", func(*stake) {}},
	{"teamspace-made-public", teamspace, write, func(s *stake) {
		public := keyhatch.Public
		did(s.t)(s.Broker.People.UpdateTeamspace(s.ctx, s.Admin, "", s.space.ID, people.TeamspaceChange{Visibility: &public}))
	}, "write", func(*stake) {}},
	{"left-teamspace-not-of-the-grant", group, write, (*stake).leaveSpace, "write", func(*stake) {}},
	{"another-token-revoked", user, write, func(s *stake) {
		k := s.Token(s.t, s.user, people.NewToken{})
		s.must(s.Broker.People.RevokeToken(s.ctx, s.user, k.Token.ID))
	}, "write", func(*stake) {}},
	{"token-changed-not-narrowed", user, write, func(s *stake) {
		name, limit := "another name", 1000
		did(s.t)(s.Broker.People.UpdateToken(s.ctx, s.Admin, s.user.Token.ID, people.TokenChange{
			Name: &name, RequestsPerMinute: &limit, Annotations: &map[string]string{"a": "b"},
		}))
		s.scopes("leases", "all")
		s.tokenUntil(time.Now().Add(24 * time.Hour))
	}, "write", func(*stake) {}},
	{"grant-widened", user, read, func(s *stake) { s.access(write); s.until(time.Time{}) }, "read", func(*stake) {}},
	{"second-grant", user, read, func(s *stake) { s.give(everyone) }, "read", func(*stake) {}},
	{"joined-again", group, write, (*stake).join, "write", func(*stake) {}},
	{"role-changed", user, write, func(s *stake) { s.Member(s.t, s.ws, s.user, keyhatch.AdminRole) }, "write", func(*stake) {}},
	{"left-group-not-of-the-grant", user, write, func(s *stake) {
		s.must(s.Broker.People.RemoveGroupMember(s.ctx, s.Admin, "", s.group.ID, s.user.User.ID))
	}, "write", func(*stake) {}},
	{"left-workspace-everyone", everyone, read, func(s *stake) {
		s.must(s.Broker.People.RemoveWorkspaceMember(s.ctx, s.Admin, s.ws.ID, s.user.User.ID))
	}, "read", func(*stake) {}},
	{"renamed", user, write, func(s *stake) {
		name, renamed, owner := "renamed-location", "renamed-store", s.user.User.ID
		did(s.t)(s.Broker.Places.UpdateLocation(s.ctx, s.Admin, "", s.location.ID, places.LocationChange{Name: &name, Owner: &owner}))
		did(s.t)(s.Broker.Places.UpdateStore(s.ctx, s.Admin, s.Store.ID, places.StoreChange{Name: &renamed}))
		did(s.t)(s.Broker.People.UpdateUser(s.ctx, s.Admin, owner, people.UserChange{Name: &name}))
	}, "write", func(*stake) {}},
}

// TestS7_Endings: what ends, ends the leases on it at once here, with the next
// look elsewhere, and for ever: giving the same again does not revive them, and
// neither does a restart.
func TestS7_Endings(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	elsewhere := c.Beside(t)
	var after []*stake
	for _, e := range endings {
		s := newStake(t, c, ws, e.name, e.by, e.access)
		if got := s.standing(); got != string(e.access) {
			t.Fatalf("%s: before, it is %q", e.name, got)
		}
		e.end(s)
		if got := s.standing(); got != e.is {
			t.Errorf("%s: it is %q, want %q", e.name, got, e.is)
		}
		if err := elsewhere.Mirror.CatchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got := (&lab{Core: elsewhere, t: t}).standing(s.lease); got != e.is {
			t.Errorf("%s: elsewhere it is %q, want %q", e.name, got, e.is)
		}
		if e.back != nil {
			e.back(s)
			if fresh := s.lend(e.access); fresh.Lease.ID == s.lease.ID {
				t.Errorf("%s: a new lease has the old one's id", e.name)
			}
			if got := s.standing(); got != e.is {
				t.Errorf("%s: with the same right given again it is %q, want %q", e.name, got, e.is)
			}
		}
		after = append(after, s)
	}
	c.Restart(t)
	for i, s := range after {
		if got := s.standing(); got != endings[i].is {
			t.Errorf("%s: after a restart it is %q, want %q", endings[i].name, got, endings[i].is)
		}
	}
}

// TestS4_EndedCallerGetsNothing: who was authenticated a moment before its token
// or user ended borrows nothing, and neither does it end anything.
func TestS4_EndedCallerGetsNothing(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	for _, e := range endings[:4] {
		s := newStake(t, c, ws, e.name, e.by, e.access)
		e.end(s)
		before := c.Dump(t)
		w := &lab{Core: c, t: t}
		lent, err := w.lease(s.user, s.location.ID, e.access)
		wantEnded(t, e.name+", lease", err)
		if lent.Credentials.SecretAccessKey != "" {
			t.Errorf("%s: a secret was lent", e.name)
		}
		wantEnded(t, e.name+", revoke", c.Broker.Lending.RevokeLease(t.Context(), s.user, s.lease.ID))
		if after := c.Dump(t); len(after["events"]) != len(before["events"]) || len(after["leases"]) != len(before["leases"]) {
			t.Errorf("%s: something was recorded", e.name)
		}
	}
}
