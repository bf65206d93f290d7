package broker_test

import (
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
)

// TestS6_ListsHoldWhatOneMaySee: each list of each caller, by name. The world is
// the lab, with location shared, which the member may read, and a second
// workspace with one of each, which the member belongs to as well.
func TestS6_ListsHoldWhatOneMaySee(t *testing.T) {
	t.Parallel()
	w, member := newSharedLab(t)
	other := w.Workspace(t, "other")
	w.Member(t, other, member, keyhatch.MemberRole)
	chief := w.User(t, "chief")
	w.Member(t, other, chief, keyhatch.OwnerRole)
	far := w.Location(t, other, "s3://other-data/far/")
	w.Grant(t, far, w.who["guest"], keyhatch.Read)
	w.who["chief"] = chief
	w.who["in-lab"] = w.Token(t, member, people.NewToken{Workspace: w.ws.ID})
	for c, l := range map[string]string{"member": "shared", "guest": far.ID} {
		w.must(borrow(w, w.who[c], lending.LeaseRequest{Workspace: "lab", Location: l}))
	}
	users := map[string]string{}
	for u, err := range all(func(p kernel.Page) (kernel.List[keyhatch.User], error) {
		return w.Broker.People.Users(w.ctx, w.Admin, p)
	}) {
		w.must(err)
		users[u.ID] = u.Name
	}
	everybody := "admin bystander chief guest keeper member owner stranger wsadmin"
	inLab := "bystander member owner wsadmin"
	for _, row := range []struct {
		who                                             string
		users, workspaces, locations, farGrants, leases string
		events                                          string // of the workspace lab, by whom
	}{
		{"admin", everybody, "lab other", "shared", "guest", "", "admin member"},
		{"confined", "admin", "lab", "shared", "refused", "", "admin member"},
		{"owner", inLab, "lab", "shared", "refused", "", "admin member"},
		{"wsadmin", inLab, "lab", "shared", "refused", "", "admin member"},
		{"member", "admin bystander chief member owner wsadmin", "lab other", "shared", "", "member", "member"},
		{"in-lab", inLab, "lab", "shared", "refused", "member", "member"},
		{"chief", "admin chief member", "other", "refused", "guest", "", "refused"},
		{"guest", "guest", "", "refused", "guest", "guest", "refused"},
		{"stranger", "stranger", "", "refused", "refused", "", "refused"},
	} {
		c := w.who[row.who]
		named := func(id string) string { return users[id] }
		for what, list := range map[string][2]string{
			"users":      {row.users, names(w.Broker.People.Users(w.ctx, c, page))(func(u keyhatch.User) string { return u.Name })},
			"workspaces": {row.workspaces, names(w.Broker.People.Workspaces(w.ctx, c, page))(func(ws keyhatch.Workspace) string { return ws.Name })},
			"locations":  {row.locations, names(w.Broker.Places.Locations(w.ctx, c, "lab", page))(func(l keyhatch.Location) string { return l.Name })},
			"grants":     {row.farGrants, names(w.Broker.Places.Grants(w.ctx, c, other.ID, "", page))(func(g keyhatch.Grant) string { return named(g.Subject.ID) })},
			"leases":     {row.leases, names(w.Broker.Lending.Leases(w.ctx, c, lending.LeaseFilter{}, page))(func(l keyhatch.Lease) string { return named(l.User) })},
			"events":     {row.events, names(w.Broker.Record.Events(w.ctx, c, record.EventFilter{Workspace: "lab"}, kernel.Page{Limit: 1000}))(func(e keyhatch.Event) string { return named(e.User) })},
		} {
			if list[0] != list[1] {
				t.Errorf("%s: %s are %q, want %q", row.who, what, list[1], list[0])
			}
		}
		tokens, err := w.Broker.People.Tokens(w.ctx, c, c.User.ID, page)
		w.must(err)
		for _, k := range tokens.Items {
			if k.User != c.User.ID || c.Token.Workspace != "" && k.Workspace != c.Token.Workspace {
				t.Errorf("%s: sees the token %+v", row.who, k)
			}
		}
	}
}

