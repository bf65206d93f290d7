package dbtest

import (
	"context"
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db"
)

func testEvents(t *testing.T, s *suite) {
	s.beginRecord()
	var stored []keyhatch.Event // newest first
	record := func(change func(*keyhatch.Event)) {
		t.Helper()
		e := s.newEvent()
		change(&e)
		s.write(func(ctx context.Context, tx *db.Tx) error { return tx.Record(ctx, e) })
		got := ok[keyhatch.Event](t)(s.Event(s.ctx(), e.ID))
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
	wantFail(t, "get", func() error { _, err := s.Event(s.ctx(), "event_none"); return err }(), keyhatch.NotFound, keyhatch.CodeEventNotFound)
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
		if diff := cmp.Diff(want.events, ok[[]keyhatch.Event](t)(s.Events(s.ctx(), want.filter, want.page))); diff != "" {
			t.Errorf("events %+v %+v (-want +got):\n%s", want.filter, want.page, diff)
		}
	}
}

// testEventsOf: the events of some actions up to a time, in the order of their
// times and not of their writing; those of one time in that of their writing.
func testEventsOf(t *testing.T, s *suite) {
	s.beginRecord()
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
		v := s.newEvent()
		v.Action, v.At = e.action, at(e.micros)
		s.write(func(ctx context.Context, tx *db.Tx) error { return tx.Record(ctx, v) })
		stored[e.name] = ok[keyhatch.Event](t)(s.Event(s.ctx(), v.ID))
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
		for e, err := range s.EventsOf(s.ctx(), want.actions, want.until) {
			events = append(events, ok[keyhatch.Event](t)(e, err))
		}
		for _, name := range want.events {
			wanted = append(wanted, stored[name])
		}
		if diff := cmp.Diff(wanted, events); diff != "" {
			t.Errorf("events of %v until %v (-want +got):\n%s", want.actions, want.until, diff)
		}
	}
	for range s.EventsOf(s.ctx(), []keyhatch.Action{"a.do", "b.do"}, at(100)) {
		break // and the connection is free again
	}
}

