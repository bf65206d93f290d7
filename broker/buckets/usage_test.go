package buckets_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
)

// TestUsage counts when it is asked and nobody has for a while, and does not wait for a
// store that takes its time: a job counts then, once.
func TestUsage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		asked := 0
		w.Buckets.Before = func(_ context.Context, what, _ string) error {
			if what == "usage" {
				asked++
			}
			return nil
		}
		usage := func(want int64, times int) {
			t.Helper()
			u, err := w.Broker.Buckets.Usage(w.ctx, w.cyd, "lab", "lab-data")
			if err != nil || u.Objects != want || u.Bytes != 7*want || asked != times {
				t.Errorf("it is %+v, %v, and was counted %d times, want %d", u, err, asked, times)
			}
		}
		usage(1, 1)
		w.Buckets.Put(w.Store.ID, "lab-data", "more", 7)
		usage(1, 1)
		time.Sleep(2 * time.Minute)
		usage(2, 2)

		w.Buckets.Put(w.Store.ID, "lab-data", "third", 7)
		slow := w.Buckets.Before
		w.Buckets.Before = func(ctx context.Context, what, bucket string) error {
			if what == "usage" {
				asked++
				select {
				case <-ctx.Done():
					return ctx.Err()
				case <-time.After(time.Hour):
				}
			}
			return nil
		}
		time.Sleep(2 * time.Minute)
		begun := time.Now()
		usage(2, 3)
		if took := time.Since(begun); took > 3*time.Second {
			t.Errorf("it took %s", took)
		}
		usage(2, 3) // a job waits
		w.Buckets.Before = slow
		if failed := w.Jobs(t); len(failed) != 0 {
			t.Errorf("the job fails: %v", failed)
		}
		usage(3, 4)
		a, err := w.Broker.Accounts.Account(w.ctx, w.cyd, "lab", "disk")
		if err != nil || a.Buckets != 1 || a.Bytes != 21 {
			t.Errorf("the account has %+v, %v", a, err)
		}
	})
}

// TestHangingStore: a store that never answers holds up nobody else, and not for long who
// asks it.
func TestHangingStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(t)
		w.Buckets.Before = func(ctx context.Context, _, bucket string) error {
			if bucket != "hangs" {
				return nil
			}
			<-ctx.Done()
			return ctx.Err()
		}
		done := make(chan keyhatch.BucketState)
		begun := time.Now()
		go func() {
			b, err := w.new("hangs", change{})
			if err != nil {
				t.Error(err)
			}
			done <- b.State
		}()
		synctest.Wait()
		b, err := w.new("other", change{})
		if err != nil || b.State != keyhatch.BucketConfigured || time.Since(begun) != 0 {
			t.Errorf("meanwhile another is %q after %s: %v", b.State, time.Since(begun), err)
		}
		if state := <-done; state != keyhatch.BucketPending || time.Since(begun) > 30*time.Second {
			t.Errorf("it is %q after %s", state, time.Since(begun))
		}
	})
}
