package queue

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

const (
	provision keyhatch.JobKind = "test.provision"
	remove    keyhatch.JobKind = "test.remove"
	length                     = time.Minute // of a claim
)

// newJob is of the installation, and due at once.
func newJob(s *ground.Suite, subject string) keyhatch.Job {
	now := s.Now()
	return keyhatch.Job{ID: keyhatch.NewID(keyhatch.JobID, now), Store: "store_1", Kind: provision, Subject: subject, Detail: "é 'x'", RunAt: now, CreatedAt: now}
}

func ask(s *ground.Suite, jobs ...keyhatch.Job) {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		for _, j := range jobs {
			if err := tx.AskJob(ctx, j); err != nil {
				return err
			}
		}
		return nil
	})
}

func claimAll(s *ground.Suite, now time.Time) (jobs []keyhatch.Job) {
	s.T.Helper()
	s.Do(func(ctx context.Context, tx *db.Tx) (err error) {
		jobs, err = tx.ClaimJobs(ctx, db.JobClaim{Kinds: []keyhatch.JobKind{provision, remove}, Now: now, Until: now.Add(length), Limit: 100})
		return err
	})
	return jobs
}

// claim claims the one job that is due.
func claim(s *ground.Suite, now time.Time) keyhatch.Job {
	s.T.Helper()
	jobs := claimAll(s, now)
	if len(jobs) != 1 {
		s.T.Fatalf("%d jobs were claimed, want 1: %v", len(jobs), jobs)
	}
	return jobs[0]
}

func wantNoneDue(s *ground.Suite, now time.Time) {
	s.T.Helper()
	if kinds := ground.OK[[]keyhatch.JobKind](s.T)(s.DueJobs(s.Ctx(), now)); len(kinds) != 0 {
		s.T.Errorf("jobs are due: %v", kinds)
	}
	if jobs := claimAll(s, now); len(jobs) != 0 {
		s.T.Errorf("jobs were claimed: %v", jobs)
	}
}

// wantJob checks the stored job of its kind and subject.
func wantJob(s *ground.Suite, what string, want keyhatch.Job) {
	s.T.Helper()
	got, found, err := s.Job(s.Ctx(), want.Kind, want.Subject)
	if err != nil || !found {
		s.T.Fatalf("%s: found %v, error %v", what, found, err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		s.T.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func wantGone(s *ground.Suite, what string, j keyhatch.Job) {
	s.T.Helper()
	if got, found, err := s.Job(s.Ctx(), j.Kind, j.Subject); found || err != nil {
		s.T.Errorf("%s: it is %v, error %v", what, got, err)
	}
}

// testJobs follows a job from one state to the next, with all that is kept of it.
func testJobs(t *testing.T, s *ground.Suite) {
	w := s.NewWorkspace()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertWorkspace(ctx, w) })
	j := newJob(s, "objkey_1")
	j.Workspace = w.ID
	wantGone(s, "before it is asked for", j)
	ask(s, j)
	wantJob(s, "asked for", j)

	sooner, later := j, newJob(s, j.Subject)
	later.Workspace, later.Detail = "", "newer"
	sooner.RunAt = j.RunAt.Add(-time.Second)
	ask(s, later)
	j.Detail = "newer"
	wantJob(s, "asked for a second time, for later", j)
	ask(s, sooner)
	j.Detail, j.RunAt = sooner.Detail, sooner.RunAt
	wantJob(s, "asked for a third time, for earlier", j)

	wantNoneDue(s, j.RunAt.Add(-time.Microsecond))
	wantJob(s, "not due", j)
	now := j.RunAt
	if kinds := ground.OK[[]keyhatch.JobKind](t)(s.DueJobs(s.Ctx(), now)); len(kinds) != 1 || kinds[0] != provision {
		t.Errorf("kinds that are due: %v", kinds)
	}
	j.Claims, j.ClaimedUntil = 1, now.Add(length)
	if diff := cmp.Diff(j, claim(s, now)); diff != "" {
		t.Errorf("claimed (-want +got):\n%s", diff)
	}
	wantJob(s, "claimed", j)
	wantNoneDue(s, j.ClaimedUntil.Add(-time.Microsecond))

	held := j
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.MustHoldJob(ctx, held) })
	wantJob(s, "held", j)
	j.ClaimedUntil = now.Add(3 * length)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.RenewJob(ctx, held, j.ClaimedUntil) })
	wantJob(s, "renewed", j)
	wantNoneDue(s, j.ClaimedUntil.Add(-time.Microsecond))

	again := now.Add(5 * time.Second)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.FailJob(ctx, held, again, "the store is away") })
	j.ClaimedUntil, j.RunAt, j.Attempts, j.LastError = time.Time{}, again, 1, "the store is away"
	wantJob(s, "failed", j)
	wantNoneDue(s, again.Add(-time.Microsecond))

	held = claim(s, again)
	j.Claims, j.ClaimedUntil = 2, again.Add(length)
	wantJob(s, "claimed again", j)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.ReleaseJob(ctx, held) })
	j.RunAt, j.ClaimedUntil = time.Time{}, time.Time{}
	wantJob(s, "released", j)

	putBack := again.Add(-time.Hour)
	claim(s, putBack)
	out := putBack.Add(length)
	held = claim(s, out)
	j.Claims, j.ClaimedUntil, j.Attempts, j.LastError = 4, out.Add(length), 2, "it was begun and did not come to an end"
	wantJob(s, "claimed by another when the claim ran out", j)

	err := s.Try(func(ctx context.Context, tx *db.Tx) error { return tx.DeleteWorkspace(ctx, w.ID) })
	ground.WantFail(t, "delete of a workspace with jobs", err, keyhatch.Conflict, keyhatch.CodeInUse)

	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.FinishJob(ctx, held) })
	wantGone(s, "finished", j)
	wantNoneDue(s, out.Add(100*length))
}

