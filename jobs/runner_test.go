package jobs_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/jobs"
)

// TestDone: a job that is asked for is given to its handler once, as it was asked for,
// and is gone when that has done it.
func TestDone(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		var got []keyhatch.Job
		r := g.start(g.DB, func(_ context.Context, j keyhatch.Job) error {
			got = append(got, j)
			return nil
		})
		begun := time.Now().UTC()
		want := keyhatch.Job{ID: keyhatch.NewID(keyhatch.JobID, begun), Kind: work, Subject: "a", Detail: "what it was", RunAt: begun, CreatedAt: begun}
		g.must(g.Write(t.Context(), func(tx *db.Tx) error { return tx.AskJob(t.Context(), want) }))
		r.Kick()
		pass(time.Hour)
		want.Claims, want.ClaimedUntil = 1, begun.Add(pace.Claim)
		if diff := cmp.Diff([]keyhatch.Job{want}, got); diff != "" {
			t.Errorf("given to the handler (-want +got):\n%s", diff)
		}
		g.wantNone()
		if lines := g.log.with(""); len(lines) > 0 {
			t.Errorf("the log says %v", lines)
		}
	})
}

// TestWhenItBegins: at once when the runner is kicked, with the next look when it is
// not, also where another process has asked for it, and never before its time.
func TestWhenItBegins(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		begun := make(chan time.Time, 1)
		r := g.start(g.DB, func(context.Context, keyhatch.Job) error {
			begun <- time.Now()
			return nil
		})
		pass(pace.Look / 3)
		asked := time.Now()
		g.ask("kicked")
		r.Kick()
		r.Kick() // does not wait
		if at := <-begun; !at.Equal(asked) {
			t.Errorf("kicked: begun after %s", at.Sub(asked))
		}
		pass(pace.Look)
		asked = time.Now()
		g.must(ask(g.another(), work, "not kicked"))
		if after := (<-begun).Sub(asked); after <= 0 || after > pace.Look {
			t.Errorf("not kicked: begun after %s", after)
		}
		later := time.Now().Add(time.Hour)
		g.must(g.Write(t.Context(), func(tx *db.Tx) error {
			return tx.AskJob(t.Context(), keyhatch.Job{ID: keyhatch.NewID(keyhatch.JobID, later), Kind: work, Subject: "later", RunAt: later, CreatedAt: later})
		}))
		r.Kick()
		if after := (<-begun).Sub(later); after < 0 || after > pace.Look {
			t.Errorf("for later: begun %s after its time", after)
		}
	})
}

// TestAskedAgainWhileRunning: what is asked for while it is being done is done once
// more, and at once, however often it was asked for.
func TestAskedAgainWhileRunning(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		goOn := make(chan struct{})
		r := g.start(g.DB, func(_ context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			<-goOn
			return nil
		})
		g.ask("a")
		r.Kick()
		synctest.Wait()
		g.ask("a", "a")
		r.Kick()
		pass(10 * pace.Look)
		if n := calls.times("a"); n != 1 {
			t.Errorf("%d runs have begun while one goes on", n)
		}
		at := time.Now()
		goOn <- struct{}{}
		goOn <- struct{}{} // waits for the second
		if after := time.Since(at); after != 0 {
			t.Errorf("the second run begins %s after the first", after)
		}
		pass(10 * pace.Look)
		if n := calls.times("a"); n != 2 {
			t.Errorf("it was done %d times", n)
		}
		g.wantNone()
	})
}

// TestAsksForItself: a handler that has something left for later asks for its job, and
// is run then and not over and over until then.
func TestAsksForItself(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		begin := time.Now()
		var at []time.Duration
		r := g.start(g.DB, func(ctx context.Context, j keyhatch.Job) error {
			if at = append(at, time.Since(begin).Truncate(time.Minute)); len(at) == 3 {
				return nil
			}
			j.RunAt = time.Now().Add(time.Hour)
			return g.Write(ctx, func(tx *db.Tx) error { return tx.AskJob(ctx, j) })
		})
		g.ask("a")
		r.Kick()
		pass(10 * time.Hour)
		if diff := cmp.Diff([]time.Duration{0, time.Hour, 2 * time.Hour}, at); diff != "" {
			t.Errorf("runs (-want +got):\n%s", diff)
		}
		g.wantNone()
	})
}

// TestAtOnce: no more run at a time than may, and when one ends the next begins.
func TestAtOnce(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		calls := newRollCall(t)
		const rounds = 3
		for i := range rounds * pace.AtOnce {
			g.ask(fmt.Sprint(i))
		}
		begin := time.Now()
		r := g.start(g.DB, func(_ context.Context, j keyhatch.Job) error {
			defer calls.begin(j.Subject)()
			time.Sleep(pace.Look / 10)
			return nil
		})
		for calls.all() < rounds*pace.AtOnce {
			pass(time.Millisecond)
		}
		if after, want := time.Since(begin), (rounds-1)*pace.Look/10; after > want+time.Millisecond {
			t.Errorf("the last one begins after %s, want %s", after, want)
		}
		r.stop()
		if calls.most != pace.AtOnce {
			t.Errorf("%d ran at a time, want %d", calls.most, pace.AtOnce)
		}
		g.wantNone()
	})
}

// TestUnknownKind: what nobody here does is left alone, and the log tells of it once.
func TestUnknownKind(t *testing.T) {
	inBubble(t, func(t *testing.T, g *ground) {
		const strange keyhatch.JobKind = "test.strange"
		calls := newRollCall(t)
		handle := func(_ context.Context, j keyhatch.Job) error {
			calls.begin(j.Subject)()
			return nil
		}
		g.start(g.DB, handle)
		g.must(ask(g.DB, strange, "strange"))
		g.must(ask(g.DB, strange, "stranger"))
		pass(time.Minute)
		g.ask("known")
		pass(time.Minute)
		if calls.times("known") != 1 || calls.times("strange") != 0 {
			t.Errorf("done: %v", calls.begun)
		}
		j, _, err := g.Job(t.Context(), strange, "strange")
		g.must(err)
		if j.Claims != 0 || j.Attempts != 0 {
			t.Errorf("it was touched: %v", j)
		}
		if lines := g.log.with("kind=test.strange"); len(lines) != 1 {
			t.Errorf("the log tells of it in %d lines: %v", len(lines), lines)
		}
		g.startAll(g.another(), map[keyhatch.JobKind]jobs.Handler{strange: handle})
		pass(time.Minute)
		g.wantNone()
	})
}
