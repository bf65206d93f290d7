package broker_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/broker/record"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/coretest"
)

// recording is a core whose object requests are written.
func recording(t *testing.T, c *coretest.Core) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { c.Broker.Objects.Run(ctx); close(done) }()
	stop = func() { cancel(); <-done }
	t.Cleanup(stop)
	return stop
}

func request(l keyhatch.Location, user, key string) keyhatch.ObjectRequest {
	return keyhatch.ObjectRequest{
		Workspace: l.Workspace, User: user, SignedBy: "lease_1", Store: l.Store, Operation: "GetObject", Access: keyhatch.Read,
		Bucket: l.BucketName, Key: key, Status: 200, RequestID: "R-" + key,
	}
}

// TestObjectRequestsAreFound: what was noted is on record after at most a moment,
// when the process ends at once, and is found by place, person and time.
func TestObjectRequestsAreFound(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	ws := c.Workspace(t, "lab")
	l, other := c.Location(t, ws, "s3://lab-data/a/"), c.Location(t, ws, "s3://lab-data/b/")
	ann, bob := c.User(t, "ann"), c.User(t, "bob")
	stop := recording(t, c)
	before := time.Now().Add(-time.Second)
	c.Broker.Objects.Note(request(l, ann.User.ID, "a/1"), request(other, ann.User.ID, "b/1"))
	time.Sleep(2 * time.Millisecond)
	later := time.Now()
	time.Sleep(2 * time.Millisecond)
	c.Broker.Objects.Note(request(l, bob.User.ID, "a/2"))
	stop()
	for _, want := range []struct {
		what   string
		filter places.ObjectRequestFilter
		keys   string
	}{
		{"all", places.ObjectRequestFilter{Location: l.ID}, "a/2 a/1"},
		{"of one", places.ObjectRequestFilter{Location: "a", User: "bob"}, "a/2"},
		{"since", places.ObjectRequestFilter{Location: "a", Since: later}, "a/2"},
		{"until", places.ObjectRequestFilter{Location: "a", Since: before, Until: later}, "a/1"},
		{"writing", places.ObjectRequestFilter{Location: "a", Access: keyhatch.Write}, ""},
		{"elsewhere", places.ObjectRequestFilter{Location: other.ID}, "b/1"},
	} {
		want.filter.Workspace = ws.ID
		got, err := c.Broker.Places.ObjectRequests(t.Context(), c.Admin, want.filter, page)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, r := range got.Items {
			keys = append(keys, r.Key)
		}
		if have := strings.Join(keys, " "); have != want.keys {
			t.Errorf("%s: %q, want %q", want.what, have, want.keys)
		}
	}
	one, err := c.Broker.Places.ObjectRequests(t.Context(), c.Admin, places.ObjectRequestFilter{Location: l.ID}, kernel.Page{Limit: 1})
	if err != nil || len(one.Items) != 1 || one.Next != one.Items[0].ID {
		t.Errorf("a page: %+v, %v", one, err)
	}
	if r := wantWholeRecord(t, c); r.ObjectRequests != 3 {
		t.Errorf("%d object requests were vouched for", r.ObjectRequests)
	}
}

// TestS8_UnrecordedTrafficStops: while object requests cannot be written for a
// second none is let in; what was noted is not lost, and then it goes on.
func TestS8_UnrecordedTrafficStops(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	l := c.Location(t, c.Workspace(t, "lab"), "s3://lab-data/a/")
	mend := c.BreakCommits(t, "object_requests")
	recording(t, c)
	if err := c.Broker.Objects.Ready(); err != nil {
		t.Errorf("nothing waits: %v", err)
	}
	c.Broker.Objects.Note(request(l, c.Admin.User.ID, "a/1"))
	if err := c.Broker.Objects.Ready(); err != nil {
		t.Errorf("one has just come: %v", err)
	}
	await(t, "refusal", func() bool { return errors.Is(c.Broker.Objects.Ready(), keyhatch.Unavailable) })
	mend()
	await(t, "recovery", func() bool { return c.Broker.Objects.Ready() == nil })
	got, err := c.Broker.Places.ObjectRequests(t.Context(), c.Admin, places.ObjectRequestFilter{Location: l.ID}, page)
	if err != nil || len(got.Items) != 1 {
		t.Errorf("on record: %+v, %v", got.Items, err)
	}
	wantWholeRecord(t, c)
}

