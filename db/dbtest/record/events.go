package record

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

func testEvents(t *testing.T, s *ground.Suite) {
	s.BeginRecord()
	var stored []keyhatch.Event // newest first
	record := func(change func(*keyhatch.Event)) {
		t.Helper()
		e := s.NewEvent()
		change(&e)
		s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.Record(ctx, e) })
		got := ground.OK[keyhatch.Event](t)(s.Event(s.Ctx(), e.ID))
		e.Chain, e.Seq, e.Hash = got.Chain, int64(len(stored)+1), got.Hash
		if diff := cmp.Diff(e, got); diff != "" {
			t.Errorf("event (-want +got):\n%s", diff)
		}
		stored = append([]keyhatch.Event{got}, stored...)
	}
	record(func(*keyhatch.Event) {})
	record(func(e *keyhatch.Event) { e.Workspace, e.User, e.Detail = "", "bob", map[string]string{} })
	record(func(e *keyhatch.Event) { e.Target = "other" })
	record(func(e *keyhatch.Event) { e.Action = "other.do" })
	ground.WantFail(t, "get", func() error { _, err := s.Event(s.Ctx(), "event_none"); return err }(), keyhatch.NotFound, keyhatch.CodeEventNotFound)
	for _, want := range []struct {
		filter db.EventFilter
		page   db.Page
		events []keyhatch.Event
	}{
		{db.EventFilter{}, db.Everything, stored},
		{db.EventFilter{}, db.Page{Limit: 2}, stored[:2]},
		{db.EventFilter{}, db.Page{After: stored[1].ID, Limit: 5}, stored[2:]},
		{db.EventFilter{Workspace: "ws"}, db.Page{Limit: 2}, []keyhatch.Event{stored[0], stored[1]}},
		{db.EventFilter{User: "bob"}, db.Everything, stored[2:3]},
		{db.EventFilter{Target: "other"}, db.Everything, stored[1:2]},
		{db.EventFilter{Action: "other.do", User: "user"}, db.Everything, stored[:1]},
		{db.EventFilter{Action: "other.do", User: "bob"}, db.Everything, nil},
		{db.EventFilter{Except: []keyhatch.Action{"other.do", "none.do"}}, db.Everything, stored[1:]},
	} {
		if diff := cmp.Diff(want.events, ground.OK[[]keyhatch.Event](t)(s.Events(s.Ctx(), want.filter, want.page))); diff != "" {
			t.Errorf("events %+v %+v (-want +got):\n%s", want.filter, want.page, diff)
		}
	}
}

// testEventsOf: the events of some actions up to a time, in the order of their
// times and not of their writing; those of one time in that of their writing.
func testEventsOf(t *testing.T, s *ground.Suite) {
	s.BeginRecord()
	begin := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	at := func(micros int) time.Time { return begin.Add(time.Duration(micros) * time.Microsecond) }
	stored := map[string]keyhatch.Event{}
	for _, e := range []struct {
		name   string
		action keyhatch.Action
		micros int
	}{
		{"late", "a.do", 7}, {"early", "b.do", 1}, {"other", "c.do", 2}, {"tied 1", "b.do", 3}, {"tied 2", "a.do", 3}, {"tied 3", "b.do", 3}, {"last", "a.do", 8},
	} {
		v := s.NewEvent()
		v.Action, v.At = e.action, at(e.micros)
		s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.Record(ctx, v) })
		stored[e.name] = ground.OK[keyhatch.Event](t)(s.Event(s.Ctx(), v.ID))
	}
	for _, want := range []struct {
		actions []keyhatch.Action
		until   time.Time
		events  []string
	}{
		{[]keyhatch.Action{"a.do", "b.do"}, at(100), []string{"early", "tied 1", "tied 2", "tied 3", "late", "last"}},
		{[]keyhatch.Action{"b.do", "a.do", "none.do"}, at(7), []string{"early", "tied 1", "tied 2", "tied 3", "late"}},
		{[]keyhatch.Action{"a.do", "b.do"}, at(7).Add(-1), []string{"early", "tied 1", "tied 2", "tied 3"}},
		{[]keyhatch.Action{"b.do"}, at(3), []string{"early", "tied 1", "tied 3"}},
		{[]keyhatch.Action{"c.do"}, at(2), []string{"other"}},
		{[]keyhatch.Action{"c.do"}, at(1), nil},
	} {
		var events, wanted []keyhatch.Event
		for e, err := range s.EventsOf(s.Ctx(), want.actions, want.until) {
			events = append(events, ground.OK[keyhatch.Event](t)(e, err))
		}
		for _, name := range want.events {
			wanted = append(wanted, stored[name])
		}
		if diff := cmp.Diff(wanted, events); diff != "" {
			t.Errorf("events of %v until %v (-want +got):\n%s", want.actions, want.until, diff)
		}
	}
	for range s.EventsOf(s.Ctx(), []keyhatch.Action{"a.do", "b.do"}, at(100)) {
		break // and the connection is free again
	}
}

