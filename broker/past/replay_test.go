package past_test

import (
	"errors"
	"flag"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/past"
	"github.com/keyhatch/keyhatch/db"
	"pgregory.net/rapid"
)

// TestPastIsWhatWas: whatever happens, in whatever order, who-can at a moment
// names exactly those whom a lease was lent then; and the record, replayed to its
// end, gives what the tables hold.
func TestPastIsWhatWas(t *testing.T) {
	t.Parallel()
	done, lent, refused := map[string]int{}, 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		inBubble(t, func(t *testing.T) {
			h := newHistory(t)
			acts := h.acts()
			for range 40 {
				draw(rt, acts, "act")(rt)
				h.look(rt)
			}
			for _, s := range h.seen {
				could := h.could(rt, s)
				for user, was := range s.lent {
					if could[user] != was {
						rt.Fatalf("%+v; who-can says %v of %s", s, could[user], user)
					}
					if was {
						lent++
					} else {
						refused++
					}
				}
			}
			h.wantTables(rt)
			for act, n := range h.done {
				done[act] += n
			}
		})
	})
	t.Logf("lent %d times, refused %d times; done: %v", lent, refused, done)
	if lent < 50 || refused < 50 || len(done) < 19 {
		t.Error("the histories are too poor: the test lost its meaning")
	}
}

// Fewer histories than rapid makes by default: each begins with a database of its own on
// the disk. A number that somebody asks for comes after this one.
func init() {
	if err := flag.Set("rapid.checks", "10"); err != nil {
		panic(err)
	}
}

// inBubble runs fn with a clock of its own. Rapid ends a try with a panic, which
// must not meet the bubble's test.
func inBubble(t *testing.T, fn func(*testing.T)) {
	var ended any
	synctest.Test(t, func(t *testing.T) {
		defer func() { ended = recover() }()
		fn(t)
	})
	if ended != nil {
		panic(ended)
	}
}

// could asks the past.
func (h *history) could(t *rapid.T, s sight) map[string]bool {
	r := past.WhoCanRequest{Location: s.location, Access: s.access, At: s.at}
	if s.url != "" { // whose workspace its bucket tells
		r.Location, r.Workspace = s.url, h.workspaces[0].ID
		if u, err := keyhatch.ParseS3URL(s.url); err == nil && u.Bucket == h.workspaces[1].Name+"-data" {
			r.Workspace = h.workspaces[1].ID
		}
	}
	answer, err := h.core.Broker.Past.WhoCan(h.t.Context(), h.core.Admin, r)
	if err != nil {
		t.Fatalf("%+v: %v", s, err)
	}
	if answer.Location.ID != s.location || len(answer.Doubts) > 0 {
		t.Fatalf("%+v: the answer is about %s, in doubt of %v", s, answer.Location.ID, answer.Doubts)
	}
	could := map[string]bool{}
	for _, w := range answer.Ways {
		switch {
		case w.Part:
		case w.Grant.Subject.Kind == keyhatch.SubjectEveryone:
			for user, active := range s.active {
				could[user] = could[user] || active
			}
		default:
			could[w.User.ID] = true
		}
	}
	return could
}

