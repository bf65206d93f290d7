package api_test

import (
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
)

func TestRenewAt(t *testing.T) {
	lent := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for life, after := range map[time.Duration]time.Duration{
		12 * time.Hour:   11*time.Hour + 50*time.Minute,
		time.Hour:        50 * time.Minute,
		20 * time.Minute: 10 * time.Minute,
		15 * time.Minute: 5 * time.Minute, // the shortest: both rules say so
		60 * time.Second: 20 * time.Second,
		0:                0,
	} {
		if got := api.RenewAt(lent, lent.Add(life)).Sub(lent); got != after {
			t.Errorf("a lease of %v is due after %v, want %v", life, got, after)
		}
	}
	// One that ended before it was lent, by clocks that differ, is due.
	if due := api.RenewAt(lent, lent.Add(-time.Minute)); due.After(lent) {
		t.Errorf("a lease that has ended is due at %v, lent at %v", due, lent)
	}
}
