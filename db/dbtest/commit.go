package dbtest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// hold keeps the writer busy until release is called, so that the writes that
// come meanwhile wait and then share transactions.
func (s *suite) hold() (release func()) {
	held, let := make(chan struct{}), make(chan struct{})
	ended := make(chan error, 1)
	go func() {
		ended <- s.Write(context.Background(), func(*db.Tx) error {
			close(held)
			<-let
			return nil
		})
	}()
	<-held
	return func() {
		s.t.Helper()
		close(let)
		if err := <-ended; err != nil {
			s.t.Error(err)
		}
	}
}

// testConcurrentWrites: among many callers each gets the outcome of its own
// write. What failed or panicked is gone, what was acknowledged is there, and
// feed and record tell exactly that, in one order.
func testConcurrentWrites(t *testing.T, s *suite) {
	s.beginRecord()
	const callers, each = 32, 6
	type attempt struct {
		user  keyhatch.User
		event keyhatch.Event
	}
	var order []string // only the writer touches it while it runs fn
	attempts := make([][]attempt, callers)
	for i := range attempts {
		for range each {
			attempts[i] = append(attempts[i], attempt{s.newUser(), s.newEvent()})
		}
	}
	outcome := func(i, j int) int { return (i*7 + j) % 4 }
	release := s.hold()
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for j, a := range attempts[i] {
				err := s.Write(context.Background(), func(tx *db.Tx) error {
					err := firstError(
						func() error { return tx.InsertUser(s.ctx(), a.user) },
						func() error { return tx.Record(s.ctx(), a.event) })
					switch {
					case err != nil:
						return err
					case outcome(i, j) == 0:
						return fmt.Errorf("%w %s", errUndo, a.user.ID)
					case outcome(i, j) == 1:
						panic(a.user.ID)
					}
					order = append(order, a.user.ID)
					return nil
				})
				switch outcome(i, j) {
				case 0:
					if !errors.Is(err, errUndo) || err.Error() != "undo "+a.user.ID {
						t.Errorf("a failing write got the error %v", err)
					}
				case 1:
					wantPanicTold(t, err)
				default:
					if err != nil {
						t.Errorf("a write among others: %v", err)
					}
				}
			}
		})
	}
	release()
	all.Wait()
	var fed []string
	for i, c := range ok[[]db.Change](t)(s.ChangesAfter(s.ctx(), 0)) {
		if c.Seq != int64(i+1) {
			t.Fatalf("line %d of the feed has number %d", i+1, c.Seq)
		}
		fed = append(fed, c.ID)
	}
	if diff := cmp.Diff(order, fed); diff != "" {
		t.Errorf("the feed is not in the order of the writes:\n%s", diff)
	}
	var stored []string
	for _, u := range ok[[]keyhatch.User](t)(s.Users(s.ctx(), "", "", db.Everything)) {
		stored = append(stored, u.ID)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(order)), stored); diff != "" {
		t.Errorf("users (-acknowledged +stored):\n%s", diff)
	}
	s.wantWhole(t, 1, len(order))
}

// testAllOrNothing: a write that fails at its last step leaves nothing of the
// steps before.
func testAllOrNothing(t *testing.T, s *suite) {
	s.beginRecord()
	u, w, e := s.newUser(), s.newWorkspace(), s.newEvent()
	for _, last := range []func() error{
		func() error { return errUndo },
		func() error { panic("of the test") },
	} {
		err := s.try(func(ctx context.Context, tx *db.Tx) error {
			return firstError(
				func() error { return tx.InsertUser(ctx, u) }, func() error { return tx.InsertWorkspace(ctx, w) },
				func() error { return tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{Workspace: w.ID, User: u.ID}) },
				func() error { return tx.Record(ctx, e) }, last)
		})
		if err == nil {
			t.Fatal("the write succeeded")
		}
		_, err = s.User(s.ctx(), u.ID)
		wantFail(t, "user", err, keyhatch.NotFound, keyhatch.CodeUserNotFound)
		_, err = s.Workspace(s.ctx(), w.ID)
		wantFail(t, "workspace", err, keyhatch.NotFound, keyhatch.CodeWorkspaceNotFound)
		_, err = s.Event(s.ctx(), e.ID)
		wantFail(t, "event", err, keyhatch.NotFound, keyhatch.CodeEventNotFound)
		if last := ok[int64](t)(s.LastChange(s.ctx())); last != 0 {
			t.Errorf("the feed has %d lines", last)
		}
	}
}

// testIDTaken: a write that made an id that exists is run again from the start,
// and makes another; one that insists fails, and not as if a name were taken.
func testIDTaken(t *testing.T, s *suite) {
	s.beginRecord()
	taken, second := s.newUser(), s.newUser()
	w := s.newWorkspace()
	s.write(func(ctx context.Context, tx *db.Tx) error { return tx.InsertUser(ctx, taken) })
	runs := 0
	s.write(func(ctx context.Context, tx *db.Tx) error {
		u := s.newUser()
		if runs++; runs == 1 {
			u.ID = taken.ID
		} else {
			second = u
		}
		return firstError(
			func() error { return tx.InsertWorkspace(ctx, w) }, // would be taken too, were the first run not undone
			func() error { return tx.Record(ctx, s.newEvent()) },
			func() error { return tx.InsertUser(ctx, u) })
	})
	if runs != 2 {
		t.Errorf("the write ran %d times", runs)
	}
	if diff := cmp.Diff(second, ok[keyhatch.User](t)(s.User(s.ctx(), second.ID))); diff != "" {
		t.Error(diff)
	}
	s.wantWhole(t, 1, 1)

	stubborn := s.newUser()
	stubborn.ID = taken.ID
	runs = 0
	err := s.try(func(ctx context.Context, tx *db.Tx) error {
		runs++
		return firstError(func() error { return tx.Record(ctx, s.newEvent()) }, func() error { return tx.InsertUser(ctx, stubborn) })
	})
	if err == nil || errors.Is(err, keyhatch.Conflict) || runs < 2 || runs > 10 {
		t.Errorf("an id that stays taken: %d runs, error %v", runs, err)
	}
	if diff := cmp.Diff(taken, ok[keyhatch.User](t)(s.User(s.ctx(), taken.ID))); diff != "" {
		t.Errorf("the first owner of the id (-was +is):\n%s", diff)
	}
	s.wantWhole(t, 1, 1)
	s.freshUser()
}

