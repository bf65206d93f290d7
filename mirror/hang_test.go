package mirror

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// TestS7_DatabaseHangs: a database that neither answers nor fails is one that cannot
// be read. Who asked waited for it without end, and so did all who asked after.
func TestS7_DatabaseHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, path := create(t)
		m, other := load(t, d), beside(t, path)
		answerAgain := make(chan struct{})
		held := make(chan error, 1)
		go func() { // the one connection that memory reads by
			held <- d.Snapshot(t.Context(), func(db.Reader) error { <-answerAgain; return nil })
		}()
		synctest.Wait()
		id := addUser(t, other)
		time.Sleep(maxAge + 1)
		const askers = 3
		errs := make(chan error, askers)
		begun := time.Now()
		for range askers { // one of them asks the database, the others wait for that one
			go func() {
				errs <- m.View(t.Context(), func(*Image) error { t.Error("old memory was used"); return nil })
			}()
		}
		for range askers {
			if err := <-errs; !errors.Is(err, keyhatch.Unavailable) {
				t.Errorf("while it hangs: %v", err)
			}
		}
		if waited := time.Since(begun); waited > 2*maxAge {
			t.Errorf("they waited %v", waited)
		}
		close(answerAgain)
		if err := <-held; err != nil {
			t.Error(err)
		}
		synctest.Wait()
		wantKnown(t, m, id, "when it answers again")
	})
}
