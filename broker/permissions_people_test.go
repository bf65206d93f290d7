package broker_test

import (
	"context"
	"net/netip"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/passwords"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/sessions"
)

const labPassword = "plum orbit candle seventeen"

// givePassword gives a user a password in the way that an admin has.
func (w *lab) givePassword(user string) {
	w.t.Helper()
	secret, _, err := w.Broker.Passwords.NewReset(w.ctx, w.Admin, user)
	w.must(err)
	w.must(w.Broker.Passwords.ResetPassword(w.ctx, secret, labPassword))
}

// newSession signs a user in with a browser; it stays when the user's password does not.
func (w *lab) newSession(user string) keyhatch.BrowserSession {
	w.t.Helper()
	w.givePassword(user)
	_, s := w.signedIn(user)
	w.SQL(w.t, "update sessions set password = null where id = $1", s.ID)
	return s
}

// signedIn signs in a user who has a password.
func (w *lab) signedIn(user string) (keyhatch.Secret, keyhatch.BrowserSession) {
	w.t.Helper()
	c := give[caller](w)(w.Broker.Passwords.Authenticate(w.elsewhere(), user, labPassword))
	secret, s, err := w.Broker.Sessions.Begin(w.ctx, c, "a browser")
	w.must(err)
	return secret, s
}

// elsewhere is a request from an address that has not failed yet.
func (w *lab) elsewhere() context.Context {
	w.count++
	a := netip.AddrFrom4([4]byte{10, 0, byte(w.count >> 8), byte(w.count)})
	return keyhatch.WithOrigin(w.ctx, keyhatch.Origin{Address: a})
}

func (w *lab) newReset(c caller, user string) error {
	_, _, err := w.Broker.Passwords.NewReset(w.ctx, c, user)
	return err
}

// peopleUseCases is who may do what with people and their tokens.
var peopleUseCases = []useCase{
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
	{"set one's own first password", "      ok        forbidden ok        ok        ok        ok        ok        ok", passwords.Set, "passwords", func(w *lab, c caller) act {
		w.SQL(w.t, "delete from passwords")
		current := keyhatch.Secret(labPassword) // not looked at where there is none
		if c.Token.Workspace != "" {            // the admin's own, who has one already
			current = ""
		}
		return func() error { return w.Broker.Passwords.SetPassword(w.ctx, c, c.User.ID, current, labPassword) }
	}},
	{"set a member's password", "           forbidden hidden    forbidden forbidden forbidden hidden    hidden    hidden", passwords.Set, "passwords", func(w *lab, c caller) act {
		u := w.newMember(keyhatch.MemberRole)
		return func() error { return w.Broker.Passwords.SetPassword(w.ctx, c, u.ID, "", labPassword) }
	}},
	{"remove one's own password", "         ok        forbidden ok        ok        ok        ok        ok        ok", passwords.Removed, "passwords", func(w *lab, c caller) act {
		w.givePassword(c.User.ID)
		return func() error { return w.Broker.Passwords.RemovePassword(w.ctx, c, c.User.ID) }
	}},
	{"remove a member's password", "        ok        hidden    forbidden forbidden forbidden hidden    hidden    hidden", passwords.Removed, "passwords", func(w *lab, c caller) act {
		u := w.newMember(keyhatch.MemberRole)
		w.givePassword(u.ID)
		return func() error { return w.Broker.Passwords.RemovePassword(w.ctx, c, u.ID) }
	}},
	{"make a reset for a member", "         ok        hidden    forbidden forbidden forbidden hidden    hidden    hidden", passwords.Reset, "password_resets", func(w *lab, c caller) act {
		u := w.newMember(keyhatch.MemberRole)
		return func() error { return w.newReset(c, u.ID) }
	}},
	{"make a reset for oneself", "          ok        forbidden forbidden forbidden forbidden forbidden forbidden forbidden", passwords.Reset, "password_resets", func(w *lab, c caller) act {
		return func() error { return w.newReset(c, c.User.ID) }
	}},
	{"begin a session with a token", "      forbidden forbidden forbidden forbidden forbidden forbidden forbidden forbidden", sessions.Begun, "sessions", func(w *lab, c caller) act {
		return func() error { _, _, err := w.Broker.Sessions.Begin(w.ctx, c, ""); return err }
	}},
	{"end one's own session", "             ok        hidden    ok        ok        ok        ok        ok        ok", sessions.Ended, "sessions", func(w *lab, c caller) act {
		s := w.newSession(c.User.Name)
		return func() error { return w.Broker.Sessions.Revoke(w.ctx, c, s.ID) }
	}},
	{"end a member's session", "            ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", sessions.Ended, "sessions", func(w *lab, c caller) act {
		s := w.newSession(w.newMember(keyhatch.MemberRole).Name)
		return func() error { return w.Broker.Sessions.Revoke(w.ctx, c, s.ID) }
	}},
	{"end all of a member's sessions", "    ok        hidden    forbidden forbidden forbidden hidden    hidden    hidden", sessions.Ended, "sessions", func(w *lab, c caller) act {
		u := w.newMember(keyhatch.MemberRole)
		w.newSession(u.Name)
		return func() error { return only(w.Broker.Sessions.RevokeAll(w.ctx, c, u.ID, false)) }
	}},
	{"see a member's session", "            ok        hidden    hidden    hidden    hidden    hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		s := w.newSession(w.newMember(keyhatch.MemberRole).Name)
		return func() error { return only(w.Broker.Sessions.Session(w.ctx, c, s.ID)) }
	}},
	{"list a member's sessions", "          ok        hidden    forbidden forbidden forbidden hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		u := w.newMember(keyhatch.MemberRole)
		return func() error { return only(w.Broker.Sessions.Sessions(w.ctx, c, u.ID, page)) }
	}},
	{"list one's own sessions", "           ok        forbidden ok        ok        ok        ok        ok        ok", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.Sessions.Sessions(w.ctx, c, "", page)) }
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
	{"list one's tokens in a workspace", "  ok        ok        ok        ok        ok        hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.TokensIn(w.ctx, c, w.ws.ID, page)) }
	}},
	{"list a member's tokens", "            ok        hidden    forbidden forbidden forbidden hidden    hidden    hidden", "", "", func(w *lab, c caller) act {
		return func() error { return only(w.Broker.People.Tokens(w.ctx, c, w.bystander.User.ID, page)) }
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
