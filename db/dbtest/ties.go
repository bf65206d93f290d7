package dbtest

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

func testInstallation(t *testing.T, s *suite) {
	at := s.Now()
	sets := []keyhatch.Keyset{
		{Name: "audit", KEK: "kek_1", Wrapped: []byte{0, 255, '\'', 10}, CreatedAt: at},
		{Name: "tokens", KEK: "kek_2", Wrapped: []byte("x"), CreatedAt: at},
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertInstallation(ctx, "ab0cd", at) },
			func() error { return tx.InsertKeyset(ctx, sets[1]) }, func() error { return tx.InsertKeyset(ctx, sets[0]) })
	})
	if got := ground.OK[string](t)(s.ClusterID(s.Ctx())); got != "ab0cd" {
		t.Errorf("cluster id %q", got)
	}
	if diff := cmp.Diff(sets, ground.OK[[]keyhatch.Keyset](t)(s.Keysets(s.Ctx()))); diff != "" {
		t.Errorf("keysets (-want +got):\n%s", diff)
	}
	swapped := sets[0]
	swapped.Wrapped = []byte("another")
	if err := s.Try(func(ctx context.Context, tx *db.Tx) error { return tx.InsertKeyset(ctx, swapped) }); err == nil {
		t.Error("a keyset was stored over another of its name")
	}
	if diff := cmp.Diff(sets, ground.OK[[]keyhatch.Keyset](t)(s.Keysets(s.Ctx()))); diff != "" {
		t.Errorf("keysets after a refused one (-want +got):\n%s", diff)
	}
}

// testStrangeText: what a request can name is looked up as it is, whatever
// bytes it has, and is not found. An engine must not fail on it in another way.
func testStrangeText(t *testing.T, s *suite) {
	w := s.world()
	for _, text := range []string{"", "\x00", "a\x00b", "\xff\xfe", "'; drop table users; --", "%", "_", "*", "é", w.user.Name + "\x00", w.user.Name + " "} {
		for what, look := range map[string]func() error{
			"User":            func() error { _, err := s.User(s.Ctx(), text); return err },
			"UserByName":      func() error { _, err := s.UserByName(s.Ctx(), text); return err },
			"WorkspaceByName": func() error { _, err := s.WorkspaceByName(s.Ctx(), text); return err },
			"Group":           func() error { _, err := s.Group(s.Ctx(), text); return err },
			"GroupByName":     func() error { _, err := s.GroupByName(s.Ctx(), w.ws.ID, text); return err },
			"Teamspace":       func() error { _, err := s.Teamspace(s.Ctx(), text); return err },
			"TeamspaceByName": func() error { _, err := s.TeamspaceByName(s.Ctx(), w.ws.ID, text); return err },
			"Token":           func() error { _, err := s.Token(s.Ctx(), text); return err },
			"StoreByName":     func() error { _, err := s.StoreByName(s.Ctx(), text); return err },
			"Bucket":          func() error { _, err := s.Bucket(s.Ctx(), text); return err },
			"LocationByName":  func() error { _, err := s.LocationByName(s.Ctx(), w.ws.ID, text); return err },
			"Grant":           func() error { _, err := s.Grant(s.Ctx(), text); return err },
			"Lease":           func() error { _, err := s.Lease(s.Ctx(), text); return err },
			"Event":           func() error { _, err := s.Event(s.Ctx(), text); return err },
		} {
			if err := look(); !errors.Is(err, keyhatch.NotFound) {
				t.Errorf("%s(%q): %v, want not found", what, text, err)
			}
		}
	}
}

