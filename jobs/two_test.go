package jobs_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// TestTwoShare: of two processes on one database each does a part, and both together
// each job once.
func TestTwoShare(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		var subjects []string
		for i := range 10 * pace.AtOnce {
			subjects = append(subjects, fmt.Sprint(i))
		}
		g.ask(subjects...)
		var by [2]atomic.Int32
		var stops []func()
		for i, d := range []*db.DB{g.DB, g.another()} {
			stops = append(stops, g.start(d, func(_ context.Context, j keyhatch.Job) error {
				defer calls.begin(j.Subject)()
				by[i].Add(1)
				time.Sleep(pace.Look / 2)
				return nil
			}).stop)
		}
		pass(10 * pace.Look)
		for _, stop := range stops {
			stop()
		}
		for _, subject := range subjects {
			if n := calls.times(subject); n != 1 {
				t.Errorf("%s was done %d times", subject, n)
			}
		}
		if by[0].Load() == 0 || by[1].Load() == 0 || calls.most != 2*pace.AtOnce {
			t.Errorf("they did %d and %d, and at most %d at a time", by[0].Load(), by[1].Load(), calls.most)
		}
		g.wantNone()
	})
}

// TestLongRun: a run that takes longer than a claim is begun by nobody else.
func TestLongRun(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		handle := func(ctx context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			time.Sleep(pace.Longest - time.Second)
			return ctx.Err()
		}
		g.ask("a")
		g.start(g.DB, handle)
		g.start(g.another(), handle)
		pass(2 * pace.Longest)
		if n := calls.times("a"); n != 1 {
			t.Errorf("it was done %d times", n)
		}
		g.wantNone()
	})
}

// TestDeafRun: one that does not end when it is told to is begun by nobody else either,
// and the log tells that it does not end.
func TestDeafRun(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		handle := func(_ context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			time.Sleep(2 * pace.Longest)
			return nil
		}
		g.ask("a")
		g.start(g.DB, handle)
		g.start(g.another(), handle)
		pass(4 * pace.Longest)
		if n := calls.times("a"); n != 1 {
			t.Errorf("it was done %d times", n)
		}
		if len(g.log.with("does not end although")) == 0 {
			t.Errorf("the log says %v", g.log.with(""))
		}
		g.wantNone()
	})
}

// TestKilled: what a killed process was doing is done by another when the claim has run
// out, and not before.
func TestKilled(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		d, killed := g.another(), make(chan struct{})
		r := g.start(d, func(_ context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			<-killed
			return nil // and nobody hears of it
		})
		g.ask("a")
		r.Kick()
		pass(3*pace.Claim + time.Millisecond) // it was renewed, and not just now
		var begun time.Time
		g.start(g.another(), func(_ context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			begun = time.Now()
			if j.Attempts != 1 || j.LastError == "" {
				t.Errorf("what was not ended is not told: %v", j)
			}
			return nil
		})
		pass(3 * pace.Claim)
		until := g.job("a").ClaimedUntil
		if !until.After(time.Now()) || calls.times("a") != 1 {
			t.Fatalf("claimed until %s, begun %d times", until, calls.times("a"))
		}
		g.must(d.Close())
		close(killed)
		pass(pace.Claim + pace.Look)
		if after := begun.Sub(until); calls.times("a") != 2 || after < 0 || after > pace.Look {
			t.Errorf("begun %d times, the second %s after the claim has run out", calls.times("a"), after)
		}
		g.wantNone()
	})
}

// TestKilledBeforeItIsRecorded: what was done by a process that could not say so any
// more is done again.
func TestKilledBeforeItIsRecorded(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		d := g.another()
		r := g.start(d, func(_ context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			return d.Close()
		})
		g.ask("a")
		r.Kick()
		synctest.Wait()
		g.start(g.DB, func(_ context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			return nil
		})
		pass(pace.Claim + pace.Look)
		if n := calls.times("a"); n != 2 {
			t.Errorf("it was done %d times", n)
		}
		g.wantNone()
	})
}

// TestTakenOver: who comes back to a job that another has by then is told to end, and
// neither what it did nor that it failed counts.
func TestTakenOver(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		d := g.another()
		told := make(chan error, 1)
		r := g.start(d, func(ctx context.Context, _ keyhatch.Job) error {
			<-ctx.Done()
			told <- context.Cause(ctx)
			return ctx.Err()
		})
		g.ask("a")
		r.Kick()
		synctest.Wait()
		var taken []keyhatch.Job
		g.must(g.Write(t.Context(), func(tx *db.Tx) (err error) { // as if the clocks differed
			late := time.Now().Add(pace.Claim)
			taken, err = tx.ClaimJobs(t.Context(), db.JobClaim{Kinds: []keyhatch.JobKind{work}, Now: late, Until: late.Add(time.Hour), Limit: 1})
			return err
		}))
		pass(pace.Claim)
		if err := <-told; err != db.ErrClaimLost {
			t.Errorf("it was told to end because of %v", err)
		}
		if len(taken) != 1 || !g.job("a").ClaimedUntil.Equal(taken[0].ClaimedUntil) || g.job("a").Attempts != taken[0].Attempts {
			t.Errorf("taken over as %v, then it was %v", taken, g.job("a"))
		}
	})
}
