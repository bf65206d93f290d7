package queue

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
	"pgregory.net/rapid"
)

// step is something that happens to jobs. Times are in seconds, and never go back.
type step struct {
	what    string
	subject int // of ask
	claim   int // counted back from the newest one: of finish, fail, release, renew
	seconds int // of tick; from now: of ask, where 0 is at once, fail, renew; the length of a claim
	limit   int // of claim
}

// drawn are the steps of a history. Half of what is done with a claim is done by who
// has just claimed, and the rest by anybody who ever has.
func drawn(t *rapid.T) []step {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		return step{
			what:    rapid.SampledFrom([]string{"tick", "ask", "ask", "claim", "claim", "finish", "fail", "release", "renew"}).Draw(t, "what"),
			subject: rapid.IntRange(0, 1).Draw(t, "subject"),
			claim:   max(0, rapid.IntRange(-3, 4).Draw(t, "claim")),
			seconds: rapid.IntRange(0, 5).Draw(t, "seconds"),
			limit:   rapid.IntRange(1, 2).Draw(t, "limit"),
		}
	}), 30, 60).Draw(t, "steps")
}

// task is the model of a job: what was asked for since a run last began, what is to be
// tried again, and who does it.
type task struct {
	waiting  []time.Time // when to run
	failed   int
	holder   int64 // 0: nobody
	until    time.Time
	asked    int // the number of the newest step that asked
	answered int // and that a run has begun after
}

func (k *task) due(now time.Time) bool {
	if k.holder != 0 {
		return !k.until.After(now)
	}
	return slices.ContainsFunc(k.waiting, func(at time.Time) bool { return !at.After(now) })
}

// history plays steps on the tables and on the model.
type history struct {
	ctx    context.Context
	tx     *db.Tx
	s      *ground.Suite
	now    time.Time
	number int // of the step
	tasks  []*task
	claims []keyhatch.Job
}

func subjectOf(i int) string { return fmt.Sprint("subject-", i) }

// testModel holds the tables to the model, and to what it is for: no two hold a job at
// a time, and after the last time that it was asked for a run begins.
func testModel(t *testing.T, s *ground.Suite) {
	rapid.Check(t, func(t *rapid.T) {
		steps := drawn(t)
		err := s.Try(func(ctx context.Context, tx *db.Tx) error {
			h := &history{ctx: ctx, tx: tx, s: s, now: s.Now(), tasks: []*task{{}, {}}}
			for _, x := range steps {
				h.number++
				if err := h.take(x); err != nil {
					return fmt.Errorf("step %d, %v: %w", h.number, x, err)
				}
				if err := h.same(); err != nil {
					return fmt.Errorf("after step %d, %v: %w", h.number, x, err)
				}
			}
			if err := h.drain(); err != nil {
				return err
			}
			return ground.ErrUndo
		})
		if !errors.Is(err, ground.ErrUndo) {
			t.Fatalf("%v\nof the history %v", err, steps)
		}
	})
}

func (h *history) take(x step) error {
	in := time.Duration(x.seconds) * time.Second
	switch x.what {
	case "tick":
		h.now = h.now.Add(in)
		return nil
	case "ask":
		if x.seconds == 0 {
			return h.ask(x.subject, time.Time{})
		}
		return h.ask(x.subject, h.now.Add(in))
	case "claim":
		return h.claim(h.now.Add(in), x.limit)
	}
	if x.claim >= len(h.claims) {
		return nil
	}
	return h.end(x.what, h.claims[len(h.claims)-1-x.claim], h.now.Add(in))
}

func (h *history) ask(subject int, at time.Time) error {
	k := h.tasks[subject]
	k.waiting, k.failed, k.asked = append(k.waiting, at), 0, h.number
	return h.tx.AskJob(h.ctx, keyhatch.Job{
		ID: h.s.ID(keyhatch.JobID), Kind: provision, Subject: subjectOf(subject), Detail: fmt.Sprint(h.number), RunAt: at, CreatedAt: h.now,
	})
}

