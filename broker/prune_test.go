package broker_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// archive is a core in which something was done each day, from the first on.
type archive struct {
	*coretest.Core
	t        *testing.T
	location keyhatch.Location
	days     []time.Time // when the batch of the day was written
	events   []string    // and which event vouches for it
}

const day = 24 * time.Hour

// inArchive runs a test after so many days, of two requests each.
func inArchive(t *testing.T, days int, test func(t *testing.T, a *archive)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		a := &archive{Core: coretest.New(t), t: t}
		a.location = a.Location(t, a.Workspace(t, "lab"), "s3://lab-data/a/")
		for d := range days {
			a.record(request(a.location, "user_1", fmt.Sprintf("a/%d/x", d)), request(a.location, "user_2", fmt.Sprintf("a/%d/y", d)))
			time.Sleep(day)
		}
		test(t, a)
	})
}

// record writes a batch.
func (a *archive) record(requests ...keyhatch.ObjectRequest) {
	a.t.Helper()
	a.days = append(a.days, time.Now())
	ctx, now := context.WithCancel(context.Background())
	a.Broker.Objects.Note(requests...)
	now()
	a.Broker.Objects.Run(ctx)
	e, _, err := a.DB.LastEventOf(a.t.Context(), record.ObjectsRecorded)
	a.must(err)
	a.events = append(a.events, e.ID)
}

func (a *archive) must(err error) {
	a.t.Helper()
	if err != nil {
		a.t.Fatal(err)
	}
}

// prune takes steps until nothing is left to prune, and tells how many.
func (a *archive) prune(before time.Time) (steps int) {
	a.t.Helper()
	for more := true; more; steps++ {
		var err error
		more, err = a.Broker.Objects.Prune(a.t.Context(), before)
		a.must(err)
	}
	return steps
}

// wantDays wants the requests of the days to be on record, and no others.
func (a *archive) wantDays(days string) {
	a.t.Helper()
	var got []string
	list, err := a.Broker.Places.ObjectRequests(a.t.Context(), a.Admin, places.ObjectRequestFilter{Location: a.location.ID}, page)
	a.must(err)
	for _, r := range list.Items {
		if d := strings.Split(r.Key, "/")[1]; len(got) == 0 || got[0] != d {
			got = append([]string{d}, got...)
		}
	}
	if have := strings.Join(got, " "); have != days {
		a.t.Errorf("on record are the days %q, want %q", have, days)
	}
}

func (a *archive) prunings() []keyhatch.Event {
	a.t.Helper()
	events, err := a.DB.Events(a.t.Context(), db.EventFilter{Action: record.ObjectsPruned}, db.Everything)
	a.must(err)
	return events
}

// TestPrune: what was recorded before a time goes in whole batches, the record says
// so, and is whole.
func TestPrune(t *testing.T) {
	inArchive(t, 6, func(t *testing.T, a *archive) {
		if a.prune(a.days[0]); len(a.prunings()) != 0 {
			t.Error("there was nothing to prune, and an event says that it was done")
		}
		a.prune(a.days[3]) // at which the fourth batch was written
		a.wantDays("3 4 5")
		r := wantWholeRecord(t, a.Core)
		if r.ObjectRequests != 6 || r.Pruned != 6 || !r.PrunedBefore.Equal(a.days[3]) {
			t.Errorf("the report: %+v", r)
		}
		if a.prune(a.days[3]); len(a.prunings()) != 1 {
			t.Errorf("pruned again in vain: %v", a.prunings())
		}
		a.Restart(t)
		a.prune(a.days[4].Add(time.Millisecond))
		a.wantDays("5")
		if r := wantWholeRecord(t, a.Core); r.Pruned != 10 {
			t.Errorf("the report: %+v", r)
		}
		a.record(request(a.location, "user_1", "a/6/x"))
		a.prune(time.Now().Add(day))
		a.wantDays("")
		if r := wantWholeRecord(t, a.Core); r.Pruned != 13 || r.ObjectRequests != 0 {
			t.Errorf("the report: %+v", r)
		}
		list, err := a.Broker.Record.Events(t.Context(), a.Admin, record.EventFilter{}, page)
		a.must(err)
		if strings.Contains(fmt.Sprint(list.Items), string(record.ObjectsPruned)) {
			t.Error("who asks what was decided sees what was pruned")
		}
	})
}