func testLists(t *testing.T, s *ground.Suite) {
	w := s.NewWorkspace()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertWorkspace(ctx, w) })
	a, b, c := newJob(s, "a"), newJob(s, "b"), newJob(s, "a")
	b.Workspace, c.Workspace, c.Kind = w.ID, w.ID, remove
	ask(s, c, b, a)
	for _, list := range []struct {
		name string
		f    db.JobFilter
		p    db.Page
		want []keyhatch.Job
	}{
		{"all", db.JobFilter{}, db.Everything, []keyhatch.Job{a, b, c}},
		{"of a kind", db.JobFilter{Kind: provision}, db.Everything, []keyhatch.Job{a, b}},
		{"of a workspace", db.JobFilter{Workspace: w.ID}, db.Everything, []keyhatch.Job{b, c}},
		{"of both", db.JobFilter{Kind: remove, Workspace: w.ID}, db.Everything, []keyhatch.Job{c}},
		{"a page", db.JobFilter{}, db.Page{After: a.ID, Limit: 1}, []keyhatch.Job{b}},
	} {
		if diff := cmp.Diff(list.want, ground.OK[[]keyhatch.Job](t)(s.Jobs(s.Ctx(), list.f, list.p))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", list.name, diff)
		}
	}

	now := s.Now()
	wantStates := func(at time.Time, want map[string]int) {
		t.Helper()
		if diff := cmp.Diff(want, ground.OK[map[string]int](t)(s.JobStates(s.Ctx(), at))); diff != "" {
			t.Errorf("states (-want +got):\n%s", diff)
		}
	}
	wantStates(now.Add(-time.Hour), map[string]int{"running": 0, "due": 0, "retrying": 0, "waiting": 3})
	wantStates(now.Add(time.Second), map[string]int{"running": 0, "due": 3, "retrying": 0, "waiting": 0})
	held := claimAll(s, now.Add(time.Second))
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		return tx.FailJob(ctx, held[0], now.Add(time.Hour), "failed")
	})
	wantStates(now.Add(2*time.Second), map[string]int{"running": 2, "due": 0, "retrying": 1, "waiting": 0})
}

// testAskedWithAChange: the job is there when the change is, and only then.
func testAskedWithAChange(t *testing.T, s *ground.Suite) {
	w, j := s.NewWorkspace(), newJob(s, "a")
	j.Workspace = w.ID
	for _, outcome := range []error{ground.ErrUndo, nil} {
		err := s.Try(func(ctx context.Context, tx *db.Tx) error {
			return ground.FirstError(
				func() error { return tx.InsertWorkspace(ctx, w) },
				func() error { return tx.AskJob(ctx, j) },
				func() error { return outcome })
		})
		if !errors.Is(err, outcome) {
			t.Fatal(err)
		}
		if _, found, err := s.Job(s.Ctx(), j.Kind, j.Subject); err != nil || found != (outcome == nil) {
			t.Errorf("the change ended with %v: the job is there %v, error %v", outcome, found, err)
		}
	}
}

// testAskedAgain: what is asked for while it is being done is done again, however the
// run ends; not before the time that was asked for, when the run has done what was
// there before.
func testAskedAgain(t *testing.T, s *ground.Suite) {
	for _, at := range []struct {
		name  string
		after time.Duration // after the claim
	}{{"at once", 0}, {"for later", time.Hour}} {
		for _, end := range []struct {
			name string
			end  func(ctx context.Context, tx *db.Tx, held keyhatch.Job, now time.Time) error
			due  time.Duration // at the latest, after the claim
		}{
			{"finished", func(ctx context.Context, tx *db.Tx, held keyhatch.Job, _ time.Time) error {
				return tx.FinishJob(ctx, held)
			}, time.Hour},
			{"failed", func(ctx context.Context, tx *db.Tx, held keyhatch.Job, now time.Time) error {
				return tx.FailJob(ctx, held, now.Add(5*time.Minute), "no")
			}, 5 * time.Minute},
			{"released", func(ctx context.Context, tx *db.Tx, held keyhatch.Job, _ time.Time) error {
				return tx.ReleaseJob(ctx, held)
			}, -time.Hour},
			{"never ended", func(context.Context, *db.Tx, keyhatch.Job, time.Time) error { return nil }, length},
		} {
			j := newJob(s, "asked "+at.name+", "+end.name)
			ask(s, j)
			now := s.Now()
			held := claim(s, now)
			second := newJob(s, j.Subject)
			second.RunAt, second.Detail = now.Add(at.after), "newer"
			ask(s, second)
			wantNoneDue(s, now.Add(length-time.Microsecond))
			s.Do(func(ctx context.Context, tx *db.Tx) error { return end.end(ctx, tx, held, now) })
			due := now.Add(min(at.after, end.due))
			if end.name == "never ended" {
				due = now.Add(length)
			}
			if end.name != "released" {
				wantNoneDue(s, due.Add(-time.Microsecond))
			}
			held = claim(s, due)
			if held.Subject != j.Subject || held.Detail != "newer" {
				t.Errorf("%s: claimed %v", j.Subject, held)
			}
			s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.FinishJob(ctx, held) })
			wantGone(s, j.Subject, j)
		}
	}
}

