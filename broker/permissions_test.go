package broker_test

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/accesskeys"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// columns are who the table of permissions asks about, all of workspace "lab".
var columns = []string{
	"admin",    // of the installation, member of nothing
	"confined", // the admin, with a token of the workspace
	"owner",    // of the workspace
	"wsadmin",  // of the workspace
	"member",   // of the workspace, with no grant
	"keeper",   // owns the location and is no member
	"guest",    // may read the location and is no member
	"stranger", // has nothing to do with any of it
}

// outcomes are the words of the table. A "-" leaves the cell open.
var outcomes = map[string]error{
	"ok": nil, "forbidden": keyhatch.Forbidden, "hidden": keyhatch.NotFound, "conflict": keyhatch.Conflict,
	"unavailable": keyhatch.Unavailable,
}

// useCase is one row of the table.
type useCase struct {
	name    string
	want    string          // an outcome a column
	records keyhatch.Action // the event of a success; "" when the use case only looks
	table   string          // that a success changes
	// prepare makes what c shall do it to, and returns the doing.
	prepare func(w *lab, c keyhatch.Caller) func() error
}

// lab is the world of the table.
type lab struct {
	*coretest.Core
	t      *testing.T
	ctx    context.Context
	who    map[string]keyhatch.Caller
	ws     keyhatch.Workspace
	bucket keyhatch.Bucket
	group  keyhatch.Group
	// bystander is a member of the workspace and of the group.
	bystander keyhatch.Caller
	count     int
	spare     keyhatch.Token     // of the member, in a shared lab
	extra     keyhatch.Workspace // with nothing in it that a row needs
}

func newLab(t *testing.T) *lab {
	t.Helper()
	w := &lab{Core: coretest.New(t), t: t, ctx: t.Context(), who: map[string]keyhatch.Caller{}}
	w.PublicURL = "https://keyhatch.example.org"
	w.Restart(t)
	w.ws = w.Workspace(t, "lab")
	for _, name := range columns[2:] {
		w.who[name] = w.User(t, name)
	}
	w.bystander = w.User(t, "bystander")
	w.Member(t, w.ws, w.who["owner"], keyhatch.OwnerRole)
	w.Member(t, w.ws, w.who["wsadmin"], keyhatch.AdminRole)
	w.Member(t, w.ws, w.who["member"], keyhatch.MemberRole)
	w.Member(t, w.ws, w.bystander, keyhatch.MemberRole)
	w.must(w.Broker.People.RemoveWorkspaceMember(w.ctx, w.Admin, w.ws.ID, w.Admin.User.ID))
	w.who["admin"], w.who["confined"] = w.Admin, w.Token(t, w.Admin, people.NewToken{Workspace: w.ws.ID})
	w.bucket = give[keyhatch.Bucket](w)(w.Broker.Buckets.Register(w.ctx, w.Admin, buckets.Existing{Workspace: w.ws.ID, Store: w.Store.ID, Name: "lab"}))
	w.group = w.newGroup()
	return w
}

func (w *lab) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func give[T any](w *lab) func(T, error) T {
	return func(v T, err error) T {
		w.t.Helper()
		w.must(err)
		return v
	}
}

// name is a new name, which is also a bucket's.
func (w *lab) name() string {
	w.count++
	return fmt.Sprintf("n-%d", w.count)
}

// The things that rows do something to.

func (w *lab) newUser() keyhatch.User {
	return give[keyhatch.User](w)(w.Broker.People.CreateUser(w.ctx, w.Admin, people.NewUser{Name: w.name()}))
}

func (w *lab) newMember(role keyhatch.Role) keyhatch.User {
	u := w.newUser()
	give[keyhatch.WorkspaceMember](w)(w.Broker.People.PutWorkspaceMember(w.ctx, w.Admin, w.ws.ID, u.ID, role))
	return u
}

func (w *lab) newGroup() keyhatch.Group {
	g := give[keyhatch.Group](w)(w.Broker.People.CreateGroup(w.ctx, w.Admin, w.ws.ID, w.name()))
	give[keyhatch.CircleMember](w)(w.Broker.People.PutGroupMember(w.ctx, w.Admin, "", g.ID, w.bystander.User.ID))
	return g
}

// newTeamspace is one that the bystander views.
func (w *lab) newTeamspace(v keyhatch.Visibility) keyhatch.Teamspace {
	s := give[keyhatch.Teamspace](w)(w.Broker.People.CreateTeamspace(w.ctx, w.Admin, people.NewTeamspace{Workspace: w.ws.ID, Name: w.name(), Visibility: v}))
	give[keyhatch.CircleMember](w)(w.Broker.People.PutTeamspaceMember(w.ctx, w.Admin, "", s.ID, w.bystander.User.ID, keyhatch.ViewerRole))
	return s
}

