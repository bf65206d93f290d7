package passwords

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/keyhatch/keyhatch"
)

// TestS12HashingIsBounded: so many run, so many wait, and whoever comes then is told at
// once; who gives up makes room.
func TestS12HashingIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hashing{cost: cost{8, 1, 1}, slots: make(chan struct{}, 2), most: 6}
		h.slots <- struct{}{}
		h.slots <- struct{}{} // two run
		h.queue.Add(2)
		ctx, giveUp := context.WithCancel(t.Context())
		done := make(chan error, 4)
		for i := range 4 {
			go func() {
				by := t.Context()
				if i == 0 {
					by = ctx
				}
				_, err := h.hash(by, "x")
				done <- err
			}()
		}
		synctest.Wait()
		_, err := h.hash(t.Context(), "x")
		var e *keyhatch.Error
		if !errors.As(err, &e) || e.Kind != keyhatch.Unavailable || e.RetryAfter == 0 {
			t.Errorf("one too many: %v", err)
		}
		giveUp()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("who gave up: %v", err)
		}
		if n := h.done.Load(); n != 0 {
			t.Errorf("%d ran beside two", n)
		}
		<-h.slots
		<-h.slots
		h.queue.Add(-2)
		for range 3 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if n := h.queue.Load(); n != 0 || h.done.Load() != 3 {
			t.Errorf("%d are left, %d ran", n, h.done.Load())
		}
	})
}

// TestPasswordsCostWhatTheyShould: what is served has hashes of OWASP's cost; only tests
// ask for others.
func TestPasswordsCostWhatTheyShould(t *testing.T) {
	t.Parallel()
	if got := New(nil, nil, false).hashing.cost; got != (cost{memory: 19456, times: 2, threads: 1}) {
		t.Errorf("a hash costs %+v", got)
	}
	if got := New(nil, nil, true).hashing.cost; got == today {
		t.Errorf("one of tests costs %+v", got)
	}
}
