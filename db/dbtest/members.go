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

func testWorkspaceMembers(t *testing.T, s *suite) {
	w := s.world()
	n := noun[keyhatch.WorkspaceMember]{
		missing: keyhatch.CodeMemberNotFound, change: db.WorkspaceMemberChanged,
		id: func(m keyhatch.WorkspaceMember) string { return m.Workspace + db.PairSeparator + m.User },
		fresh: func() keyhatch.WorkspaceMember {
			return keyhatch.WorkspaceMember{Workspace: w.ws.ID, User: s.StoredUser(), Role: keyhatch.MemberRole, Since: s.Now()}
		},
		insert: func(ctx context.Context, tx *db.Tx, m keyhatch.WorkspaceMember) error {
			return tx.PutWorkspaceMember(ctx, m)
		},
		get: func(ctx context.Context, r db.Reader, id string) (keyhatch.WorkspaceMember, error) {
			ws, user, _ := strings.Cut(id, db.PairSeparator)
			return r.WorkspaceMember(ctx, ws, user)
		},
		remove: func(ctx context.Context, tx *db.Tx, m keyhatch.WorkspaceMember) error {
			return tx.DeleteWorkspaceMember(ctx, m.Workspace, m.User)
		},
	}
	exercise(s, n)
	m := n.fresh()
	first := m.Since
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutWorkspaceMember(ctx, m) })
	m.Role, m.Since = keyhatch.OwnerRole, s.Now()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutWorkspaceMember(ctx, m) })
	m.Since = first
	n.wantStored(t, s, "a change of role, which keeps since", m)
	pagesOf(t, "members", w.ws.ID, s.WorkspaceMembers, func(m keyhatch.WorkspaceMember) string { return m.User })
	if all := ground.OK[[]keyhatch.WorkspaceMember](t)(s.AllWorkspaceMembers(s.Ctx())); len(all) != 2 {
		t.Errorf("2 memberships, AllWorkspaceMembers has %d", len(all))
	}
}

func testCircleMembers(t *testing.T, s *suite) {
	w := s.world()
	n := noun[keyhatch.CircleMember]{
		missing: keyhatch.CodeMemberNotFound, change: db.CircleMemberChanged, of: w.ws.ID,
		id: func(m keyhatch.CircleMember) string { return m.Circle + db.PairSeparator + m.User },
		fresh: func() keyhatch.CircleMember {
			return keyhatch.CircleMember{Circle: w.group.ID, User: s.StoredUser(), Since: s.Now()}
		},
		insert: func(ctx context.Context, tx *db.Tx, m keyhatch.CircleMember) error {
			return tx.PutCircleMember(ctx, w.ws.ID, m)
		},
		get: func(ctx context.Context, r db.Reader, id string) (keyhatch.CircleMember, error) {
			circle, user, _ := strings.Cut(id, db.PairSeparator)
			return r.CircleMember(ctx, circle, user)
		},
		remove: func(ctx context.Context, tx *db.Tx, m keyhatch.CircleMember) error {
			return tx.DeleteCircleMember(ctx, w.ws.ID, m.Circle, m.User)
		},
	}
	exercise(s, n)
	m := n.fresh()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutCircleMember(ctx, w.ws.ID, m) })
	later := m
	later.Since = s.Now()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutCircleMember(ctx, w.ws.ID, later) })
	n.wantStored(t, s, "a second put, which keeps since", m)
	later.Role, later.Since = keyhatch.ViewerRole, s.Now()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.PutCircleMember(ctx, w.ws.ID, later) })
	later.Since = m.Since
	n.wantStored(t, s, "a change of role, which keeps since", later)
	pagesOf(t, "members", w.group.ID, s.CircleMembers, func(m keyhatch.CircleMember) string { return m.User })
	if all := ground.OK[[]keyhatch.CircleMember](t)(s.AllCircleMembers(s.Ctx())); len(all) != 2 {
		t.Errorf("2 memberships, AllCircleMembers has %d", len(all))
	}
}

// pagesOf compares a list, whose cursor is what at gives, with its pages of one.
func pagesOf[T any](t *testing.T, what, of string, list func(context.Context, string, db.Page) ([]T, error), at func(T) string) {
	t.Helper()
	want := ground.OK[[]T](t)(list(t.Context(), of, db.Everything))
	var got []T
	for after := ""; ; after = at(got[len(got)-1]) {
		page := ground.OK[[]T](t)(list(t.Context(), of, db.Page{After: after, Limit: 1}))
		if len(page) == 0 {
			break
		}
		got = append(got, page...)
		if len(got) > len(want) {
			break
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 2 {
		t.Errorf("%s by pages of one (-want +got):\n%s", what, diff)
	}
}