// newTeamspaceOf is a private one in which the caller has the role, if it is a
// member of the workspace.
func (w *lab) newTeamspaceOf(c keyhatch.Caller, role keyhatch.Role) keyhatch.Teamspace {
	s := w.newTeamspace(keyhatch.Private)
	_, err := w.Broker.People.PutTeamspaceMember(w.ctx, w.Admin, "", s.ID, c.User.ID, role)
	if !errors.Is(err, keyhatch.Invalid) {
		w.must(err)
	}
	return s
}

func (w *lab) newStore() keyhatch.Store {
	return give[keyhatch.Store](w)(w.Broker.Places.CreateStore(w.ctx, w.Admin, w.store()))
}

func (w *lab) store() places.NewStore {
	name := w.name()
	return places.NewStore{Name: name, Kind: keyhatch.DirectoryStore, Path: filepath.Join(w.Root, name)}
}

// s3Store is one that speaks S3, with a credential of its own.
func (w *lab) s3Store() places.NewStore {
	return places.NewStore{Name: w.name(), Kind: keyhatch.S3Store, Endpoint: "https://s3.example", Credential: w.newCredential().ID}
}

func (w *lab) newS3Store() keyhatch.Store {
	return give[keyhatch.Store](w)(w.Broker.Places.CreateStore(w.ctx, w.Admin, w.s3Store()))
}

func (w *lab) credential() credentials.NewCredential {
	return credentials.NewCredential{Name: w.name(), Authority: keyhatch.AWSKeys("AKIA"+w.name(), keyhatch.NewTokenSecret())}
}

func (w *lab) newCredential() keyhatch.Credential {
	return give[credentials.Made](w)(w.Broker.Credentials.Create(w.ctx, w.Admin, w.credential())).Credential
}

// role is one of AWS that nobody has.
func (w *lab) role() keyhatch.Authority {
	return keyhatch.Authority{
		Provider: keyhatch.AWS, Kind: keyhatch.RoleCredential,
		Principal: "arn:aws:iam::123456789012:role/" + w.name(), Secret: keyhatch.NewTokenSecret(),
	}
}

func (w *lab) credentialIn(in credentials.In) keyhatch.Credential {
	n := w.credential()
	n.In = in
	return give[credentials.Made](w)(w.Broker.Credentials.Create(w.ctx, w.Admin, n)).Credential
}

// s3StoreOf is one of the workspace's own, with its credential.
func (w *lab) s3StoreOf(ws keyhatch.Workspace) places.NewStore {
	ws = give[keyhatch.Workspace](w)(w.DB.Workspace(w.ctx, ws.ID)) // a row renames it
	return places.NewStore{
		Workspace: ws.ID, Name: ws.Name + "." + w.name(), Kind: keyhatch.S3Store, Endpoint: "https://s3.example",
		Credential: w.credentialIn(credentials.In{Workspace: ws.ID}).ID,
	}
}

func (w *lab) newToken(of keyhatch.Caller) keyhatch.Token {
	return w.Token(w.t, of, people.NewToken{}).Token
}

// newLocation is one that the keeper owns, with the guest's grant.
func (w *lab) newLocation() (l keyhatch.Location, g keyhatch.Grant) {
	name := w.name()
	l = give[keyhatch.Location](w)(w.Broker.Places.CreateLocation(w.ctx, w.Admin, places.NewLocation{
		Workspace: w.ws.ID, URL: "s3://lab/" + name + "/", Name: name, Owner: w.who["keeper"].User.ID,
	}))
	return l, w.Grant(w.t, l, w.who["guest"], keyhatch.Read)
}

func (w *lab) key() accesskeys.NewKey {
	return accesskeys.NewKey{Workspace: w.ws.ID, Store: w.Store.ID, Name: w.name()}
}

// newKey is the admin's.
func (w *lab) newKey() keyhatch.AccessKey {
	return give[keyhatch.AccessKey](w)(w.Broker.AccessKeys.Create(w.ctx, w.Admin, w.key()))
}

// settingOf is a storage setting with what it was made from.
type settingOf struct {
	places.NewSetting
	made places.Setting
}

func (w *lab) newSetting(teamspace string) settingOf {
	in := credentials.In{Workspace: w.ws.ID, Teamspace: teamspace}
	n := places.NewSetting{Workspace: w.ws.ID, Teamspace: teamspace, Name: w.name(), Path: "s3://" + w.name(), Credential: w.credentialIn(in).ID}
	n.Path += "/" + n.Name
	return settingOf{n, give[places.Setting](w)(w.Broker.Places.CreateSetting(w.ctx, w.Admin, n))}
}

// beside is another in its bucket.
func (s settingOf) beside(name string) places.NewSetting {
	n := s.NewSetting
	n.Name, n.Path = name, "s3://"+s.made.BucketName+"/"+name
	return n
}