func (h *history) claim(until time.Time, limit int) error {
	due := 0
	for _, k := range h.tasks {
		if k.due(h.now) {
			due++
		}
	}
	jobs, err := h.tx.ClaimJobs(h.ctx, db.JobClaim{Kinds: []keyhatch.JobKind{provision}, Now: h.now, Until: until, Limit: limit})
	if err != nil {
		return err
	}
	if len(jobs) != min(due, limit) {
		return fmt.Errorf("%d jobs were claimed, at most %d were to be, and %d were due", len(jobs), limit, due)
	}
	for _, j := range jobs {
		k := h.of(j)
		if k.holder != 0 && k.until.After(h.now) {
			return fmt.Errorf("%s has two holders", j.Subject)
		}
		if !k.due(h.now) {
			return fmt.Errorf("%s was claimed and is not due", j.Subject)
		}
		if j.Detail != fmt.Sprint(k.asked) {
			return fmt.Errorf("%s is run with the detail of step %s, and was asked for in step %d", j.Subject, j.Detail, k.asked)
		}
		if k.holder != 0 {
			k.failed++
		}
		k.holder, k.until, k.waiting, k.answered = j.Claims, until, nil, h.number
		h.claims = append(h.claims, j)
	}
	return nil
}

// end has somebody who claimed the job do something with it.
func (h *history) end(what string, j keyhatch.Job, at time.Time) error {
	k := h.of(j)
	current, found, err := h.tx.Job(h.ctx, j.Kind, j.Subject)
	if err != nil {
		return err
	}
	holds := found && current.ID == j.ID && k.holder == j.Claims
	switch what {
	case "finish":
		err = h.tx.FinishJob(h.ctx, j)
	case "fail":
		err = h.tx.FailJob(h.ctx, j, at, "no")
	case "release":
		err = h.tx.ReleaseJob(h.ctx, j)
	case "renew":
		err = h.tx.RenewJob(h.ctx, j, at)
	}
	if !holds {
		if !errors.Is(err, db.ErrClaimLost) {
			return fmt.Errorf("%s by who does not hold it: error %w", what, err)
		}
		return nil
	}
	if what == "renew" {
		k.until = at
		return err
	}
	k.holder = 0
	switch what {
	case "fail":
		k.waiting = append(k.waiting, at)
		k.failed++
	case "release":
		k.waiting = append(k.waiting, time.Time{})
	}
	return err
}

// same compares what is stored with the model.
func (h *history) same() error {
	due := false
	for i, k := range h.tasks {
		j, found, err := h.tx.Job(h.ctx, provision, subjectOf(i))
		if err != nil {
			return err
		}
		if want := k.holder != 0 || len(k.waiting) > 0; found != want {
			return fmt.Errorf("%s is there: %v, want %v", subjectOf(i), found, want)
		}
		if !found {
			k.failed = 0
		}
		until := k.until
		if k.holder == 0 {
			until = time.Time{}
		}
		if j.Attempts != k.failed || !j.ClaimedUntil.Equal(until) {
			return fmt.Errorf("%s has %d attempts and is claimed until %v, want %d and %v", subjectOf(i), j.Attempts, j.ClaimedUntil, k.failed, until)
		}
		due = due || k.due(h.now)
	}
	kinds, err := h.tx.DueJobs(h.ctx, h.now)
	if err == nil && due != (len(kinds) == 1) {
		err = fmt.Errorf("due are %v, want %v", kinds, due)
	}
	return err
}

// drain lets time go on and does all that is left, as often as it was asked for.
func (h *history) drain() error {
	h.now = h.now.Add(time.Hour)
	h.number++
	before := len(h.claims)
	if err := h.claim(h.now.Add(time.Minute), len(h.tasks)); err != nil {
		return err
	}
	for _, j := range h.claims[before:] {
		if err := h.end("finish", j, h.now); err != nil {
			return err
		}
	}
	for i, k := range h.tasks {
		if k.answered < k.asked {
			return fmt.Errorf("%s was asked for in step %d, and last begun in step %d", subjectOf(i), k.asked, k.answered)
		}
	}
	left, err := h.tx.Jobs(h.ctx, db.JobFilter{}, db.Everything)
	if err == nil && len(left) > 0 {
		err = fmt.Errorf("left are %v", left)
	}
	return err
}

func (h *history) of(j keyhatch.Job) *task {
	for i, k := range h.tasks {
		if subjectOf(i) == j.Subject {
			return k
		}
	}
	panic("a job about nothing: " + j.Subject)
}
