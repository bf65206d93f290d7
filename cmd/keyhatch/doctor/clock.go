package doctor

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// differences are how far the clocks of others are before this machine's, by who they are.
type differences struct {
	mu   sync.Mutex
	from map[string]time.Duration
}

// note notes what a clock said between two moments of ours. What it rounds off, and what the
// way took, is no difference.
func (d *differences) note(who string, said, asked, heard time.Time) {
	var by time.Duration
	switch {
	case said.Before(asked):
		by = said.Sub(asked)
	case said.After(heard):
		by = said.Sub(heard)
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.from == nil {
		d.from = map[string]time.Duration{}
	}
	d.from[who] = by
}

// watch notes the time in the answers that come through a transport.
func (d *differences) watch(through http.RoundTripper) http.RoundTripper {
	return dated{through, d}
}

type dated struct {
	http.RoundTripper
	to *differences
}

func (t dated) RoundTrip(r *http.Request) (*http.Response, error) {
	asked := time.Now()
	answer, err := t.RoundTripper.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	if said, err := http.ParseTime(answer.Header.Get("Date")); err == nil {
		t.to.note(r.URL.Host, said, asked.Truncate(time.Second), time.Now())
	}
	return answer, nil
}

// How far clocks may be apart. Stores refuse what was signed 15 minutes before or after.
const (
	apart    = 5 * time.Second
	tooFar   = 5 * time.Minute
	setClock = "have this machine's clock set by NTP, and see that the other's is too: leases end by the clock, and stores refuse what is signed at a wrong time"
)

// clocks compares this machine's clock with those of whom was asked, and with the newest event.
func clocks(ctx context.Context, p *patient) (out []Finding) {
	for _, who := range slices.Sorted(maps.Keys(p.clocks.from)) {
		by := p.clocks.from[who]
		found := fmt.Sprintf("it is %s behind", by.Abs().Round(time.Second))
		if by < 0 {
			found = fmt.Sprintf("it is %s before", by.Abs().Round(time.Second))
		}
		switch {
		case by.Abs() > tooFar:
			out = append(out, failed(who, found, setClock))
		case by.Abs() > apart:
			out = append(out, warning(who, found, setClock))
		}
	}
	if p.db != nil {
		ctx, stop := context.WithTimeout(ctx, timeout)
		defer stop()
		if last, err := p.db.LastEventAt(ctx); err == nil && time.Until(last) > apart {
			out = append(out, warning("audit record", "its newest event is of "+last.UTC().Format(time.RFC3339)+", which is to come: this clock was put back, or one was wrong", setClock))
		}
	}
	if len(out) > 0 {
		return out
	}
	if len(p.clocks.from) == 0 {
		return one(ok("", "there is nobody to compare it with"))
	}
	return one(ok("", "as those of "+strings.Join(slices.Sorted(maps.Keys(p.clocks.from)), ", ")))
}