// testClaimLost: who has lost a claim changes nothing, whatever it does; who has one
// that ran out and that nobody took may still end it.
func testClaimLost(t *testing.T, s *ground.Suite) {
	j := newJob(s, "a")
	ask(s, j)
	lost := claim(s, j.RunAt)
	now := j.RunAt.Add(length)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.MustHoldJob(ctx, lost) })
	released := claim(s, now)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.ReleaseJob(ctx, released) })
	gone := claim(s, now)
	ended := func(held keyhatch.Job) {
		t.Helper()
		before, _, err := s.Job(s.Ctx(), j.Kind, j.Subject)
		if err != nil {
			t.Fatal(err)
		}
		for name, end := range map[string]func(ctx context.Context, tx *db.Tx) error{
			"renew":   func(ctx context.Context, tx *db.Tx) error { return tx.RenewJob(ctx, held, now.Add(9*length)) },
			"hold":    func(ctx context.Context, tx *db.Tx) error { return tx.MustHoldJob(ctx, held) },
			"finish":  func(ctx context.Context, tx *db.Tx) error { return tx.FinishJob(ctx, held) },
			"fail":    func(ctx context.Context, tx *db.Tx) error { return tx.FailJob(ctx, held, now, "x") },
			"release": func(ctx context.Context, tx *db.Tx) error { return tx.ReleaseJob(ctx, held) },
		} {
			if err := s.Try(end); !errors.Is(err, db.ErrClaimLost) {
				t.Errorf("%s with claim %d: error %v", name, held.Claims, err)
			}
			if after, _, err := s.Job(s.Ctx(), j.Kind, j.Subject); err != nil || !cmp.Equal(before, after) {
				t.Errorf("%s with claim %d changed the job: error %v\n%s", name, held.Claims, err, cmp.Diff(before, after))
			}
		}
	}
	ended(lost)
	ended(released)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.FailJob(ctx, gone, now, "x") })
	ended(gone) // nobody holds it
	last := claim(s, now)
	ask(s, j) // another hour of its life
	ended(gone)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.FinishJob(ctx, last) })
	ended(last)
	last = claim(s, now)
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.FinishJob(ctx, last) })
	j.ID = s.ID(keyhatch.JobID)
	ask(s, j) // the next job about the subject is another one
	claim(s, now)
	for _, held := range []keyhatch.Job{lost, released, gone, last} {
		ended(held)
	}
}

// testClaimOrder: what has waited longest is first, of no kind but those that are asked
// for, and not more than that.
func testClaimOrder(t *testing.T, s *ground.Suite) {
	now := s.Now()
	at := func(subject string, due time.Duration) keyhatch.Job {
		j := newJob(s, subject)
		j.RunAt = now.Add(due)
		return j
	}
	other := at("other", -time.Hour)
	other.Kind = "test.other"
	fresh := at("fresh", 0)
	fresh.RunAt = time.Time{}
	ask(s, at("third", -1*time.Second), at("first", -3*time.Second), at("later", time.Microsecond), at("second", -2*time.Second), fresh, other)
	var got []string
	for _, limit := range []int{2, 0, 5} {
		s.Do(func(ctx context.Context, tx *db.Tx) error {
			jobs, err := tx.ClaimJobs(ctx, db.JobClaim{Kinds: []keyhatch.JobKind{remove, provision}, Now: now, Until: now.Add(length), Limit: limit})
			for _, j := range jobs {
				got = append(got, j.Subject)
			}
			got = append(got, "|")
			return err
		})
	}
	if diff := cmp.Diff([]string{"fresh", "first", "|", "|", "second", "third", "|"}, got); diff != "" {
		t.Errorf("claims (-want +got):\n%s", diff)
	}
	if kinds := ground.OK[[]keyhatch.JobKind](t)(s.DueJobs(s.Ctx(), now)); !cmp.Equal(kinds, []keyhatch.JobKind{"test.other"}) {
		t.Errorf("still due: %v", kinds)
	}
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		jobs, err := tx.ClaimJobs(ctx, db.JobClaim{Now: now, Until: now.Add(length), Limit: 9})
		if len(jobs) != 0 {
			t.Errorf("of no kind: %v", jobs)
		}
		return err
	})
}
