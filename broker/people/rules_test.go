package people_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// TestRules is what the use cases about people ask of their input, beyond who
// may.
func TestRules(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	lab := c.Workspace(t, "lab")
	chief, member, stranger := c.User(t, "chief"), c.User(t, "member"), c.User(t, "stranger")
	c.Member(t, lab, chief, keyhatch.AdminRole)
	c.Member(t, lab, member, keyhatch.MemberRole)
	idle := c.User(t, "idle")
	no := false
	if _, err := c.Broker.People.UpdateUser(ctx, c.Admin, "idle", people.UserChange{Active: &no}); err != nil {
		t.Fatal(err)
	}
	g, err := c.Broker.People.CreateGroup(ctx, chief, "lab", "team")
	if err != nil {
		t.Fatal(err)
	}
	p := c.Broker.People
	space, err := p.CreateTeamspace(ctx, chief, people.NewTeamspace{Workspace: "lab", Name: "space"})
	if err != nil {
		t.Fatal(err)
	}
	put := func(ref, user string, role keyhatch.Role) error {
		return second(p.PutTeamspaceMember(ctx, chief, "", ref, user, role))
	}
	secretive := keyhatch.Visibility("secret")
	token := func(n people.NewToken) error { _, _, err := p.CreateToken(ctx, c.Admin, n); return err }
	long := strings.Repeat("x", 501)
	keeper, rich := c.User(t, "keeper"), c.User(t, "rich")
	c.Member(t, lab, keeper, keyhatch.MemberRole)
	l := c.Location(t, lab, "s3://lab-data/alpha/")
	if _, err := c.Broker.Places.UpdateLocation(ctx, c.Admin, "", l.ID, places.LocationChange{Owner: &keeper.User.ID}); err != nil {
		t.Fatal(err)
	}
	c.SQL(t, `with recursive n (i) as (select 2 union all select i + 1 from n where i < 10000)
		insert into tokens (id, user_id, name, scopes, pepper, hash, since, created_at, created_from) select 'tok' || i, $1, '', '[]', 0, i, 0, 0, '' from n`, rich.User.ID)
	scoped := c.Token(t, c.Admin, people.NewToken{Scopes: scopes("tokens,leases")})
	another := func(maker keyhatch.Caller, n people.NewToken) error {
		_, _, err := p.CreateToken(ctx, maker, n)
		return err
	}
	for _, r := range []struct {
		what  string
		err   error
		kind  keyhatch.Kind // "": it is right
		code  keyhatch.Code
		field string
	}{
		{"a group of its workspace's members only", second(p.PutGroupMember(ctx, chief, "", g.ID, stranger.User.ID)), keyhatch.Invalid, keyhatch.CodeMemberNotFound, "user"},
		{"a name that one may not see", second(p.PutWorkspaceMember(ctx, chief, "lab", "stranger", keyhatch.MemberRole)), keyhatch.NotFound, keyhatch.CodeUserNotFound, ""},
		{"an unknown role", second(p.PutWorkspaceMember(ctx, chief, "lab", "member", "king")), keyhatch.Invalid, keyhatch.CodeInvalidRequest, "role"},
		{"no role", second(p.PutWorkspaceMember(ctx, chief, "lab", "member", "")), keyhatch.Invalid, keyhatch.CodeInvalidRequest, "role"},
		{"removing who is no member", p.RemoveWorkspaceMember(ctx, chief, "lab", stranger.User.ID), keyhatch.NotFound, keyhatch.CodeMemberNotFound, ""},
		{"taking out who is not in the group", p.RemoveGroupMember(ctx, chief, "", g.ID, member.User.ID), keyhatch.NotFound, keyhatch.CodeMemberNotFound, ""},
		{"a teamspace of its workspace's members only", put(space.ID, stranger.User.ID, keyhatch.ViewerRole), keyhatch.Invalid, keyhatch.CodeMemberNotFound, "user"},
		{"a workspace's role in a teamspace", put(space.ID, "member", keyhatch.AdminRole), keyhatch.Invalid, keyhatch.CodeInvalidRequest, "role"},
		{"no role in a teamspace", put(space.ID, "member", ""), keyhatch.Invalid, keyhatch.CodeInvalidRequest, "role"},
		{"taking out who is not in the teamspace", p.RemoveTeamspaceMember(ctx, chief, "", space.ID, "member"), keyhatch.NotFound, keyhatch.CodeMemberNotFound, ""},
		{"a teamspace's name twice", second(p.CreateTeamspace(ctx, chief, people.NewTeamspace{Workspace: "lab", Name: "space"})), keyhatch.Conflict, keyhatch.CodeNameTaken, "name"},
		{"a teamspace called like an id", second(p.CreateTeamspace(ctx, chief, people.NewTeamspace{Workspace: "lab", Name: space.ID})), keyhatch.Invalid, keyhatch.CodeInvalidName, "name"},
		{"a secret teamspace", second(p.CreateTeamspace(ctx, chief, people.NewTeamspace{Workspace: "lab", Name: "s2", Visibility: "secret"})), keyhatch.Invalid, keyhatch.CodeInvalidRequest, "visibility"},
		{"a teamspace made secret", second(p.UpdateTeamspace(ctx, chief, "", space.ID, people.TeamspaceChange{Visibility: &secretive})), keyhatch.Invalid, keyhatch.CodeInvalidRequest, "visibility"},
		{"a teamspace of the group's name", second(p.CreateTeamspace(ctx, chief, people.NewTeamspace{Workspace: "lab", Name: "team"})), "", "", ""},
		{"a group's name twice", second(p.CreateGroup(ctx, chief, "lab", "team")), keyhatch.Conflict, keyhatch.CodeNameTaken, "name"},
		{"a group's name of spaces", second(p.CreateGroup(ctx, chief, "lab", "a b")), keyhatch.Invalid, keyhatch.CodeInvalidName, "name"},
		{"a workspace's name twice", second(p.CreateWorkspace(ctx, c.Admin, "lab")), keyhatch.Conflict, keyhatch.CodeNameTaken, "name"},
		{"a workspace called like an id", second(p.CreateWorkspace(ctx, c.Admin, lab.ID)), keyhatch.Invalid, keyhatch.CodeInvalidName, "name"},
		{"a user's name twice", second(p.CreateUser(ctx, c.Admin, people.NewUser{Name: "member"})), keyhatch.Conflict, keyhatch.CodeNameTaken, "name"},
		{"a user called like an id", second(p.CreateUser(ctx, c.Admin, people.NewUser{Name: member.User.ID})), keyhatch.Invalid, keyhatch.CodeInvalidName, "name"},
		{"a long full name", second(p.CreateUser(ctx, c.Admin, people.NewUser{Name: "a", FullName: long})), keyhatch.Invalid, keyhatch.CodeInvalidRequest, "full_name"},
		{"an email of two lines", second(p.CreateUser(ctx, c.Admin, people.NewUser{Name: "a", Email: "a\nb"})), keyhatch.Invalid, keyhatch.CodeInvalidRequest, "email"},
		{"removing who owns a location", p.RemoveWorkspaceMember(ctx, chief, "lab", "keeper"), keyhatch.Conflict, keyhatch.CodeInUse, "user"},
		{"another's token, with a scoped one", another(scoped, people.NewToken{User: "member", Scopes: scopes("leases")}), keyhatch.Forbidden, keyhatch.CodeScopeTooBroad, ""},
		{"one's 10001st token", another(rich, people.NewToken{}), keyhatch.Conflict, keyhatch.CodeLimitReached, ""},
		{"one's own token, with a scoped one", another(scoped, people.NewToken{Scopes: scopes("leases")}), "", "", ""},
		{"a token of who is not active", token(people.NewToken{User: idle.User.ID}), keyhatch.Conflict, keyhatch.CodeNotPermitted, "user"},
		{"a token that has expired", token(people.NewToken{ExpiresAt: time.Now().Add(-time.Second)}), keyhatch.Invalid, keyhatch.CodeInvalidExpiry, "expires_at"},
		{"101 scopes", token(people.NewToken{Scopes: slices.Repeat([]keyhatch.Scope{"all"}, 101)}), keyhatch.Invalid, keyhatch.CodeInvalidScope, "scopes"},
		{"a token's long name", token(people.NewToken{Name: long}), keyhatch.Invalid, keyhatch.CodeInvalidRequest, "name"},
		{"somebody by id whom one may not see", second(p.PutWorkspaceMember(ctx, chief, "lab", stranger.User.ID, keyhatch.MemberRole)), "", "", ""},
		{"100 scopes", token(people.NewToken{Scopes: slices.Repeat([]keyhatch.Scope{"all"}, 100)}), "", "", ""},
		{"a member in the group", second(p.PutGroupMember(ctx, chief, "", g.ID, "member")), "", "", ""},
	} {
		var e *keyhatch.Error
		switch {
		case r.kind == "" && r.err != nil:
			t.Errorf("%s: %v", r.what, r.err)
		case r.kind != "" && (!errors.As(r.err, &e) || e.Kind != r.kind || e.Code != r.code || e.Field != r.field):
			t.Errorf("%s: got %#v, want %s, %s in %q", r.what, r.err, r.kind, r.code, r.field)
		}
	}
}

