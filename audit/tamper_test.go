package audit_test

import (
	"slices"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
)

// place is a finding without its words.
type place struct {
	problem audit.Problem
	chain   string
	seq, to int64
}

func placeOf(f audit.Finding) place { return place{f.Problem, f.Chain, f.Seq, f.To} }

func changed(chain int, seq int64) place { return place{audit.Changed, chainID(chain), seq, 0} }
func reordered(chain int, seq int64) place {
	return place{audit.Reordered, chainID(chain), seq, 0}
}

func missing(chain int, from, to int64) place {
	return place{audit.Missing, chainID(chain), from, to}
}

func cutOff(chain int, from, to int64) place { return place{audit.CutOff, chainID(chain), from, to} }

func unknown(chain int, from, to int64) place {
	return place{audit.Unknown, chainID(chain), from, to}
}

func unchecked(chain int, seq int64) place {
	return place{audit.Unchecked, chainID(chain), seq, 0}
}
func badHead(chain int) place { return place{audit.BadHead, chainID(chain), 0, 0} }

var chainGone = place{audit.ChainGone, "", 0, 0}

// TestVerifyTellsWhatWasDone tampers with a record of three chains, of seven,
// one and no events, without the key. Every finding of want must be there; those
// of also may be, since what follows on a forged hash does not fit it.
func TestVerifyTellsWhatWasDone(t *testing.T) {
	for _, tc := range []struct {
		name       string
		tamper     func(*record)
		want, also []place
	}{
		{"first removed", func(r *record) { r.remove(1, 1, 1) }, []place{missing(1, 1, 1), unchecked(1, 2)}, nil},
		{"one removed", func(r *record) { r.remove(1, 4, 4) }, []place{missing(1, 4, 4), unchecked(1, 5)}, nil},
		{"three removed", func(r *record) { r.remove(1, 2, 4) }, []place{missing(1, 2, 4), unchecked(1, 5)}, nil},
		{"two apart removed", func(r *record) { r.remove(1, 2, 2); r.remove(1, 5, 5) }, []place{missing(1, 2, 2), missing(1, 5, 5), unchecked(1, 3), unchecked(1, 6)}, nil},
		{"last removed", func(r *record) { r.remove(1, 7, 7) }, []place{cutOff(1, 7, 7)}, nil},
		{"tail cut off", func(r *record) { r.remove(1, 3, 7) }, []place{cutOff(1, 3, 7)}, nil},
		{"all but the last removed", func(r *record) { r.remove(1, 1, 6) }, []place{missing(1, 1, 6), unchecked(1, 7)}, nil},
		{"all of a chain removed", func(r *record) { r.remove(1, 1, 7) }, []place{cutOff(1, 1, 7)}, nil},
		{"the only one of a chain removed", func(r *record) { r.remove(2, 1, 1) }, []place{cutOff(2, 1, 1)}, nil},
		{"everything removed", func(r *record) { r.events = nil }, []place{cutOff(1, 1, 7), cutOff(2, 1, 1)}, nil},

		{"one removed, the rest moved up", func(r *record) {
			r.remove(1, 3, 3)
			for seq := int64(4); seq <= 7; seq++ {
				r.at(1, seq).Seq--
			}
		}, []place{cutOff(1, 7, 7)}, []place{changed(1, 3), changed(1, 4), changed(1, 5), changed(1, 6), reordered(1, 3), reordered(1, 4), reordered(1, 5), reordered(1, 6)}},

		{"neighbours swapped", func(r *record) { r.swap(1, 3, 4) }, []place{reordered(1, 3), reordered(1, 4)}, []place{changed(1, 5)}},
		{"first two swapped", func(r *record) { r.swap(1, 1, 2) }, []place{reordered(1, 1), reordered(1, 2)}, []place{changed(1, 3)}},
		{"last two swapped", func(r *record) { r.swap(1, 6, 7) }, []place{reordered(1, 6), reordered(1, 7)}, nil},
		{"others swapped", func(r *record) { r.swap(1, 2, 5) }, []place{reordered(1, 2), reordered(1, 5)}, []place{changed(1, 3), changed(1, 6)}},
		{"first and last swapped", func(r *record) { r.swap(1, 1, 7) }, []place{reordered(1, 1), reordered(1, 7)}, []place{changed(1, 2)}},

		{"moved to the end of another chain", func(r *record) {
			e := r.at(1, 3)
			e.Chain, e.Seq = chainID(2), 2
		}, []place{missing(1, 3, 3), changed(2, 2), unknown(2, 2, 2), unchecked(1, 4)}, nil},
		{"moved to an empty chain", func(r *record) {
			e := r.at(2, 1)
			e.Chain = chainID(3)
		}, []place{cutOff(2, 1, 1), changed(3, 1), unknown(3, 1, 1)}, nil},
		{"copied over one of another chain", func(r *record) {
			e := *r.at(1, 1)
			e.Chain = chainID(2)
			*r.at(2, 1) = e
		}, []place{changed(2, 1)}, nil},
		{"copied over one of the same chain", func(r *record) {
			e := *r.at(1, 2)
			e.Seq = 5
			*r.at(1, 5) = e
		}, []place{changed(1, 5)}, []place{changed(1, 6)}},
		{"twice there", func(r *record) { r.events = append(r.events, *r.at(1, 4)) }, nil, []place{changed(1, 4), reordered(1, 4)}},

		{"hash changed", func(r *record) { r.at(1, 4).Hash[0] ^= 1 }, []place{changed(1, 4)}, []place{changed(1, 5)}},
		{"last hash changed", func(r *record) { r.at(1, 7).Hash[31] ^= 1 }, []place{changed(1, 7)}, nil},
		{"hash removed", func(r *record) { r.at(1, 4).Hash = nil }, []place{changed(1, 4)}, []place{changed(1, 5)}},
		{"hash cut", func(r *record) { r.at(1, 7).Hash = r.at(1, 7).Hash[:16] }, []place{changed(1, 7)}, nil},
		{"field and hash changed", func(r *record) {
			*r.at(1, 4) = forged(*r.at(1, 4), r.at(1, 3).Hash)
		}, []place{changed(1, 4)}, []place{changed(1, 5)}},
		{"tail written anew with another key", func(r *record) {
			before := r.at(1, 4).Hash
			for seq := int64(5); seq <= 7; seq++ {
				*r.at(1, seq) = forged(*r.at(1, seq), before)
				before = r.at(1, seq).Hash
			}
		}, []place{changed(1, 5), changed(1, 6), changed(1, 7)}, nil},

		{"one forged at the end", func(r *record) {
			e := event(1, 8)
			e.Chain, e.Seq = chainID(1), 8
			r.events = append(r.events, forged(e, r.at(1, 7).Hash))
		}, []place{changed(1, 8), unknown(1, 8, 8)}, nil},
		{"one forged far behind the end", func(r *record) {
			e := event(1, 8)
			e.Chain, e.Seq = chainID(1), 1<<62
			r.events = append(r.events, e)
		}, []place{missing(1, 8, 1<<62-1), unknown(1, 8, 1<<62), unchecked(1, 1<<62)}, nil},
		{"one forged before the first", func(r *record) {
			e := event(1, 8)
			e.Chain, e.Seq = chainID(1), 0
			r.events = append(r.events, forged(e, nil))
		}, []place{changed(1, 0)}, []place{changed(1, 1)}},
		{"one forged of a negative number", func(r *record) {
			e := event(1, 8)
			e.Chain, e.Seq = chainID(1), -5
			r.events = append(r.events, forged(e, nil))
		}, []place{changed(1, -5), unchecked(1, 1)}, []place{changed(1, 1), missing(1, -4, 0)}},
		{"one forged inside, the rest moved down", func(r *record) {
			for seq := int64(7); seq >= 4; seq-- {
				r.at(1, seq).Seq++
			}
			e := event(1, 8)
			e.Chain, e.Seq = chainID(1), 4
			r.events = append(r.events, forged(e, r.at(1, 3).Hash))
		}, []place{changed(1, 4), unknown(1, 8, 8)}, []place{reordered(1, 5), reordered(1, 6), reordered(1, 7), reordered(1, 8)}},
		{"forged in an empty chain", func(r *record) {
			e := event(3, 1)
			e.Chain, e.Seq = chainID(3), 1
			r.events = append(r.events, forged(e, nil))
		}, []place{changed(3, 1), unknown(3, 1, 1)}, nil},
		{"a chain forged without a head", func(r *record) {
			e := event(9, 1)
			e.Chain, e.Seq = chainID(9), 1
			r.events = append(r.events, forged(e, nil))
		}, []place{changed(9, 1), unknown(9, 1, 1)}, nil},
		{"a chain forged with a head", func(r *record) {
			c := audit.NewChain(chainID(9), 4, keyed("another"))
			r.events = append(r.events, c.Link(event(9, 1)))
			r.heads = append(r.heads, c.Head())
		}, []place{badHead(9), changed(9, 1)}, nil},

		{"head removed", func(r *record) { r.removeHead(1) }, []place{chainGone, unknown(1, 1, 7)}, nil},
		{"head of an empty chain removed", func(r *record) { r.removeHead(3) }, []place{chainGone}, nil},
		{"chain removed with its head", func(r *record) { r.remove(1, 1, 7); r.removeHead(1) }, []place{chainGone}, nil},
		{"last chain removed with its head and its number", func(r *record) { r.removeHead(3); r.registry.Chains = 2 }, []place{chainGone}, nil},
		{"all chains removed", func(r *record) { r.events, r.heads = nil, nil }, []place{chainGone}, nil},
		{"everything and the registry removed", func(r *record) { *r = record{} }, []place{chainGone}, nil},
		{"registry removed", func(r *record) { r.registry = audit.Registry{} }, []place{chainGone}, nil},
		{"registry counts more", func(r *record) { r.registry.Chains++ }, []place{chainGone}, []place{chainGone}},
		{"registry counts less", func(r *record) { r.registry.Chains-- }, []place{chainGone}, nil},
		{"registry counts none", func(r *record) { r.registry.Chains = 0 }, []place{chainGone}, nil},
		{"registry counts less than none", func(r *record) { r.registry.Chains = -1 }, []place{chainGone}, nil},
		{"registry of another key", func(r *record) { r.registry = audit.NewRegistry(3, keyed("another")) }, []place{chainGone}, nil},
		{"registry signed as a head", func(r *record) { r.registry.Sign = r.heads[0].Sign }, []place{chainGone}, nil},

		{"head's seq lowered", func(r *record) { r.heads[0].Seq = 5 }, []place{badHead(1), unknown(1, 6, 7)}, nil},
		{"head's seq lowered and the tail cut off", func(r *record) {
			r.remove(1, 6, 7)
			r.heads[0].Seq, r.heads[0].Hash = 5, r.at(1, 5).Hash
		}, []place{badHead(1)}, nil},
		{"head's seq raised", func(r *record) { r.heads[0].Seq = 9 }, []place{badHead(1), cutOff(1, 8, 9)}, nil},
		{"head's hash changed", func(r *record) { r.heads[0].Hash[0] ^= 1 }, []place{badHead(1)}, []place{badHead(1)}},
		{"head's number changed", func(r *record) { r.heads[0].Number = 9 }, []place{badHead(1), chainGone}, nil},
		{"head's chain changed", func(r *record) { r.heads[0].Chain = chainID(9) }, []place{badHead(9), unknown(1, 1, 7), cutOff(9, 1, 7)}, nil},
		{"head of another key", func(r *record) {
			c := audit.NewChain(chainID(2), 2, keyed("another"))
			c.Link(event(2, 1))
			r.heads[1] = c.Head()
		}, []place{badHead(2)}, []place{badHead(2)}},
		{"old head put back", func(r *record) { r.heads[0] = written(5, 1, 0).heads[0] }, []place{unknown(1, 6, 7)}, nil},
		{"head of an event that was never committed", func(r *record) {
			c := audit.NewChain(chainID(2), 2, mac)
			c.Link(event(2, 9))
			r.heads[1] = c.Head()
		}, []place{badHead(2)}, nil},
		{"head of nothing put back", func(r *record) { r.heads[0] = written(0).heads[0] }, []place{unknown(1, 1, 7)}, nil},
		{"another chain's head put there", func(r *record) {
			h := r.heads[1]
			h.Chain = chainID(1)
			r.heads[0] = h
		}, []place{badHead(1), chainGone, unknown(1, 2, 7)}, []place{{problem: audit.BadHead}}},
		{"last event written anew, head old", func(r *record) { *r.at(2, 1) = forged(*r.at(2, 1), nil) }, []place{changed(2, 1)}, nil},
	} {
		r := written(7, 1, 0)
		tc.tamper(&r)
		found := r.verify(t).Findings
		if len(found) == 0 {
			t.Errorf("%s: nothing found", tc.name)
		}
		left := slices.Clone(tc.want)
		for _, f := range found {
			if i := slices.Index(left, placeOf(f)); i >= 0 {
				left = slices.Delete(left, i, i+1)
			} else if !slices.Contains(tc.also, placeOf(f)) {
				t.Errorf("%s: also found: %s", tc.name, f)
			}
		}
		for _, p := range left {
			t.Errorf("%s: not found: %+v; but %v", tc.name, p, found)
		}
	}
}

