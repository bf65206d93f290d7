package db

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch"
)

// ErrClaimLost is told to who does not hold a job any more: it was released, or the
// claim ran out and another has it. Nothing was changed.
var ErrClaimLost = errors.New("the job is not held any more")

const jobColumns = "id, workspace, store, kind, subject, detail, attempts, last_error, run_at, created_at, claims, claimed_until"

func scanJob(row row) (j keyhatch.Job, err error) {
	err = row.Scan(&j.ID, textColumn{&j.Workspace}, textColumn{&j.Store}, &j.Kind, &j.Subject, &j.Detail, &j.Attempts, &j.LastError,
		timeColumn{&j.RunAt}, timeColumn{&j.CreatedAt}, &j.Claims, timeColumn{&j.ClaimedUntil})
	if j.RunAt.UnixMicro() == atOnce {
		j.RunAt = time.Time{}
	}
	return j, err
}

// atOnce is before all times of jobs.
const atOnce = 0

func runAt(t time.Time) int64 {
	if t.IsZero() {
		return atOnce
	}
	return micros(t)
}

// AskJob has a job run, not before RunAt, once what else the transaction does is
// durable. A run that begins afterwards answers it, and all that was asked of the kind
// about the subject before: at the earliest of the times, with the newest detail and store. What a
// run that has begun already does not count: it is followed by another. Of the job that
// is there the id and the workspace stay.
//
// A handler that has something left for later asks for its own job.
//
// A job that cannot be recorded is keyhatch.Unavailable of CodeJobNotRecorded.
func (t *Tx) AskJob(ctx context.Context, j keyhatch.Job) error {
	err := t.exec(ctx, `insert into jobs (id, workspace, kind, subject, detail, run_at, asked_again, attempts, last_error, claims, claimed_until, created_at, store)
		values ($1, $2, $3, $4, $5, $6, false, 0, '', 0, null, $7, $8)
		on conflict (kind, subject) do update set detail = excluded.detail, store = excluded.store, attempts = 0, last_error = '',
			asked_again = jobs.claimed_until is not null,
			run_at = case when jobs.run_at < excluded.run_at and (jobs.claimed_until is null or jobs.asked_again)
				then jobs.run_at else excluded.run_at end`,
		j.ID, optText(j.Workspace), string(j.Kind), j.Subject, j.Detail, runAt(j.RunAt), micros(j.CreatedAt), optText(j.Store))
	if err != nil {
		return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeJobNotRecorded, "what has to follow cannot be recorded, and nothing was changed: try again").Because(err)
	}
	return nil
}

// ForgetJob removes the job of the kind about the subject, unless somebody does it just
// now: what it was asked for has been done.
func (t *Tx) ForgetJob(ctx context.Context, kind keyhatch.JobKind, subject string) error {
	return t.exec(ctx, "delete from jobs where kind = $1 and subject = $2 and claimed_until is null", string(kind), subject)
}

// whenDue is the time from which a job can be claimed. It has an index.
const whenDue = "coalesce(claimed_until, run_at)"

// DueJobs returns the kinds of the jobs that can be claimed.
func (r Reader) DueJobs(ctx context.Context, now time.Time) ([]keyhatch.JobKind, error) {
	return many(ctx, r, scanValue[keyhatch.JobKind], "select distinct kind from jobs where "+whenDue+" <= $1 order by kind", micros(now))
}

// JobClaim asks for jobs to do.
type JobClaim struct {
	Kinds []keyhatch.JobKind
	Now   time.Time
	Until time.Time // when the claim runs out, unless it is renewed
	Limit int
	// Jobs of these workspaces, and those that ask these stores, are left alone.
	NotOf, NotAt []string
}

// unended is the error of a run that told nothing.
const unended = "it was begun and did not come to an end"

// ClaimJobs claims jobs that are due: first those that are to run at once, then those
// that have waited longest. A claim that ran out is an attempt that failed.
func (t *Tx) ClaimJobs(ctx context.Context, c JobClaim) ([]keyhatch.Job, error) {
	if len(c.Kinds) == 0 {
		return nil, nil
	}
	args := []any{micros(c.Now), micros(c.Until), c.Limit, unended}
	list := func(values []string) string {
		places := make([]string, len(values))
		for i, v := range values {
			args = append(args, v)
			places[i] = "$" + strconv.Itoa(len(args))
		}
		return "(" + strings.Join(places, ", ") + ")"
	}
	var kinds []string
	for _, kind := range c.Kinds {
		kinds = append(kinds, string(kind))
	}
	which := "kind in " + list(kinds)
	if len(c.NotOf) > 0 {
		which += " and coalesce(workspace, '') not in " + list(c.NotOf)
	}
	if len(c.NotAt) > 0 {
		which += " and coalesce(store, '') not in " + list(c.NotAt)
	}
	claimed, err := many(ctx, t.Reader, scanJob, `update jobs set claims = claims + 1, claimed_until = $2, asked_again = false,
		attempts = case when claimed_until is null then attempts else attempts + 1 end,
		last_error = case when claimed_until is null then last_error else $4 end
		where id in (select id from jobs where `+whenDue+` <= $1 and `+which+` order by `+whenDue+`, id limit $3)
		returning `+jobColumns, args...)
	slices.SortFunc(claimed, func(a, b keyhatch.Job) int { // an engine returns them in any order
		return cmp.Or(a.RunAt.Compare(b.RunAt), cmp.Compare(a.ID, b.ID))
	})
	return claimed, err
}

