package audit

import (
	"fmt"
	"iter"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
)

// Problem says what is wrong with the record at one place.
type Problem string

// The problems.
const (
	Changed   Problem = "changed"    // the event's fields or hash are not what was written
	Reordered Problem = "reordered"  // a genuine event at another's place
	Missing   Problem = "missing"    // events between two others are gone
	CutOff    Problem = "cut off"    // the last events of a chain are gone
	Unchecked Problem = "unchecked"  // what it was chained to is gone, so nothing vouches for it
	Unknown   Problem = "unknown"    // events that no head vouches for
	BadHead   Problem = "bad head"   // a chain's head was changed
	ChainGone Problem = "chain gone" // a whole chain is gone, or the registry was changed
	PutBack   Problem = "put back"   // a chain is in an earlier state, with its head of that time
)

// Finding is one problem and its place. To is the last of a range of events.
type Finding struct {
	Problem Problem
	Chain   string
	Seq, To int64
	Event   string // id, where the row is still there
	Note    string
}

// String is the finding in words.
func (f Finding) String() string {
	s := string(f.Problem)
	if f.Chain != "" {
		s += " in " + f.Chain
	}
	switch {
	case f.To > f.Seq:
		s += fmt.Sprintf(", events %d to %d", f.Seq, f.To)
	case f.Seq > 0:
		s += fmt.Sprintf(", event %d", f.Seq)
	}
	if f.Event != "" {
		s += " (" + f.Event + ")"
	}
	if f.Note != "" {
		s += ": " + f.Note
	}
	return s
}

// Report is what Verify saw. The record is whole when there are no findings.
type Report struct {
	Chains         int
	Events         int64
	ObjectRequests int64
	// Pruned are the object requests that were removed because their time was over,
	// all of them recorded before PrunedBefore.
	Pruned       int64
	PrunedBefore time.Time
	// Dropped are refused object requests that were only counted.
	Dropped  int64
	Findings []Finding
}

// Verify checks the whole record. The events must come by chain and, inside
// each, by seq; those of checkpoints come once more, before, in any order. The error is that
// of the events' source; findings are not errors.
func Verify(mac MAC, registry Registry, heads []Head, checkpoints, events iter.Seq2[keyhatch.Event, error]) (Report, error) {
	v := verifier{mac: mac, heads: map[string]Head{}}
	var err error
	if v.seen, err = readCheckpoints(checkpoints); err != nil {
		return v.report, err
	}
	v.report.Chains = len(heads)
	v.checkRegistry(registry, heads)
	for e, err := range events {
		if err != nil {
			return v.report, err
		}
		v.event(e)
	}
	v.endChain()
	for _, h := range heads {
		if _, left := v.heads[h.Chain]; left && h.Seq > 0 {
			v.find(Finding{Problem: CutOff, Chain: h.Chain, Seq: 1, To: h.Seq})
		}
	}
	v.checkSeen()
	return v.report, nil
}

type verifier struct {
	mac    MAC
	heads  map[string]Head // of the chains not yet met
	seen   seen            // by checkpoints, and not yet met
	report Report

	begun  bool // some chain has begun
	chain  string
	seq    int64         // of the last event seen in the chain
	last   keyhatch.Hash // its hash as stored
	failed []suspect
	before int // findings when the chain began
}

// suspect is an event whose hash does not fit its place.
type suspect struct {
	event  keyhatch.Event
	before keyhatch.Hash
}

func (v *verifier) find(f Finding) { v.report.Findings = append(v.report.Findings, f) }

func (v *verifier) checkRegistry(r Registry, heads []Head) {
	genuine := r.Genuine(v.mac)
	if !genuine {
		v.find(Finding{Problem: ChainGone, Note: "the registry of chains was changed or removed"})
	}
	numbers := make([]int64, 0, len(heads))
	for _, h := range heads {
		switch {
		case !h.Genuine(v.mac):
			v.find(Finding{Problem: BadHead, Chain: h.Chain, Note: "its signature does not fit"})
		case genuine && (h.Number < 1 || h.Number > r.Chains):
			v.find(Finding{Problem: BadHead, Chain: h.Chain, Note: fmt.Sprintf("it is chain number %d, but the registry counts %d: an old one was put back", h.Number, r.Chains)})
		}
		v.heads[h.Chain] = h
		numbers = append(numbers, h.Number)
	}
	if genuine { // what a forged one counts means nothing
		v.checkNumbers(numbers, r.Chains)
	}
}