// forged is the event with another target, hashed by who does not have the key.
func forged(e keyhatch.Event, before keyhatch.Hash) keyhatch.Event {
	c := audit.NewChain(e.Chain, 1, keyed("a guess at "+before.String()))
	e.Target = "lease_forged"
	e.Hash = c.Link(e).Hash
	return e
}

func TestVerifyFindsEveryChangedField(t *testing.T) {
	for name, set := range map[string]func(*keyhatch.Event){
		"id":             func(e *keyhatch.Event) { e.ID = "event_9" },
		"time later":     func(e *keyhatch.Event) { e.At = e.At.Add(time.Microsecond) },
		"time earlier":   func(e *keyhatch.Event) { e.At = e.At.Add(-time.Hour) },
		"no time":        func(e *keyhatch.Event) { e.At = time.Time{} },
		"workspace":      func(e *keyhatch.Event) { e.Workspace = "ws_2" },
		"no workspace":   func(e *keyhatch.Event) { e.Workspace = "" },
		"user":           func(e *keyhatch.Event) { e.User = "user_2" },
		"token":          func(e *keyhatch.Event) { e.Token = "tok_2" },
		"address":        func(e *keyhatch.Event) { e.Address = "192.0.2.8" },
		"request id":     func(e *keyhatch.Event) { e.RequestID = "r" },
		"action":         func(e *keyhatch.Event) { e.Action = "lease.revoke" },
		"target":         func(e *keyhatch.Event) { e.Target = "lease_9" },
		"two fields":     func(e *keyhatch.Event) { e.User, e.Token = e.Token, e.User },
		"border":         func(e *keyhatch.Event) { e.Workspace, e.User = e.Workspace+e.User, "" },
		"detail":         func(e *keyhatch.Event) { e.Detail["access"] = "write" },
		"detail's name":  func(e *keyhatch.Event) { delete(e.Detail, "access"); e.Detail["accesss"] = "read" },
		"detail added":   func(e *keyhatch.Event) { e.Detail["a"] = "" },
		"detail removed": func(e *keyhatch.Event) { delete(e.Detail, "access") },
		"no details":     func(e *keyhatch.Event) { e.Detail = nil },
		"details swapped": func(e *keyhatch.Event) {
			e.Detail["access"], e.Detail["prefixes"] = e.Detail["prefixes"], e.Detail["access"]
		},
	} {
		for seq := int64(1); seq <= 7; seq++ {
			r := written(7, 1, 0)
			e := r.at(1, seq)
			set(e)
			found := r.verify(t).Findings
			if len(found) != 1 || placeOf(found[0]) != changed(1, seq) || found[0].Event != e.ID {
				t.Errorf("%s of event %d: %v", name, seq, found)
			}
		}
	}
}