// wantTables compares the end of the record with the tables.
func (h *history) wantTables(t *rapid.T) {
	r, ctx := h.core.DB.Reader, h.t.Context()
	state, err := past.At(ctx, r, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	want := past.State{
		Users: map[string]keyhatch.User{}, Circles: map[string]past.Circle{}, Members: map[string]map[string]bool{},
		Locations: map[string]keyhatch.Location{}, Grants: map[string]keyhatch.Grant{}, Roles: map[string]map[string]keyhatch.Role{},
		Stores: map[string]keyhatch.Store{}, Buckets: map[string]keyhatch.Bucket{}, Keys: map[string]keyhatch.AccessKey{},
	}
	users, err1 := r.Users(ctx, "", "", db.Everything)
	for _, u := range users {
		want.Users[u.ID] = keyhatch.User{ID: u.ID, Name: u.Name, Admin: u.Admin, Active: u.Active}
	}
	var err2 error
	for _, ws := range h.workspaces {
		groups, err := r.Groups(ctx, ws.ID, db.Everything)
		err2 = errors.Join(err2, err)
		for _, g := range groups {
			want.Circles[g.ID] = past.Circle{Subject: keyhatch.Subject{Kind: keyhatch.SubjectGroup, ID: g.ID}, Workspace: g.Workspace, Name: g.Name}
		}
		teamspaces, err := r.Teamspaces(ctx, ws.ID, "", db.Everything)
		err2 = errors.Join(err2, err)
		for _, s := range teamspaces {
			want.Circles[s.ID] = past.Circle{Subject: keyhatch.Subject{Kind: keyhatch.SubjectTeamspace, ID: s.ID}, Workspace: s.Workspace, Name: s.Name}
		}
	}
	members, err3 := r.AllCircleMembers(ctx)
	for _, m := range members {
		if want.Members[m.Circle] == nil {
			want.Members[m.Circle] = map[string]bool{}
		}
		want.Members[m.Circle][m.User] = true
	}
	locations, err4 := r.AllLocations(ctx)
	for _, l := range locations {
		want.Locations[l.ID] = keyhatch.Location{
			ID: l.ID, Workspace: l.Workspace, BucketName: l.BucketName, Prefix: l.Prefix, Name: l.Name, Owner: l.Owner, Locked: l.Locked,
		}
	}
	grants, err5 := r.AllGrants(ctx)
	for _, g := range grants {
		g.Since, g.CreatedAt, g.CreatedBy = time.Time{}, time.Time{}, ""
		want.Grants[g.ID] = g
	}
	roles, err6 := r.AllWorkspaceMembers(ctx)
	for _, m := range roles {
		if want.Roles[m.Workspace] == nil {
			want.Roles[m.Workspace] = map[string]keyhatch.Role{}
		}
		want.Roles[m.Workspace][m.User] = m.Role
	}
	stores, err7 := r.Stores(ctx, "", "", db.Everything)
	for _, s := range stores {
		want.Stores[s.ID] = keyhatch.Store{ID: s.ID, Workspace: s.Workspace, Name: s.Name}
	}
	buckets, err8 := r.Buckets(ctx, "", db.Everything)
	for _, b := range buckets {
		want.Buckets[b.ID] = keyhatch.Bucket{
			ID: b.ID, Workspace: b.Workspace, Store: b.Store, Name: b.Name, Owner: b.Owner, State: b.State, AllKeysRead: b.AllKeysRead, AllKeysWrite: b.AllKeysWrite,
		}
	}
	keys, err9 := r.AccessKeys(ctx, db.AccessKeyFilter{}, db.Everything)
	for _, k := range keys {
		kept := keyhatch.AccessKey{
			ID: k.ID, Workspace: k.Workspace, Store: k.Store, Name: k.Name, Owner: k.Owner, Rights: k.Rights, ExpiresAt: k.ExpiresAt,
		}
		for _, p := range k.Pairs {
			kept.Pairs = append(kept.Pairs, keyhatch.IssuedPair{AccessKeyID: p.AccessKeyID, IssuedAt: p.IssuedAt, EndsAt: p.EndsAt})
		}
		want.Keys[k.ID] = kept
	}
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9); err != nil {
		t.Fatal(err)
	}
	for what, pair := range map[string][2]any{
		"users": {want.Users, state.Users}, "circles": {want.Circles, state.Circles}, "members": {want.Members, state.Members},
		"locations": {want.Locations, state.Locations}, "grants": {want.Grants, state.Grants},
		"roles": {want.Roles, state.Roles}, "stores": {want.Stores, state.Stores}, "buckets": {want.Buckets, state.Buckets}, "keys": {want.Keys, state.Keys},
	} {
		if diff := cmp.Diff(pair[0], pair[1], cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("%s (-table +replayed):\n%s", what, diff)
		}
	}
}
