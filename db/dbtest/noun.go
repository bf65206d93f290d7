package dbtest

import (
	"context"
	"reflect"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// noun is how one noun is kept: what of it the tests do, and what the suite
// expects. Functions that are nil are things that the noun does not have.
type noun[T any] struct {
	missing keyhatch.Code // of what is not found
	change  db.ChangeKind // its lines in the change feed, "" for none

	id     func(T) string
	of     string   // the workspace whose it is, where it does not say so
	fresh  func() T // a new one, not stored
	insert func(context.Context, *db.Tx, T) error
	get    func(context.Context, db.Reader, string) (T, error)

	update   func(context.Context, *db.Tx, T) error // stores what changed says
	changed  func(T) T
	remove   func(context.Context, *db.Tx, T) error
	namesake []func(old, fresh T) T // fresh with something that must be unique taken from old

	list        func(context.Context, db.Reader, db.Page) ([]T, error)
	newestFirst bool
}

// exercise does with a noun all that can be done with it.
func exercise[T any](s *suite, n noun[T]) {
	s.T.Run("Stored", func(t *testing.T) { n.stored(t, s) })
	s.T.Run("Unique", func(t *testing.T) { n.unique(t, s) })
	s.T.Run("Pages", func(t *testing.T) { n.pages(t, s) })
}

func (n noun[T]) stored(t *testing.T, s *suite) {
	v := n.fresh()
	id := n.id(v)
	_, err := n.get(s.Ctx(), s.Reader, id)
	ground.WantFail(t, "get before insert", err, keyhatch.NotFound, n.missing)

	n.feeds(t, s, "insert", v, func() {
		s.Do(func(ctx context.Context, tx *db.Tx) error { return n.insert(ctx, tx, v) })
	})
	n.wantStored(t, s, "insert", v)

	if n.update != nil {
		v = n.changed(v)
		n.feeds(t, s, "update", v, func() {
			s.Do(func(ctx context.Context, tx *db.Tx) error { return n.update(ctx, tx, v) })
		})
		n.wantStored(t, s, "update", v)
		err := s.Try(func(ctx context.Context, tx *db.Tx) error { return n.update(ctx, tx, n.changed(n.fresh())) })
		ground.WantFail(t, "update of what is not there", err, keyhatch.NotFound, n.missing)
	}
	if n.remove != nil {
		n.feeds(t, s, "delete", v, func() {
			s.Do(func(ctx context.Context, tx *db.Tx) error { return n.remove(ctx, tx, v) })
		})
		_, err := n.get(s.Ctx(), s.Reader, id)
		ground.WantFail(t, "get after delete", err, keyhatch.NotFound, n.missing)
		err = s.Try(func(ctx context.Context, tx *db.Tx) error { return n.remove(ctx, tx, v) })
		ground.WantFail(t, "delete of what is not there", err, keyhatch.NotFound, n.missing)
	}
}

func (n noun[T]) wantStored(t *testing.T, s *suite, after string, want T) {
	t.Helper()
	got := ground.OK[T](t)(n.get(s.Ctx(), s.Reader, n.id(want)))
	if diff := cmp.Diff(want, got, networks); diff != "" {
		t.Errorf("after %s (-want +got):\n%s", after, diff)
	}
}

// feeds checks that act leaves one line in the change feed.
func (n noun[T]) feeds(t *testing.T, s *suite, what string, v T, act func()) {
	t.Helper()
	before := ground.OK[int64](t)(s.LastChange(s.Ctx()))
	act()
	var want []db.Change
	if n.change != "" {
		want = []db.Change{{Seq: before + 1, Kind: n.change, ID: n.id(v), Workspace: n.workspaceOf(v)}}
	}
	if diff := cmp.Diff(want, ground.OK[[]db.Change](t)(s.ChangesAfter(s.Ctx(), before))); diff != "" {
		t.Errorf("change feed of %s (-want +got):\n%s", what, diff)
	}
}

// workspaceOf is whose a value is: of what has no workspace, the installation's.
func (n noun[T]) workspaceOf(v T) string {
	if w, is := any(v).(keyhatch.Workspace); is {
		return w.ID
	}
	if f := reflect.ValueOf(v).FieldByName("Workspace"); f.IsValid() {
		return f.String()
	}
	return n.of
}

func (n noun[T]) unique(t *testing.T, s *suite) {
	for i, namesake := range n.namesake {
		old := n.fresh()
		s.Do(func(ctx context.Context, tx *db.Tx) error { return n.insert(ctx, tx, old) })
		last := ground.OK[int64](t)(s.LastChange(s.Ctx()))
		v := namesake(old, n.fresh())
		err := s.Try(func(ctx context.Context, tx *db.Tx) error { return n.insert(ctx, tx, v) })
		ground.WantFail(t, "insert of a namesake", err, keyhatch.Conflict, keyhatch.CodeNameTaken)
		_, err = n.get(s.Ctx(), s.Reader, n.id(v))
		ground.WantFail(t, "get of the refused namesake", err, keyhatch.NotFound, n.missing)
		if now := ground.OK[int64](t)(s.LastChange(s.Ctx())); now != last {
			t.Errorf("namesake %d: a refused insert left %d lines in the change feed", i, now-last)
		}
		n.wantStored(t, s, "a namesake was refused", old)
	}
}

// pages walks the list in parts while new rows come in. The rows that were there
// are seen once each and in order; the new ones come behind them, or not at all
// where the newest come first.
func (n noun[T]) pages(t *testing.T, s *suite) {
	if n.list == nil {
		return
	}
	add := func() string {
		v := n.fresh()
		s.Do(func(ctx context.Context, tx *db.Tx) error { return n.insert(ctx, tx, v) })
		return n.id(v)
	}
	for range 7 {
		add()
	}
	want := n.ids(ground.OK[[]T](t)(n.list(s.Ctx(), s.Reader, db.Everything)))
	order := slices.Sorted(slices.Values(want))
	if n.newestFirst {
		slices.Reverse(order)
	}
	if diff := cmp.Diff(order, want); diff != "" {
		t.Errorf("the list is not in the order of its ids:\n%s", diff)
	}
	var got []string
	for after := ""; ; after = got[len(got)-1] {
		page := n.ids(ground.OK[[]T](t)(n.list(s.Ctx(), s.Reader, db.Page{After: after, Limit: 3})))
		got = append(got, page...)
		if len(page) != 3 {
			break
		}
		if newer := add(); !n.newestFirst {
			want = append(want, newer)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("by pages of 3 (-want +got):\n%s", diff)
	}
}

func (n noun[T]) ids(list []T) []string {
	out := make([]string, len(list))
	for i, v := range list {
		out[i] = n.id(v)
	}
	return out
}