// testEventsInPages: more events than are read at a time come all, once and in
// order, however many have one time; and so do those of a span of time.
func testEventsInPages(t *testing.T, s *suite) {
	s.beginRecord()
	begin := time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)
	var ids, ofOne []string
	s.write(func(ctx context.Context, tx *db.Tx) error {
		for i := range 2500 {
			e := s.newEvent()
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
			got = append(got, ok[keyhatch.Event](t)(e, err).ID)
		}
		return got
	}
	if diff := cmp.Diff(ids, got(s.EventsByID(s.ctx()))); diff != "" {
		t.Errorf("by id (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(ofOne, got(s.EventsOfAction(s.ctx(), "one.do"))); diff != "" {
		t.Errorf("of an action (-want +got):\n%s", diff)
	}
	if none := got(s.EventsOfAction(s.ctx(), "none.do")); none != nil {
		t.Errorf("of no action: %v", none)
	}
	for _, span := range []struct {
		from, before, limit int
		want                []string
	}{{0, 1, 5000, ofOne[:1188]}, {1, 3, 5000, ofOne[1188:]}, {1, 3, 7, ofOne[1188:1195]}, {3, 9, 10, nil}, {0, 0, 10, nil}} {
		var between []string
		at := func(micros int) time.Time { return begin.Add(time.Duration(micros) * time.Microsecond) }
		for _, e := range ok[[]keyhatch.Event](t)(s.EventsBetween(s.ctx(), "one.do", at(span.from), at(span.before), span.limit)) {
			between = append(between, e.ID)
		}
		if diff := cmp.Diff(span.want, between); diff != "" {
			t.Errorf("between %d and %d (-want +got):\n%s", span.from, span.before, diff)
		}
	}
	for action, want := range map[keyhatch.Action]string{"other.do": ids[2499], "one.do": ofOne[len(ofOne)-1], "none.do": ""} {
		if e, found, err := s.LastEventOf(s.ctx(), action); err != nil || found != (want != "") || e.ID != want {
			t.Errorf("the last of %s: %s %t %v, want %s", action, e.ID, found, err, want)
		}
	}
}

// testGenuineEvent: one event is checked with the hash of the one before it.
func testGenuineEvent(t *testing.T, s *suite) {
	s.beginRecord()
	var events []keyhatch.Event
	for range 3 {
		e := s.newEvent()
		s.write(func(ctx context.Context, tx *db.Tx) error { return tx.Record(ctx, e) })
		events = append(events, ok[keyhatch.Event](t)(s.Event(s.ctx(), e.ID)))
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
		s.write(func(ctx context.Context, tx *db.Tx) error {
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
func testNoAuditKey(t *testing.T, s *suite) {
	u := s.newUser()
	err := s.try(func(ctx context.Context, tx *db.Tx) error {
		return firstError(func() error { return tx.InsertUser(ctx, u) }, func() error { return tx.Record(ctx, s.newEvent()) })
	})
	if err == nil {
		t.Error("an event was recorded without a key")
	}
	_, err = s.User(s.ctx(), u.ID)
	wantFail(t, "the user of that write", err, keyhatch.NotFound, keyhatch.CodeUserNotFound)
}

// testChainAfterFailures: writes that fail in every way leave no hole in the
// chain, not even a first one, which would have opened it.
func testChainAfterFailures(t *testing.T, s *suite) {
	s.beginRecord()
	kept := 0
	for i := range 12 {
		e := s.newEvent()
		err := s.try(func(ctx context.Context, tx *db.Tx) error {
			if err := tx.Record(ctx, e); err != nil {
				return err
			}
			switch i % 4 {
			case 0:
				return errUndo
			case 1:
				panic("of the test")
			case 2:
				return tx.InsertGroup(ctx, s.newGroup("ws_none"))
			}
			return tx.Record(ctx, s.newEvent())
		})
		if failed := i%4 != 3; (err != nil) != failed {
			t.Fatalf("write %d: %v", i, err)
		}
		if err == nil {
			kept += 2
		}
	}
	s.wantWhole(t, 1, kept)
}

// wantWhole verifies the record and counts what is in it.
func (s *suite) wantWhole(t *testing.T, chains, events int) {
	t.Helper()
	report := ok[audit.Report](t)(verify(s.ctx(), s.DB))
	for _, f := range report.Findings {
		t.Errorf("the record is damaged: %s", f)
	}
	if report.Chains != chains || report.Events != int64(events) {
		t.Errorf("the record has %d events in %d chains, want %d in %d", report.Events, report.Chains, events, chains)
	}
}

func verify(ctx context.Context, d *db.DB) (report audit.Report, err error) {
	err = d.Snapshot(ctx, func(r db.Reader) error {
		registry, err := r.AuditRegistry(ctx)
		if err != nil {
			return err
		}
		heads, err := r.AuditHeads(ctx)
		if err != nil {
			return err
		}
		report, err = audit.Verify(mac, registry, heads, r.AllEvents(ctx))
		return err
	})
	return report, err
}

// testFeed: the numbers of the feed are 1, 2, 3 … in the order of the writes,
// whatever was undone between them.
func testFeed(t *testing.T, s *suite) {
	var want []db.Change
	for i := range 9 {
		w := s.newWorkspace()
		err := s.try(func(ctx context.Context, tx *db.Tx) error {
			if err := tx.InsertWorkspace(ctx, w); err != nil {
				return err
			}
			if i%3 == 1 {
				return errUndo
			}
			return nil
		})
		if (err != nil) != (i%3 == 1) {
			t.Fatal(err)
		}
		if err == nil {
			want = append(want, db.Change{Seq: int64(len(want) + 1), Kind: db.WorkspaceChanged, ID: w.ID})
		}
	}
	if diff := cmp.Diff(want, ok[[]db.Change](t)(s.ChangesAfter(s.ctx(), 0))); diff != "" {
		t.Errorf("change feed (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(want[4:], ok[[]db.Change](t)(s.ChangesAfter(s.ctx(), 4))); diff != "" {
		t.Errorf("change feed after the 4th (-want +got):\n%s", diff)
	}
	if first, last := ok[int64](t)(s.FirstChange(s.ctx())), ok[int64](t)(s.LastChange(s.ctx())); first != 1 || last != int64(len(want)) {
		t.Errorf("the feed goes from %d to %d", first, last)
	}
}

// testFeedPruned: the newest line stays, so that no number is given twice.
func testFeedPruned(t *testing.T, s *suite) {
	if first, last := ok[int64](t)(s.FirstChange(s.ctx())), ok[int64](t)(s.LastChange(s.ctx())); first != 0 || last != 0 {
		t.Errorf("an empty feed goes from %d to %d", first, last)
	}
	prune := func(before time.Time) {
		t.Helper()
		s.write(func(ctx context.Context, tx *db.Tx) error { return tx.PruneChanges(ctx, before) })
	}
	prune(time.Now())
	for range 3 {
		s.freshUser()
	}
	prune(time.Now().Add(-time.Hour))
	if first := ok[int64](t)(s.FirstChange(s.ctx())); first != 1 {
		t.Errorf("young lines were pruned: the feed begins at %d", first)
	}
	prune(time.Now().Add(time.Hour))
	if first, last := ok[int64](t)(s.FirstChange(s.ctx())), ok[int64](t)(s.LastChange(s.ctx())); first != 3 || last != 3 {
		t.Errorf("the pruned feed goes from %d to %d, want 3 to 3", first, last)
	}
	s.freshUser()
	if last := ok[int64](t)(s.LastChange(s.ctx())); last != 4 {
		t.Errorf("the number after 3 is %d", last)
	}
}

// wantPanicTold checks the error of a write that panicked.
func wantPanicTold(t *testing.T, err error) {
	t.Helper()
	var e *keyhatch.Error
	if err == nil || errors.As(err, &e) || !strings.Contains(err.Error(), "panic") {
		t.Errorf("a panic in a write became %v", err)
	}
}