// testInUse: what something else names cannot be removed, and nothing can name
// what is not there.
func testInUse(t *testing.T, s *suite) {
	w := s.world()
	plain := s.NewWorkspace()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertWorkspace(ctx, plain) })
	private := s.newStore()
	private.Workspace = plain.ID
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertStore(ctx, private) })
	for what, write := range map[string]func(context.Context, *db.Tx) error{
		"delete a user who owns a location":    func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, w.user.ID) },
		"delete a workspace that has a bucket": func(ctx context.Context, tx *db.Tx) error { return tx.DeleteWorkspace(ctx, w.ws.ID) },
		"delete a workspace that has a store":  func(ctx context.Context, tx *db.Tx) error { return tx.DeleteWorkspace(ctx, plain.ID) },
		"delete a store that has a bucket":     func(ctx context.Context, tx *db.Tx) error { return tx.DeleteStore(ctx, w.store) },
		"delete a bucket that has a location":  func(ctx context.Context, tx *db.Tx) error { return tx.DeleteBucket(ctx, w.bucket) },
		"member of no workspace": func(ctx context.Context, tx *db.Tx) error {
			return tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{Workspace: "ws_none", User: w.user.ID})
		},
		"member who is nobody": func(ctx context.Context, tx *db.Tx) error {
			return tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{Workspace: w.ws.ID, User: "user_none"})
		},
		"group of no workspace":     func(ctx context.Context, tx *db.Tx) error { return tx.InsertGroup(ctx, s.NewGroup("ws_none")) },
		"teamspace of no workspace": func(ctx context.Context, tx *db.Tx) error { return tx.InsertTeamspace(ctx, s.newTeamspace("ws_none")) },
		"delete a workspace that has a teamspace": func(ctx context.Context, tx *db.Tx) error {
			ws := s.NewWorkspace()
			return ground.FirstError(func() error { return tx.InsertWorkspace(ctx, ws) }, func() error { return tx.InsertTeamspace(ctx, s.newTeamspace(ws.ID)) },
				func() error { return tx.DeleteWorkspace(ctx, ws.ID) })
		},
		"member of no group": func(ctx context.Context, tx *db.Tx) error {
			return tx.PutCircleMember(ctx, w.ws.ID, keyhatch.CircleMember{Circle: "group_none", User: w.user.ID})
		},
		"token of nobody": func(ctx context.Context, tx *db.Tx) error { return tx.InsertToken(ctx, s.newToken("user_none", "")) },
		"token of no workspace": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertToken(ctx, s.newToken(w.user.ID, "ws_none"))
		},
		"bucket of no store": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertBucket(ctx, s.newBucket(w.ws.ID, "store_none"))
		},
		"bucket of no workspace": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertBucket(ctx, s.newBucket("ws_none", w.store.ID))
		},
		"location in no bucket": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertLocation(ctx, s.newLocation(keyhatch.Bucket{ID: "bucket_none", Workspace: w.ws.ID}, w.user.ID))
		},
		"location of nobody": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertLocation(ctx, s.newLocation(w.bucket, "user_none"))
		},
		"location that changes its owner for nobody": func(ctx context.Context, tx *db.Tx) error {
			l := w.location
			l.Owner = "user_none"
			return tx.UpdateLocation(ctx, l)
		},
		"grant on no location": func(ctx context.Context, tx *db.Tx) error {
			return tx.InsertGrant(ctx, s.newGrant(keyhatch.Location{ID: "loc_none", Workspace: w.ws.ID}, keyhatch.Subject{Kind: keyhatch.SubjectEveryone}))
		},
	} {
		last := ground.OK[int64](t)(s.LastChange(s.Ctx()))
		ground.WantFail(t, what, s.Try(write), keyhatch.Conflict, keyhatch.CodeInUse)
		if now := ground.OK[int64](t)(s.LastChange(s.Ctx())); now != last {
			t.Errorf("%s: refused, but it left %d lines in the change feed", what, now-last)
		}
	}
}

