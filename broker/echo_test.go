package broker_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
)

// canaries are values that no test stores, in shapes that get past one check or
// another. Each holds the word.
var canaries = []string{
	"canary", "canary-0", "Canary canary", "../canary", "canary/../x", "/canary", "canary//x", "canary\x00", "canary\xff", "canary\n",
	"s3://canary-canary/x/", "s3://lab/canary/", "s3://CANARY/", "s3://lab/../canary", "s3:read s3://canary/../x", "GET /canary?x", "canary:read",
	"<canary>", "%63anary canary", strings.Repeat("canary", 400),
	"user_canarycanary000", "group_canarycanary000", "ts_canarycanary000", "ws_canarycanary000", "tok_canarycanary000", "store_canarycanary000",
	"bucket_canarycanary000", "loc_canarycanary000", "grant_canarycanary000", "lease_canarycanary000", "event_canarycanary000",
}

// inputs are every text that a caller can submit to the broker, one at a time.
var inputs = map[string]func(w *lab, c caller, s string) error{
	"authenticate": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.Authenticate(w.ctx, keyhatch.Secret(s)))
	},
	"login, name": func(w *lab, c caller, s string) error {
		return only(w.Broker.Passwords.Login(w.elsewhere(), s, labPassword))
	},
	"login, password": func(w *lab, c caller, s string) error {
		return only(w.Broker.Passwords.Authenticate(w.elsewhere(), "member", keyhatch.Secret(s)))
	},
	"set password, user": func(w *lab, c caller, s string) error {
		return w.Broker.Passwords.SetPassword(w.ctx, c, s, "", labPassword)
	},
	"set password, current": func(w *lab, c caller, s string) error {
		w.givePassword(c.User.ID)
		c.Origin = keyhatch.OriginOf(w.elsewhere())
		return w.Broker.Passwords.SetPassword(w.ctx, c, c.User.ID, keyhatch.Secret(s), labPassword)
	},
	"set password": func(w *lab, c caller, s string) error {
		return w.Broker.Passwords.SetPassword(w.ctx, c, c.User.ID, labPassword, keyhatch.Secret(s))
	},
	"remove password": func(w *lab, c caller, s string) error { return w.Broker.Passwords.RemovePassword(w.ctx, c, s) },
	"new reset":       func(w *lab, c caller, s string) error { return w.newReset(c, s) },
	"reset password, secret": func(w *lab, c caller, s string) error {
		return w.Broker.Passwords.ResetPassword(w.elsewhere(), keyhatch.Secret(s), labPassword)
	},
	"browser's session": func(w *lab, c caller, s string) error {
		return only(w.Broker.Sessions.Of(w.elsewhere(), keyhatch.Secret(s)))
	},
	"begin browser's session": func(w *lab, c caller, s string) error { _, _, err := w.Broker.Sessions.Begin(w.ctx, c, s); return err },
	"browser's session by id": func(w *lab, c caller, s string) error { return only(w.Broker.Sessions.Session(w.ctx, c, s)) },
	"sessions, user":          func(w *lab, c caller, s string) error { return only(w.Broker.Sessions.Sessions(w.ctx, c, s, page)) },
	"sessions, cursor": func(w *lab, c caller, s string) error {
		return only(w.Broker.Sessions.Sessions(w.ctx, c, "", kernel.Page{After: s}))
	},
	"revoke session":  func(w *lab, c caller, s string) error { return w.Broker.Sessions.Revoke(w.ctx, c, s) },
	"revoke sessions": func(w *lab, c caller, s string) error { return only(w.Broker.Sessions.RevokeAll(w.ctx, c, s, false)) },

	"session's key": func(w *lab, c caller, s string) error { return only(w.Broker.Lending.OpenSession(s, "")) },
	"session token": func(w *lab, c caller, s string) error { return only(w.Broker.Lending.OpenSession("", s)) },

	"create user, name": func(w *lab, c caller, s string) error { return newUser(w, c, people.NewUser{Name: s}) },
	"create user, full name": func(w *lab, c caller, s string) error {
		return newUser(w, c, people.NewUser{Name: w.name(), FullName: s})
	},
	"create user, email": func(w *lab, c caller, s string) error { return newUser(w, c, people.NewUser{Name: w.name(), Email: s}) },
	"update user": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.UpdateUser(w.ctx, c, s, people.UserChange{}))
	},
	"update user, name": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.UpdateUser(w.ctx, c, w.name(), people.UserChange{Name: &s}))
	},
	"delete user": func(w *lab, c caller, s string) error { return w.Broker.People.DeleteUser(w.ctx, c, s) },
	"user":        func(w *lab, c caller, s string) error { return only(w.Broker.People.User(w.ctx, c, s)) },
	"users, cursor": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.Users(w.ctx, c, kernel.Page{After: s}))
	},

	"create group, workspace": func(w *lab, c caller, s string) error { return only(w.Broker.People.CreateGroup(w.ctx, c, s, "g")) },
	"create group, name":      func(w *lab, c caller, s string) error { return only(w.Broker.People.CreateGroup(w.ctx, c, "lab", s)) },
	"rename group": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.RenameGroup(w.ctx, c, "lab", s, "g"))
	},
	"rename group, name": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.RenameGroup(w.ctx, c, "lab", w.group.ID, s))
	},
	"delete group": func(w *lab, c caller, s string) error { return w.Broker.People.DeleteGroup(w.ctx, c, "lab", s) },
	"group":        func(w *lab, c caller, s string) error { return only(w.Broker.People.Group(w.ctx, c, "lab", s)) },
	"groups":       func(w *lab, c caller, s string) error { return only(w.Broker.People.Groups(w.ctx, c, s, page)) },
	"put group member": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.PutGroupMember(w.ctx, c, "lab", s, "member"))
	},
	"put group member, user": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.PutGroupMember(w.ctx, c, "lab", w.group.ID, s))
	},
	"remove group member": func(w *lab, c caller, s string) error {
		return w.Broker.People.RemoveGroupMember(w.ctx, c, "lab", w.group.ID, s)
	},
	"group members": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.GroupMembers(w.ctx, c, "lab", s, page))
	},

	"create teamspace, workspace": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.CreateTeamspace(w.ctx, c, people.NewTeamspace{Workspace: s, Name: "s"}))
	},
	"create teamspace, name": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.CreateTeamspace(w.ctx, c, people.NewTeamspace{Workspace: "lab", Name: s}))
	},
	"create teamspace, visibility": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.CreateTeamspace(w.ctx, c, people.NewTeamspace{Workspace: "lab", Name: w.name(), Visibility: keyhatch.Visibility(s)}))
	},
	"update teamspace": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.UpdateTeamspace(w.ctx, c, "lab", s, people.TeamspaceChange{}))
	},
	"update teamspace, name": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.UpdateTeamspace(w.ctx, c, "", w.newTeamspace(keyhatch.Private).ID, people.TeamspaceChange{Name: &s}))
	},
	"delete teamspace":        func(w *lab, c caller, s string) error { return w.Broker.People.DeleteTeamspace(w.ctx, c, "lab", s) },
	"teamspace":               func(w *lab, c caller, s string) error { return only(w.Broker.People.Teamspace(w.ctx, c, "lab", s)) },
	"teamspace, by workspace": func(w *lab, c caller, s string) error { return only(w.Broker.People.Teamspace(w.ctx, c, s, "x")) },
	"teamspaces":              func(w *lab, c caller, s string) error { return only(w.Broker.People.Teamspaces(w.ctx, c, s, page)) },
	"teamspaces, cursor": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.Teamspaces(w.ctx, c, "lab", kernel.Page{After: s}))
	},
	"put teamspace member, user": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.PutTeamspaceMember(w.ctx, c, "", w.newTeamspace(keyhatch.Private).ID, s, keyhatch.EditorRole))
	},
	"put teamspace member, role": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.PutTeamspaceMember(w.ctx, c, "", w.newTeamspace(keyhatch.Private).ID, "member", keyhatch.Role(s)))
	},
	"remove teamspace member": func(w *lab, c caller, s string) error {
		return w.Broker.People.RemoveTeamspaceMember(w.ctx, c, "lab", s, s)
	},
	"teamspace members": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.TeamspaceMembers(w.ctx, c, "lab", s, page))
	},

	"create workspace": func(w *lab, c caller, s string) error { return only(w.Broker.People.CreateWorkspace(w.ctx, c, s)) },
	"rename workspace": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.RenameWorkspace(w.ctx, c, s, "lab"))
	},
	"rename workspace, name": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.RenameWorkspace(w.ctx, c, w.extra.ID, s))
	},
	"delete workspace": func(w *lab, c caller, s string) error { return w.Broker.People.DeleteWorkspace(w.ctx, c, s) },
	"workspace":        func(w *lab, c caller, s string) error { return only(w.Broker.People.Workspace(w.ctx, c, s)) },
	"put member":       func(w *lab, c caller, s string) error { return putMember(w, c, s, "member", keyhatch.MemberRole) },
	"put member, user": func(w *lab, c caller, s string) error { return putMember(w, c, "lab", s, keyhatch.MemberRole) },
	"put member, role": func(w *lab, c caller, s string) error { return putMember(w, c, "lab", "member", keyhatch.Role(s)) },
	"remove member": func(w *lab, c caller, s string) error {
		return w.Broker.People.RemoveWorkspaceMember(w.ctx, c, "lab", s)
	},
	"members": func(w *lab, c caller, s string) error {
		return only(w.Broker.People.WorkspaceMembers(w.ctx, c, s, page))
	},

	"create token, user": func(w *lab, c caller, s string) error { return create(w, c, people.NewToken{User: s}) },
	"create token, name": func(w *lab, c caller, s string) error { return create(w, c, people.NewToken{Name: s}) },
	"create token, scope": func(w *lab, c caller, s string) error {
		return create(w, c, people.NewToken{Scopes: []keyhatch.Scope{keyhatch.Scope(s)}})
	},
	"create token, workspace": func(w *lab, c caller, s string) error { return create(w, c, people.NewToken{Workspace: s}) },
	"rotate token":            func(w *lab, c caller, s string) error { return rotate(w, c, s) },
	"revoke token":            func(w *lab, c caller, s string) error { return w.Broker.People.RevokeToken(w.ctx, c, s) },
	"token":                   func(w *lab, c caller, s string) error { return only(w.Broker.People.Token(w.ctx, c, s)) },
	"tokens":                  func(w *lab, c caller, s string) error { return only(w.Broker.People.Tokens(w.ctx, c, s, page)) },

	"rotate keys": func(w *lab, c caller, s string) error {
		return only(w.Broker.Keys.Rotate(w.ctx, w.Admin, []string{s}))
	},
	"create credential, name": func(w *lab, c caller, s string) error {
		n := w.credential()
		n.Name = s
		return only(w.Broker.Credentials.Create(w.ctx, c, n))
	},
	"create credential, key id": func(w *lab, c caller, s string) error {
		n := w.credential()
		n.Authority.Principal = s
		return only(w.Broker.Credentials.Create(w.ctx, c, n))
	},
	"create credential, secret": func(w *lab, c caller, s string) error {
		n := w.credential()
		n.Authority.Secret = keyhatch.Secret(s)
		return only(w.Broker.Credentials.Create(w.ctx, c, n))
	},
	"update credential": func(w *lab, c caller, s string) error {
		return only(w.Broker.Credentials.Update(w.ctx, c, credentials.In{}, s, credentials.Change{}))
	},
	"update credential, name": func(w *lab, c caller, s string) error {
		return only(w.Broker.Credentials.Update(w.ctx, c, credentials.In{}, w.newCredential().ID, credentials.Change{Name: &s}))
	},
	"delete credential": func(w *lab, c caller, s string) error {
		return w.Broker.Credentials.Delete(w.ctx, c, credentials.In{}, s, false)
	},
	"credential": func(w *lab, c caller, s string) error {
		return only(w.Broker.Credentials.Credential(w.ctx, c, credentials.In{}, s))
	},
	"credentials, cursor": func(w *lab, c caller, s string) error {
		return only(w.Broker.Credentials.Credentials(w.ctx, c, credentials.In{}, credentials.Filter{}, kernel.Page{After: s}))
	},

	"create S3 store, endpoint": func(w *lab, c caller, s string) error {
		n := w.s3Store()
		n.Endpoint = s
		return only(w.Broker.Places.CreateStore(w.ctx, c, n))
	},
	"create S3 store, region": func(w *lab, c caller, s string) error {
		n := w.s3Store()
		n.Region = s
		return only(w.Broker.Places.CreateStore(w.ctx, c, n))
	},
	"create S3 store, credential": func(w *lab, c caller, s string) error {
		n := w.s3Store()
		n.Credential = s
		return only(w.Broker.Places.CreateStore(w.ctx, c, n))
	},
	"create store, name": func(w *lab, c caller, s string) error {
		n := w.store()
		n.Name = s
		return only(w.Broker.Places.CreateStore(w.ctx, c, n))
	},
	"create store, kind": func(w *lab, c caller, s string) error {
		n := w.store()
		n.Kind = keyhatch.StoreKind(s)
		return only(w.Broker.Places.CreateStore(w.ctx, c, n))
	},
	"create store, path": func(w *lab, c caller, s string) error {
		n := w.store()
		n.Path = s
		return only(w.Broker.Places.CreateStore(w.ctx, c, n))
	},
	"update store": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.UpdateStore(w.ctx, c, s, places.StoreChange{}))
	},
	"update store, name": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.UpdateStore(w.ctx, c, w.Store.ID, places.StoreChange{Name: &s}))
	},
	"delete store": func(w *lab, c caller, s string) error { return w.Broker.Places.DeleteStore(w.ctx, c, s) },
	"store":        func(w *lab, c caller, s string) error { return only(w.Broker.Places.Store(w.ctx, c, s)) },
	"create bucket, workspace": func(w *lab, c caller, s string) error {
		return newBucket(w, c, buckets.Existing{Workspace: s, Store: w.Store.ID, Name: "abc"})
	},
	"create bucket, store": func(w *lab, c caller, s string) error {
		return newBucket(w, c, buckets.Existing{Workspace: "lab", Store: s, Name: "abc"})
	},
	"create bucket, name": func(w *lab, c caller, s string) error {
		return newBucket(w, c, buckets.Existing{Workspace: "lab", Store: w.Store.ID, Name: s})
	},
	"delete bucket":            func(w *lab, c caller, s string) error { return w.Broker.Buckets.Unregister(w.ctx, c, "lab", s) },
	"delete bucket, workspace": func(w *lab, c caller, s string) error { return w.Broker.Buckets.Unregister(w.ctx, c, s, "abc") },
	"bucket":                   func(w *lab, c caller, s string) error { return only(w.Broker.Buckets.Bucket(w.ctx, c, "lab", s)) },
	"bucket, workspace":        func(w *lab, c caller, s string) error { return only(w.Broker.Buckets.Bucket(w.ctx, c, s, "abc")) },
	"buckets":                  func(w *lab, c caller, s string) error { return only(w.Broker.Buckets.Buckets(w.ctx, c, s, page)) },

	"create location, workspace": func(w *lab, c caller, s string) error {
		return newLocation(w, c, places.NewLocation{Workspace: s, URL: "s3://lab/x/", Name: "x"})
	},
	"create location, URL": func(w *lab, c caller, s string) error {
		return newLocation(w, c, places.NewLocation{Workspace: "lab", URL: s, Name: w.name(), MaxLease: time.Second})
	},
	"create location, name": func(w *lab, c caller, s string) error {
		return newLocation(w, c, places.NewLocation{Workspace: "lab", URL: "s3://lab/shared/", Name: s})
	},
	"create location, owner": func(w *lab, c caller, s string) error {
		return newLocation(w, c, places.NewLocation{Workspace: "lab", URL: "s3://lab/x/", Name: w.name(), Owner: s})
	},
	"update location": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.UpdateLocation(w.ctx, c, "lab", s, places.LocationChange{}))
	},
	"update location, workspace": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.UpdateLocation(w.ctx, c, s, "shared", places.LocationChange{}))
	},
	"update location, owner": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.UpdateLocation(w.ctx, c, "lab", "shared", places.LocationChange{Owner: &s}))
	},
	"delete location": func(w *lab, c caller, s string) error { return w.Broker.Places.DeleteLocation(w.ctx, c, "lab", s) },
	"location":        func(w *lab, c caller, s string) error { return only(w.Broker.Places.Location(w.ctx, c, "lab", s)) },
	"locations":       func(w *lab, c caller, s string) error { return only(w.Broker.Places.Locations(w.ctx, c, s, page)) },
	"object requests, workspace": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.ObjectRequests(w.ctx, c, places.ObjectRequestFilter{Workspace: s, Location: "shared"}, page))
	},
	"object requests, location": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.ObjectRequests(w.ctx, c, places.ObjectRequestFilter{Workspace: "lab", Location: s}, page))
	},
	"object requests, user": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.ObjectRequests(w.ctx, c, places.ObjectRequestFilter{Workspace: "lab", Location: "shared", User: s}, page))
	},
	"object requests, access": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.ObjectRequests(w.ctx, c, places.ObjectRequestFilter{Workspace: "lab", Location: "shared", Access: keyhatch.Access(s)}, page))
	},
	"object requests, cursor": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.ObjectRequests(w.ctx, c, places.ObjectRequestFilter{Workspace: "lab", Location: "shared"}, kernel.Page{After: s}))
	},
	"give grant, workspace": func(w *lab, c caller, s string) error { return newGrant(w, c, places.NewGrant{Workspace: s}) },
	"give grant, location":  func(w *lab, c caller, s string) error { return newGrant(w, c, places.NewGrant{Location: s}) },
	"give grant, prefix": func(w *lab, c caller, s string) error {
		return newGrant(w, c, places.NewGrant{Prefix: s, Access: "none"})
	},
	"give grant, to": func(w *lab, c caller, s string) error {
		return newGrant(w, c, places.NewGrant{Subject: keyhatch.SubjectKind(s)})
	},
	"give grant, user": func(w *lab, c caller, s string) error {
		return newGrant(w, c, places.NewGrant{Subject: keyhatch.SubjectUser, Name: s})
	},
	"give grant, group": func(w *lab, c caller, s string) error {
		return newGrant(w, c, places.NewGrant{Subject: keyhatch.SubjectGroup, Name: s})
	},
	"give grant, teamspace": func(w *lab, c caller, s string) error {
		return newGrant(w, c, places.NewGrant{Subject: keyhatch.SubjectTeamspace, Name: s})
	},
	"give grant, everyone": func(w *lab, c caller, s string) error { return newGrant(w, c, places.NewGrant{Name: s}) },
	"give grant, access": func(w *lab, c caller, s string) error {
		return newGrant(w, c, places.NewGrant{Access: keyhatch.Access(s)})
	},
	"update grant": func(w *lab, c caller, s string) error {
		return only(w.Broker.Places.UpdateGrant(w.ctx, c, s, places.GrantChange{}))
	},
	"take grant":        func(w *lab, c caller, s string) error { return w.Broker.Places.TakeGrant(w.ctx, c, s) },
	"grant":             func(w *lab, c caller, s string) error { return only(w.Broker.Places.Grant(w.ctx, c, s)) },
	"grants, location":  func(w *lab, c caller, s string) error { return only(w.Broker.Places.Grants(w.ctx, c, "lab", s, page)) },
	"grants, workspace": func(w *lab, c caller, s string) error { return only(w.Broker.Places.Grants(w.ctx, c, s, "", page)) },

	"who can, workspace": func(w *lab, c caller, s string) error {
		return whoCan(w, c, past.WhoCanRequest{Workspace: s, Location: "shared"})
	},
	"who can, address's workspace": func(w *lab, c caller, s string) error {
		return whoCan(w, c, past.WhoCanRequest{Workspace: s, Location: "s3://lab/shared/"})
	},
	"who can, location": func(w *lab, c caller, s string) error {
		return whoCan(w, c, past.WhoCanRequest{Workspace: "lab", Location: s})
	},
	"who can, access": func(w *lab, c caller, s string) error {
		return only(w.Broker.Past.WhoCan(w.ctx, c, past.WhoCanRequest{Workspace: "lab", Location: "shared", Access: keyhatch.Access(s)}))
	},

	"lease, workspace": func(w *lab, c caller, s string) error {
		return borrow(w, c, lending.LeaseRequest{Workspace: s, Location: "shared"})
	},
	"lease, location": func(w *lab, c caller, s string) error {
		return borrow(w, c, lending.LeaseRequest{Workspace: "lab", Location: s})
	},
	"lease, access": func(w *lab, c caller, s string) error {
		return only(w.Broker.Lending.Lease(w.ctx, c, lending.LeaseRequest{Workspace: "lab", Location: "shared", Access: keyhatch.Access(s)}))
	},
	"lease, prefix": func(w *lab, c caller, s string) error {
		return only(w.Broker.Lending.Lease(w.ctx, c, lending.LeaseRequest{Workspace: "lab", Location: "shared", Access: keyhatch.Write, Prefixes: []string{s}}))
	},
	"lease, policy": func(w *lab, c caller, s string) error {
		return borrow(w, c, lending.LeaseRequest{Workspace: "lab", Location: "shared", Policy: s})
	},
	"lease, policy's resource": func(w *lab, c caller, s string) error {
		return borrow(w, c, lending.LeaseRequest{Workspace: "lab", Location: "shared", Policy: `{"Version":"2012-10-17","Statement":{"Effect":"` + s + `"}}`})
	},
	"lease, session name": func(w *lab, c caller, s string) error {
		return borrow(w, c, lending.LeaseRequest{Workspace: "lab", Location: "shared", SessionName: s + " "})
	},
	"lease with a lease": func(w *lab, c caller, s string) error {
		return only(w.Broker.Lending.Relend(w.ctx, w.newLease(), lending.LeaseRequest{Location: s, Access: keyhatch.Read}))
	},
	"lease with a lease, workspace": func(w *lab, c caller, s string) error {
		return only(w.Broker.Lending.Relend(w.ctx, w.newLease(), lending.LeaseRequest{Workspace: s, Location: "shared", Access: keyhatch.Read}))
	},
	"lease":        func(w *lab, c caller, s string) error { return only(w.Broker.Lending.LeaseByID(w.ctx, c, s)) },
	"revoke lease": func(w *lab, c caller, s string) error { return w.Broker.Lending.RevokeLease(w.ctx, c, s) },
	"leases, workspace": func(w *lab, c caller, s string) error {
		return only(w.Broker.Lending.Leases(w.ctx, c, lending.LeaseFilter{Workspace: s}, page))
	},
	"leases, cursor": func(w *lab, c caller, s string) error {
		return only(w.Broker.Lending.Leases(w.ctx, c, lending.LeaseFilter{}, kernel.Page{After: s}))
	},
	"event": func(w *lab, c caller, s string) error { return only(w.Broker.Record.Event(w.ctx, c, s)) },
	"events, workspace": func(w *lab, c caller, s string) error {
		return only(w.Broker.Record.Events(w.ctx, c, record.EventFilter{Workspace: s}, page))
	},
	"events, target": func(w *lab, c caller, s string) error {
		return only(w.Broker.Record.Events(w.ctx, c, record.EventFilter{Target: s}, page))
	},
}

