package audit

import (
	"fmt"
	"iter"
	"slices"

	"github.com/keyhatch/keyhatch"
)

// ObjectRecord is what VerifyObjects reads, each part once, from its beginning to
// its end.
type ObjectRecord struct {
	// Recorded and Pruned are the actions of events that vouch for a batch, and for
	// the removal of batches.
	Recorded, Pruned keyhatch.Action
	Events           iter.Seq2[keyhatch.Event, error] // by id
	Prunings         iter.Seq2[keyhatch.Event, error] // those of action Pruned, by time
	Rows             iter.Seq2[ObjectRow, error]      // by event, and inside each in their order
}

// maxObjectFindings bounds what is kept of the findings.
const maxObjectFindings = 1000

// VerifyObjects holds the object requests against the events that vouch for them,
// and adds to the report. The events themselves are Verify's. It walks through all
// three parts side by side: what it needs of memory does not grow with them.
func VerifyObjects(report *Report, r ObjectRecord) error {
	nextRow, stopRows := iter.Pull2(r.Rows)
	defer stopRows()
	nextPruning, stopPrunings := iter.Pull2(r.Prunings)
	defer stopPrunings()
	v := objectsVerifier{report: report, next: nextRow, nextPruning: nextPruning}
	if err := v.advance(); err != nil {
		return err
	}
	if err := v.nextSpan(); err != nil {
		return err
	}
	for e, err := range r.Events {
		if err != nil {
			return err
		}
		if e.Action != r.Recorded {
			continue
		}
		if err := v.batch(e); err != nil {
			return err
		}
	}
	if err := v.unvouched(""); err != nil {
		return err
	}
	for v.span != nil {
		if err := v.nextSpan(); err != nil {
			return err
		}
	}
	if v.more > 0 {
		report.Findings = append(report.Findings, Finding{Problem: Changed, Note: fmt.Sprintf("and %d places more in the object requests", v.more)})
	}
	return nil
}

type objectsVerifier struct {
	report *Report
	found  int
	more   int // findings that are only counted

	next func() (ObjectRow, error, bool)
	row  *ObjectRow // that comes next, nil at the end

	nextPruning func() (keyhatch.Event, error, bool)
	span        *span // that is not behind yet, nil when all are
}

// span is a time whose batches were removed.
type span struct {
	Pruned
	event    string
	gone     int64 // batches in it that are not there
	requests int64 // that the events of these vouch for
}

func (v *objectsVerifier) find(p Problem, event, note string) {
	if v.found++; v.found > maxObjectFindings {
		v.more++
		return
	}
	v.report.Findings = append(v.report.Findings, Finding{Problem: p, Event: event, Note: note})
}

func (v *objectsVerifier) advance() error {
	row, err, more := v.next()
	v.row = &row
	if !more {
		v.row = nil
	}
	return err
}

// batch checks the rows of an event.
func (v *objectsVerifier) batch(e keyhatch.Event) error {
	if err := v.unvouched(e.ID); err != nil {
		return err
	}
	v.report.Dropped += number(e.Detail[DroppedDetail])
	d := newDigest(Vouched(e))
	for v.row != nil && v.row.Event == e.ID {
		d.add(v.row.ObjectRequest)
		if err := v.advance(); err != nil {
			return err
		}
	}
	v.report.ObjectRequests += int64(d.count)
	for v.span != nil && !e.At.Before(v.span.Before) {
		if err := v.nextSpan(); err != nil {
			return err
		}
	}
	switch pruned := v.span != nil && !e.At.Before(v.span.From) && !slices.Contains(v.span.Kept, e.ID); {
	case d.count == 0 && pruned:
		v.span.gone++
		v.span.requests += int64(Vouched(e))
	case d.count == 0:
		v.find(Missing, e.ID, "the object requests that the event vouches for")
	case d.count != Vouched(e) || d.text() != e.Detail[digestDetail]:
		v.find(Changed, e.ID, "object requests that are not those that were written")
	}
	return nil
}

// unvouched passes the rows before those of an event, or all that are left: no
// event vouches for them.
func (v *objectsVerifier) unvouched(event string) error {
	last := ""
	for v.row != nil && (event == "" || v.row.Event < event) {
		if v.row.Event != last || last == "" {
			last = v.row.Event
			v.find(Unknown, last, "object requests that no event vouches for")
		}
		v.report.ObjectRequests++
		if err := v.advance(); err != nil {
			return err
		}
	}
	return nil
}

// nextSpan goes on to the next span. In the one that is left, exactly as many
// batches must be gone as were removed, of exactly as many requests.
func (v *objectsVerifier) nextSpan() error {
	if s := v.span; s != nil {
		switch more, requests := s.gone-s.Batches, s.requests-s.Requests; {
		case more > 0:
			v.find(Missing, s.event, fmt.Sprintf("of the time that the event tells of, %d batches of object requests more are gone than were pruned", more))
		case more < 0:
			v.find(Unknown, s.event, fmt.Sprintf("of the time that the event tells of, %d batches of object requests that were pruned are there again", -more))
		case requests > 0:
			v.find(Missing, s.event, fmt.Sprintf("of the time that the event tells of, %d object requests more are gone than were pruned", requests))
		case requests < 0:
			v.find(Unknown, s.event, fmt.Sprintf("of the time that the event tells of, %d object requests were pruned that no event vouches for", -requests))
		}
	}
	for {
		v.span = nil
		e, err, more := v.nextPruning()
		if err != nil || !more {
			return err
		}
		p, err := ReadPruned(e)
		if err != nil {
			v.find(Changed, e.ID, "it does not tell what was pruned")
			continue
		}
		v.span = &span{Pruned: p, event: e.ID}
		v.report.Pruned += p.Requests
		if p.Before.After(v.report.PrunedBefore) {
			v.report.PrunedBefore = p.Before
		}
		return nil
	}
}
