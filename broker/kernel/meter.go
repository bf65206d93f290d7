package kernel

import (
	"math"
	"net/netip"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/keyhatch/keyhatch"
)

// Meter counts what each of many does against a limit a minute: so many at once, and
// on average. Who has done nothing for as long as it takes to have all of it again is
// forgotten.
type Meter struct {
	most int // remembered at a time; those whom there is no room for share one limit

	mu    sync.Mutex
	uses  map[string]*rate.Limiter
	swept time.Time
}

// NewMeter makes a meter that remembers so many at a time.
func NewMeter(most int) *Meter { return &Meter{most: most, uses: map[string]*rate.Limiter{}} }

const (
	sweepEvery = 10 * time.Second
	theOthers  = "" // whose limit those share whom there is no room for
)

// Take counts one more, unless that would be too many: keyhatch.TooMany. left is what
// remains.
func (m *Meter) Take(whose string, perMinute int, now time.Time) (left keyhatch.Allowance, err error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.sweep(now)
	l := m.of(whose, perMinute)
	if l.Burst() != perMinute { // the limit was changed
		l.SetLimitAt(now, perSecond(perMinute))
		l.SetBurstAt(now, perMinute)
	}
	ok := l.AllowN(now, 1)
	have := l.TokensAt(now)
	left = keyhatch.Allowance{
		PerMinute: perMinute, Remaining: max(0, int(have)), Full: inTime(float64(perMinute)-have, l.Limit()),
	}
	if ok {
		return left, nil
	}
	wait := inTime(1-have, l.Limit())
	return left, keyhatch.Fail(keyhatch.TooMany, keyhatch.CodeTooManyRequests,
		"more than %d of these in a minute are too many: wait as long as the header Retry-After says", perMinute).After(wait)
}

func (m *Meter) of(whose string, perMinute int) *rate.Limiter {
	if _, known := m.uses[whose]; !known && len(m.uses) >= m.most {
		whose = theOthers
	}
	if m.uses[whose] == nil {
		m.uses[whose] = rate.NewLimiter(perSecond(perMinute), perMinute)
	}
	return m.uses[whose]
}

func perSecond(perMinute int) rate.Limit { return rate.Limit(float64(perMinute) / 60) }

// inTime is how long it takes until there are so many more.
func inTime(n float64, l rate.Limit) time.Duration {
	return time.Duration(math.Ceil(n / float64(l) * float64(time.Second)))
}

func (m *Meter) sweep(now time.Time) {
	if now.Sub(m.swept) < sweepEvery {
		return
	}
	m.swept = now
	for whose, l := range m.uses {
		if l.TokensAt(now) >= float64(l.Burst()) {
			delete(m.uses, whose) // like one that has never asked
		}
	}
}

// Return gives one back that was taken.
func (m *Meter) Return(whose string, now time.Time) {
	m.mu.Lock()
	defer m.mu.Unlock()
	l, known := m.uses[whose]
	if !known {
		if l, known = m.uses[theOthers]; !known {
			return
		}
	}
	l.AllowN(now, -1) // never more than there can be: the limiter cuts that
}

// Sender is what counts as one address: with IPv6 a network of 64 bits, which is what
// one customer has at least.
func Sender(a netip.Addr) string {
	if a.Is6() {
		if n, err := a.WithZone("").Prefix(64); err == nil {
			return n.String()
		}
	}
	return a.String()
}

// CountRequestOf counts a request that was made without a token: with the password of the
// user of the id, or with the access key of it.
func (k *Kernel) CountRequestOf(id string, now time.Time) (keyhatch.Allowance, error) {
	return k.requests.Take(id, k.RequestsPerMinute, now)
}

// CountRequest counts a request that was made with a token, or with what was borrowed
// with it, against the token's limit: keyhatch.TooMany when there were too many. Those that
// stand for signed tokens of one issuer share their user's: one can have as many as one asks for.
func (k *Kernel) CountRequest(t keyhatch.Token, now time.Time) (keyhatch.Allowance, error) {
	perMinute := k.RequestsPerMinute
	if t.RequestsPerMinute > 0 {
		perMinute = t.RequestsPerMinute
	}
	whose := t.ID
	if issuer := t.Bearer.Issuer; issuer != "" {
		whose = t.User + " " + issuer
	}
	return k.requests.Take(whose, perMinute, now)
}
