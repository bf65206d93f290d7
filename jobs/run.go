package jobs

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// errRanOut is why the handler is told to end whose claim others may have.
var errRanOut = errors.New("the claim could not be renewed in time")

// do runs a job and records how it ended. life ends with the runner, and work when
// handlers have to end.
func (r *Runner) do(life, work context.Context, j keyhatch.Job, claimed time.Time) {
	log := r.log.With("job", j.ID, "kind", j.Kind, "subject", j.Subject)
	if time.Since(claimed) >= r.pace.usable() {
		log.WarnContext(work, "a job is not begun: claiming it has taken too long")
		return
	}
	ctx, release := r.hold(life, work, j, claimed, log)
	err := call(ctx, r.handlers[j.Kind], j, log)
	told := context.Cause(ctx)
	release()
	// What has been done is to be recorded also when the server stops.
	if err := r.settle(context.WithoutCancel(work), j, err, told, log); err != nil {
		log.WarnContext(ctx, "how a job ended could not be recorded: it is run again, or was", "error", err)
	}
}

// call runs the handler. Its panic is an error.
func call(ctx context.Context, handle Handler, j keyhatch.Job, log *slog.Logger) (err error) {
	defer func() {
		if p := recover(); p != nil {
			log.ErrorContext(ctx, "panic in a job", "panic", p, "stack", string(debug.Stack()))
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return handle(ctx, j)
}

// hold keeps the job claimed until release is called, which is when the handler has
// returned: one that is slow to end is not begun by another meanwhile. The context ends
// when it has to end, before the claim does.
func (r *Runner) hold(life, work context.Context, j keyhatch.Job, claimed time.Time, log *slog.Logger) (held context.Context, release func()) {
	held, end := context.WithCancelCause(work)
	out := time.AfterFunc(time.Until(claimed.Add(r.pace.usable())), func() { end(errRanOut) })
	late := time.AfterFunc(r.pace.Longest, func() { end(r.tooLong()) })
	returned, renewed := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(renewed)
		tick := time.NewTicker(r.pace.renewEvery())
		defer tick.Stop()
		for {
			select {
			case <-returned:
				return
			case <-life.Done():
				return
			case <-tick.C:
			}
			if held.Err() != nil {
				log.WarnContext(held, "a job does not end although it was told to", "why", context.Cause(held))
			}
			now := time.Now()
			err := r.db.Write(life, func(tx *db.Tx) error { return tx.RenewJob(life, j, now.Add(r.pace.Claim)) })
			switch {
			case errors.Is(err, db.ErrClaimLost):
				end(err)
				return
			case err != nil:
				log.WarnContext(held, "a claim could not be renewed", "error", err)
			default:
				out.Reset(time.Until(now.Add(r.pace.usable())))
			}
		}
	}()
	return held, func() {
		close(returned)
		<-renewed
		out.Stop()
		late.Stop()
		end(nil)
	}
}

func (r *Runner) tooLong() *keyhatch.Error {
	return keyhatch.Fail(keyhatch.Unavailable, keyhatch.CodeUnavailable, "it took longer than %s and was ended", r.pace.Longest)
}

// settle records how a run ended; told is why it was told to end, if it was.
func (r *Runner) settle(ctx context.Context, j keyhatch.Job, err, told error, log *slog.Logger) error {
	now := time.Now()
	var act func(*db.Tx) error
	var outcome Outcome
	switch {
	case errors.Is(told, db.ErrClaimLost):
		r.watch(j.Kind, Lost)
		return told
	case err == nil:
		outcome = Done
		act = func(tx *db.Tx) error { return tx.FinishJob(ctx, j) }
	case errors.Is(told, errStopped):
		outcome = GivenBack
		act = func(tx *db.Tx) error { return tx.ReleaseJob(ctx, j) }
	default:
		if late, ok := errors.AsType[*keyhatch.Error](told); ok {
			err = late.Because(err)
		}
		again := now.Add(r.pace.backoff(j.Attempts + 1))
		log.WarnContext(ctx, "a job failed and is run again", "attempt", j.Attempts+1, "at", again, "error", err)
		outcome = Failed
		act = func(tx *db.Tx) error { return tx.FailJob(ctx, j, again, shown(err)) }
	}
	err = r.db.Write(ctx, act)
	if err == nil {
		r.watch(j.Kind, outcome)
	}
	return err
}

// shown is what of an error may be shown to everybody.
func shown(err error) string {
	if e, ok := errors.AsType[*keyhatch.Error](err); ok {
		return e.Message
	}
	return "internal error: the server's log says more"
}
