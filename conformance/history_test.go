package conformance

import (
	"math"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// bound is how long a server may answer from memory after another has changed something.
const bound = time.Second

// history is what was done with one secret, and what was answered.
type history struct {
	id, secret string

	mu      sync.Mutex
	begun   time.Time // all times are counted from here
	done    []porcupine.Operation
	given   time.Time // its making was acknowledged
	ending  bool      // somebody has asked for its end
	ended   time.Time // that was acknowledged; zero: not yet
	looks   int       // of these since a second after that
	worked  int       // of those before
	refused int       // before its end
}

// What can be done with it, and what is answered.
type act int

const (
	give act = iota
	works
	isRefused
	end
)

// did notes an act that was acknowledged.
func (h *history) did(a act, asked, answered time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	call := asked.Sub(h.begun)
	if a == works || a == isRefused {
		// A server may say what was true a second ago.
		call -= bound
		switch {
		case !h.ended.IsZero() && asked.After(h.ended.Add(bound)):
			h.looks++
		case a == works:
			h.worked++
		case !h.ending:
			h.refused++
		}
	}
	switch a {
	case give:
		h.given = answered
	case end:
		h.ended = answered
	}
	h.done = append(h.done, porcupine.Operation{Input: a, Call: int64(call), Return: int64(answered.Sub(h.begun))})
}

// perhaps notes an end that was asked for and not acknowledged: it may come at any time.
func (h *history) perhaps(asked time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.done = append(h.done, porcupine.Operation{Input: end, Call: int64(asked.Sub(h.begun)), Return: math.MaxInt64})
}

// isOver tells whether enough is known of its end.
func (h *history) isOver() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.looks > 5
}

// mayEnd tells, once, whether who asks may ask for its end.
func (h *history) mayEnd() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.ending || h.worked < 3 {
		return false
	}
	h.ending = true
	return true
}

// linearizable tells whether the acts can be put into one order, each at a moment between
// question and answer, in which a secret works from its making to its end and never else. A
// look may be put up to a second before its question: that is what servers promise.
func (h *history) linearizable() bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return porcupine.CheckOperations(lives, h.done)
}

// lives is what a secret may do: nothing, be given, work, be ended.
var lives = porcupine.Model{
	Init: func() any { return give },
	Step: func(state, input, _ any) (bool, any) {
		switch input.(act) {
		case give:
			return state == give, works
		case works:
			return state == works, state
		case isRefused:
			return state != works, state
		default: // who asks twice ends it once
			return state != give, end
		}
	},
}