// checkNumbers finds the numbers from 1 to chains that are missing or twice.
func (v *verifier) checkNumbers(numbers []int64, chains int64) {
	slices.Sort(numbers)
	due := int64(1)
	gone := func(to int64) {
		switch {
		case due == to:
			v.find(Finding{Problem: ChainGone, Note: fmt.Sprintf("chain number %d of %d", due, chains)})
		case due < to:
			v.find(Finding{Problem: ChainGone, Note: fmt.Sprintf("chains number %d to %d of %d", due, to, chains)})
		}
	}
	for _, n := range numbers {
		if n < 1 || n > chains {
			continue
		}
		if n < due {
			v.find(Finding{Problem: BadHead, Note: fmt.Sprintf("two chains have number %d", n)})
			continue
		}
		gone(n - 1)
		due = n + 1
	}
	gone(chains)
}

func (v *verifier) event(e keyhatch.Event) {
	v.report.Events++
	v.seen.event(e)
	if !v.begun || e.Chain != v.chain {
		v.endChain()
		v.begun = true
		v.chain, v.seq, v.last, v.before = e.Chain, 0, nil, len(v.report.Findings)
	}
	if e.Seq > v.seq+1 {
		v.find(Finding{Problem: Missing, Chain: e.Chain, Seq: v.seq + 1, To: e.Seq - 1})
		v.find(Finding{Problem: Unchecked, Chain: e.Chain, Seq: e.Seq, Event: e.ID, Note: "the event that it was chained to is gone"})
		v.seq, v.last = e.Seq, e.Hash
		return
	}
	if !Genuine(e, v.last, v.mac) {
		v.failed = append(v.failed, suspect{e, v.last})
	}
	v.seq, v.last = e.Seq, e.Hash
}

func (v *verifier) endChain() {
	if !v.begun {
		return
	}
	for _, s := range v.failed {
		f := Finding{Problem: Changed, Chain: s.event.Chain, Seq: s.event.Seq, Event: s.event.ID}
		if seq, ok := v.trueSeq(s.event); ok {
			f.Problem, f.Note = Reordered, fmt.Sprintf("it was written as event %d", seq)
		}
		v.find(f)
	}
	v.failed = nil
	head, ok := v.heads[v.chain]
	delete(v.heads, v.chain)
	switch {
	case !ok:
		v.find(Finding{Problem: Unknown, Chain: v.chain, Seq: 1, To: v.seq, Note: "the chain has no head"})
	case v.seq < head.Seq:
		v.find(Finding{Problem: CutOff, Chain: v.chain, Seq: v.seq + 1, To: head.Seq})
	case v.seq > head.Seq:
		v.find(Finding{Problem: Unknown, Chain: v.chain, Seq: head.Seq + 1, To: v.seq, Note: "the chain's head does not reach them"})
	case !equal(v.last, head.Hash) && len(v.report.Findings) == v.before:
		v.find(Finding{Problem: BadHead, Chain: v.chain, Note: "it does not fit the last event"})
	}
}

// maxSuspects bounds the search for reordered events, which is cubic.
const maxSuspects = 40

// trueSeq looks among the places that failed for the one where e fits.
func (v *verifier) trueSeq(e keyhatch.Event) (int64, bool) {
	if len(v.failed) > maxSuspects {
		return 0, false
	}
	for _, place := range v.failed {
		if place.event.Seq == e.Seq {
			continue
		}
		moved := e
		moved.Seq = place.event.Seq
		for _, other := range v.failed {
			for _, before := range []keyhatch.Hash{other.before, other.event.Hash} {
				if Genuine(moved, before, v.mac) {
					return moved.Seq, true
				}
			}
		}
	}
	return 0, false
}
