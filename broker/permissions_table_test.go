package broker_test

import (
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
)

type (
	caller = keyhatch.Caller
	act    = func() error
)

// only drops the answer of a use case.
func only[T any](_ T, err error) error { return err }

var page = kernel.Page{}

// useCases is who may do what. Each use case of the broker stands here.
var useCases = []useCase{
	// people                               admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a user", "                     ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", people.UserCreated, "users", func(w *lab, c caller) act {
		n := people.NewUser{Name: w.name()}
		return func() error { return only(w.Broker.People.CreateUser(w.ctx, c, n)) }
	}},
	{"change one's own full name", "        ok        forbidden ok        ok        ok        ok        ok        ok", people.UserUpdated, "users", func(w *lab, c caller) act {
		name := w.name()
		return func() error {
			return only(w.Broker.People.UpdateUser(w.ctx, c, c.User.ID, people.UserChange{FullName: &name}))
		}
	}},
	{"change one's own name", "             -         forbidden forbidden forbidden forbidden forbidden forbidden forbidden", people.UserUpdated, "users", func(w *lab, c caller) act {
		name := w.name()
		return func() error {
			return only(w.Broker.People.UpdateUser(w.ctx, c, c.User.ID, people.UserChange{Name: &name}))
		}
	}},
	{"make oneself an admin", "             -         forbidden forbidden forbidden forbidden forbidden forbidden forbidden", people.UserUpdated, "users", func(w *lab, c caller) act {
		yes := true
		return func() error {
			return only(w.Broker.People.UpdateUser(w.ctx, c, c.User.ID, people.UserChange{Admin: &yes}))
		}
	}},
	{"change a member's email", "           ok        hidden    forbidden forbidden forbidden hidden    hidden    hidden", people.UserUpdated, "users", func(w *lab, c caller) act {
		u, email := w.newMember(keyhatch.MemberRole), w.name()
		return func() error {
			return only(w.Broker.People.UpdateUser(w.ctx, c, u.ID, people.UserChange{Email: &email}))
		}
	}},
	{"disable a member", "                  ok        hidden    forbidden forbidden forbidden hidden    hidden    hidden", people.UserUpdated, "users", func(w *lab, c caller) act {
		u, no := w.newMember(keyhatch.MemberRole), false
		return func() error { return only(w.Broker.People.UpdateUser(w.ctx, c, u.ID, people.UserChange{Active: &no})) }
	}},
	{"delete a member", "                   ok        hidden    forbidden forbidden forbidden hidden    hidden    hidden", people.UserDeleted, "users", func(w *lab, c caller) act {
		u := w.newMember(keyhatch.MemberRole)
		return func() error { return w.Broker.People.DeleteUser(w.ctx, c, u.ID) }
	}},
	{"see a member", "                      ok        hidden    ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.User(w.ctx, c, w.bystander.User.Name)) }
	}},
	{"list users", "                        ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Users(w.ctx, c, page)) }
	}},

	// groups                               admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a group", "                    ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.GroupCreated, "circles", func(w *lab, c caller) act {
		name := w.name()
		return func() error { return only(w.Broker.People.CreateGroup(w.ctx, c, w.ws.ID, name)) }
	}},
	{"rename a group", "                    ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.GroupUpdated, "circles", func(w *lab, c caller) act {
		g, name := w.newGroup(), w.name()
		return func() error { return only(w.Broker.People.RenameGroup(w.ctx, c, "", g.ID, name)) }
	}},
	{"delete a group", "                    ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.GroupDeleted, "circles", func(w *lab, c caller) act {
		g := w.newGroup()
		return func() error { return w.Broker.People.DeleteGroup(w.ctx, c, "", g.ID) }
	}},
	{"see a group", "                       ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Group(w.ctx, c, "", w.group.ID)) }
	}},
	{"see a group by name", "               ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Group(w.ctx, c, w.ws.ID, w.group.Name)) }
	}},
	{"list groups", "                       ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Groups(w.ctx, c, w.ws.ID, page)) }
	}},
	{"put somebody into a group", "         ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.GroupMemberPut, "circle_members", func(w *lab, c caller) act {
		u := w.newMember(keyhatch.MemberRole)
		return func() error { return only(w.Broker.People.PutGroupMember(w.ctx, c, "", w.group.ID, u.ID)) }
	}},
	{"take somebody out of a group", "      ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.GroupMemberRemoved, "circle_members", func(w *lab, c caller) act {
		g := w.newGroup()
		return func() error { return w.Broker.People.RemoveGroupMember(w.ctx, c, "", g.ID, w.bystander.User.ID) }
	}},
	{"list a group's members", "            ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.GroupMembers(w.ctx, c, "", w.group.ID, page)) }
	}},

	// teamspaces                           admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a teamspace", "                ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.TeamspaceCreated, "circles", func(w *lab, c caller) act {
		n := people.NewTeamspace{Workspace: w.ws.ID, Name: w.name()}
		return func() error { return only(w.Broker.People.CreateTeamspace(w.ctx, c, n)) }
	}},
	{"rename a private teamspace", "        ok        ok        ok        ok        hidden    hidden    hidden    hidden", people.TeamspaceUpdated, "circles", func(w *lab, c caller) act {
		return w.renameTeamspace(c, w.newTeamspace(keyhatch.Private))
	}},
	{"rename a public one", "               ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.TeamspaceUpdated, "circles", func(w *lab, c caller) act {
		return w.renameTeamspace(c, w.newTeamspace(keyhatch.Public))
	}},
	{"rename one that one owns", "          -         -         ok        ok        forbidden hidden    hidden    hidden", people.TeamspaceUpdated, "circles", func(w *lab, c caller) act {
		return w.renameTeamspace(c, w.newTeamspaceOf(c, keyhatch.OwnerRole))
	}},
	{"publish one that one owns", "         -         -         ok        ok        ok        hidden    hidden    hidden", people.TeamspaceUpdated, "circles", func(w *lab, c caller) act {
		return w.publishTeamspace(c, w.newTeamspaceOf(c, keyhatch.OwnerRole))
	}},
	{"publish one that one edits", "        -         -         ok        ok        forbidden hidden    hidden    hidden", people.TeamspaceUpdated, "circles", func(w *lab, c caller) act {
		return w.publishTeamspace(c, w.newTeamspaceOf(c, keyhatch.EditorRole))
	}},
	{"delete a private teamspace", "        ok        ok        ok        ok        hidden    hidden    hidden    hidden", people.TeamspaceDeleted, "circles", func(w *lab, c caller) act {
		s := w.newTeamspace(keyhatch.Private)
		return func() error { return w.Broker.People.DeleteTeamspace(w.ctx, c, "", s.ID) }
	}},
	{"delete one that one owns", "          -         -         ok        ok        ok        hidden    hidden    hidden", people.TeamspaceDeleted, "circles", func(w *lab, c caller) act {
		s := w.newTeamspaceOf(c, keyhatch.OwnerRole)
		return func() error { return w.Broker.People.DeleteTeamspace(w.ctx, c, w.ws.ID, s.Name) }
	}},
	{"delete one that one edits", "         -         -         ok        ok        forbidden hidden    hidden    hidden", people.TeamspaceDeleted, "circles", func(w *lab, c caller) act {
		s := w.newTeamspaceOf(c, keyhatch.EditorRole)
		return func() error { return w.Broker.People.DeleteTeamspace(w.ctx, c, "", s.ID) }
	}},
	{"see a private teamspace", "           ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		s := w.newTeamspace(keyhatch.Private)
		return func() error { return only(w.Broker.People.Teamspace(w.ctx, c, "", s.ID)) }
	}},
	{"see a public one", "                  ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		s := w.newTeamspace(keyhatch.Public)
		return func() error { return only(w.Broker.People.Teamspace(w.ctx, c, w.ws.ID, s.Name)) }
	}},
	{"see one that one views", "            -         -         ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		s := w.newTeamspaceOf(c, keyhatch.ViewerRole)
		return func() error { return only(w.Broker.People.Teamspace(w.ctx, c, "", s.ID)) }
	}},
	{"list teamspaces", "                   ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Teamspaces(w.ctx, c, w.ws.ID, page)) }
	}},
	{"put somebody into a teamspace", "     ok        ok        ok        ok        hidden    hidden    hidden    hidden", people.TeamspaceMemberPut, "circle_members", func(w *lab, c caller) act {
		return w.putIntoTeamspace(c, w.newTeamspace(keyhatch.Private))
	}},
	{"put somebody into a public one", "    ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.TeamspaceMemberPut, "circle_members", func(w *lab, c caller) act {
		return w.putIntoTeamspace(c, w.newTeamspace(keyhatch.Public))
	}},
	{"put somebody into one's own", "       -         -         ok        ok        ok        hidden    hidden    hidden", people.TeamspaceMemberPut, "circle_members", func(w *lab, c caller) act {
		return w.putIntoTeamspace(c, w.newTeamspaceOf(c, keyhatch.OwnerRole))
	}},
	{"make oneself the owner of one", "     -         -         ok        ok        forbidden hidden    hidden    hidden", people.TeamspaceMemberPut, "circle_members", func(w *lab, c caller) act {
		s := w.newTeamspaceOf(c, keyhatch.EditorRole)
		return func() error {
			return only(w.Broker.People.PutTeamspaceMember(w.ctx, c, "", s.ID, c.User.ID, keyhatch.OwnerRole))
		}
	}},
	{"take somebody out of a teamspace", "  ok        ok        ok        ok        hidden    hidden    hidden    hidden", people.TeamspaceMemberRemoved, "circle_members", func(w *lab, c caller) act {
		return w.takeOutOfTeamspace(c, w.newTeamspace(keyhatch.Private), w.bystander)
	}},
	{"take somebody out of one's own", "    -         -         ok        ok        ok        hidden    hidden    hidden", people.TeamspaceMemberRemoved, "circle_members", func(w *lab, c caller) act {
		return w.takeOutOfTeamspace(c, w.newTeamspaceOf(c, keyhatch.OwnerRole), w.bystander)
	}},
	{"take somebody out of one one edits", "-         -         ok        ok        forbidden hidden    hidden    hidden", people.TeamspaceMemberRemoved, "circle_members", func(w *lab, c caller) act {
		return w.takeOutOfTeamspace(c, w.newTeamspaceOf(c, keyhatch.EditorRole), w.bystander)
	}},
	{"leave a teamspace", "                 -         -         ok        ok        ok        hidden    hidden    hidden", people.TeamspaceMemberRemoved, "circle_members", func(w *lab, c caller) act {
		return w.takeOutOfTeamspace(c, w.newTeamspaceOf(c, keyhatch.ViewerRole), c)
	}},
	{"list a private teamspace's members", "ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		s := w.newTeamspace(keyhatch.Private)
		return func() error { return only(w.Broker.People.TeamspaceMembers(w.ctx, c, "", s.ID, page)) }
	}},
	{"list a public one's", "               ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		s := w.newTeamspace(keyhatch.Public)
		return func() error { return only(w.Broker.People.TeamspaceMembers(w.ctx, c, "", s.ID, page)) }
	}},

	// workspaces                           admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a workspace", "                ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", people.WorkspaceCreated, "workspaces", func(w *lab, c caller) act {
		name := w.name()
		return func() error { return only(w.Broker.People.CreateWorkspace(w.ctx, c, name)) }
	}},
	{"rename the workspace", "              ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.WorkspaceUpdated, "workspaces", func(w *lab, c caller) act {
		name := w.name()
		return func() error { return only(w.Broker.People.RenameWorkspace(w.ctx, c, w.ws.ID, name)) }
	}},
	{"delete the workspace, in use", "      conflict  forbidden forbidden forbidden forbidden hidden    hidden    hidden", people.WorkspaceDeleted, "workspaces", func(w *lab, c caller) act {
		return func() error { return w.Broker.People.DeleteWorkspace(w.ctx, c, w.ws.ID) }
	}},
	{"see the workspace", "                 ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Workspace(w.ctx, c, w.ws.ID)) }
	}},
	{"list workspaces", "                   ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Workspaces(w.ctx, c, page)) }
	}},
	{"make somebody a member", "            ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.WorkspaceMemberPut, "workspace_members", func(w *lab, c caller) act {
		u := w.newUser()
		return func() error {
			return only(w.Broker.People.PutWorkspaceMember(w.ctx, c, w.ws.ID, u.ID, keyhatch.MemberRole))
		}
	}},
	{"make somebody an owner", "            ok        ok        ok        forbidden forbidden hidden    hidden    hidden", people.WorkspaceMemberPut, "workspace_members", func(w *lab, c caller) act {
		u := w.newUser()
		return func() error {
			return only(w.Broker.People.PutWorkspaceMember(w.ctx, c, w.ws.ID, u.ID, keyhatch.OwnerRole))
		}
	}},
	{"make an owner a member", "            ok        ok        ok        forbidden forbidden hidden    hidden    hidden", people.WorkspaceMemberPut, "workspace_members", func(w *lab, c caller) act {
		u := w.newMember(keyhatch.OwnerRole)
		return func() error {
			return only(w.Broker.People.PutWorkspaceMember(w.ctx, c, w.ws.ID, u.ID, keyhatch.MemberRole))
		}
	}},
	{"make oneself an owner", "             -         -         -         forbidden forbidden hidden    hidden    hidden", people.WorkspaceMemberPut, "workspace_members", func(w *lab, c caller) act {
		return func() error {
			return only(w.Broker.People.PutWorkspaceMember(w.ctx, c, w.ws.ID, c.User.ID, keyhatch.OwnerRole))
		}
	}},
	{"remove a member", "                   ok        ok        ok        ok        forbidden hidden    hidden    hidden", people.WorkspaceMemberRemoved, "workspace_members", func(w *lab, c caller) act {
		u := w.newMember(keyhatch.MemberRole)
		return func() error { return w.Broker.People.RemoveWorkspaceMember(w.ctx, c, w.ws.ID, u.ID) }
	}},
	{"remove an owner", "                   ok        ok        ok        forbidden forbidden hidden    hidden    hidden", people.WorkspaceMemberRemoved, "workspace_members", func(w *lab, c caller) act {
		u := w.newMember(keyhatch.OwnerRole)
		return func() error { return w.Broker.People.RemoveWorkspaceMember(w.ctx, c, w.ws.ID, u.ID) }
	}},
	{"list members", "                      ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.WorkspaceMembers(w.ctx, c, w.ws.ID, page)) }
	}},

	// tokens                               admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a token of one's own", "       ok        ok        ok        ok        ok        ok        ok        ok", people.TokenCreated, "tokens", func(w *lab, c caller) act {
		return func() error { return create(w, c, people.NewToken{}) }
	}},
	{"create one for the workspace", "      ok        ok        ok        ok        ok        hidden    hidden    hidden", people.TokenCreated, "tokens", func(w *lab, c caller) act {
		return func() error { return create(w, c, people.NewToken{Workspace: w.ws.ID}) }
	}},
	{"create one of a member", "            ok        hidden    forbidden forbidden forbidden hidden    hidden    hidden", people.TokenCreated, "tokens", func(w *lab, c caller) act {
		return func() error { return create(w, c, people.NewToken{User: w.bystander.User.ID}) }
	}},
	{"rotate one's own token", "            ok        ok        ok        ok        ok        ok        ok        ok", people.TokenRotated, "tokens", func(w *lab, c caller) act {
		k := w.newToken(c)
		return func() error { return rotate(w, c, k.ID) }
	}},
	{"rotate a member's token", "           ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", people.TokenRotated, "tokens", func(w *lab, c caller) act {
		k := w.newToken(w.bystander)
		return func() error { return rotate(w, c, k.ID) }
	}},
	{"revoke one's own token", "            ok        ok        ok        ok        ok        ok        ok        ok", people.TokenRevoked, "tokens", func(w *lab, c caller) act {
		k := w.newToken(c)
		return func() error { return w.Broker.People.RevokeToken(w.ctx, c, k.ID) }
	}},
	{"revoke a member's token", "           ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", people.TokenRevoked, "tokens", func(w *lab, c caller) act {
		k := w.newToken(w.bystander)
		return func() error { return w.Broker.People.RevokeToken(w.ctx, c, k.ID) }
	}},
	{"see a member's token", "              ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Token(w.ctx, c, w.bystander.Token.ID)) }
	}},
	{"list one's tokens", "                 ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Tokens(w.ctx, c, "", page)) }
	}},
	{"list a member's tokens", "            ok        hidden    forbidden forbidden forbidden hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Tokens(w.ctx, c, w.bystander.User.ID, page)) }
	}},

	// credentials                          admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a credential", "               ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", credentials.Created, "credentials", func(w *lab, c caller) act {
		n := w.credential()
		return func() error { return only(w.Broker.Credentials.Create(w.ctx, c, n)) }
	}},
	{"set other keys", "                    ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", credentials.Updated, "credentials", func(w *lab, c caller) act {
		held, keys := w.newCredential(), w.credential().Keys
		return func() error {
			return only(w.Broker.Credentials.Update(w.ctx, c, held.ID, credentials.Change{Keys: &keys}))
		}
	}},
	{"delete a credential", "               ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", credentials.Deleted, "credentials", func(w *lab, c caller) act {
		held := w.newCredential()
		return func() error { return w.Broker.Credentials.Delete(w.ctx, c, held.Name) }
	}},
	{"see a credential", "                  ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		held := w.newCredential()
		return func() error { return only(w.Broker.Credentials.Credential(w.ctx, c, held.ID)) }
	}},
	{"list credentials", "                  ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Credentials.Credentials(w.ctx, c, page)) }
	}},

	// stores and buckets                   admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a store", "                    ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", places.StoreCreated, "stores", func(w *lab, c caller) act {
		n := w.store()
		return func() error { return only(w.Broker.Places.CreateStore(w.ctx, c, n)) }
	}},
	{"create an S3 store", "                ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", places.StoreCreated, "stores", func(w *lab, c caller) act {
		n := w.s3Store()
		return func() error { return only(w.Broker.Places.CreateStore(w.ctx, c, n)) }
	}},
	{"rename a store", "                    ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", places.StoreUpdated, "stores", func(w *lab, c caller) act {
		s, name := w.newStore(), w.name()
		return func() error {
			return only(w.Broker.Places.UpdateStore(w.ctx, c, s.ID, places.StoreChange{Name: &name}))
		}
	}},
	{"change a store's credential", "        ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", places.StoreUpdated, "stores", func(w *lab, c caller) act {
		s, other := w.newS3Store(), w.newCredential()
		return func() error {
			return only(w.Broker.Places.UpdateStore(w.ctx, c, s.ID, places.StoreChange{Credential: &other.Name}))
		}
	}},
	{"delete a store", "                    ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", places.StoreDeleted, "stores", func(w *lab, c caller) act {
		s := w.newStore()
		return func() error { return w.Broker.Places.DeleteStore(w.ctx, c, s.ID) }
	}},
	{"see a shared store", "                ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Places.Store(w.ctx, c, w.Store.Name)) }
	}},
	{"list stores", "                       ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Places.Stores(w.ctx, c, page)) }
	}},
	{"create a bucket", "                   ok        forbidden forbidden forbidden forbidden hidden    hidden    hidden", places.BucketCreated, "buckets", func(w *lab, c caller) act {
		n := places.NewBucket{Workspace: w.ws.ID, Store: w.Store.ID, Name: w.name()}
		return func() error { return only(w.Broker.Places.CreateBucket(w.ctx, c, n)) }
	}},
	{"delete a bucket", "                   ok        forbidden forbidden forbidden forbidden hidden    hidden    hidden", places.BucketDeleted, "buckets", func(w *lab, c caller) act {
		b := give[keyhatch.Bucket](w)(w.Broker.Places.CreateBucket(w.ctx, w.Admin, places.NewBucket{Workspace: w.ws.ID, Store: w.Store.ID, Name: w.name()}))
		return func() error { return w.Broker.Places.DeleteBucket(w.ctx, c, "", b.ID) }
	}},
	{"see a bucket", "                      ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Places.Bucket(w.ctx, c, "", w.bucket.ID)) }
	}},
	{"see a bucket by name", "              ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Places.Bucket(w.ctx, c, w.ws.ID, w.bucket.Name)) }
	}},
	{"list buckets", "                      ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Places.Buckets(w.ctx, c, w.ws.ID, page)) }
	}},

	// locations and grants                 admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"create a location", "                 ok        ok        ok        ok        forbidden hidden    hidden    hidden", places.LocationCreated, "locations", func(w *lab, c caller) act {
		name := w.name()
		n := places.NewLocation{Workspace: w.ws.ID, URL: "s3://lab/" + name + "/", Name: name}
		return func() error { return only(w.Broker.Places.CreateLocation(w.ctx, c, n)) }
	}},
	{"lock a location", "                   ok        ok        ok        ok        hidden    ok        forbidden hidden", places.LocationUpdated, "locations", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		yes := true
		return func() error {
			return only(w.Broker.Places.UpdateLocation(w.ctx, c, "", l.ID, places.LocationChange{Locked: &yes}))
		}
	}},
	{"become a location's owner", "         ok        ok        ok        ok        hidden    -         forbidden hidden", places.LocationUpdated, "locations", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error {
			return only(w.Broker.Places.UpdateLocation(w.ctx, c, "", l.ID, places.LocationChange{Owner: &c.User.ID}))
		}
	}},
	{"delete a location", "                 ok        ok        ok        ok        hidden    ok        forbidden hidden", places.LocationDeleted, "locations", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error { return w.Broker.Places.DeleteLocation(w.ctx, c, "", l.ID) }
	}},
	{"see a location", "                    ok        ok        ok        ok        hidden    ok        ok        hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error { return only(w.Broker.Places.Location(w.ctx, c, "", l.ID)) }
	}},
	{"list locations", "                    ok        ok        ok        ok        ok        -         ok        hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Places.Locations(w.ctx, c, w.ws.ID, page)) }
	}},
	{"give a grant", "                      ok        ok        ok        ok        hidden    ok        forbidden hidden", places.GrantGiven, "grants", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		n := places.NewGrant{Location: l.ID, Subject: keyhatch.SubjectUser, Name: c.User.ID, Access: keyhatch.Write}
		return func() error { return only(w.Broker.Places.GiveGrant(w.ctx, c, n)) }
	}},
	{"widen a grant", "                     ok        ok        ok        ok        hidden    ok        forbidden hidden", places.GrantUpdated, "grants", func(w *lab, c caller) act {
		_, g := w.newLocation()
		write := keyhatch.Write
		return func() error {
			return only(w.Broker.Places.UpdateGrant(w.ctx, c, g.ID, places.GrantChange{Access: &write}))
		}
	}},
	{"take a grant", "                      ok        ok        ok        ok        hidden    ok        forbidden hidden", places.GrantTaken, "grants", func(w *lab, c caller) act {
		_, g := w.newLocation()
		return func() error { return w.Broker.Places.TakeGrant(w.ctx, c, g.ID) }
	}},
	{"see a grant", "                       ok        ok        ok        ok        hidden    ok        ok        hidden", "", "", func(w *lab, c caller) act {
		_, g := w.newLocation()
		return func() error { return only(w.Broker.Places.Grant(w.ctx, c, g.ID)) }
	}},
	{"list a location's object requests", " ok        ok        ok        ok        hidden    ok        forbidden hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error {
			return only(w.Broker.Places.ObjectRequests(w.ctx, c, places.ObjectRequestFilter{Location: l.ID}, page))
		}
	}},
	{"list a location's grants", "          ok        ok        ok        ok        hidden    -         ok        hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error { return only(w.Broker.Places.Grants(w.ctx, c, "", l.ID, page)) }
	}},
	{"ask who can use a location", "        ok        ok        ok        ok        hidden    ok        forbidden hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error { return whoCan(w, c, past.WhoCanRequest{Location: l.ID}) }
	}},
	{"ask that about an address in it", "   ok        ok        ok        ok        hidden    ok        forbidden hidden", "", "", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error {
			return whoCan(w, c, past.WhoCanRequest{Workspace: w.ws.ID, Location: l.URL().String() + "x"})
		}
	}},
	{"ask who could use one that is gone", "ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		l, at := w.goneLocation()
		return func() error { return whoCan(w, c, past.WhoCanRequest{Location: l.ID, At: at}) }
	}},
	{"ask about what was at an address", "   ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		l, at := w.goneLocation()
		return func() error {
			return whoCan(w, c, past.WhoCanRequest{Workspace: w.ws.ID, Location: l.URL().String(), At: at})
		}
	}},

	// leases                               admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"borrow a lease", "                    forbidden forbidden forbidden forbidden hidden    forbidden ok        hidden", lending.LeaseLent, "leases", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error {
			return only(w.Broker.Lending.Lease(w.ctx, c, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read}))
		}
	}},
	{"borrow one for writing", "            forbidden forbidden forbidden forbidden hidden    forbidden forbidden hidden", lending.LeaseLent, "leases", func(w *lab, c caller) act {
		l, _ := w.newLocation()
		return func() error {
			return only(w.Broker.Lending.Lease(w.ctx, c, lending.LeaseRequest{Location: l.ID, Access: keyhatch.Write}))
		}
	}},
	{"see the guest's lease", "             ok        ok        ok        ok        hidden    hidden    ok        hidden", "", "", func(w *lab, c caller) act {
		l := w.newLease()
		return func() error { return only(w.Broker.Lending.LeaseByID(w.ctx, c, l.ID)) }
	}},
	{"revoke the guest's lease", "          ok        ok        ok        ok        hidden    hidden    ok        hidden", lending.LeaseRevoked, "leases", func(w *lab, c caller) act {
		l := w.newLease()
		return func() error { return w.Broker.Lending.RevokeLease(w.ctx, c, l.ID) }
	}},
	{"list one's leases", "                 ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Lending.Leases(w.ctx, c, lending.LeaseFilter{}, page)) }
	}},
	{"list the workspace's leases", "       ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error {
			return only(w.Broker.Lending.Leases(w.ctx, c, lending.LeaseFilter{Workspace: w.ws.ID}, page))
		}
	}},

	// events                               admin     confined  owner     wsadmin   member    keeper    guest     stranger
	{"see an event of the workspace", "     ok        ok        ok        ok        hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		w.newGroup()
		e := w.newestEvent()
		return func() error { return only(w.Broker.Record.Event(w.ctx, c, e.ID)) }
	}},
	{"see an event of the installation", "  ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		w.newUser()
		e := w.newestEvent()
		return func() error { return only(w.Broker.Record.Event(w.ctx, c, e.ID)) }
	}},
	{"list the workspace's events", "       ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error {
			return only(w.Broker.Record.Events(w.ctx, c, record.EventFilter{Workspace: w.ws.ID}, page))
		}
	}},
	{"list one's events", "                 ok        ok        ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Record.Events(w.ctx, c, record.EventFilter{}, page)) }
	}},
}

