package shield

import (
	"time"

	"github.com/keyhatch/keyhatch/driver"
)

// steps are the lives that stores are asked for, so that requests which differ a little
// share credentials.
var steps = []time.Duration{
	7 * 24 * time.Hour, 4 * 24 * time.Hour, 48 * time.Hour, 36 * time.Hour, 24 * time.Hour, 16 * time.Hour, 12 * time.Hour, 8 * time.Hour, 6 * time.Hour,
	4 * time.Hour, 3 * time.Hour, 2 * time.Hour, 90 * time.Minute, time.Hour, 45 * time.Minute, 30 * time.Minute, 20 * time.Minute, 15 * time.Minute,
}

// ask is how long the credentials are to last when they are minted: twice what is
// wanted, so that they serve again for as long. No longer than the store gives for sure,
// nor than what they are for allows. What is wanted is never cut.
func ask(r driver.VendRequest, lives driver.Lives, now time.Time) time.Duration {
	most := min(2*r.Life, lives.Sure)
	if !r.Latest.IsZero() {
		most = min(most, r.Latest.Sub(now))
	}
	for _, step := range steps {
		if step <= most && step >= r.Life {
			return step
		}
	}
	return r.Life
}
