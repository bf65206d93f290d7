package audit_test

import (
	"fmt"
	"runtime"
	"testing"

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
	none := func(func(keyhatch.Event, error) bool) {}
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
