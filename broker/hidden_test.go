package broker_test

import (
	"errors"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
)

// TestS6_HiddenIsLikeMissing: what a caller may not see answers, to every use
// case that names it, with the very error of what does not exist.
func TestS6_HiddenIsLikeMissing(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	location, grant := w.newLocation()
	gone, goneAt := w.goneLocation()
	space := w.newTeamspace(keyhatch.Public)
	lease := w.newLease()
	w.newGroup()
	session := w.newSession("bystander")
	event := w.newestEvent()
	home := w.Workspace(t, "home")
	member := w.User(t, "homebody")
	w.Member(t, home, member, keyhatch.OwnerRole)
	private := keyhatch.Store{ID: "store_000000000000001", Name: "private"}
	w.SQL(t, "insert into stores (id, workspace, name, kind, path, lends, created_at) values ($1, $2, $3, 'directory', '/', 'own', 0)", private.ID, w.ws.ID, private.Name)
	callers := map[string]keyhatch.Caller{
		"a stranger": w.who["stranger"], "an owner of another workspace": member,
		"an admin's token of another workspace": w.Token(t, w.Admin, people.NewToken{Workspace: home.ID}),
	}
	name, yes, zero := "new-name", true, "000000000000000"
	b := w.Broker
	for _, u := range []struct {
		name            string
		hidden, missing string
		do              func(c caller, ref string) error
	}{
		{"user", w.bystander.User.ID, "user_" + zero, func(c caller, ref string) error { return only(b.People.User(w.ctx, c, ref)) }},
		{"user by name", "bystander", "nemo", func(c caller, ref string) error { return only(b.People.User(w.ctx, c, ref)) }},
		{"update user", w.bystander.User.ID, "user_" + zero, func(c caller, ref string) error {
			return only(b.People.UpdateUser(w.ctx, c, ref, people.UserChange{Email: &name}))
		}},
		{"delete user", "bystander", "nemo", func(c caller, ref string) error { return b.People.DeleteUser(w.ctx, c, ref) }},
		{"set a user's password", w.bystander.User.ID, "user_" + zero, func(c caller, ref string) error {
			return b.Passwords.SetPassword(w.ctx, c, ref, "", labPassword)
		}},
		{"sessions of a user", w.bystander.User.ID, "user_" + zero, func(c caller, ref string) error { return only(b.Sessions.Sessions(w.ctx, c, ref, page)) }},
		{"end a user's sessions", "bystander", "nemo", func(c caller, ref string) error { return only(b.Sessions.RevokeAll(w.ctx, c, ref, false)) }},
		{"session", session.ID, "sess_" + zero, func(c caller, ref string) error { return only(b.Sessions.Session(w.ctx, c, ref)) }},
		{"end a session", session.ID, "sess_" + zero, func(c caller, ref string) error { return b.Sessions.Revoke(w.ctx, c, ref) }},
		{"remove a user's password", "bystander", "nemo", func(c caller, ref string) error { return b.Passwords.RemovePassword(w.ctx, c, ref) }},
		{"reset a user's password", "bystander", "nemo", func(c caller, ref string) error { return w.newReset(c, ref) }},
		{"token of a user", "bystander", "nemo", func(c caller, ref string) error { return create(w, c, people.NewToken{User: ref}) }},
		{"one's tokens in a workspace", "lab", "nowhere", func(c caller, ref string) error { return only(b.People.TokensIn(w.ctx, c, ref, page)) }},
		{"tokens of a user", w.bystander.User.ID, "user_" + zero, func(c caller, ref string) error { return only(b.People.Tokens(w.ctx, c, ref, page)) }},
		{"member by name", "bystander", "nemo", func(c caller, ref string) error {
			if !c.User.Admin && c.User.ID != member.User.ID {
				return only(b.People.User(w.ctx, c, ref))
			}
			return only(b.People.PutWorkspaceMember(w.ctx, c, home.ID, ref, keyhatch.MemberRole))
		}},

		{"group", w.group.ID, "group_" + zero, func(c caller, ref string) error { return only(b.People.Group(w.ctx, c, "", ref)) }},
		{"rename group", w.group.ID, "group_" + zero, func(c caller, ref string) error { return only(b.People.RenameGroup(w.ctx, c, "", ref, name)) }},
		{"delete group", w.group.ID, "group_" + zero, func(c caller, ref string) error { return b.People.DeleteGroup(w.ctx, c, "", ref) }},
		{"group's members", w.group.ID, "group_" + zero, func(c caller, ref string) error { return only(b.People.GroupMembers(w.ctx, c, "", ref, page)) }},
		{"put into group", w.group.ID, "group_" + zero, func(c caller, ref string) error {
			return only(b.People.PutGroupMember(w.ctx, c, "", ref, c.User.ID))
		}},
		{"take out of group", w.group.ID, "group_" + zero, func(c caller, ref string) error { return b.People.RemoveGroupMember(w.ctx, c, "", ref, c.User.ID) }},

		{"teamspace", space.ID, "ts_" + zero, func(c caller, ref string) error { return only(b.People.Teamspace(w.ctx, c, "", ref)) }},
		{"teamspace by name", space.Name, "none", func(c caller, ref string) error { return only(b.People.Teamspace(w.ctx, c, "lab", ref)) }},
		{"teamspace in a workspace", "lab", "nowhere", func(c caller, ref string) error { return only(b.People.Teamspace(w.ctx, c, ref, space.Name)) }},
		{"update teamspace", space.ID, "ts_" + zero, func(c caller, ref string) error {
			return only(b.People.UpdateTeamspace(w.ctx, c, "", ref, people.TeamspaceChange{Name: &name}))
		}},
		{"delete teamspace", space.ID, "ts_" + zero, func(c caller, ref string) error { return b.People.DeleteTeamspace(w.ctx, c, "", ref) }},
		{"teamspace's members", space.ID, "ts_" + zero, func(c caller, ref string) error {
			return only(b.People.TeamspaceMembers(w.ctx, c, "", ref, page))
		}},
		{"put into teamspace", space.ID, "ts_" + zero, func(c caller, ref string) error {
			return only(b.People.PutTeamspaceMember(w.ctx, c, "", ref, c.User.ID, keyhatch.OwnerRole))
		}},
		{"leave teamspace", space.ID, "ts_" + zero, func(c caller, ref string) error {
			return b.People.RemoveTeamspaceMember(w.ctx, c, "", ref, c.User.ID)
		}},
		{"workspace's teamspaces", "lab", "nowhere", func(c caller, ref string) error { return only(b.People.Teamspaces(w.ctx, c, ref, page)) }},
		{"new teamspace", "lab", "nowhere", func(c caller, ref string) error {
			return only(b.People.CreateTeamspace(w.ctx, c, people.NewTeamspace{Workspace: ref, Name: name}))
		}},

		{"workspace", w.ws.ID, "ws_" + zero, func(c caller, ref string) error { return only(b.People.Workspace(w.ctx, c, ref)) }},
		{"workspace by name", "lab", "nowhere", func(c caller, ref string) error { return only(b.People.Workspace(w.ctx, c, ref)) }},
		{"rename workspace", "lab", "nowhere", func(c caller, ref string) error { return only(b.People.RenameWorkspace(w.ctx, c, ref, name)) }},
		{"delete workspace", w.ws.ID, "ws_" + zero, func(c caller, ref string) error { return b.People.DeleteWorkspace(w.ctx, c, ref) }},
		{"workspace's members", "lab", "nowhere", func(c caller, ref string) error { return only(b.People.WorkspaceMembers(w.ctx, c, ref, page)) }},
		{"put into workspace", "lab", "nowhere", func(c caller, ref string) error {
			return only(b.People.PutWorkspaceMember(w.ctx, c, ref, c.User.ID, keyhatch.OwnerRole))
		}},
		{"take out of workspace", "lab", "nowhere", func(c caller, ref string) error { return b.People.RemoveWorkspaceMember(w.ctx, c, ref, c.User.ID) }},
		{"workspace's groups", "lab", "nowhere", func(c caller, ref string) error { return only(b.People.Groups(w.ctx, c, ref, page)) }},
		{"new group", "lab", "nowhere", func(c caller, ref string) error { return only(b.People.CreateGroup(w.ctx, c, ref, name)) }},
		{"token of a workspace", "lab", "nowhere", func(c caller, ref string) error { return create(w, c, people.NewToken{Workspace: ref}) }},
		{"workspace's buckets", "lab", "nowhere", func(c caller, ref string) error { return only(b.Buckets.Buckets(w.ctx, c, ref, page)) }},
		{"workspace's locations", "lab", "nowhere", func(c caller, ref string) error { return only(b.Places.Locations(w.ctx, c, ref, page)) }},
		{"workspace's grants", "lab", "nowhere", func(c caller, ref string) error { return only(b.Places.Grants(w.ctx, c, ref, "", page)) }},
		{"grants of a location in a workspace", "lab", "nowhere", func(c caller, ref string) error {
			return only(b.Places.Grants(w.ctx, c, ref, location.Name, page))
		}},
		{"location in a workspace", "lab", "nowhere", func(c caller, ref string) error {
			return only(b.Places.Location(w.ctx, c, ref, location.Name))
		}},
		{"lock location in a workspace", "lab", "nowhere", func(c caller, ref string) error {
			return only(b.Places.UpdateLocation(w.ctx, c, ref, location.Name, places.LocationChange{Locked: &yes}))
		}},
		{"delete location in a workspace", "lab", "nowhere", func(c caller, ref string) error {
			return b.Places.DeleteLocation(w.ctx, c, ref, location.Name)
		}},
		{"grant in a workspace", "lab", "nowhere", func(c caller, ref string) error {
			return only(b.Places.GiveGrant(w.ctx, c, places.NewGrant{Workspace: ref, Location: location.Name, Subject: keyhatch.SubjectEveryone, Access: keyhatch.Read}))
		}},
		{"new location in a workspace", "lab", "nowhere", func(c caller, ref string) error {
			return only(b.Places.CreateLocation(w.ctx, c, places.NewLocation{Workspace: ref, URL: "s3://lab/x/", Name: name}))
		}},
		{"new bucket in a workspace", "lab", "nowhere", func(c caller, ref string) error {
			return only(b.Buckets.Register(w.ctx, c, buckets.Existing{Workspace: ref, Store: "disk", Name: name}))
		}},
		{"workspace's leases", "lab", "nowhere", func(c caller, ref string) error {
			return only(b.Lending.Leases(w.ctx, c, lending.LeaseFilter{Workspace: ref}, page))
		}},
		{"workspace's events", "lab", "nowhere", func(c caller, ref string) error {
			return only(b.Record.Events(w.ctx, c, record.EventFilter{Workspace: ref}, page))
		}},

		{"token", w.bystander.Token.ID, "tok_" + zero, func(c caller, ref string) error { return only(b.People.Token(w.ctx, c, ref)) }},
		{"rotate token", w.bystander.Token.ID, "tok_" + zero, func(c caller, ref string) error { return rotate(w, c, ref) }},
		{"revoke token", w.bystander.Token.ID, "tok_" + zero, func(c caller, ref string) error { return b.People.RevokeToken(w.ctx, c, ref) }},
		{"store", private.ID, "store_" + zero, func(c caller, ref string) error { return only(b.Places.Store(w.ctx, c, ref)) }},
		{"store by name", private.Name, "tape", func(c caller, ref string) error { return only(b.Places.Store(w.ctx, c, ref)) }},
		{"rename store", private.Name, "tape", func(c caller, ref string) error {
			return only(b.Places.UpdateStore(w.ctx, c, ref, places.StoreChange{Name: &name}))
		}},
		{"delete store", private.ID, "store_" + zero, func(c caller, ref string) error { return b.Places.DeleteStore(w.ctx, c, ref) }},
		{"bucket", w.bucket.ID, "bucket_" + zero, func(c caller, ref string) error { return only(b.Buckets.Bucket(w.ctx, c, "", ref)) }},
		{"delete bucket", w.bucket.ID, "bucket_" + zero, func(c caller, ref string) error { return b.Buckets.Unregister(w.ctx, c, "", ref) }},
		{"group by name, in a workspace", "lab", "nowhere", func(c caller, ref string) error { return only(b.People.Group(w.ctx, c, ref, w.group.Name)) }},
		{"bucket by name, in a workspace", "lab", "nowhere", func(c caller, ref string) error { return only(b.Buckets.Bucket(w.ctx, c, ref, w.bucket.Name)) }},
		{"location", location.ID, "loc_" + zero, func(c caller, ref string) error { return only(b.Places.Location(w.ctx, c, "", ref)) }},
		{"lock location", location.ID, "loc_" + zero, func(c caller, ref string) error {
			return only(b.Places.UpdateLocation(w.ctx, c, "", ref, places.LocationChange{Locked: &yes}))
		}},
		{"delete location", location.ID, "loc_" + zero, func(c caller, ref string) error { return b.Places.DeleteLocation(w.ctx, c, "", ref) }},
		{"give grant", location.ID, "loc_" + zero, func(c caller, ref string) error {
			return only(b.Places.GiveGrant(w.ctx, c, places.NewGrant{Location: ref, Subject: keyhatch.SubjectEveryone, Access: keyhatch.Read}))
		}},
		{"location's grants", location.ID, "loc_" + zero, func(c caller, ref string) error { return only(b.Places.Grants(w.ctx, c, "", ref, page)) }},
		{"grant", grant.ID, "grant_" + zero, func(c caller, ref string) error { return only(b.Places.Grant(w.ctx, c, ref)) }},
		{"update grant", grant.ID, "grant_" + zero, func(c caller, ref string) error {
			return only(b.Places.UpdateGrant(w.ctx, c, ref, places.GrantChange{}))
		}},
		{"take grant", grant.ID, "grant_" + zero, func(c caller, ref string) error { return b.Places.TakeGrant(w.ctx, c, ref) }},
		{"who can", location.ID, "loc_" + zero, func(c caller, ref string) error { return whoCan(w, c, past.WhoCanRequest{Location: ref}) }},
		{"who can in a workspace", "lab", "nowhere", func(c caller, ref string) error {
			return whoCan(w, c, past.WhoCanRequest{Workspace: ref, Location: location.Name})
		}},
		{"who can in a workspace, by URL", "lab", "nowhere", func(c caller, ref string) error {
			return whoCan(w, c, past.WhoCanRequest{Workspace: ref, Location: location.URL().String()})
		}},
		{"who can by URL", location.URL().String(), "s3://lab/none/", func(c caller, ref string) error {
			return whoCan(w, c, past.WhoCanRequest{Workspace: "lab", Location: ref})
		}},
		{"who could, of what is gone", gone.ID, "loc_" + zero, func(c caller, ref string) error {
			return whoCan(w, c, past.WhoCanRequest{Location: ref, At: goneAt})
		}},
		{"who could, by the URL of what is gone", gone.URL().String(), "s3://lab/none/", func(c caller, ref string) error {
			return whoCan(w, c, past.WhoCanRequest{Workspace: "lab", Location: ref, At: goneAt})
		}},
		{"borrow", location.ID, "loc_" + zero, func(c caller, ref string) error { return borrow(w, c, lending.LeaseRequest{Location: ref}) }},
		{"borrow in a workspace", "lab", "nowhere", func(c caller, ref string) error {
			return borrow(w, c, lending.LeaseRequest{Workspace: ref, Location: location.Name})
		}},
		{"borrow in a workspace, by URL", "lab", "nowhere", func(c caller, ref string) error {
			return borrow(w, c, lending.LeaseRequest{Workspace: ref, Location: location.URL().String()})
		}},
		{"borrow by URL", location.URL().String(), "s3://lab/none/", func(c caller, ref string) error {
			return borrow(w, c, lending.LeaseRequest{Location: ref})
		}},
		{"lease", lease.ID, "lease_" + zero, func(c caller, ref string) error { return only(b.Lending.LeaseByID(w.ctx, c, ref)) }},
		{"revoke lease", lease.ID, "lease_" + zero, func(c caller, ref string) error { return b.Lending.RevokeLease(w.ctx, c, ref) }},
		{"event", event.ID, "event_" + zero, func(c caller, ref string) error { return only(b.Record.Event(w.ctx, c, ref)) }},
	} {
		for who, c := range callers {
			hidden, missing := u.do(c, u.hidden), u.do(c, u.missing)
			var e *keyhatch.Error
			if !errors.As(missing, &e) {
				t.Errorf("%s, %s: what is missing answers %v", u.name, who, missing)
				continue
			}
			if diff := gocmp.Diff(missing, hidden); diff != "" {
				t.Errorf("%s, %s (-missing +hidden):\n%s", u.name, who, diff)
			}
		}
	}
}

