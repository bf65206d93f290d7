package accesskeys

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Of all who wait for a pair of one key one at a time asks the database whether it is ready:
// each used to, twenty times a second. Those of another key do not wait for them, and who
// has waited long enough goes.
func TestOneLooksForAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q queues
		var looking, most, gone atomic.Int64
		var all sync.WaitGroup
		wait := func(key string) {
			ctx, stop := context.WithTimeout(t.Context(), 10*time.Second)
			defer stop()
			leave, ok := q.join(ctx, key)
			if !ok {
				gone.Add(1)
				return
			}
			defer leave()
			if n := looking.Add(1); n > most.Load() {
				most.Store(n)
			}
			time.Sleep(time.Second)
			looking.Add(-1)
		}
		for range 100 {
			all.Go(func() { wait("key") })
		}
		synctest.Wait()
		if most.Load() != 1 {
			t.Errorf("%d look at a time", most.Load())
		}
		if leave, ok := q.join(t.Context(), "other"); ok {
			leave()
		}
		if looking.Load() != 1 {
			t.Error("another key waits for them")
		}
		all.Wait()
		// The eleventh comes to its turn just when it goes, or not.
		if most.Load() != 1 || gone.Load() < 89 || gone.Load() > 90 || len(q.of) != 0 {
			t.Errorf("%d looked at a time, %d went, and there are %d queues", most.Load(), gone.Load(), len(q.of))
		}
	})
}
