package gateway

import (
	"context"
	"sync"
	"time"
)

// standingEvery is how often it is asked whether the lease of a request that is
// being answered still stands. With a quarter of a second until other processes
// have heard of a revocation, it ends a transfer within S7's second.
const standingEvery = 500 * time.Millisecond

// standing ends a request whose lease has ended while it was being answered,
// however slow its transfer is: a store that waits for a client cannot ask.
type standing struct {
	ask    func() error
	cancel context.CancelFunc // of what the store is asked

	mu    sync.Mutex
	timer *time.Timer
	over  bool // nothing is left to end
	ended error
	// interrupt wakes who waits for the client. It is called once, and not while it
	// is being set.
	interrupt func()
}

// begin begins to ask, until stop. cancel ends what the store is asked.
func (s *standing) begin(ask func() error, cancel context.CancelFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ask, s.cancel, s.over = ask, cancel, false
	s.timer = time.AfterFunc(standingEvery, s.again)
}

// check asks at once. Who asks ends what it is at by itself.
func (s *standing) check() error {
	err := s.ask()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil && err != nil {
		s.ended, s.over = err, true
		s.cancel()
	}
	return s.ended
}

func (s *standing) again() {
	err := s.ask()
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.over:
	case err == nil:
		s.timer.Reset(standingEvery)
	default:
		s.ended, s.over = err, true
		s.cancel()
		s.interrupt()
	}
}

// stop ends the asking: what was asked for has come to its end.
func (s *standing) stop() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.over = true
	s.timer.Stop()
}

// failure is why the request was ended, nil when it was not.
func (s *standing) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.ended
}

// unless does something that would let a transfer go on, unless it was ended.
func (s *standing) unless(do func()) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ended == nil {
		do()
	}
}