func testCancelledBefore(t *testing.T, s *suite) {
	ctx, cancel := context.WithCancel(s.ctx())
	cancel()
	for range 20 {
		ran := false
		err := s.Write(ctx, func(*db.Tx) error { ran = true; return nil })
		if !errors.Is(err, context.Canceled) || ran {
			t.Fatalf("a write of a caller that has left: ran is %v, error %v", ran, err)
		}
	}
}

// testCancelledWhileWaiting: a caller that leaves while its write waits gets an
// error, and its write is not done later.
func testCancelledWhileWaiting(t *testing.T, s *suite) {
	const callers = 16
	release := s.hold()
	users := make([]keyhatch.User, callers)
	for i := range users {
		users[i] = s.newUser()
	}
	errs := make([]error, callers)
	ctx, cancel := context.WithCancel(s.ctx())
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			with := s.ctx()
			if i%2 == 0 {
				with = ctx
			}
			errs[i] = s.Write(with, func(tx *db.Tx) error { return tx.InsertUser(with, users[i]) })
		})
	}
	cancel()
	release()
	all.Wait()
	for i, u := range users {
		_, err := s.User(s.ctx(), u.ID)
		if left := i%2 == 0; left != errors.Is(errs[i], context.Canceled) || !left && errs[i] != nil {
			t.Errorf("caller %d, who left: %v, got %v", i, left, errs[i])
		}
		if stored := err == nil; stored != (errs[i] == nil) {
			t.Errorf("caller %d was told %v, but its user is stored: %v", i, errs[i], stored)
		}
	}
}

func testWriteAfterClose(t *testing.T, s *suite) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ran := false
		err := s.Write(s.ctx(), func(*db.Tx) error { ran = true; return nil })
		wantFail(t, "write after close", err, keyhatch.Unavailable, keyhatch.CodeUnavailable)
		if ran {
			t.Error("the write ran")
		}
	}
	if _, err := s.Users(s.ctx(), "", "", db.Everything); err == nil {
		t.Error("a read after close succeeded")
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// testCloseAmongWrites: closing while others write ends every write, each with
// its own outcome.
func testCloseAmongWrites(t *testing.T, s *suite) {
	var all sync.WaitGroup
	begun := make(chan struct{}, 1)
	for range 8 {
		users := []keyhatch.User{s.newUser(), s.newUser(), s.newUser(), s.newUser(), s.newUser(), s.newUser()}
		all.Go(func() {
			for _, u := range users {
				err := s.Write(context.Background(), func(tx *db.Tx) error { return tx.InsertUser(context.Background(), u) })
				select {
				case begun <- struct{}{}:
				default:
				}
				if err != nil && !errors.Is(err, keyhatch.Unavailable) {
					t.Errorf("a write while the database closes: %v", err)
				}
			}
		})
	}
	<-begun
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	all.Wait()
}

// testIsolation: a write sees what it has done so far, and nobody else does.
func testIsolation(t *testing.T, s *suite) {
	u := s.newUser()
	s.write(func(ctx context.Context, tx *db.Tx) error {
		if err := tx.InsertUser(ctx, u); err != nil {
			return err
		}
		got, err := tx.User(ctx, u.ID)
		if err != nil {
			return err
		}
		if diff := cmp.Diff(u, got); diff != "" {
			t.Errorf("the write does not see its user:\n%s", diff)
		}
		_, err = s.User(ctx, u.ID)
		wantFail(t, "another reader", err, keyhatch.NotFound, keyhatch.CodeUserNotFound)
		return nil
	})
	ok[keyhatch.User](t)(s.User(s.ctx(), u.ID))
}

// testSnapshot: the reads of a snapshot are of one moment, whatever is written
// meanwhile. Memory rests on this.
func testSnapshot(t *testing.T, s *suite) {
	s.freshUser()
	err := s.Snapshot(s.ctx(), func(r db.Reader) error {
		before := ok[int64](t)(r.LastChange(s.ctx()))
		s.freshUser()
		after := ok[int64](t)(r.LastChange(s.ctx()))
		users := ok[[]keyhatch.User](t)(r.Users(s.ctx(), "", "", db.Everything))
		if before != 1 || after != 1 || len(users) != 1 {
			t.Errorf("a snapshot saw %d and then %d changes, and %d users", before, after, len(users))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Snapshot(s.ctx(), func(db.Reader) error { return errUndo }); !errors.Is(err, errUndo) {
		t.Errorf("the error of a snapshot is %v", err)
	}
}
