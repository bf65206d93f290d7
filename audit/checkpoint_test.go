package audit_test

import (
	"iter"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
)

// checkpoints yields the events that are one.
func (r record) checkpoints() iter.Seq2[keyhatch.Event, error] {
	return func(yield func(keyhatch.Event, error) bool) {
		for _, e := range r.events {
			if e.Action == "audit.checkpoint" && !yield(e, nil) {
				return
			}
		}
	}
}

// none yields no event.
func none(func(keyhatch.Event, error) bool) {}

// seenAt makes a record of two chains with so many events each, the second of which has seen
// the first when that had some of them.
func seenAt(first, second int, seen int64) (r record, then audit.Head) {
	r = written(first, second)
	c := audit.NewChain(chainID(1), 1, mac)
	for n := range seen {
		c.Link(event(1, int(n)+1))
	}
	then = c.Head()
	c = audit.NewChain(chainID(2), 2, mac)
	r.remove(2, 1, int64(second))
	for n := range second {
		e := event(2, n+1)
		if n == second-1 {
			e.Action, e.Detail = "audit.checkpoint", audit.Checkpoint([]audit.Head{then})
		}
		r.events = append(r.events, c.Link(e))
	}
	r.heads[1] = c.Head()
	return r.clone(), then
}

// TestVerifyFindsAChainThatWasPutBack: to an earlier state, with the signed head of that
// time. It was whole in itself, and nothing told.
func TestVerifyFindsAChainThatWasPutBack(t *testing.T) {
	r, _ := seenAt(5, 3, 4)
	if found := r.verify(t).Findings; len(found) > 0 {
		t.Fatalf("a whole record: %v", found)
	}
	for seq, want := range map[int64]audit.Problem{5: "", 4: "", 3: audit.PutBack, 1: audit.PutBack} {
		back := r.clone()
		_, back.heads[0] = seenAt(5, 3, seq)
		back.remove(1, seq+1, 5)
		found := back.verify(t).Findings
		if want == "" && len(found) > 0 || want != "" && (len(found) != 1 || found[0].Problem != want || found[0].Chain != chainID(1) || found[0].Seq != 4) {
			t.Errorf("with %d of 5 events, of which 4 were seen: %v", seq, found)
		}
	}
	changed := r.clone()
	changed.at(2, 3).Detail[chainID(1)] = "9 00"
	for _, f := range changed.verify(t).Findings {
		if f.Problem == audit.Changed && f.Chain == chainID(2) {
			return
		}
	}
	t.Error("a checkpoint that was changed is not found")
}