func newUser(w *lab, c caller, n people.NewUser) error {
	return only(w.Broker.People.CreateUser(w.ctx, c, n))
}

func putMember(w *lab, c caller, ws, user string, role keyhatch.Role) error {
	return only(w.Broker.People.PutWorkspaceMember(w.ctx, c, ws, user, role))
}

func newBucket(w *lab, c caller, n buckets.Existing) error {
	return only(w.Broker.Buckets.Register(w.ctx, c, n))
}

func newLocation(w *lab, c caller, n places.NewLocation) error {
	return only(w.Broker.Places.CreateLocation(w.ctx, c, n))
}

func newGrant(w *lab, c caller, n places.NewGrant) error {
	if n.Workspace == "" {
		n.Workspace = "lab"
	}
	if n.Location == "" {
		n.Location = "shared"
	}
	if n.Access == "" {
		n.Access = keyhatch.Read
	}
	if n.Subject == "" {
		n.Subject = keyhatch.SubjectEveryone
	}
	return only(w.Broker.Places.GiveGrant(w.ctx, c, n))
}

// TestS13_NoSubmittedValueInErrors: whatever text is submitted wherever, an
// error that a caller is shown does not repeat it, and is never a fault of ours.
func TestS13_NoSubmittedValueInErrors(t *testing.T) {
	t.Parallel()
	w, member := newSharedLab(t)
	w.extra = w.Workspace(t, "extra")
	refused := map[string]bool{}
	for who, c := range map[string]caller{"admin": w.Admin, "member": member, "stranger": w.who["stranger"]} {
		for name, submit := range inputs {
			for i, canary := range canaries {
				if who != "admin" && i%5 != 0 {
					continue // most are refused before anybody looks at the text
				}
				err := submit(w, c, canary)
				if err == nil {
					continue
				}
				refused[name] = true
				var e *keyhatch.Error
				if !errors.As(err, &e) || e.Kind == keyhatch.Internal || e.Kind == keyhatch.Unavailable {
					t.Errorf("%s, %s %.40q: not an answer to a caller: %v", who, name, canary, err)
					continue
				}
				if shown := strings.ToLower(fmt.Sprint(e.Message, e.Field, e.Code, e.Kind)); strings.Contains(shown, "canary") {
					t.Errorf("%s, %s %.40q: the error repeats it: %s", who, name, canary, shown)
				}
			}
		}
	}
	for name := range inputs {
		if !refused[name] && name != "events, target" {
			t.Errorf("%s: nothing was refused: the test lost its meaning", name)
		}
	}
}