// testDeletedWith: what belongs to one thing alone goes with it, and the feed
// tells of each.
func testDeletedWith(t *testing.T, s *suite) {
	w := s.world()
	heir := s.StoredUser()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		l := w.location
		l.Owner = heir
		return tx.UpdateLocation(ctx, l)
	})
	rejoin := func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(
			func() error {
				return tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{Workspace: w.ws.ID, User: w.user.ID, Role: keyhatch.MemberRole})
			},
			func() error {
				return tx.PutCircleMember(ctx, w.ws.ID, keyhatch.CircleMember{Circle: w.group.ID, User: w.user.ID})
			},
			func() error { return tx.InsertGrant(ctx, w.grant) })
	}
	user, group := w.user.ID, w.group.ID
	member, inGroup := w.ws.ID+db.PairSeparator+user, group+db.PairSeparator+user
	space := s.newTeamspace(w.ws.ID)
	toSpace, inSpace := s.newGrant(w.location, keyhatch.Subject{Kind: keyhatch.SubjectTeamspace, ID: space.ID}), space.ID+db.PairSeparator+user
	for _, step := range []struct {
		what   string
		delete func(context.Context, *db.Tx) error
		fed    []db.Change // without numbers
		gone   []func() error
		next   func(context.Context, *db.Tx) error
	}{
		{
			"a workspace member", func(ctx context.Context, tx *db.Tx) error { return tx.DeleteWorkspaceMember(ctx, w.ws.ID, user) },
			[]db.Change{{Kind: db.GrantChanged, ID: w.grant.ID}, {Kind: db.CircleMemberChanged, ID: inGroup}, {Kind: db.WorkspaceMemberChanged, ID: member}},
			[]func() error{
				func() error { _, err := s.Grant(s.Ctx(), w.grant.ID); return err },
				func() error { _, err := s.CircleMember(s.Ctx(), group, user); return err },
				func() error { _, err := s.WorkspaceMember(s.Ctx(), w.ws.ID, user); return err },
			},
			rejoin,
		},
		{
			"a user", func(ctx context.Context, tx *db.Tx) error { return tx.DeleteUser(ctx, user) },
			[]db.Change{
				{Kind: db.TokenChanged, ID: w.token.ID},
				{Kind: db.GrantChanged, ID: w.grant.ID},
				{Kind: db.CircleMemberChanged, ID: inGroup},
				{Kind: db.WorkspaceMemberChanged, ID: member},
				{Kind: db.UserChanged, ID: user},
			},
			[]func() error{
				func() error { _, err := s.Token(s.Ctx(), w.token.ID); return err },
				func() error { _, err := s.Grant(s.Ctx(), w.grant.ID); return err },
				func() error { _, err := s.CircleMember(s.Ctx(), group, user); return err },
				func() error { _, err := s.WorkspaceMember(s.Ctx(), w.ws.ID, user); return err },
			},
			func(ctx context.Context, tx *db.Tx) error { return tx.InsertUser(ctx, w.user) },
		},
		{
			"a group", func(ctx context.Context, tx *db.Tx) error {
				return ground.FirstError(func() error { return rejoin(ctx, tx) }, func() error { return tx.DeleteGroup(ctx, w.group) })
			},
			[]db.Change{
				{Kind: db.WorkspaceMemberChanged, ID: member}, {Kind: db.CircleMemberChanged, ID: inGroup}, {Kind: db.GrantChanged, ID: w.grant.ID}, // joined again
				{Kind: db.CircleMemberChanged, ID: inGroup}, {Kind: db.GrantChanged, ID: w.toGroup.ID},
			},
			[]func() error{
				func() error { _, err := s.CircleMember(s.Ctx(), group, user); return err },
				func() error { _, err := s.Grant(s.Ctx(), w.toGroup.ID); return err },
			},
			func(ctx context.Context, tx *db.Tx) error { return nil },
		},
		{
			"a teamspace", func(ctx context.Context, tx *db.Tx) error {
				return ground.FirstError(func() error { return tx.InsertTeamspace(ctx, space) }, func() error { return tx.InsertGrant(ctx, toSpace) },
					func() error {
						return tx.PutCircleMember(ctx, w.ws.ID, keyhatch.CircleMember{Circle: space.ID, User: user, Role: keyhatch.OwnerRole})
					},
					func() error { return tx.DeleteTeamspace(ctx, space) })
			},
			[]db.Change{
				{Kind: db.GrantChanged, ID: toSpace.ID}, {Kind: db.CircleMemberChanged, ID: inSpace}, // made
				{Kind: db.CircleMemberChanged, ID: inSpace}, {Kind: db.GrantChanged, ID: toSpace.ID},
			},
			[]func() error{
				func() error { _, err := s.CircleMember(s.Ctx(), space.ID, user); return err },
				func() error { _, err := s.Grant(s.Ctx(), toSpace.ID); return err },
			},
			func(ctx context.Context, tx *db.Tx) error { return nil },
		},
		{
			"a location", func(ctx context.Context, tx *db.Tx) error {
				n, err := tx.DeleteLocation(ctx, w.location)
				if n != 1 {
					t.Errorf("deleted with %d grants, had 1", n)
				}
				return err
			},
			[]db.Change{{Kind: db.GrantChanged, ID: w.grant.ID}, {Kind: db.LocationChanged, ID: w.location.ID}},
			[]func() error{func() error { _, err := s.Grant(s.Ctx(), w.grant.ID); return err }},
			func(ctx context.Context, tx *db.Tx) error { return nil },
		},
	} {
		before := ground.OK[int64](t)(s.LastChange(s.Ctx()))
		s.Do(step.delete)
		var fed []db.Change
		for _, c := range ground.OK[[]db.Change](t)(s.ChangesAfter(s.Ctx(), before)) {
			fed = append(fed, db.Change{Kind: c.Kind, ID: c.ID})
		}
		if diff := cmp.Diff(step.fed, fed); diff != "" {
			t.Errorf("change feed of deleting %s (-want +got):\n%s", step.what, diff)
		}
		for i, gone := range step.gone {
			if err := gone(); !errors.Is(err, keyhatch.NotFound) {
				t.Errorf("after deleting %s, thing %d of it: %v", step.what, i+1, err)
			}
		}
		s.Do(step.next)
	}
}

