package audit_test

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"fmt"
	"iter"
	"maps"
	"slices"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
)

func keyed(key string) audit.MAC {
	return func(data []byte) keyhatch.Hash {
		h := hmac.New(sha256.New, []byte(key))
		h.Write(data)
		return h.Sum(nil)
	}
}

var mac = keyed("the installation's key")

// record is what the database holds of the audit record.
type record struct {
	registry audit.Registry
	heads    []audit.Head
	events   []keyhatch.Event
}

func event(chain, n int) keyhatch.Event {
	return keyhatch.Event{
		ID: fmt.Sprintf("event_%d_%d", chain, n), At: time.Date(2026, 6, 1, 12, chain, n, 1000, time.UTC),
		Workspace: "ws_1", User: "user_1", Token: "tok_1", Address: "192.0.2.7", RequestID: fmt.Sprintf("r%d%d", chain, n),
		Action: "lease.lend", Target: fmt.Sprintf("lease_%d", n),
		Detail: map[string]string{"access": "read", "prefixes": fmt.Sprintf("s3://demo/%d/", n)},
	}
}

func chainID(n int) string { return fmt.Sprintf("chain_%d", n) }

// written makes a record of chains with so many events each.
func written(lengths ...int) record {
	r := record{registry: audit.NewRegistry(int64(len(lengths)), mac)}
	for i, length := range lengths {
		c := audit.NewChain(chainID(i+1), int64(i+1), mac)
		for n := range length {
			r.events = append(r.events, c.Link(event(i+1, n+1)))
		}
		r.heads = append(r.heads, c.Head())
	}
	return r.clone()
}

// clone shares nothing with r.
func (r record) clone() record {
	c := record{registry: r.registry}
	c.registry.Sign = slices.Clone(r.registry.Sign)
	for _, h := range r.heads {
		h.Hash, h.Sign = slices.Clone(h.Hash), slices.Clone(h.Sign)
		c.heads = append(c.heads, h)
	}
	for _, e := range r.events {
		e.Detail, e.Hash = maps.Clone(e.Detail), slices.Clone(e.Hash)
		c.events = append(c.events, e)
	}
	return c
}

// at finds the event of a place.
func (r *record) at(chain int, seq int64) *keyhatch.Event {
	i := slices.IndexFunc(r.events, func(e keyhatch.Event) bool { return e.Chain == chainID(chain) && e.Seq == seq })
	return &r.events[i]
}

func (r *record) remove(chain int, from, to int64) {
	r.events = slices.DeleteFunc(r.events, func(e keyhatch.Event) bool { return e.Chain == chainID(chain) && e.Seq >= from && e.Seq <= to })
}

func (r *record) swap(chain int, a, b int64) {
	x, y := r.at(chain, a), r.at(chain, b)
	x.Seq, y.Seq = b, a
}

func (r *record) removeHead(chain int) {
	r.heads = slices.DeleteFunc(r.heads, func(h audit.Head) bool { return h.Chain == chainID(chain) })
}

// inOrder yields the events as the database does.
func (r record) inOrder() iter.Seq2[keyhatch.Event, error] {
	sorted := slices.Clone(r.events)
	slices.SortStableFunc(sorted, func(a, b keyhatch.Event) int {
		return cmp.Or(cmp.Compare(a.Chain, b.Chain), cmp.Compare(a.Seq, b.Seq))
	})
	return func(yield func(keyhatch.Event, error) bool) {
		for _, e := range sorted {
			if !yield(e, nil) {
				return
			}
		}
	}
}

func (r record) verify(t interface {
	Helper()
	Fatal(...any)
},
) audit.Report {
	t.Helper()
	report, err := audit.Verify(mac, r.registry, r.heads, r.checkpoints(), r.inOrder())
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestVerifyFindsNothingInAWholeRecord(t *testing.T) {
	for _, lengths := range [][]int{{}, {0}, {1}, {7, 1, 0}, {0, 0, 3}, {100}} {
		r := written(lengths...)
		report := r.verify(t)
		for _, f := range report.Findings {
			t.Errorf("chains of %v: %s", lengths, f)
		}
		if report.Chains != len(lengths) || report.Events != int64(len(r.events)) {
			t.Errorf("chains of %v: %+v", lengths, report)
		}
	}
}

// TestVerifyTakesWhatADatabaseKeeps: a reader of the database may see an empty
// map for nil, an empty hash for nil, another zone; no nanoseconds.
func TestVerifyTakesWhatADatabaseKeeps(t *testing.T) {
	c := audit.NewChain(chainID(1), 1, mac)
	e := event(1, 1)
	e.Detail, e.At = nil, e.At.Add(999)
	r := record{registry: audit.NewRegistry(2, mac), events: []keyhatch.Event{c.Link(e)}, heads: []audit.Head{c.Head()}}
	r.events[0].Detail = map[string]string{}
	r.events[0].At = r.events[0].At.Truncate(time.Microsecond).In(time.FixedZone("east", 3600))
	empty := audit.NewChain(chainID(2), 2, mac)
	r.heads = append(r.heads, empty.Head())
	r.heads[1].Hash = keyhatch.Hash{}
	if found := r.verify(t).Findings; len(found) > 0 {
		t.Error(found)
	}
}
