package proofs

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/kernel"
	"github.com/keyhatch/keyhatch/driver"
)

// maxWaiting is for how many ends of sessions is waited at a time.
const maxWaiting = 8

// waiting is the end of a session that is waited for.
type waiting struct {
	by    keyhatch.User
	store string
	of    time.Time // when the proof was made
	later *driver.Later
}

// keepAndWait puts a proof on record, and has the end of a session waited for when there
// is a place among those that are. Until then, and when the process ends before, the proof
// says for how long it is.
func (svc *Service) keepAndWait(ctx context.Context, c keyhatch.Caller, id string, p keyhatch.Proof, later *driver.Later) (keyhatch.Store, error) {
	check := keyhatch.Check{Name: driver.AfterExpiry, Outcome: keyhatch.Skipped}
	select {
	case svc.places <- struct{}{}:
	default:
		check.Reason = "too many ends of sessions are waited for: verify again later"
		p.Checks = append(p.Checks, check)
		return svc.keep(ctx, c, id, p)
	}
	check.Reason = "a session's end is waited for until " + later.At.UTC().Format(time.RFC3339) + ": look again then, and verify again when nothing more is told"
	p.Checks = append(p.Checks, check)
	s, err := svc.keep(ctx, c, id, p)
	if err != nil {
		<-svc.places
		return s, err
	}
	svc.waiting <- waiting{c.User, id, p.At, later} // who has a place finds room
	return s, nil
}

// Run waits for ends of sessions until ctx ends.
func (svc *Service) Run(ctx context.Context) {
	var all sync.WaitGroup
	defer all.Wait()
	for {
		select {
		case w := <-svc.waiting:
			all.Go(func() {
				defer func() { <-svc.places }()
				svc.finish(ctx, w)
			})
		case <-ctx.Done():
			return
		}
	}
}

// errOther is that the proof is not any more the one that is waited for.
var errOther = errors.New("the store was verified again")

// finish waits for one, and puts what was found into the proof if that is still the one.
// It does so whatever has become of who asked: the store must not go on lending since
// somebody's token ended.
func (svc *Service) finish(ctx context.Context, w waiting) {
	check := w.later.Try(ctx)
	err := svc.k.ChangeUnasked(context.WithoutCancel(ctx), func(now *kernel.Work) error {
		s, err := now.Store(now.Ctx, w.store)
		if err != nil {
			return err
		}
		if s.Proof == nil || !s.Proof.At.Equal(w.of) {
			return errOther
		}
		proof := *s.Proof
		proof.Checks = append(slices.DeleteFunc(slices.Clone(proof.Checks), func(c keyhatch.Check) bool { return c.Name == driver.AfterExpiry }), check)
		if check.Outcome == keyhatch.Failed { // what was looked at and accepted was another finding
			proof.At, proof.AcceptedBy, proof.AcceptedAt = now.Now, "", time.Time{}
		}
		s.Proof, now.Caller.User = &proof, w.by
		return stored(now, s, Ended)
	})
	if err != nil && !errors.Is(err, keyhatch.NotFound) && !errors.Is(err, errOther) {
		svc.log.Error("what was found after the end of a session is not on record", "store", w.store, "outcome", check.Outcome, "error", err)
	}
}
