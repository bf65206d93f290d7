package jobs_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/jobs"
)

// TestBackoff: what failed waits for any time up to a bound that doubles, and neither
// less than the first nor more than the most.
func TestBackoff(t *testing.T) {
	t.Parallel()
	bound := pace.First
	for failures := 1; failures < 200; failures++ {
		bound = min(2*bound, pace.Most)
		least, most := pace.Most, time.Duration(0)
		for range 300 {
			wait := jobs.Backoff(pace, failures)
			least, most = min(least, wait), max(most, wait)
		}
		if least < pace.First || most > bound {
			t.Fatalf("after %d failures it waits from %s to %s, want no more than %s", failures, least, most, bound)
		}
		// That all of 300 lie in nine tenths happens once in 10^13 times.
		if room := bound - pace.First; least > pace.First+room/10 || most < bound-room/10 {
			t.Fatalf("after %d failures it waits from %s to %s only, of up to %s", failures, least, most, bound)
		}
	}
}

// TestFailing: what fails is run again until it is done, and its record tells why, in
// words for everybody; the log tells the rest.
func TestFailing(t *testing.T) {
	const internal = "internal error: the server's log says more"
	safe := keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "the store is away").Because(errors.New("dial 10.0.0.7"))
	for _, failure := range []struct {
		name   string
		handle func() error
		want   string // on record
		logged string // in the log alone
	}{
		{"safe", func() error { return safe }, "the store is away", "dial 10.0.0.7"},
		{"safe inside", func() error { return fmt.Errorf("key AKIA7: %w", safe) }, "the store is away", "key AKIA7"},
		{"a conflict", func() error { return keyhatch.Fail(keyhatch.Conflict, keyhatch.CodeNameTaken, "it exists already") }, "it exists already", "it exists already"},
		{"unsafe", func() error { return errors.New("password=7") }, internal, "password=7"},
		{"a panic", func() error { panic("with a secret") }, internal, "panic in a job"},
		{"a panic with an error", func() error { panic(safe) }, internal, "failure_test.go"},
	} {
		t.Run(failure.name, func(t *testing.T) {
			inBubble(t, func(t *testing.T, g *ground) {
				const failures = 14
				var at []time.Time
				ended := make(chan struct{})
				r := g.start(g.DB, func(_ context.Context, j keyhatch.Job) error {
					want := failure.want
					if len(at) == 0 {
						want = ""
					}
					if j.Attempts != len(at) || j.LastError != want {
						t.Errorf("run %d finds on record: %v", len(at)+1, j)
					}
					if at = append(at, time.Now()); len(at) > failures {
						close(ended)
						return nil
					}
					return failure.handle()
				})
				g.ask("a")
				r.Kick()
				<-ended
				r.stop()
				g.wantNone()
				for i := 1; i < len(at); i++ {
					if gap := at[i].Sub(at[i-1]); gap < pace.First || gap > min(pace.Most, pace.First<<i)+pace.Look {
						t.Errorf("run %d begins %s after the one before", i+1, gap)
					}
				}
				if lines := g.log.with(failure.logged); len(lines) < failures {
					t.Errorf("%d lines of the log tell of %d failures: %v", len(lines), failures, g.log.with(""))
				}
			})
		})
	}
}

// TestTooLong: a run that takes too long is ended and has failed, and its record says so.
func TestTooLong(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		var took time.Duration
		r := g.start(g.DB, func(ctx context.Context, _ keyhatch.Job) error {
			begun := time.Now()
			<-ctx.Done()
			took = time.Since(begun)
			return ctx.Err()
		})
		g.ask("a")
		r.Kick()
		pass(pace.Longest + pace.First/2)
		if j := g.job("a"); took != pace.Longest || j.Attempts != 1 || j.LastError != "it took longer than 10m0s and was ended" {
			t.Errorf("it took %s: %v", took, j)
		}
	})
}

// TestAskedAgainWhileFailing: what was asked for since does not wait for the failure of
// what was before.
func TestAskedAgainWhileFailing(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		goOn := make(chan error)
		r := g.start(g.DB, func(_ context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			return <-goOn
		})
		g.ask("a")
		r.Kick()
		synctest.Wait()
		g.ask("a")
		goOn <- errors.New("of the first")
		synctest.Wait()
		if n := calls.times("a"); n != 2 {
			t.Errorf("%d runs have begun", n)
		}
		goOn <- nil
		synctest.Wait()
		g.wantNone()
	})
}

// TestDatabaseAway: a handler whose claim cannot be renewed is told to end while it
// still holds, and nobody asks a database that does not answer more often than the pace.
func TestDatabaseAway(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		d := g.another()
		var begun, told time.Time
		r := g.start(d, func(ctx context.Context, _ keyhatch.Job) error {
			begun = time.Now()
			<-ctx.Done()
			told = time.Now()
			return nil // what it did is not on record, though
		})
		g.ask("a")
		r.Kick()
		synctest.Wait()
		until := g.job("a").ClaimedUntil
		d.Close()
		pass(pace.Claim)
		if told.IsZero() || !told.Before(until) {
			t.Errorf("begun at %s and claimed until %s, the handler was told to end at %s", begun, until, told)
		}
		for range 100 {
			r.Kick()
		}
		pass(time.Minute)
		if n, most := len(g.log.with("cannot be claimed")), int((pace.Claim+time.Minute)/pace.Look)+3; n == 0 || n > most {
			t.Errorf("the log tells %d times that jobs cannot be claimed, want at most %d", n, most)
		}
		if len(g.log.with("could not be renewed")) == 0 || len(g.log.with("how a job ended")) != 1 {
			t.Errorf("the log says %v", g.log.with(""))
		}
		done := 0
		g.start(g.DB, func(context.Context, keyhatch.Job) error { done++; return nil })
		pass(pace.Claim)
		if done != 1 {
			t.Errorf("then it was done %d times", done)
		}
		g.wantNone()
	})
}