// TestPruneInSteps: a step is bounded, in batches and in requests, and the record is
// whole after each.
func TestPruneInSteps(t *testing.T) {
	inArchive(t, 0, func(t *testing.T, a *archive) {
		for range 3 {
			a.record(make([]keyhatch.ObjectRequest, 1500)...)
			time.Sleep(time.Millisecond)
		}
		for range 700 {
			a.record(request(a.location, "user_1", "a/small/x"))
			time.Sleep(100 * time.Microsecond) // ten in a millisecond
		}
		var steps []string
		for more := true; more; {
			var err error
			more, err = a.Broker.Objects.Prune(t.Context(), time.Now().Add(day))
			a.must(err)
			wantWholeRecord(t, a.Core)
			d := a.prunings()[0].Detail
			steps = append(steps, d["batches"]+" of "+d["requests"])
		}
		if got := strings.Join(steps, ", "); !strings.HasPrefix(got, "1 of 1500, 1 of 1500, ") || len(steps) != 4 {
			t.Errorf("the steps: %s", got)
		}
		if r := wantWholeRecord(t, a.Core); r.Pruned != 5200 || r.ObjectRequests != 0 {
			t.Errorf("the report: %+v", r)
		}
	})
}

// TestS8_PruneIsRecordedOrUndone: nothing is removed unless the event that vouches
// for it is kept.
func TestS8_PruneIsRecordedOrUndone(t *testing.T) {
	inArchive(t, 2, func(t *testing.T, a *archive) {
		mend := a.BreakCommits(t, "events")
		if _, err := a.Broker.Objects.Prune(t.Context(), time.Now()); err == nil {
			t.Error("what cannot be recorded was done")
		}
		mend()
		a.wantDays("0 1")
		wantWholeRecord(t, a.Core)
	})
}

// TestRunPruning: what is older than it is kept goes within the hour, and nothing
// else does.
func TestRunPruning(t *testing.T) {
	inArchive(t, 5, func(t *testing.T, a *archive) {
		ctx, stop := context.WithCancel(t.Context())
		go a.Broker.Objects.RunPruning(ctx, 3*day)
		synctest.Wait()
		a.wantDays("2 3 4")
		time.Sleep(2*time.Hour + time.Minute)
		a.wantDays("3 4")
		time.Sleep(21 * time.Hour)
		a.wantDays("3 4")
		time.Sleep(3 * time.Hour)
		a.wantDays("4")
		stop()
		wantWholeRecord(t, a.Core)
	})
}

