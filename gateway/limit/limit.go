// Package limit bounds what one may ask, so that one caller's swarm leaves room for
// the others: how many requests at a time, how many of them with a body that is held
// in memory, and how many in the long run. Who asks too much is refused with the
// words of whoever made the limiter.
package limit

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits are what each may ask.
type Limits struct {
	Concurrent int // requests being answered
	Documents  int // of those, with a body that is held in memory until it is whole
	PerSecond  int // requests begun, on average; twice as many at once
}

// Times is so many times as much.
func (l Limits) Times(n int) Limits {
	return Limits{n * l.Concurrent, n * l.Documents, n * l.PerSecond}
}

// Limiter counts the requests of each of many. It is safe for concurrent use.
type Limiter struct {
	limits  Limits
	refusal Refusals

	mu    sync.Mutex
	uses  map[string]*use // by whose they are
	swept time.Time
}

// Refusals are the errors of who asks too much.
type Refusals struct{ TooMany, TooManyDocuments, TooFast error }

// New makes a limiter.
func New(l Limits, r Refusals) *Limiter {
	return &Limiter{limits: l, refusal: r, uses: map[string]*use{}}
}

// use is what one of them does.
type use struct {
	running   int
	documents int // of those running
	rate      *rate.Limiter
}

// Admit lets one more request in, or fails. leave must be called when it has ended.
func (l *Limiter) Admit(whose string, document bool, now time.Time) (leave func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.sweep(now)
	u := l.uses[whose]
	if u == nil {
		u = &use{rate: rate.NewLimiter(rate.Limit(l.limits.PerSecond), 2*l.limits.PerSecond)}
		l.uses[whose] = u
	}
	switch {
	case u.running >= l.limits.Concurrent:
		return nil, l.refusal.TooMany
	case document && u.documents >= l.limits.Documents:
		return nil, l.refusal.TooManyDocuments
	case !u.rate.AllowN(now, 1):
		return nil, l.refusal.TooFast
	}
	u.count(document, 1)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		u.count(document, -1)
	}, nil
}

// Charge takes of the rate what n requests more would cost, for one that was let in.
// What is more than there can be besides that one costs all there can be.
func (l *Limiter) Charge(whose string, n int, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if u := l.uses[whose]; u != nil && !u.rate.AllowN(now, min(n, u.rate.Burst()-1)) {
		return l.refusal.TooFast
	}
	return nil
}

func (u *use) count(document bool, by int) {
	u.running += by
	if document {
		u.documents += by
	}
}

// sweepEvery is how often those who have stopped asking are forgotten.
const sweepEvery = 10 * time.Second

func (l *Limiter) sweep(now time.Time) {
	if now.Sub(l.swept) < sweepEvery {
		return
	}
	l.swept = now
	for id, u := range l.uses {
		if u.running == 0 && u.rate.TokensAt(now) >= float64(u.rate.Burst()) {
			delete(l.uses, id) // like one that has never asked
		}
	}
}
