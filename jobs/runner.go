package jobs

import (
	"context"
	"errors"
	"log/slog"
	"maps"
	"slices"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// Handler does a job. When it returns nil, the job is done and goes; any error has it
// run again later. What can never be done is for the handler to write down, and is done
// with that. The context ends when the handler has taken too long, when the claim may
// have run out, and when the process ends.
type Handler func(ctx context.Context, j keyhatch.Job) error

// Runner does the jobs of a process.
type Runner struct {
	db       *db.DB
	handlers map[keyhatch.JobKind]Handler
	kinds    []keyhatch.JobKind // of the handlers
	pace     Pace
	log      *slog.Logger
	kick     chan struct{} // has room for one
	unknown  map[keyhatch.JobKind]bool
	watch    func(keyhatch.JobKind, Outcome)
}

// Outcome is how a run of a job ended.
type Outcome string

// The outcomes.
const (
	Done      Outcome = "done"
	Failed    Outcome = "failed"     // it is run again
	GivenBack Outcome = "given_back" // the process ends: another may have it
	Lost      Outcome = "lost"       // the claim ran out, and another has it
)

// New makes a runner. Jobs of other kinds than the handlers' are left for others. A zero
// pace is DefaultPace.
func New(d *db.DB, handlers map[keyhatch.JobKind]Handler, p Pace, log *slog.Logger) *Runner {
	if p == (Pace{}) {
		p = DefaultPace
	}
	return &Runner{
		db: d, handlers: handlers, kinds: slices.Sorted(maps.Keys(handlers)), pace: p, log: log,
		kick: make(chan struct{}, 1), unknown: map[keyhatch.JobKind]bool{}, watch: func(keyhatch.JobKind, Outcome) {},
	}
}

// Watch has fn told of each run when it has ended. It is called before Run; fn must not wait.
func (r *Runner) Watch(fn func(keyhatch.JobKind, Outcome)) { r.watch = fn }

// Kick has the runner look for jobs at once. It is called when a job was asked for and
// is durable, and never waits.
func (r *Runner) Kick() {
	select {
	case r.kick <- struct{}{}:
	default: // it will look
	}
}

// errStopped is why handlers are told to end with the runner.
var errStopped = errors.New("the server stops")

// Run does jobs until ctx ends. Then it begins no others, and waits for those that it
// has begun: for a while until they end by themselves, and then until they have ended
// because they were told to, and their jobs were given back. Only one may run at a time.
func (r *Runner) Run(ctx context.Context) {
	life, over := context.WithCancel(context.WithoutCancel(ctx))
	defer over()
	work, abandon := context.WithCancelCause(life)
	defer abandon(nil)
	tick := time.NewTicker(r.pace.Look)
	defer tick.Stop()
	ended := make(chan keyhatch.Job, r.pace.AtOnce)
	running := map[keyhatch.Job]struct{}{}
	for ctx.Err() == nil {
		claimed := time.Now()
		for _, j := range r.claim(ctx, claimed, running) {
			running[j] = struct{}{}
			go func() {
				defer func() { ended <- j }()
				r.do(life, work, j, claimed)
			}()
		}
		select {
		case <-ctx.Done():
		case <-tick.C:
		case <-r.kick:
		case j := <-ended: // there is room, and what was asked for again meanwhile is due
			delete(running, j)
		}
	}
	r.drain(len(running), ended, func() { abandon(errStopped) })
}

// claim claims jobs that are due and for which there is room beside those that run.
func (r *Runner) claim(ctx context.Context, now time.Time, running map[keyhatch.Job]struct{}) (claimed []keyhatch.Job) {
	if len(running) >= r.pace.AtOnce {
		return nil
	}
	due, err := r.db.DueJobs(ctx, now) // most of the time there is nothing to write
	if err == nil && r.known(ctx, due) {
		err = r.db.Write(ctx, func(tx *db.Tx) (err error) {
			claimed, err = r.claimShares(ctx, tx, now, running)
			return err
		})
	}
	if err != nil {
		if ctx.Err() == nil {
			r.log.ErrorContext(ctx, "jobs cannot be claimed", "error", err)
		}
		return nil
	}
	return claimed
}

// claimShares claims one after the other, so that no workspace and no store has more
// than its share.
func (r *Runner) claimShares(ctx context.Context, tx *db.Tx, now time.Time, running map[keyhatch.Job]struct{}) (claimed []keyhatch.Job, err error) {
	of, at := map[string]int{}, map[string]int{}
	for j := range running {
		of[j.Workspace]++
		at[j.Store]++
	}
	for len(running)+len(claimed) < r.pace.AtOnce {
		next, err := tx.ClaimJobs(ctx, db.JobClaim{
			Kinds: r.kinds, Now: now, Until: now.Add(r.pace.Claim), Limit: 1, NotOf: full(of, 2*r.pace.Share), NotAt: full(at, r.pace.Share),
		})
		if err != nil || len(next) == 0 {
			return claimed, err
		}
		claimed = append(claimed, next...)
		of[next[0].Workspace]++
		at[next[0].Store]++
	}
	return claimed, nil
}

// full are those that have their share; zero is everything. What has no name has none.
func full(counts map[string]int, share int) (out []string) {
	for name, n := range counts {
		if name != "" && share > 0 && n >= share {
			out = append(out, name)
		}
	}
	return out
}

// known tells whether there is a handler for some of the kinds, and has the log tell of
// each of the others once.
func (r *Runner) known(ctx context.Context, due []keyhatch.JobKind) (some bool) {
	for _, kind := range due {
		if r.handlers[kind] != nil {
			some = true
		} else if !r.unknown[kind] {
			r.unknown[kind] = true
			r.log.WarnContext(ctx, "jobs of this kind are left alone: this program does not know it", "kind", kind)
		}
	}
	return some
}

// lastWait is for handlers that were told to end.
const lastWait = 5 * time.Second

// drain waits for the runs to end.
func (r *Runner) drain(running int, ended <-chan keyhatch.Job, abandon func()) {
	limit := time.NewTimer(r.pace.Stop)
	defer limit.Stop()
	for told := false; running > 0; {
		select {
		case <-ended:
			running--
		case <-limit.C:
			if told {
				r.log.Error("jobs do not end although they were told to: others can have them when their claims have run out", "jobs", running)
				return
			}
			abandon()
			told = true
			limit.Reset(lastWait)
		}
	}
}
