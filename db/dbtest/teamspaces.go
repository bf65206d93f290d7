package dbtest

import (
	"context"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

func testTeamspaces(t *testing.T, s *suite) {
	w := s.world()
	exercise(s, noun[keyhatch.Teamspace]{
		missing: keyhatch.CodeTeamspaceNotFound,
		id:      func(v keyhatch.Teamspace) string { return v.ID },
		fresh:   func() keyhatch.Teamspace { return s.newTeamspace(w.ws.ID) },
		insert:  func(ctx context.Context, tx *db.Tx, v keyhatch.Teamspace) error { return tx.InsertTeamspace(ctx, v) },
		get: func(ctx context.Context, r db.Reader, id string) (keyhatch.Teamspace, error) {
			return r.Teamspace(ctx, id)
		},
		update: func(ctx context.Context, tx *db.Tx, v keyhatch.Teamspace) error { return tx.UpdateTeamspace(ctx, v) },
		changed: func(v keyhatch.Teamspace) keyhatch.Teamspace {
			v.Name, v.Visibility = "other-"+v.ID, keyhatch.Public
			return v
		},
		remove: func(ctx context.Context, tx *db.Tx, v keyhatch.Teamspace) error { return tx.DeleteTeamspace(ctx, v) },
		namesake: []func(old, fresh keyhatch.Teamspace) keyhatch.Teamspace{
			func(old, v keyhatch.Teamspace) keyhatch.Teamspace { v.Name = old.Name; return v },
		},
		list: func(ctx context.Context, r db.Reader, p db.Page) ([]keyhatch.Teamspace, error) {
			return r.Teamspaces(ctx, w.ws.ID, "", p)
		},
	})
	testBesideGroups(t, s, w)
	testSeenTeamspaces(t, s)
}

// testBesideGroups: a group and a teamspace may have one name, and neither
// passes for the other.
func testBesideGroups(t *testing.T, s *suite, w world) {
	same := s.newTeamspace(w.ws.ID)
	same.Name = w.group.Name
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertTeamspace(ctx, same) })
	if diff := cmp.Diff(same, ground.OK[keyhatch.Teamspace](t)(s.TeamspaceByName(s.Ctx(), w.ws.ID, same.Name))); diff != "" {
		t.Errorf("a teamspace with the name of a group:\n%s", diff)
	}
	if diff := cmp.Diff(w.group, ground.OK[keyhatch.Group](t)(s.GroupByName(s.Ctx(), w.ws.ID, same.Name))); diff != "" {
		t.Errorf("the group of the name:\n%s", diff)
	}
	for _, g := range ground.OK[[]keyhatch.Group](t)(s.Groups(s.Ctx(), w.ws.ID, db.Everything)) {
		if g.ID == same.ID {
			t.Error("a teamspace is among the groups")
		}
	}
	asGroup, asTeamspace := keyhatch.Group{ID: same.ID, Workspace: w.ws.ID}, keyhatch.Teamspace{ID: w.group.ID, Workspace: w.ws.ID}
	for what, do := range map[string]func(ctx context.Context, tx *db.Tx) error{
		"group":            func(ctx context.Context, tx *db.Tx) error { _, err := tx.Group(ctx, same.ID); return err },
		"rename group":     func(ctx context.Context, tx *db.Tx) error { return tx.RenameGroup(ctx, same.ID, "x") },
		"delete group":     func(ctx context.Context, tx *db.Tx) error { return tx.DeleteGroup(ctx, asGroup) },
		"teamspace":        func(ctx context.Context, tx *db.Tx) error { _, err := tx.Teamspace(ctx, w.group.ID); return err },
		"update teamspace": func(ctx context.Context, tx *db.Tx) error { return tx.UpdateTeamspace(ctx, asTeamspace) },
		"delete teamspace": func(ctx context.Context, tx *db.Tx) error { return tx.DeleteTeamspace(ctx, asTeamspace) },
	} {
		missing := keyhatch.CodeTeamspaceNotFound
		if strings.HasSuffix(what, "group") {
			missing = keyhatch.CodeGroupNotFound
		}
		ground.WantFail(t, what+", of the other kind", s.Try(do), keyhatch.NotFound, missing)
	}
}

// testSeenTeamspaces: a list for somebody holds the public ones and those that
// the user is in.
func testSeenTeamspaces(t *testing.T, s *suite) {
	w := s.world()
	mate := s.StoredUser()
	private, public, mine := s.newTeamspace(w.ws.ID), s.newTeamspace(w.ws.ID), s.newTeamspace(w.ws.ID)
	public.Visibility = keyhatch.Public
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(
			func() error { return tx.InsertTeamspace(ctx, private) }, func() error { return tx.InsertTeamspace(ctx, public) },
			func() error { return tx.InsertTeamspace(ctx, mine) },
			func() error {
				return tx.PutCircleMember(ctx, w.ws.ID, keyhatch.CircleMember{Circle: mine.ID, User: mate, Role: keyhatch.ViewerRole})
			})
	})
	for seenBy, want := range map[string][]keyhatch.Teamspace{
		"": {private, public, mine}, mate: {public, mine}, w.user.ID: {public},
	} {
		if diff := cmp.Diff(want, ground.OK[[]keyhatch.Teamspace](t)(s.Teamspaces(s.Ctx(), w.ws.ID, seenBy, db.Everything))); diff != "" {
			t.Errorf("seen by %q (-want +got):\n%s", seenBy, diff)
		}
	}
}