// goneLocation is like newLocation at a time, and deleted after it.
func (w *lab) goneLocation() (l keyhatch.Location, at time.Time) {
	l, _ = w.newLocation()
	at = time.Now()
	w.must(w.Broker.Places.DeleteLocation(w.ctx, w.Admin, "", l.ID))
	return l, at
}

// newLease is the guest's.
func (w *lab) newLease() keyhatch.Lease {
	l, _ := w.newLocation()
	return give[lending.Lent](w)(w.Broker.Lending.Lease(w.ctx, w.who["guest"], lending.LeaseRequest{Location: l.ID, Access: keyhatch.Read})).Lease
}

// newestEvent is the last of this process's chain.
func (w *lab) newestEvent() keyhatch.Event {
	w.t.Helper()
	list := give[[]keyhatch.Event](w)(w.DB.Events(w.ctx, db.EventFilter{}, db.Page{Limit: 20}))
	return slices.MaxFunc(list, func(a, b keyhatch.Event) int { return cmp.Compare(a.Seq, b.Seq) })
}

// TestPermissions: who may not, or only looks, changes nothing; who may, changes
// what the row says and leaves exactly one event, by its caller.
func TestPermissions(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	type attempt struct {
		row, column, want string
		do                func() error
	}
	var refusedOrLooking []attempt
	for _, u := range useCases {
		want := strings.Fields(u.want)
		if len(want) != len(columns) {
			t.Fatalf("%s: %d outcomes for %d columns", u.name, len(want), len(columns))
		}
		for i, column := range columns {
			if want[i] != "-" && (want[i] != "ok" || u.records == "") {
				refusedOrLooking = append(refusedOrLooking, attempt{u.name, column, want[i], u.prepare(w, w.who[column])})
			}
		}
	}
	before := w.Dump(t)
	for _, a := range refusedOrLooking {
		wantOutcome(t, a.row+", "+a.column, a.do(), a.want)
	}
	if diff := gocmp.Diff(before, w.Dump(t)); diff != "" {
		t.Errorf("who was refused or only looked changed something:\n%s", diff)
	}
	for _, u := range useCases {
		for i, column := range columns {
			if strings.Fields(u.want)[i] == "ok" && u.records != "" {
				w.success(u, column)
			}
		}
	}
}

func (w *lab) success(u useCase, column string) {
	w.t.Helper()
	c := w.who[column]
	do := u.prepare(w, c)
	seq, rows := w.newestEvent().Seq, w.Dump(w.t, u.table)
	wantOutcome(w.t, u.name+", "+column, do(), "ok")
	e := w.newestEvent()
	if e.Seq != seq+1 || e.Action != u.records || e.User != c.User.ID || e.Token != c.Token.ID {
		w.t.Errorf("%s, %s: %d events; the last is %q by user %s, token %s", u.name, column, e.Seq-seq, e.Action, e.User, e.Token)
	}
	if gocmp.Equal(rows, w.Dump(w.t, u.table)) {
		w.t.Errorf("%s, %s: it succeeded and table %s is as before", u.name, column, u.table)
	}
}

func wantOutcome(t *testing.T, what string, err error, want string) {
	t.Helper()
	kind, known := outcomes[want]
	switch {
	case !known:
		t.Fatalf("%s: no outcome is called %q", what, want)
	case kind == nil && err != nil:
		t.Errorf("%s: refused with %q, want ok", what, err)
	case kind != nil && !errors.Is(err, kind):
		t.Errorf("%s: got %v, want %s", what, err, want)
	}
}

// TestS8_NoAuditNoChange: when the event cannot be written, for want of its key
// or because the commit fails, nothing happens at all, whatever the use case.
func TestS8_NoAuditNoChange(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	doing := map[string]func() error{}
	for _, u := range useCases {
		if column := slices.Index(strings.Fields(u.want), "ok"); u.records != "" && column >= 0 {
			doing[u.name] = u.prepare(w, w.who[columns[column]])
		}
	}
	before := w.Dump(t)
	w.DB.UseAuditKey(nil)
	for name, do := range doing {
		if err := do(); err == nil {
			t.Errorf("%s: it succeeded without an audit key", name)
		}
	}
	w.DB.UseAuditKey(w.Keys.AuditMAC)
	mend := w.BreakCommits(t, "audit_chains")
	for name, do := range doing {
		wantOutcome(t, name+", when the commit fails", do(), "unavailable")
	}
	mend()
	if diff := gocmp.Diff(before, w.Dump(t)); diff != "" {
		t.Errorf("something was changed:\n%s", diff)
	}
	for name, do := range doing {
		wantOutcome(t, name+", once it can be recorded", do(), "ok")
	}
}