// TestS6_TeamspacesThatOneSees: the list of each caller.
func TestS6_TeamspacesThatOneSees(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	make := func(name string, v keyhatch.Visibility) keyhatch.Teamspace {
		return give[keyhatch.Teamspace](w)(w.Broker.People.CreateTeamspace(w.ctx, w.Admin, people.NewTeamspace{Workspace: "lab", Name: name, Visibility: v}))
	}
	make("open", keyhatch.Public)
	make("closed", "")
	mine := make("mine", keyhatch.Private)
	w.must(only(w.Broker.People.PutTeamspaceMember(w.ctx, w.Admin, "lab", mine.Name, "member", keyhatch.ViewerRole)))
	w.who["bystander"] = w.bystander
	former := w.User(t, "former")
	w.Member(t, w.ws, former, keyhatch.MemberRole)
	w.must(only(w.Broker.People.PutTeamspaceMember(w.ctx, w.Admin, "lab", mine.Name, "former", keyhatch.OwnerRole)))
	w.must(w.Broker.People.RemoveWorkspaceMember(w.ctx, w.Admin, "lab", "former"))
	w.who["former"] = former
	for who, want := range map[string]string{
		"admin": "closed mine open", "confined": "closed mine open", "owner": "closed mine open", "wsadmin": "closed mine open",
		"member": "mine open", "bystander": "open", "keeper": "refused", "stranger": "refused", "former": "refused",
	} {
		got := names(w.Broker.People.Teamspaces(w.ctx, w.who[who], w.ws.ID, page))(func(s keyhatch.Teamspace) string { return s.Name })
		if got != want {
			t.Errorf("%s sees %q, want %q", who, got, want)
		}
	}
}

// names are the distinct names of a list, sorted, or "refused".
func names[T any](list kernel.List[T], err error) func(func(T) string) string {
	return func(name func(T) string) string {
		if err != nil {
			return "refused"
		}
		var out []string
		for _, v := range list.Items {
			out = append(out, name(v))
		}
		slices.Sort(out)
		return strings.Join(slices.Compact(out), " ")
	}
}

// all walks a list page by page.
func all[T any](fetch func(kernel.Page) (kernel.List[T], error)) func(yield func(T, error) bool) {
	return func(yield func(T, error) bool) {
		for p := (kernel.Page{Limit: 3}); ; {
			list, err := fetch(p)
			if err != nil {
				var none T
				yield(none, err)
				return
			}
			for _, v := range list.Items {
				if !yield(v, nil) {
					return
				}
			}
			if p.After = list.Next; p.After == "" {
				return
			}
		}
	}
}

// TestListsEnd: a list by pages is the list as a whole, and its last page has no
// cursor, also when it is full.
func TestListsEnd(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	for range 3 {
		w.newLocation()
		w.newLease()
		w.newTeamspace(keyhatch.Public)
		w.newTeamspace(keyhatch.Private)
	}
	space := w.newTeamspaceOf(w.who["member"], keyhatch.ViewerRole)
	w.givePassword(w.who["member"].User.ID)
	for range 5 {
		w.signedIn("member")
	}
	for name, walk := range map[string]func(limit int) (pages, items int){
		"users": walker(w, func(p kernel.Page) (kernel.List[keyhatch.User], error) {
			return w.Broker.People.Users(w.ctx, w.Admin, p)
		}),
		"members": walker(w, func(p kernel.Page) (kernel.List[keyhatch.WorkspaceMember], error) {
			return w.Broker.People.WorkspaceMembers(w.ctx, w.Admin, "lab", p)
		}),
		"group members": walker(w, func(p kernel.Page) (kernel.List[keyhatch.CircleMember], error) {
			return w.Broker.People.GroupMembers(w.ctx, w.Admin, "", w.group.ID, p)
		}),
		"teamspaces": walker(w, func(p kernel.Page) (kernel.List[keyhatch.Teamspace], error) {
			return w.Broker.People.Teamspaces(w.ctx, w.who["member"], "lab", p)
		}),
		"teamspace members": walker(w, func(p kernel.Page) (kernel.List[keyhatch.CircleMember], error) {
			return w.Broker.People.TeamspaceMembers(w.ctx, w.who["member"], "", space.ID, p)
		}),
		"tokens": walker(w, func(p kernel.Page) (kernel.List[keyhatch.Token], error) {
			return w.Broker.People.Tokens(w.ctx, w.Admin, "", p)
		}),
		"sessions": walker(w, func(p kernel.Page) (kernel.List[keyhatch.BrowserSession], error) {
			return w.Broker.Sessions.Sessions(w.ctx, w.Admin, "member", p)
		}),
		"stores": walker(w, func(p kernel.Page) (kernel.List[keyhatch.Store], error) {
			return w.Broker.Places.Stores(w.ctx, w.Admin, p)
		}),
		"buckets": walker(w, func(p kernel.Page) (kernel.List[buckets.Bucket], error) {
			return w.Broker.Buckets.Buckets(w.ctx, w.Admin, "lab", p)
		}),
		"locations": walker(w, func(p kernel.Page) (kernel.List[keyhatch.Location], error) {
			return w.Broker.Places.Locations(w.ctx, w.Admin, "lab", p)
		}),
		"grants": walker(w, func(p kernel.Page) (kernel.List[keyhatch.Grant], error) {
			return w.Broker.Places.Grants(w.ctx, w.Admin, "lab", "", p)
		}),
		"leases": walker(w, func(p kernel.Page) (kernel.List[keyhatch.Lease], error) {
			return w.Broker.Lending.Leases(w.ctx, w.Admin, lending.LeaseFilter{Workspace: "lab"}, p)
		}),
		"events": walker(w, func(p kernel.Page) (kernel.List[keyhatch.Event], error) {
			return w.Broker.Record.Events(w.ctx, w.Admin, record.EventFilter{}, p)
		}),
	} {
		_, whole := walk(1000)
		for limit := 1; limit <= whole+1; limit++ {
			pages, items := walk(limit)
			if want := (whole + limit - 1) / limit; items != whole || pages != want {
				t.Errorf("%s by %d: %d items on %d pages, want %d on %d", name, limit, items, pages, whole, want)
			}
			if limit == 3 && whole > 9 {
				limit = whole - 2 // the interesting ends
			}
		}
	}
}

