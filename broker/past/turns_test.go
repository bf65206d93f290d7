package past_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/past"
)

// A question about the past waits while others are being answered, not for ever, and
// not longer than who asks it; who may not ask is told so at once.
func TestQuestionsTakeTurns(t *testing.T) {
	inLab(t, func(w *lab) {
		w.give(user, "ann", read, "", time.Time{})
		var leave []func()
		for range past.MaxReplays {
			leave = append(leave, w.Broker.Past.Occupy())
		}
		begun := time.Now()
		_, err := w.ask(w.Admin, "alpha", read, time.Now())
		w.refused("too many ask", err, keyhatch.Unavailable, keyhatch.CodeUnavailable)
		if waited := time.Since(begun); waited != 10*time.Second {
			w.t.Errorf("it waited for %v", waited)
		}
		begun = time.Now()
		_, err = w.ask(w.guest, "alpha", read, time.Now())
		if !errors.Is(err, keyhatch.NotFound) && !errors.Is(err, keyhatch.Forbidden) || !time.Now().Equal(begun) {
			w.t.Errorf("one who may not ask: %v after %v", err, time.Since(begun))
		}
		begun = time.Now()
		ctx, cancel := context.WithTimeout(w.ctx, time.Second)
		defer cancel()
		if _, err := w.Broker.Past.WhoCan(ctx, w.Admin, past.WhoCanRequest{Workspace: "lab", Location: "alpha", Access: read}); err == nil || time.Since(begun) != time.Second {
			w.t.Errorf("one who leaves: %v after %v", err, time.Since(begun))
		}
		var waiting sync.WaitGroup
		for range 20 {
			waiting.Go(func() { w.want("alpha", read, time.Now(), "ann") })
		}
		synctest.Wait()
		leave[0]() // they go through one place
		waiting.Wait()
		leave[1]()
		w.want("alpha", read, time.Now(), "ann")
	})
}

// TestQuestionsGiveTheirTurnBack: also those that fail.
func TestQuestionsGiveTheirTurnBack(t *testing.T) {
	inLab(t, func(w *lab) {
		for range past.MaxReplays + 1 {
			_, err := w.ask(w.Admin, w.location.ID, read, w.location.CreatedAt.Add(-time.Second))
			w.refused("before it was made", err, keyhatch.NotFound, keyhatch.CodeLocationNotFound)
		}
		w.want("alpha", read, time.Now(), "")
	})
}
