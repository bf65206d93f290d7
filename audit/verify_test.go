package audit_test

import (
	"errors"
	"iter"
	"reflect"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"pgregory.net/rapid"
)

// TestVerifyFindsAnyByte changes one byte, or one unit of a number or a time, of
// any field of any row.
func TestVerifyFindsAnyByte(t *testing.T) {
	whole := written(4, 2, 0, 1)
	rapid.Check(t, func(t *rapid.T) {
		r := whole.clone()
		where := tamperOnce(t, &r)
		if len(r.verify(t).Findings) == 0 {
			t.Fatalf("%s was changed, nothing was found", where)
		}
	})
}

func tamperOnce(t *rapid.T, r *record) (where string) {
	rows := []reflect.Value{reflect.ValueOf(&r.registry).Elem()}
	for i := range r.heads {
		rows = append(rows, reflect.ValueOf(&r.heads[i]).Elem())
	}
	for i := range r.events {
		rows = append(rows, reflect.ValueOf(&r.events[i]).Elem())
	}
	row := rapid.SampledFrom(rows).Draw(t, "row")
	name := row.Type().Field(rapid.IntRange(0, row.NumField()-1).Draw(t, "field")).Name
	field := row.FieldByName(name)
	switch v := field.Interface().(type) {
	case int64: // a small step: how far it is does not matter
		field.SetInt(v + rapid.SampledFrom([]int64{-7, -1, 1, 2, 7}).Draw(t, "step"))
	case time.Time:
		step := rapid.Int64Range(1, 1<<40).Draw(t, "microseconds")
		field.Set(reflect.ValueOf(v.Add(time.Duration(step) * time.Microsecond)))
	case keyhatch.Hash:
		field.SetBytes([]byte(oneByte(t, string(v))))
	case map[string]string:
		for key, value := range v {
			if delete(v, key); rapid.Bool().Draw(t, "name") {
				key = oneByte(t, key)
			} else {
				value = oneByte(t, value)
			}
			v[key] = value
			break
		}
	default:
		field.SetString(oneByte(t, field.String()))
	}
	return row.Type().Name() + "." + name
}

// oneByte changes, removes or adds one byte.
func oneByte(t *rapid.T, s string) string {
	how := rapid.IntRange(0, 2).Draw(t, "how")
	if s == "" {
		how = 2
	}
	b := rapid.Byte().Draw(t, "byte")
	at := rapid.IntRange(0, max(0, len(s)-1)).Draw(t, "at")
	switch {
	case how == 2:
		return s[:at] + string([]byte{b}) + s[at:]
	case how == 1:
		return s[:at] + s[at+1:]
	case s[at] == b:
		b ^= 1
	}
	return s[:at] + string([]byte{b}) + s[at+1:]
}

// TestVerifyNamesManyChanges: past the bound of the search for moved events they
// are still all named, as changed.
func TestVerifyNamesManyChanges(t *testing.T) {
	const n = 300
	r := written(n)
	for i := range r.events {
		r.events[i].User = "user_2"
	}
	found := r.verify(t).Findings
	if len(found) != n {
		t.Fatalf("%d findings of %d changes", len(found), n)
	}
	for i, f := range found {
		if placeOf(f) != changed(1, int64(i+1)) {
			t.Errorf("finding %d: %s", i, f)
		}
	}
}

func TestVerifyTellsWhereAMovedEventWasWritten(t *testing.T) {
	r := written(6)
	r.swap(1, 2, 5)
	notes := map[int64]string{}
	for _, f := range r.verify(t).Findings {
		if f.Problem == audit.Reordered {
			notes[f.Seq] = f.Note
		}
	}
	if notes[2] != "it was written as event 5" || notes[5] != "it was written as event 2" {
		t.Errorf("%v", notes)
	}
}

func TestVerifyStopsWhenItsSourceFails(t *testing.T) {
	r := written(3)
	broken := errors.New("the disk is gone")
	var source iter.Seq2[keyhatch.Event, error] = func(yield func(keyhatch.Event, error) bool) {
		_ = yield(r.events[0], nil) && yield(keyhatch.Event{}, broken)
	}
	report, err := audit.Verify(mac, r.registry, r.heads, none, source)
	if !errors.Is(err, broken) || report.Events != 1 {
		t.Errorf("%+v, %v", report, err)
	}
}

func TestVerifyWithAnotherKeyFindsEverything(t *testing.T) {
	r := written(3)
	report, err := audit.Verify(keyed("another"), r.registry, r.heads, r.checkpoints(), r.inOrder())
	if err != nil || len(report.Findings) < 5 { // registry, head, three events
		t.Errorf("%v, %v", report.Findings, err)
	}
}

func TestFindingInWords(t *testing.T) {
	for want, f := range map[string]audit.Finding{
		"changed in chain_1, event 3 (event_9)":                 {Problem: audit.Changed, Chain: "chain_1", Seq: 3, Event: "event_9"},
		"missing in chain_1, events 3 to 5":                     {Problem: audit.Missing, Chain: "chain_1", Seq: 3, To: 5},
		"cut off in chain_1, event 7":                           {Problem: audit.CutOff, Chain: "chain_1", Seq: 7, To: 7},
		"chain gone: chain number 2 of 3":                       {Problem: audit.ChainGone, Note: "chain number 2 of 3"},
		"bad head in chain_1: its signature does not fit":       {Problem: audit.BadHead, Chain: "chain_1", Note: "its signature does not fit"},
		"reordered in chain_1, event 2 (event_5): it was moved": {Problem: audit.Reordered, Chain: "chain_1", Seq: 2, Event: "event_5", Note: "it was moved"},
	} {
		if got := f.String(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
