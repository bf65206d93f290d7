package jobs

import (
	"math/rand/v2"
	"time"
)

// Pace is how much a runner does at a time and how long it waits for what. It is
// DefaultPace but in tests.
type Pace struct {
	// AtOnce is how many handlers run at a time.
	AtOnce int
	// Share is how many of them may be for jobs that ask one store; for those of one
	// workspace it may be twice as many. So what does not answer keeps
	// nobody else waiting. Zero: all of them.
	Share int
	// Look is between two looks for jobs that are due. Kick asks for another.
	Look time.Duration
	// Claim is how long the job of a process that was killed waits for another one. A
	// claim is renewed while its handler runs.
	Claim time.Duration
	// Longest is how long a handler may take.
	Longest time.Duration
	// First and Most are the shortest and the longest time after which what failed is
	// run again. Each time that may be twice as long.
	First, Most time.Duration
	// Stop is how long handlers may go on when the runner is to end, before they are
	// told to.
	Stop time.Duration
}

// DefaultPace is what everybody uses who is no test.
var DefaultPace = Pace{
	AtOnce: 8, Share: 2, Look: time.Second, Claim: 30 * time.Second, Longest: 10 * time.Minute,
	First: time.Second, Most: 5 * time.Minute, Stop: 10 * time.Second,
}

// usable is how long after it was made or renewed a claim is counted on. The rest is for
// the handler to end.
func (p Pace) usable() time.Duration { return p.Claim - p.Claim/6 }

// renewEvery gives a renewal that fails another chance in time.
func (p Pace) renewEvery() time.Duration { return p.Claim / 3 }

// backoff is how long to wait after so many failures: any time up to a bound that
// doubles, so that what failed together is not run together again.
func (p Pace) backoff(failures int) time.Duration {
	most := p.First
	for range failures {
		if most *= 2; most >= p.Most {
			most = p.Most
			break
		}
	}
	return p.First + rand.N(most-p.First+1)
}