// TestS6_PrivateTeamspaces: to a member of the workspace who is not in it, a
// private teamspace is like one that does not exist, also where a grant or a name
// would tell of it.
func TestS6_PrivateTeamspaces(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	b, member, keeper := w.Broker, w.who["member"], w.who["keeper"]
	w.Member(t, w.ws, keeper, keyhatch.MemberRole)
	location, _ := w.newLocation()
	space, public, own := w.newTeamspace(keyhatch.Private), w.newTeamspace(keyhatch.Public), w.newTeamspaceOf(member, keyhatch.OwnerRole)
	elsewhere := w.Workspace(t, "elsewhere")
	far := give[keyhatch.Teamspace](w)(b.People.CreateTeamspace(w.ctx, w.Admin, people.NewTeamspace{Workspace: elsewhere.ID, Name: "far", Visibility: keyhatch.Public}))
	grant := func(c caller, name string) error {
		return only(b.Places.GiveGrant(w.ctx, c, places.NewGrant{Location: location.ID, Subject: keyhatch.SubjectTeamspace, Name: name, Access: keyhatch.Read}))
	}
	rename := func(c caller, name string) error {
		return only(b.People.UpdateTeamspace(w.ctx, c, "", own.ID, people.TeamspaceChange{Name: &name}))
	}
	see := func(c caller, ref string) error { return only(b.People.Teamspace(w.ctx, c, "lab", ref)) }
	create := func(c caller, name string) error {
		return only(b.People.CreateTeamspace(w.ctx, c, people.NewTeamspace{Workspace: "lab", Name: name}))
	}
	const noID, noName = "ts_000000000000000", "nothing"
	for _, u := range []struct {
		what            string
		c               caller
		do              func(caller, string) error
		hidden, missing string
	}{
		{"see by id", member, see, space.ID, noID},
		{"see by name", member, see, space.Name, noName},
		{"grant by id", keeper, grant, space.ID, noID},
		{"grant by name", keeper, grant, space.Name, noName},
		{"grant to another workspace's, by id", keeper, grant, far.ID, noID},
		{"grant to another workspace's, by its admin", w.Admin, grant, far.ID, noID},
		{"grant to another workspace's, by name", w.Admin, grant, "far", noName},
		{"rename to its name", member, rename, space.Name, noName},
		{"create with its name", member, create, space.Name, noName},
	} {
		hidden, missing := u.do(u.c, u.hidden), u.do(u.c, u.missing)
		if diff := gocmp.Diff(missing, hidden); diff != "" || missing == nil {
			t.Errorf("%s (-missing +hidden):\n%s", u.what, diff)
		}
	}
	for what, err := range map[string]error{
		"a public one": grant(keeper, public.ID), "a public one, by name": grant(keeper, public.Name), "a private one, by an admin": grant(w.who["wsadmin"], space.ID),
	} {
		if err != nil {
			t.Errorf("a grant to %s: %v", what, err)
		}
	}
}

func borrow(w *lab, c caller, r lending.LeaseRequest) error {
	r.Access = keyhatch.Read
	return only(w.Broker.Lending.Lease(w.ctx, c, r))
}
