package passwords

import (
	"strings"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch/broker/kernel"
)

// How often a minute one may try without success, and at once (S12).
const (
	triesOfPair    = 10  // a name from one address
	triesOfAddress = 60  // an address, whatever the names
	triesOfName    = 100 // a name, from all addresses where it has not been let in
)

// attempt is who tries from where.
type attempt struct {
	name    string // as it was typed: what counts together must not tell which names are one user's
	address string
}

func (a attempt) pair() string { return a.whose() + "\n" + a.address }

func (a attempt) whose() string { return strings.ToLower(a.name) }

// attempts counts logins that fail. Nobody can lock a user out of where it works: what
// fails elsewhere counts against the name, but not for addresses from which the user has
// logged in since this process began, and never against its tokens.
type attempts struct {
	byPair, byAddress, byName *kernel.Meter

	mu    sync.Mutex
	known map[string]struct{} // pairs that were let in
}

// mostCounted bounds whom attempts are counted of each by itself.
const mostCounted = 100_000

func newAttempts() *attempts {
	return &attempts{
		byPair: kernel.NewMeter(mostCounted), byAddress: kernel.NewMeter(mostCounted), byName: kernel.NewMeter(mostCounted),
		known: map[string]struct{}{},
	}
}

// take counts an attempt: keyhatch.TooMany when there were too many. What one limit
// stops does not count against those behind it.
func (a *attempts) take(who attempt, now time.Time) error {
	if _, err := a.byPair.Take(who.pair(), triesOfPair, now); err != nil {
		return err
	}
	if err := a.takeAddress(who.address, now); err != nil {
		return err
	}
	if a.isKnown(who) {
		return nil
	}
	_, err := a.byName.Take(who.whose(), triesOfName, now)
	return err
}

// takeAddress counts an attempt that names nobody.
func (a *attempts) takeAddress(address string, now time.Time) error {
	_, err := a.byAddress.Take(address, triesOfAddress, now)
	return err
}

// succeeded gives an attempt back that was taken, and remembers from where it came.
func (a *attempts) succeeded(who attempt, now time.Time) {
	a.byPair.Return(who.pair(), now)
	a.byAddress.Return(who.address, now)
	if a.isKnown(who) {
		return
	}
	a.byName.Return(who.whose(), now)
	a.mu.Lock()
	defer a.mu.Unlock()
	if len(a.known) >= mostCounted {
		clear(a.known)
	}
	a.known[who.pair()] = struct{}{}
}

func (a *attempts) isKnown(who attempt) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	_, is := a.known[who.pair()]
	return is
}