// Each of these takes a job as it was claimed, and is ErrClaimLost from who does not
// hold it any more. A claim that has run out is held until somebody else claims it.

// RenewJob has the claim run out later.
func (t *Tx) RenewJob(ctx context.Context, j keyhatch.Job, until time.Time) error {
	return t.execHeld(ctx, j, "update jobs set claimed_until = $3"+held, micros(until))
}

// MustHoldJob changes nothing. In a transaction that stores what a run has done, it
// keeps a run that went on for too long from storing its own.
func (t *Tx) MustHoldJob(ctx context.Context, j keyhatch.Job) error {
	return t.execHeld(ctx, j, "update jobs set claims = claims"+held)
}

// FinishJob removes a job that was done. One that was asked for again since it was
// claimed is released.
func (t *Tx) FinishJob(ctx context.Context, j keyhatch.Job) error {
	err := t.execHeld(ctx, j, "delete from jobs"+held+" and not asked_again")
	if errors.Is(err, ErrClaimLost) {
		err = t.execHeld(ctx, j, "update jobs set claimed_until = null, asked_again = false"+held)
	}
	return err
}

// FailJob releases a job that could not be done, to be run again then, or when it was
// asked for since if that is earlier. The message can be shown to anybody.
func (t *Tx) FailJob(ctx context.Context, j keyhatch.Job, again time.Time, message string) error {
	return t.execHeld(ctx, j, `update jobs set claimed_until = null, attempts = attempts + 1, last_error = $4,
		run_at = case when asked_again and run_at < $3 then run_at else $3 end, asked_again = false`+held, micros(again), message)
}

// ReleaseJob gives back a job that was not done and did not fail, to be run at once.
func (t *Tx) ReleaseJob(ctx context.Context, j keyhatch.Job) error {
	return t.execHeld(ctx, j, "update jobs set claimed_until = null, asked_again = false, run_at = $3"+held, atOnce)
}

// held is the job of the claim, while it is one.
const held = " where id = $1 and claims = $2 and claimed_until is not null"

// execHeld runs a statement on the job that is held. $3 is the first of the arguments.
func (t *Tx) execHeld(ctx context.Context, j keyhatch.Job, statement string, args ...any) error {
	err := t.execOne(ctx, "", statement, append([]any{j.ID, j.Claims}, args...)...)
	if errors.Is(err, keyhatch.NotFound) {
		return ErrClaimLost
	}
	return err
}

// Job returns the job of the kind about the subject, and whether there is one.
func (r Reader) Job(ctx context.Context, kind keyhatch.JobKind, subject string) (keyhatch.Job, bool, error) {
	found, err := many(ctx, r, scanJob, "select "+jobColumns+" from jobs where kind = $1 and subject = $2", string(kind), subject)
	if err != nil || len(found) == 0 {
		return keyhatch.Job{}, false, err
	}
	return found[0], true, nil
}

// JobsNaming lists the jobs with that detail, by id.
func (r Reader) JobsNaming(ctx context.Context, detail string) ([]keyhatch.Job, error) {
	return many(ctx, r, scanJob, "select "+jobColumns+" from jobs where detail = $1 order by id", detail)
}

// JobFilter narrows a list of jobs; empty fields do not.
type JobFilter struct {
	Kind      keyhatch.JobKind
	Workspace string
}

// Jobs lists jobs by id.
func (r Reader) Jobs(ctx context.Context, f JobFilter, p Page) ([]keyhatch.Job, error) {
	var where conditions
	where.add("id > ?", p.After)
	where.add("kind = ?", string(f.Kind))
	where.add("workspace = ?", f.Workspace)
	return many(ctx, r, scanJob, "select "+jobColumns+" from jobs"+where.sql("order by id limit ?", p.Limit), where.args...)
}

// JobStates counts the jobs by how they stand: running, due, retrying (one that failed, until it is
// due again) and waiting (for the time that it was asked for).
func (r Reader) JobStates(ctx context.Context, now time.Time) (map[string]int, error) {
	type count struct {
		state string
		jobs  int
	}
	counts, err := many(ctx, r, func(row row) (c count, err error) { return c, row.Scan(&c.state, &c.jobs) },
		`select state, count(*) from (select case when claimed_until is not null then 'running' when run_at <= $1 then 'due'
			when attempts > 0 then 'retrying' else 'waiting' end as state from jobs) as standing group by state`, micros(now))
	out := map[string]int{"running": 0, "due": 0, "retrying": 0, "waiting": 0}
	for _, c := range counts {
		out[c.state] = c.jobs
	}
	return out, err
}
