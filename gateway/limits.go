package gateway

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits bound what one credential may ask at a time and in the long run, so
// that one caller's swarm leaves room for the others.
type Limits struct {
	Concurrent int // requests being answered
	PerSecond  int // requests begun, on average; twice as many at once
}

// times is so many times as much.
func (l Limits) times(n int) Limits { return Limits{n * l.Concurrent, n * l.PerSecond} }

// admit lets a request in, by its credential and by its user. The credential comes
// first: what one is refused for asking too often is not taken from what the
// others of its user may ask.
func (g *Gateway) admit(v *visit) (leave func(), err error) {
	now := time.Now()
	byLease, err := g.limiter.admit(v.lease.AccessKeyID, v.operation.body, now)
	if err != nil {
		return nil, err
	}
	byUser, err := g.users.admit(v.lease.User, v.operation.body, now)
	if err != nil {
		byLease()
		return nil, err
	}
	return func() { byUser(); byLease() }, nil
}

// charge takes of both rates what a request costs that does as much as n. It has
// paid for one when it was let in.
func (g *Gateway) charge(v *visit, n int) error {
	now := time.Now()
	if err := g.limiter.charge(v.lease.AccessKeyID, n-1, now); err != nil {
		return err
	}
	return g.users.charge(v.lease.User, n-1, now)
}

// limiter counts the requests of each credential, or of each user. It is safe for
// concurrent use.
type limiter struct {
	limits  Limits
	refusal limitErrors

	mu    sync.Mutex
	uses  map[string]*use // by whose they are
	swept time.Time
}

// maxDocuments is how many documents, which are held in memory until they are
// whole, one credential may send at a time.
const maxDocuments = 16

// use is what one of them does.
type use struct {
	running   int
	documents int // of those running
	rate      *rate.Limiter
}

// limitErrors are what is said to who asks too much.
type limitErrors struct{ tooMany, tooManyDocuments, tooFast *s3Error }

func newLimiter(l Limits, e limitErrors) *limiter {
	return &limiter{limits: l, refusal: e, uses: map[string]*use{}}
}

// admit lets one more request in, or fails. leave must be
// called when it has ended.
func (l *limiter) admit(whose string, body bodyKind, now time.Time) (leave func(), err error) {
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
		return nil, l.refusal.tooMany
	case body == document && u.documents >= maxDocuments:
		return nil, l.refusal.tooManyDocuments
	case !u.rate.AllowN(now, 1):
		return nil, l.refusal.tooFast
	}
	u.count(body, 1)
	return func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		u.count(body, -1)
	}, nil
}

// charge takes of the rate what n requests more would cost, for one that was let in.
// What is more than there can be besides that one costs all there can be.
func (l *limiter) charge(whose string, n int, now time.Time) error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if u := l.uses[whose]; u != nil && !u.rate.AllowN(now, min(n, u.rate.Burst()-1)) {
		return l.refusal.tooFast
	}
	return nil
}

func (u *use) count(body bodyKind, by int) {
	u.running += by
	if body == document {
		u.documents += by
	}
}

// sweepEvery is how often those who have stopped asking are forgotten.
const sweepEvery = 10 * time.Second

func (l *limiter) sweep(now time.Time) {
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