// testEventsInPages: more events than are read at a time come all, once and in
// order, however many have one time; and so do those of a span of time.
func testEventsInPages(t *testing.T, s *ground.Suite) {
	s.BeginRecord()
	begin := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	var ids, ofOne []string
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		for i := range 2500 {
			e := s.NewEvent()
			e.Action, e.At = "one.do", begin.Add(time.Duration(i/1200)*time.Microsecond) // ids, too, go on with time
			if i%100 == 99 {
				e.Action = "other.do"
			} else {
				ofOne = append(ofOne, e.ID)
			}
			ids = append(ids, e.ID)
			if err := tx.Record(ctx, e); err != nil {
				return err
			}
		}
		return nil
	})
	slices.Sort(ids)
	got := func(events iter.Seq2[keyhatch.Event, error]) (got []string) {
		for e, err := range events {
			got = append(got, ground.OK[keyhatch.Event](t)(e, err).ID)
		}
		return got
	}
	if diff := cmp.Diff(ids, got(s.EventsByID(s.Ctx()))); diff != "" {
		t.Errorf("by id (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(ofOne, got(s.EventsOfAction(s.Ctx(), "one.do"))); diff != "" {
		t.Errorf("of an action (-want +got):\n%s", diff)
	}
	if none := got(s.EventsOfAction(s.Ctx(), "none.do")); none != nil {
		t.Errorf("of no action: %v", none)
	}
	for _, span := range []struct {
		from, before, limit int
		want                []string
	}{{0, 1, 5000, ofOne[:1188]}, {1, 3, 5000, ofOne[1188:]}, {1, 3, 7, ofOne[1188:1195]}, {3, 9, 10, nil}, {0, 0, 10, nil}} {
		var between []string
		at := func(micros int) time.Time { return begin.Add(time.Duration(micros) * time.Microsecond) }
		for _, e := range ground.OK[[]keyhatch.Event](t)(s.EventsBetween(s.Ctx(), "one.do", at(span.from), at(span.before), span.limit)) {
			between = append(between, e.ID)
		}
		if diff := cmp.Diff(span.want, between); diff != "" {
			t.Errorf("between %d and %d (-want +got):\n%s", span.from, span.before, diff)
		}
	}
	for action, want := range map[keyhatch.Action]string{"other.do": ids[2499], "one.do": ofOne[len(ofOne)-1], "none.do": ""} {
		if e, found, err := s.LastEventOf(s.Ctx(), action); err != nil || found != (want != "") || e.ID != want {
			t.Errorf("the last of %s: %s %t %v, want %s", action, e.ID, found, err, want)
		}
	}
}

// testGenuineEvent: one event is checked with the hash of the one before it.
func testGenuineEvent(t *testing.T, s *ground.Suite) {
	s.BeginRecord()
	var events []keyhatch.Event
	for range 3 {
		e := s.NewEvent()
		s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.Record(ctx, e) })
		events = append(events, ground.OK[keyhatch.Event](t)(s.Event(s.Ctx(), e.ID)))
	}
	changed, moved, behindNothing := events[1], events[1], events[1]
	changed.Detail = map[string]string{"requests": "0"}
	moved.Seq = 3
	behindNothing.Seq = 9
	for what, c := range map[string]struct {
		event keyhatch.Event
		want  bool
	}{
		"the first": {events[0], true}, "the second": {events[1], true}, "the last": {events[2], true},
		"changed": {changed, false}, "moved": {moved, false}, "behind nothing": {behindNothing, false},
	} {
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			genuine, err := tx.Genuine(ctx, c.event)
			if genuine != c.want {
				t.Errorf("%s: genuine %t", what, genuine)
			}
			return err
		})
	}
}

// testNoAuditKey: a write that records an event needs the key; without it
// nothing of the write is kept.
func testNoAuditKey(t *testing.T, s *ground.Suite) {
	u := s.NewUser()
	err := s.Try(func(ctx context.Context, tx *db.Tx) error {
		return ground.FirstError(func() error { return tx.InsertUser(ctx, u) }, func() error { return tx.Record(ctx, s.NewEvent()) })
	})
	if err == nil {
		t.Error("an event was recorded without a key")
	}
	_, err = s.User(s.Ctx(), u.ID)
	ground.WantFail(t, "the user of that write", err, keyhatch.NotFound, keyhatch.CodeUserNotFound)
}

// testChainAfterFailures: writes that fail in every way leave no hole in the
// chain, not even a first one, which would have opened it.
func testChainAfterFailures(t *testing.T, s *ground.Suite) {
	s.BeginRecord()
	kept := 0
	for i := range 12 {
		e := s.NewEvent()
		err := s.Try(func(ctx context.Context, tx *db.Tx) error {
			if err := tx.Record(ctx, e); err != nil {
				return err
			}
			switch i % 4 {
			case 0:
				return ground.ErrUndo
			case 1:
				panic("of the test")
			case 2:
				return tx.InsertGroup(ctx, s.NewGroup("ws_none"))
			}
			return tx.Record(ctx, s.NewEvent())
		})
		if failed := i%4 != 3; (err != nil) != failed {
			t.Fatalf("write %d: %v", i, err)
		}
		if err == nil {
			kept += 2
		}
	}
	s.WantWhole(t, 1, kept)
}