// testSeenBy: who sees whom is by common workspaces.
func testSeenBy(t *testing.T, s *suite) {
	w, other := s.world(), s.world()
	loner := s.StoredUser()
	mate := s.StoredUser()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{Workspace: w.ws.ID, User: mate, Role: keyhatch.MemberRole})
	})
	for seer, want := range map[string][]string{
		w.user.ID: {w.user.ID, mate}, mate: {w.user.ID, mate}, other.user.ID: {other.user.ID}, loner: {loner},
	} {
		var got []string
		for _, u := range ground.OK[[]keyhatch.User](t)(s.Users(s.Ctx(), seer, "", db.Everything)) {
			got = append(got, u.ID)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("users seen (-want +got):\n%s", diff)
		}
	}
	for _, pair := range []struct {
		a, b string
		want bool
	}{{w.user.ID, mate, true}, {mate, w.user.ID, true}, {mate, other.user.ID, false}, {loner, mate, false}} {
		if got := ground.OK[bool](t)(s.ShareWorkspace(s.Ctx(), pair.a, pair.b, "")); got != pair.want {
			t.Errorf("ShareWorkspace is %v, want %v", got, pair.want)
		}
	}
	for member, want := range map[string]int{mate: 1, loner: 0, "": 2} {
		if got := ground.OK[[]keyhatch.Workspace](t)(s.Workspaces(s.Ctx(), member, db.Everything)); len(got) != want {
			t.Errorf("Workspaces(%q) lists %d, want %d", member, len(got), want)
		}
	}
}

// testReach: whom a live grant reaches sees its location.
func testReach(t *testing.T, s *suite) {
	w := s.world()
	owner, mate, loner := w.user.ID, s.StoredUser(), s.StoredUser()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(
			func() error { return tx.DeleteGrant(ctx, w.grant) },
			func() error { return tx.DeleteCircleMember(ctx, w.ws.ID, w.group.ID, owner) },
			func() error {
				return tx.PutCircleMember(ctx, w.ws.ID, keyhatch.CircleMember{Circle: w.group.ID, User: mate})
			})
	})
	check := func(what string, at time.Time, user string, sees, reached bool) {
		t.Helper()
		locations := ground.OK[[]keyhatch.Location](t)(s.Locations(s.Ctx(), w.ws.ID, user, at, db.Everything))
		grants := ground.OK[[]keyhatch.Grant](t)(s.Grants(s.Ctx(), db.GrantFilter{Workspace: w.ws.ID, SeenBy: user}, at, db.Everything))
		if (len(locations) == 1) != sees || (len(grants) == 1) != sees {
			t.Errorf("%s: sees %d locations and %d grants of 1, want %v", what, len(locations), len(grants), sees)
		}
		for name, got := range map[string]bool{
			"GrantReaches":     ground.OK[bool](t)(s.GrantReaches(s.Ctx(), w.ws.ID, user, at)),
			"GrantReachesUser": ground.OK[bool](t)(s.GrantReachesUser(s.Ctx(), w.toGroup.ID, user, at)),
			"LocationReaches":  ground.OK[bool](t)(s.LocationReaches(s.Ctx(), w.location.ID, user, at)),
		} {
			if got != reached {
				t.Errorf("%s: %s is %v, want %v", what, name, got, reached)
			}
		}
	}
	live, over := w.toGroup.ExpiresAt.Add(-time.Microsecond), w.toGroup.ExpiresAt
	check("in the group", live, mate, true, true)
	check("in the group, when the grant has expired", over, mate, false, false)
	check("the owner, who is not in the group", live, owner, true, false)
	check("somebody else", live, loner, false, false)
	everyone := w.toGroup
	everyone.ExpiresAt, everyone.Access = time.Time{}, keyhatch.Read
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.UpdateGrant(ctx, everyone) })
	check("in the group, when the grant has no end", over.Add(1000*time.Hour), mate, true, true)
	space := s.newTeamspace(w.ws.ID)
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertTeamspace(ctx, space) }, func() error {
			return tx.PutCircleMember(ctx, w.ws.ID, keyhatch.CircleMember{Circle: space.ID, User: loner, Role: keyhatch.ViewerRole})
		})
	})
	for _, subject := range []keyhatch.Subject{
		{Kind: keyhatch.SubjectUser, ID: loner}, {Kind: keyhatch.SubjectTeamspace, ID: space.ID}, {Kind: keyhatch.SubjectEveryone},
	} {
		g := s.newGrant(w.location, subject)
		s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertGrant(ctx, g) })
		if !ground.OK[bool](t)(s.GrantReachesUser(s.Ctx(), g.ID, loner, live)) || ground.OK[bool](t)(s.GrantReachesUser(s.Ctx(), g.ID, loner, g.ExpiresAt)) {
			t.Errorf("a grant to %s does not reach just while it lives", subject.Kind)
		}
		if ground.OK[bool](t)(s.GrantReachesUser(s.Ctx(), g.ID, mate, live)) != (subject.Kind == keyhatch.SubjectEveryone) {
			t.Errorf("a grant to %s and who is not meant by it", subject.Kind)
		}
	}
}
