package gateway

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
)

// A moment in which the record's disk is busy delays requests, and is no failure
// of theirs: a sync of many files once failed of it.
func TestRequestsWaitForTheRecord(t *testing.T) {
	behind := keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "object requests cannot be recorded at the moment")
	readyAfter := func(d time.Duration) func() error {
		begun := time.Now()
		return func() error {
			if time.Since(begun) < d {
				return behind
			}
			return nil
		}
	}
	tests := []struct {
		name     string
		behind   time.Duration
		patience time.Duration // of the sender
		want     error
		within   time.Duration
	}{
		{"in order", 0, time.Hour, nil, 0},
		{"for a moment", 4900 * time.Millisecond, time.Hour, nil, 4950 * time.Millisecond},
		{"for long", time.Minute, time.Hour, behind, 5 * time.Second},
		{"and the sender has gone", time.Minute, 500 * time.Millisecond, behind, 500 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), tt.patience)
				defer cancel()
				begun := time.Now()
				err := awaitRecord(ctx, readyAfter(tt.behind))
				if took := time.Since(begun); !errors.Is(err, tt.want) || took > tt.within {
					t.Errorf("after %v: %v; want %v within %v", took, err, tt.want, tt.within)
				}
			})
		})
	}
}

// What nobody offers was not done: it was on record as what may have been, beside
// faults of a store.
func TestWhatIsNotOfferedIsNotDone(t *testing.T) {
	t.Parallel()
	v := &visit{forwarded: true}
	for status, want := range map[int]bool{http.StatusOK: true, http.StatusForbidden: false, http.StatusInternalServerError: true, http.StatusNotImplemented: false, http.StatusServiceUnavailable: true} {
		done, refused := v.outcome([]keyhatch.ObjectRequest{{Status: status}})
		if got := len(done) == 1; got != want || len(done)+len(refused) != 1 {
			t.Errorf("%d: may have been done: %t, want %t", status, got, want)
		}
	}
}
