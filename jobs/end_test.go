package jobs_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
)

// TestStop: a runner that is to end begins nothing, and lets what it has begun end by
// itself in the time that it has.
func TestStop(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		r := g.start(g.DB, func(ctx context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			select {
			case <-time.After(pace.Stop - time.Millisecond):
				return nil
			case <-ctx.Done():
				return ctx.Err()
			}
		})
		g.ask("a", "b")
		r.Kick()
		synctest.Wait()
		g.ask("b", "c")
		r.Kick()
		r.stop()
		if calls.times("a") != 1 || calls.times("b") != 1 || calls.times("c") != 0 || calls.present != 0 {
			t.Errorf("begun: %v, running: %d", calls.begun, calls.present)
		}
		if j := g.job("b"); j.Attempts != 0 || !j.ClaimedUntil.IsZero() {
			t.Errorf("asked for again: %v", j)
		}
		if _, found, err := g.Job(t.Context(), work, "a"); found || err != nil {
			t.Errorf("it was done, and is there: %v, %v", found, err)
		}
	})
}

// TestStopTooLong: what does not end in time is told to, and is begun by another at
// once, as if it had not been begun.
func TestStopTooLong(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		d := g.another()
		told := make(chan time.Time, 1)
		r := g.start(d, func(ctx context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			<-ctx.Done()
			told <- time.Now()
			time.Sleep(time.Second) // tidies up
			return ctx.Err()
		})
		g.ask("a")
		r.Kick()
		synctest.Wait()
		at := time.Now()
		r.stop()
		if after, took := (<-told).Sub(at), time.Since(at); after != pace.Stop || took != pace.Stop+time.Second {
			t.Errorf("it is told to end after %s, and all ends after %s", after, took)
		}
		if j := g.job("a"); j.Attempts != 0 || j.LastError != "" || !j.ClaimedUntil.IsZero() {
			t.Errorf("given back: %v", j)
		}
		g.must(d.Close())
		g.start(g.DB, func(_ context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			return nil
		})
		if n := calls.times("a"); n != 2 {
			t.Errorf("%d runs have begun", n)
		}
		g.wantNone()
	})
}

// TestStopHangs: a handler that does not listen keeps no process from ending, and nobody
// begins its job until its claim has run out.
func TestStopHangs(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		hangs := make(chan struct{})
		d := g.another()
		r := g.start(d, func(_ context.Context, j keyhatch.Job) error {
			end := calls.begin(j.Subject)
			<-hangs
			end()
			return nil
		})
		g.ask("a")
		r.Kick()
		synctest.Wait()
		at := time.Now()
		r.stop()
		if took := time.Since(at); took <= pace.Stop || took > pace.Claim {
			t.Errorf("it ends after %s", took)
		}
		if n := len(g.log.with("jobs do not end")); n != 1 {
			t.Errorf("the log tells of it %d times", n)
		}
		until := g.job("a").ClaimedUntil
		g.start(g.DB, func(_ context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			return nil
		})
		pass(time.Until(until) - time.Millisecond)
		if n := calls.times("a"); n != 1 {
			t.Errorf("%d runs have begun before the claim has run out", n)
		}
		g.must(d.Close()) // the process is gone
		close(hangs)
		synctest.Wait()
		pass(time.Until(until) + pace.Look)
		if n := calls.times("a"); n != 2 {
			t.Errorf("%d runs have begun after it has", n)
		}
		g.wantNone()
	})
}