// TestRefusedRequestsAreCountedWhenTooManyWait: what may have happened is never
// dropped, whatever its status. A 5xx was, like a refusal. How many refused requests
// are not on record is, and the log tells it.
func TestRefusedRequestsAreCountedWhenTooManyWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := coretest.New(t)
		l := c.Location(t, c.Workspace(t, "lab"), "s3://lab-data/a/")
		var log bytes.Buffer
		c.Log = slog.New(slog.NewTextHandler(&log, nil))
		c.Broker = c.With(nil)
		with := func(key string, status int) keyhatch.ObjectRequest {
			r := request(l, "user_1", key)
			r.Status = status
			return r
		}
		o := c.Broker.Objects
		o.NoteRefused(with("a/early", 403)) // there is room yet
		o.Note(make([]keyhatch.ObjectRequest, 20_000)...)
		first := time.Now()
		o.NoteRefused(with("a/refused", 403))
		time.Sleep(time.Second)
		last := time.Now()
		o.Note(with("a/fault", 500), with("a/lost", 503), with("a/done", 200), with("a/said", 404))
		o.NoteRefused(with("a/refused", 503))
		mend := c.BreakCommits(t, "object_requests")
		stop := recording(t, c)
		time.Sleep(250 * time.Millisecond) // after two tries, and between two
		mend()
		time.Sleep(time.Second)
		stop()
		got, err := c.Broker.Places.ObjectRequests(t.Context(), c.Admin, places.ObjectRequestFilter{Location: l.ID}, page)
		if err != nil {
			t.Fatal(err)
		}
		keys := map[string]int{}
		for _, r := range got.Items {
			keys[r.Key] = r.Status
		}
		if want := map[string]int{"a/early": 403, "a/fault": 500, "a/lost": 503, "a/done": 200, "a/said": 404}; !maps.Equal(keys, want) {
			t.Errorf("on record: %v, want %v", keys, want)
		}
		events, err := c.DB.Events(t.Context(), db.EventFilter{Action: record.ObjectsRecorded}, db.Everything)
		if err != nil {
			t.Fatal(err)
		}
		var told []string
		for _, e := range events {
			if e.Detail["dropped"] != "" {
				told = append(told, fmt.Sprint(e.Detail["dropped"], " ", e.Detail["dropped_from"], " ", e.Detail["dropped_to"]))
			}
		}
		want := "2 " + kernel.TimeText(first) + " " + kernel.TimeText(last)
		if len(told) != 1 || told[0] != want {
			t.Errorf("the events tell of %q, want one %q", told, want)
		}
		for what, times := range map[string]int{"cannot be recorded": 1, "are recorded again": 1, "were only counted": 1, "dropped=2 from=": 1} {
			if n := strings.Count(log.String(), what); n != times {
				t.Errorf("the log has %q %d times, want %d:\n%s", what, n, times, log.String())
			}
		}
		wantWholeRecord(t, c)
	})
}

func await(t *testing.T, what string, happened func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !happened(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("no %s", what)
		}
	}
}

// TestVerifyFindsChangedObjectRequests: what somebody who holds the database does
// to object requests is found.
func TestVerifyFindsChangedObjectRequests(t *testing.T) {
	t.Parallel()
	for _, tamper := range []struct {
		what, do string
		want     audit.Problem
	}{
		{"another user did it", "update object_requests set user_id = 'user_000000000000000' where object_key = 'a/1'", audit.Changed},
		{"with another pair", "update object_requests set pair = 'KHAKAAAAAAAAAAAAAAAA' where object_key = 'a/1'", audit.Changed},
		{"of another object", "update object_requests set object_key = 'a/9' where object_key = 'a/1'", audit.Changed},
		{"at another time", "update object_requests set at = at + 1 where object_key = 'a/2'", audit.Changed},
		{"less", "update object_requests set bytes = bytes - 1 where object_key = 'a/2'", audit.Changed},
		{"without success", "update object_requests set status = 403 where object_key = 'a/1'", audit.Changed},
		{"one is gone", "delete from object_requests where object_key = 'a/1'", audit.Changed},
		{"all are gone", "delete from object_requests", audit.Missing},
		{"two changed places", "update object_requests set seq = 5 - seq", audit.Changed},
		{"one more", `insert into object_requests select 'req_x', batch, 9, at, workspace, user_id, token, lease, store, operation, access, bucket,
			object_key, bytes, status, code, address, request_id, pair from object_requests where object_key = 'a/1'`, audit.Changed},
		{"a batch of nobody's", `insert into object_requests select 'req_x', 'event_x', 0, at, workspace, user_id, token, lease, store, operation, access,
			bucket, object_key, bytes, status, code, address, request_id, pair from object_requests where object_key = 'a/1'`, audit.Unknown},
		{"the event vouches for something else", `update events set detail = replace(detail, '"requests":"2"', '"requests":"1"') where action = 'objects.record'`, audit.Changed},
	} {
		t.Run(tamper.what, func(t *testing.T) {
			t.Parallel()
			c := coretest.New(t)
			l := c.Location(t, c.Workspace(t, "lab"), "s3://lab-data/a/")
			stop := recording(t, c)
			c.Broker.Objects.Note(request(l, "user_1", "a/1"), request(l, "user_2", "a/2"))
			stop()
			wantWholeRecord(t, c)
			c.SQL(t, tamper.do)
			got := findings(t, c).Findings
			// Of an event that was changed its batch may be found, too.
			if len(got) == 0 || len(got) > 2 || got[0].Problem != tamper.want || got[len(got)-1].Problem != tamper.want || len(got) == 2 && got[0].Chain == "" {
				t.Errorf("found %v, want one %q", got, tamper.want)
			}
		})
	}
}

// TestEventsOfObjectRequestsStayApart: a list of events shows what was decided;
// those that vouch for object requests come when they are asked for.
func TestEventsOfObjectRequestsStayApart(t *testing.T) {
	t.Parallel()
	c := coretest.New(t)
	l := c.Location(t, c.Workspace(t, "lab"), "s3://lab-data/a/")
	stop := recording(t, c)
	c.Broker.Objects.Note(request(l, "user_1", "a/1"))
	stop()
	for action, want := range map[keyhatch.Action]bool{"": false, record.ObjectsRecorded: true} {
		list, err := c.Broker.Record.Events(t.Context(), c.Admin, record.EventFilter{Action: action}, page)
		if err != nil {
			t.Fatal(err)
		}
		if got := strings.Contains(fmt.Sprint(list.Items), string(record.ObjectsRecorded)); got != want {
			t.Errorf("asked for %q, it is in the list: %t", action, got)
		}
	}
}