func walker[T any](w *lab, fetch func(kernel.Page) (kernel.List[T], error)) func(int) (int, int) {
	return func(limit int) (pages, items int) {
		for p := (kernel.Page{Limit: limit}); ; {
			list, err := fetch(p)
			w.must(err)
			pages, items = pages+1, items+len(list.Items)
			if p.After = list.Next; p.After == "" {
				return pages, items
			}
			if pages > 1000 {
				w.t.Fatal("the list does not end")
			}
		}
	}
}

// TestS4_EndedCallerChangesNothing: who was authenticated a moment before its
// token was revoked or its secret replaced, or its user disabled or removed,
// changes nothing any more, by no use case.
func TestS4_EndedCallerChangesNothing(t *testing.T) {
	t.Parallel()
	w := newLab(t)
	no := false
	for how, end := range map[string]func(c caller){
		"revoked": func(c caller) { w.must(w.Broker.People.RevokeToken(w.ctx, w.Admin, c.Token.ID)) },
		"given another secret": func(c caller) {
			_, _, err := w.Broker.People.RotateToken(w.ctx, w.Admin, c.Token.ID, 0)
			w.must(err)
		},
		"disabled": func(c caller) {
			w.must(only(w.Broker.People.UpdateUser(w.ctx, w.Admin, c.User.ID, people.UserChange{Active: &no})))
		},
		"deleted": func(c caller) { w.must(w.Broker.People.DeleteUser(w.ctx, w.Admin, c.User.ID)) },
	} {
		u := give[keyhatch.User](w)(w.Broker.People.CreateUser(w.ctx, w.Admin, people.NewUser{Name: "ended-" + strings.ReplaceAll(how, " ", "-"), Admin: true}))
		c := w.Token(t, w.Admin, people.NewToken{User: u.ID})
		l, _ := w.newLocation()
		w.must(only(w.Broker.Places.GiveGrant(w.ctx, w.Admin, places.NewGrant{Location: l.ID, Subject: keyhatch.SubjectEveryone, Access: keyhatch.Read})))
		doing := map[string]act{"borrow what everyone may": func() error { return borrow(w, c, lending.LeaseRequest{Location: l.ID}) }}
		for _, u := range useCases {
			if u.records != "" && strings.Fields(u.want)[0] == "ok" {
				doing[u.name] = u.prepare(w, c)
			}
		}
		end(c)
		before := w.Dump(t)
		for name, do := range doing {
			if diff := gocmp.Diff(kernel.TokenInvalid(), do()); diff != "" {
				t.Errorf("%s, %s (-like a bad token +got):\n%s", how, name, diff)
			}
		}
		if diff := gocmp.Diff(before, w.Dump(t)); diff != "" {
			t.Errorf("%s: something was changed:\n%s", how, diff)
		}
	}
}
