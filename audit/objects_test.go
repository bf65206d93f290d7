package audit_test

import (
	"fmt"
	"iter"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
)

// TestVerifyObjectsInFlatMemory: a long record is checked in as much memory as a
// short one, and read side by side. A digest of each batch was kept until the end.
func TestVerifyObjectsInFlatMemory(t *testing.T) {
	const batches, inEach = 40_000, 3
	batch := func(i int) (id string, requests []keyhatch.ObjectRequest) {
		for n := range inEach {
			requests = append(requests, keyhatch.ObjectRequest{ID: fmt.Sprintf("req_%08d_%d", i, n), Key: "k"})
		}
		return fmt.Sprintf("event_%08d", i), requests
	}
	heap := func() int64 {
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	read := 0 // rows
	var early int64
	events := func(yield func(keyhatch.Event, error) bool) {
		for i := range batches {
			switch i {
			case 100:
				early = heap()
			case batches - 100:
				if grown := heap() - early; grown > 2<<20 {
					t.Errorf("%d bytes more are in use after %d batches", grown, i)
				}
			}
			if read > i*inEach+1 {
				t.Fatalf("%d rows were read before event %d", read, i)
			}
			id, requests := batch(i)
			if !yield(keyhatch.Event{ID: id, Action: "record", Detail: audit.VouchFor(requests)}, nil) {
				return
			}
		}
	}
	rows := func(yield func(audit.ObjectRow, error) bool) {
		for i := range batches {
			id, requests := batch(i)
			for _, r := range requests {
				read++
				if !yield(audit.ObjectRow{Event: id, ObjectRequest: r}, nil) {
					return
				}
			}
		}
	}
	var report audit.Report
	err := audit.VerifyObjects(&report, audit.ObjectRecord{
		Recorded: "record", Pruned: "prune", Events: events, Rows: rows, Prunings: func(func(keyhatch.Event, error) bool) {},
	})
	if err != nil || len(report.Findings) > 0 || report.ObjectRequests != batches*inEach {
		t.Errorf("%v %v %d", err, report.Findings, report.ObjectRequests)
	}
}

// TestVerifyObjectsPassesErrorsOn: a source that fails is no finding.
func TestVerifyObjectsPassesErrorsOn(t *testing.T) {
	broken := fmt.Errorf("broken")
	fails := func(yield func(keyhatch.Event, error) bool) { yield(keyhatch.Event{}, broken) }
	noRows := func(func(audit.ObjectRow, error) bool) {}
	for what, r := range map[string]audit.ObjectRecord{
		"events":   {Events: fails, Prunings: none, Rows: noRows},
		"prunings": {Events: none, Prunings: fails, Rows: noRows},
		"rows":     {Events: none, Prunings: none, Rows: func(yield func(audit.ObjectRow, error) bool) { yield(audit.ObjectRow{}, broken) }},
	} {
		var report audit.Report
		if err := audit.VerifyObjects(&report, r); err != broken || len(report.Findings) > 0 {
			t.Errorf("%s: %v, %v", what, err, report.Findings)
		}
	}
}

// TestVerifyObjectsCountsPrunedRequests: what the events of a pruned time vouch for
// is what was pruned in it. Only batches were counted: who removed the requests of
// one, and let its event vouch for none while it was pruned, was not found.
func TestVerifyObjectsCountsPrunedRequests(t *testing.T) {
	begin := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	var events []keyhatch.Event // of 2 requests each
	for i := range 3 {
		at := begin.Add(time.Duration(i) * time.Hour)
		events = append(events, keyhatch.Event{ID: fmt.Sprintf("event_%d", i), At: at, Action: "record", Detail: audit.VouchFor(make([]keyhatch.ObjectRequest, 2))})
	}
	for _, c := range []struct {
		batches, requests int64
		kept              []string
		want              string // of the findings
	}{
		{3, 6, nil, ""},
		{3, 4, nil, "missing (event_9): of the time that the event tells of, 2 object requests more are gone than were pruned"},
		{3, 7, nil, "unknown (event_9): of the time that the event tells of, 1 object requests were pruned that no event vouches for"},
		{2, 4, []string{"event_1"}, "missing (event_1): the object requests that the event vouches for"},
		{2, 2, []string{"event_1"}, "missing (event_1): the object requests that the event vouches for\n" +
			"missing (event_9): of the time that the event tells of, 2 object requests more are gone than were pruned"},
	} {
		p := audit.Pruned{Before: begin.Add(24 * time.Hour), Batches: c.batches, Requests: c.requests, Kept: c.kept}
		pruning := keyhatch.Event{ID: "event_9", At: p.Before, Action: "prune", Detail: p.Detail()}
		var report audit.Report
		err := audit.VerifyObjects(&report, audit.ObjectRecord{
			Recorded: "record", Pruned: "prune", Events: without(events), Prunings: without([]keyhatch.Event{pruning}),
			Rows: func(func(audit.ObjectRow, error) bool) {},
		})
		var got []string
		for _, f := range report.Findings {
			got = append(got, f.String())
		}
		if found := strings.Join(got, "\n"); err != nil || found != c.want {
			t.Errorf("%d batches of %d requests: %v, found %q, want %q", c.batches, c.requests, err, found, c.want)
		}
	}
}

// without yields them without an error.
func without(events []keyhatch.Event) iter.Seq2[keyhatch.Event, error] {
	return func(yield func(keyhatch.Event, error) bool) {
		for _, e := range events {
			if !yield(e, nil) {
				return
			}
		}
	}
}

// TestEveryFieldOfARequestIsVouchedFor: none can be changed, and none be moved into
// another, without the batch's event telling.
func TestEveryFieldOfARequestIsVouchedFor(t *testing.T) {
	request := keyhatch.ObjectRequest{At: time.UnixMicro(5), Bytes: 6, Status: 7}
	of := reflect.ValueOf(&request).Elem()
	for i := range of.NumField() {
		if f := of.Field(i); f.Kind() == reflect.String {
			f.SetString(of.Type().Field(i).Name)
		}
	}
	batch := []keyhatch.ObjectRequest{request}
	event := keyhatch.Event{Detail: audit.VouchFor(batch)}
	if !audit.VouchesFor(event, batch) {
		t.Fatal("it does not vouch for what it was made from")
	}
	for i := range of.NumField() {
		changed := request
		switch f := reflect.ValueOf(&changed).Elem().Field(i); f.Kind() {
		case reflect.String:
			f.SetString(f.String() + "x")
		case reflect.Int, reflect.Int64:
			f.SetInt(f.Int() + 1)
		default:
			changed.At = changed.At.Add(time.Microsecond)
		}
		if audit.VouchesFor(event, []keyhatch.ObjectRequest{changed}) {
			t.Errorf("%s can be changed", of.Type().Field(i).Name)
		}
	}
}