func (w *lab) renameTeamspace(c caller, s keyhatch.Teamspace) act {
	name := w.name()
	return func() error {
		return only(w.Broker.People.UpdateTeamspace(w.ctx, c, "", s.ID, people.TeamspaceChange{Name: &name}))
	}
}

func (w *lab) publishTeamspace(c caller, s keyhatch.Teamspace) act {
	public := keyhatch.Public
	return func() error {
		return only(w.Broker.People.UpdateTeamspace(w.ctx, c, "", s.ID, people.TeamspaceChange{Name: &s.Name, Visibility: &public}))
	}
}

func (w *lab) putIntoTeamspace(c caller, s keyhatch.Teamspace) act {
	u := w.newMember(keyhatch.MemberRole)
	return func() error {
		return only(w.Broker.People.PutTeamspaceMember(w.ctx, c, "", s.ID, u.ID, keyhatch.EditorRole))
	}
}

func (w *lab) takeOutOfTeamspace(c caller, s keyhatch.Teamspace, who caller) act {
	return func() error { return w.Broker.People.RemoveTeamspaceMember(w.ctx, c, "", s.ID, who.User.ID) }
}

func create(w *lab, c caller, n people.NewToken) error {
	n.ExpiresAt = time.Now().Add(time.Hour)
	_, _, err := w.Broker.People.CreateToken(w.ctx, c, n)
	return err
}

func rotate(w *lab, c caller, id string) error {
	_, _, err := w.Broker.People.RotateToken(w.ctx, c, id, time.Hour)
	return err
}

func whoCan(w *lab, c caller, r past.WhoCanRequest) error {
	r.Access = keyhatch.Read
	return only(w.Broker.Past.WhoCan(w.ctx, c, r))
}