// second drops the answer of a use case.
func second[T any](_ T, err error) error { return err }

// TestTeamspacesBeginWithTheirOwner: who makes one and belongs to the workspace
// owns it; an installation admin who does not leaves it to the admins there.
func TestTeamspacesBeginWithTheirOwner(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	p := c.Broker.People
	for _, step := range []struct {
		name   string
		owners int
		before func() error
	}{
		{"within", 1, func() error { return nil }},
		{"from-outside", 0, func() error { return p.RemoveWorkspaceMember(ctx, c.Admin, ws.ID, c.Admin.User.ID) }},
	} {
		if err := step.before(); err != nil {
			t.Fatal(err)
		}
		s, err := p.CreateTeamspace(ctx, c.Admin, people.NewTeamspace{Workspace: "lab", Name: step.name})
		if err != nil || s.Visibility != keyhatch.Private || s.CreatedBy != c.Admin.User.ID {
			t.Fatalf("%s: %+v, %v", step.name, s, err)
		}
		members, err := p.TeamspaceMembers(ctx, c.Admin, "lab", step.name, kernel.Page{})
		if err != nil || len(members.Items) != step.owners {
			t.Errorf("%s: the members are %+v, %v", step.name, members.Items, err)
		}
		for _, m := range members.Items {
			if m.User != c.Admin.User.ID || m.Role != keyhatch.OwnerRole {
				t.Errorf("%s: a member is %+v", step.name, m)
			}
		}
	}
}

// TestDeleteWorkspace: an empty workspace goes, with its members.
func TestDeleteWorkspace(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws, err := c.Broker.People.CreateWorkspace(ctx, c.Admin, "empty")
	if err != nil {
		t.Fatal(err)
	}
	ann := c.User(t, "ann")
	c.Member(t, ws, ann, keyhatch.OwnerRole)
	if err := c.Broker.People.DeleteWorkspace(ctx, c.Admin, "empty"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Broker.People.Workspace(ctx, c.Admin, ws.ID); !errors.Is(err, keyhatch.NotFound) {
		t.Errorf("it is still there: %v", err)
	}
	if left := c.Dump(t, "workspace_members")["workspace_members"]; len(left) != 0 {
		t.Errorf("memberships are left: %q", left)
	}
	if _, err := c.Broker.People.CreateWorkspace(ctx, c.Admin, "empty"); err != nil {
		t.Errorf("its name is not free: %v", err)
	}
}