// TestPruningHidesNothing: what somebody who holds the database does to pruned
// object requests, to those beside them and to the events of pruning is found.
func TestPruningHidesNothing(t *testing.T) {
	const copied = "id, batch, seq, at, workspace, user_id, token, lease, store, operation, access, bucket, object_key, bytes, status, code, address, request_id, pair"
	remove := func(days ...int) func(*archive) {
		return func(a *archive) {
			for _, d := range days {
				a.SQL(a.t, "delete from object_requests where batch = $1", a.events[d])
			}
		}
	}
	statement := func(text string) func(*archive) { return func(a *archive) { a.SQL(a.t, text) } }
	both := func(acts ...func(*archive)) func(*archive) {
		return func(a *archive) {
			for _, act := range acts {
				act(a)
			}
		}
	}
	nothing := func(*archive) {}
	// An event that vouches for what is there, while it is pruned: a digest needs no key.
	vouchAnew := func(days ...int) func(*archive) {
		return func(a *archive) {
			a.SQL(a.t, "create table kept as select id, detail from events")
			for _, d := range days {
				requests, err := a.DB.ObjectRequestsOf(a.t.Context(), a.events[d], 10)
				a.must(err)
				detail, err := json.Marshal(audit.VouchFor(requests))
				a.must(err)
				a.SQL(a.t, "update events set detail = $1 where id = $2", string(detail), a.events[d])
			}
		}
	}
	vouchAgain := statement("update events set detail = (select detail from kept where kept.id = events.id) where id in (select id from kept)")
	move := statement("update object_requests set batch = (select batch from object_requests where object_key = 'a/1/x'), seq = seq + 2 where object_key like 'a/0/%'")
	for _, tamper := range []struct {
		what          string
		before, after func(*archive) // the pruning of the first three of six days
		want          string         // is among the findings
		left          string         // days
	}{
		{"more removed behind it", nothing, remove(3), "missing (EVENT3): the object requests that the event vouches for", "4 5"},
		{"all others removed", nothing, statement("delete from object_requests"), "missing (EVENT5)", ""},
		{"one request more removed", nothing, statement("delete from object_requests where object_key = 'a/4/x'"), "changed (EVENT4)", "3 4 5"},
		{"removed before", remove(1), nothing, "missing (EVENT1)", "3 4 5"},
		{"one request removed before", statement("delete from object_requests where object_key = 'a/1/x'"), nothing, "changed (EVENT1)", "1 3 4 5"},
		{"changed before", statement("update object_requests set user_id = 'user_9' where object_key = 'a/0/x'"), nothing, "changed (EVENT0)", "0 3 4 5"},
		{"changed before, removed after", statement("update object_requests set user_id = 'user_9' where object_key = 'a/0/x'"), remove(0), "missing (EVENT0)", "3 4 5"},
		{"one put in before", statement("insert into object_requests select 'req_x', batch, 9, " + strings.TrimPrefix(copied, "id, batch, seq, ") + " from object_requests where object_key = 'a/2/x'"), nothing, "changed (EVENT2)", "2 3 4 5 2"},
		{"removed before, and vouched for meanwhile", both(remove(1), vouchAnew(1)), vouchAgain, "missing (EVENT1)", "3 4 5"},
		{"one request removed before, and vouched for meanwhile", both(statement("delete from object_requests where object_key = 'a/1/x'"), vouchAnew(1)), vouchAgain, "changed (EVENT1)", "1 3 4 5"},
		{"changed before, and vouched for meanwhile", both(statement("update object_requests set user_id = 'user_9' where object_key = 'a/0/x'"), vouchAnew(0)), vouchAgain, "changed (EVENT0)", "0 3 4 5"},
		{"moved before, and vouched for meanwhile", both(move, vouchAnew(0, 1)), vouchAgain, "missing (EVENT0)", "0 1 3 4 5"},
		{"an event removed before", statement("delete from events where detail like '%\"requests\":\"2\"%' and seq = (select min(seq) from events where action = 'objects.record')"), nothing, "missing in chain", "0 1 3 4 5"},
		{
			"put back", statement("create table kept as select * from object_requests"),
			statement("insert into object_requests select * from kept where object_key like 'a/1/%'"), "unknown (PRUNED): of the time that the event tells of, 1 batches", "1 3 4 5",
		},
		{
			"put back otherwise", statement("create table kept as select * from object_requests"),
			statement("insert into object_requests select * from kept where object_key = 'a/1/x'"), "changed (EVENT1)", "1 3 4 5",
		},
		{
			"a faked event", nothing, both(remove(3), statement(`insert into events select chain, seq + 1, id || 'x', at, workspace, user_id, token, address, request_id, action, target,
				json_set(detail, '$.from', json_extract(detail, '$.before'), '$.before', '2000-01-06T00:00:00.000Z', '$.batches', '1'), hash from events where action = 'objects.prune'`)), "unknown in chain", "4 5",
		},
		{"a later time in the event", nothing, both(remove(3), statement("update events set detail = json_set(detail, '$.before', '2000-01-05T00:00:00.000Z', '$.batches', '4') where action = 'objects.prune'")), "changed in chain", "4 5"},
		{"more batches in the event", remove(1), statement("update events set detail = json_remove(json_set(detail, '$.batches', '3'), '$.kept') where action = 'objects.prune'"), "changed in chain", "3 4 5"},
		{"no time in the event", nothing, statement("update events set detail = '{}' where action = 'objects.prune'"), "changed (PRUNED): it does not tell what was pruned", "3 4 5"},
		{"the event removed", nothing, statement("delete from events where action = 'objects.prune'"), "missing (EVENT0)", "3 4 5"},
		{
			"the event and the head put back", statement("create table kept as select * from audit_chains"),
			both(statement("delete from events where action = 'objects.prune'"), statement("delete from audit_chains"), statement("insert into audit_chains select * from kept")), "missing (EVENT2)", "3 4 5",
		},
	} {
		t.Run(tamper.what, func(t *testing.T) {
			t.Parallel()
			inArchive(t, 6, func(t *testing.T, a *archive) {
				tamper.before(a)
				a.prune(a.days[2].Add(time.Hour))
				pruned := a.prunings()[0].ID
				tamper.after(a)
				a.wantDays(tamper.left)
				want := strings.ReplaceAll(tamper.want, "PRUNED", pruned)
				for d, id := range a.events {
					want = strings.ReplaceAll(want, fmt.Sprintf("EVENT%d", d), id)
				}
				var got strings.Builder
				for _, f := range findings(t, a.Core).Findings {
					fmt.Fprintln(&got, f)
				}
				if !strings.Contains(got.String(), want) {
					t.Errorf("found:\n%swant %q", got.String(), want)
				}
			})
		})
	}
}

// TestVerifyBoundsItsFindings: a record that is gone altogether is told in bounded
// memory.
func TestVerifyBoundsItsFindings(t *testing.T) {
	events := func(yield func(keyhatch.Event, error) bool) {
		for i := range 5000 {
			if !yield(keyhatch.Event{ID: fmt.Sprintf("event_%05d", i), Action: "r"}, nil) {
				return
			}
		}
	}
	none := func(func(keyhatch.Event, error) bool) {}
	var report audit.Report
	err := audit.VerifyObjects(&report, audit.ObjectRecord{Recorded: "r", Pruned: "p", Events: events, Prunings: none, Rows: func(func(audit.ObjectRow, error) bool) {}})
	if n := len(report.Findings); err != nil || n != 1001 || !strings.Contains(report.Findings[n-1].Note, "and 4000 places more") {
		t.Errorf("%d findings, %v, the last: %v", n, err, report.Findings[n-1])
	}
}
