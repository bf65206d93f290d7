package writes

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest/ground"
)

// hold keeps the writer busy until release is called, so that the writes that
// come meanwhile wait and then share transactions.
func hold(s *ground.Suite) (release func()) {
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
		s.T.Helper()
		close(let)
		if err := <-ended; err != nil {
			s.T.Error(err)
		}
	}
}

// testConcurrentWrites: among many callers each gets the outcome of its own
// write. What failed or panicked is gone, what was acknowledged is there, and
// feed and record tell exactly that, in one order.
func testConcurrentWrites(t *testing.T, s *ground.Suite) {
	s.BeginRecord()
	const callers, each = 32, 6
	type attempt struct {
		user  keyhatch.User
		event keyhatch.Event
	}
	var order []string // only the writer touches it while it runs fn
	attempts := make([][]attempt, callers)
	for i := range attempts {
		for range each {
			attempts[i] = append(attempts[i], attempt{s.NewUser(), s.NewEvent()})
		}
	}
	outcome := func(i, j int) int { return (i*7 + j) % 4 }
	release := hold(s)
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			for j, a := range attempts[i] {
				err := s.Write(context.Background(), func(tx *db.Tx) error {
					err := ground.FirstError(
						func() error { return tx.InsertUser(s.Ctx(), a.user) },
						func() error { return tx.Record(s.Ctx(), a.event) })
					switch {
					case err != nil:
						return err
					case outcome(i, j) == 0:
						return fmt.Errorf("%w %s", ground.ErrUndo, a.user.ID)
					case outcome(i, j) == 1:
						panic(a.user.ID)
					}
					order = append(order, a.user.ID)
					return nil
				})
				switch outcome(i, j) {
				case 0:
					if !errors.Is(err, ground.ErrUndo) || err.Error() != "undo "+a.user.ID {
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
	for i, c := range ground.OK[[]db.Change](t)(s.ChangesAfter(s.Ctx(), 0)) {
		if c.Seq != int64(i+1) {
			t.Fatalf("line %d of the feed has number %d", i+1, c.Seq)
		}
		fed = append(fed, c.ID)
	}
	if diff := cmp.Diff(order, fed); diff != "" {
		t.Errorf("the feed is not in the order of the writes:\n%s", diff)
	}
	var stored []string
	for _, u := range ground.OK[[]keyhatch.User](t)(s.Users(s.Ctx(), "", "", db.Everything)) {
		stored = append(stored, u.ID)
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(order)), stored); diff != "" {
		t.Errorf("users (-acknowledged +stored):\n%s", diff)
	}
	s.WantWhole(t, 1, len(order))
}

// testAllOrNothing: a write that fails at its last step leaves nothing of the
// steps before.
func testAllOrNothing(t *testing.T, s *ground.Suite) {
	s.BeginRecord()
	u, w, e := s.NewUser(), s.NewWorkspace(), s.NewEvent()
	for _, last := range []func() error{
		func() error { return ground.ErrUndo },
		func() error { panic("of the test") },
	} {
		err := s.Try(func(ctx context.Context, tx *db.Tx) error {
			return ground.FirstError(
				func() error { return tx.InsertUser(ctx, u) }, func() error { return tx.InsertWorkspace(ctx, w) },
				func() error { return tx.PutWorkspaceMember(ctx, keyhatch.WorkspaceMember{Workspace: w.ID, User: u.ID}) },
				func() error { return tx.Record(ctx, e) }, last)
		})
		if err == nil {
			t.Fatal("the write succeeded")
		}
		_, err = s.User(s.Ctx(), u.ID)
		ground.WantFail(t, "user", err, keyhatch.NotFound, keyhatch.CodeUserNotFound)
		_, err = s.Workspace(s.Ctx(), w.ID)
		ground.WantFail(t, "workspace", err, keyhatch.NotFound, keyhatch.CodeWorkspaceNotFound)
		_, err = s.Event(s.Ctx(), e.ID)
		ground.WantFail(t, "event", err, keyhatch.NotFound, keyhatch.CodeEventNotFound)
		if last := ground.OK[int64](t)(s.LastChange(s.Ctx())); last != 0 {
			t.Errorf("the feed has %d lines", last)
		}
	}
}

// testIDTaken: a write that made an id that exists is run again from the start,
// and makes another; one that insists fails, and not as if a name were taken.
func testIDTaken(t *testing.T, s *ground.Suite) {
	s.BeginRecord()
	taken, second := s.NewUser(), s.NewUser()
	w := s.NewWorkspace()
	s.Do(func(ctx context.Context, tx *db.Tx) error { return tx.InsertUser(ctx, taken) })
	runs := 0
	s.Do(func(ctx context.Context, tx *db.Tx) error {
		u := s.NewUser()
		if runs++; runs == 1 {
			u.ID = taken.ID
		} else {
			second = u
		}
		return ground.FirstError(
			func() error { return tx.InsertWorkspace(ctx, w) }, // would be taken too, were the first run not undone
			func() error { return tx.Record(ctx, s.NewEvent()) },
			func() error { return tx.InsertUser(ctx, u) })
	})
	if runs != 2 {
		t.Errorf("the write ran %d times", runs)
	}
	if diff := cmp.Diff(second, ground.OK[keyhatch.User](t)(s.User(s.Ctx(), second.ID))); diff != "" {
		t.Error(diff)
	}
	s.WantWhole(t, 1, 1)

	stubborn := s.NewUser()
	stubborn.ID = taken.ID
	runs = 0
	err := s.Try(func(ctx context.Context, tx *db.Tx) error {
		runs++
		return ground.FirstError(func() error { return tx.Record(ctx, s.NewEvent()) }, func() error { return tx.InsertUser(ctx, stubborn) })
	})
	if err == nil || errors.Is(err, keyhatch.Conflict) || runs < 2 || runs > 10 {
		t.Errorf("an id that stays taken: %d runs, error %v", runs, err)
	}
	if diff := cmp.Diff(taken, ground.OK[keyhatch.User](t)(s.User(s.Ctx(), taken.ID))); diff != "" {
		t.Errorf("the first owner of the id (-was +is):\n%s", diff)
	}
	s.WantWhole(t, 1, 1)
	s.StoredUser()
}

func testCancelledBefore(t *testing.T, s *ground.Suite) {
	ctx, cancel := context.WithCancel(s.Ctx())
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
func testCancelledWhileWaiting(t *testing.T, s *ground.Suite) {
	const callers = 16
	release := hold(s)
	users := make([]keyhatch.User, callers)
	for i := range users {
		users[i] = s.NewUser()
	}
	errs := make([]error, callers)
	ctx, cancel := context.WithCancel(s.Ctx())
	var all sync.WaitGroup
	for i := range callers {
		all.Go(func() {
			with := s.Ctx()
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
		_, err := s.User(s.Ctx(), u.ID)
		if left := i%2 == 0; left != errors.Is(errs[i], context.Canceled) || !left && errs[i] != nil {
			t.Errorf("caller %d, who left: %v, got %v", i, left, errs[i])
		}
		if stored := err == nil; stored != (errs[i] == nil) {
			t.Errorf("caller %d was told %v, but its user is stored: %v", i, errs[i], stored)
		}
	}
}

func testWriteAfterClose(t *testing.T, s *ground.Suite) {
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		ran := false
		err := s.Write(s.Ctx(), func(*db.Tx) error { ran = true; return nil })
		ground.WantFail(t, "write after close", err, keyhatch.Unavailable, keyhatch.CodeUnavailable)
		if ran {
			t.Error("the write ran")
		}
	}
	if _, err := s.Users(s.Ctx(), "", "", db.Everything); err == nil {
		t.Error("a read after close succeeded")
	}
	if err := s.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}

// testCloseAmongWrites: closing while others write ends every write, each with
// its own outcome.
func testCloseAmongWrites(t *testing.T, s *ground.Suite) {
	var all sync.WaitGroup
	begun := make(chan struct{}, 1)
	for range 8 {
		users := []keyhatch.User{s.NewUser(), s.NewUser(), s.NewUser(), s.NewUser(), s.NewUser(), s.NewUser()}
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
func testIsolation(t *testing.T, s *ground.Suite) {
	u := s.NewUser()
	s.Do(func(ctx context.Context, tx *db.Tx) error {
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
		ground.WantFail(t, "another reader", err, keyhatch.NotFound, keyhatch.CodeUserNotFound)
		return nil
	})
	ground.OK[keyhatch.User](t)(s.User(s.Ctx(), u.ID))
}

// testSnapshot: the reads of a snapshot are of one moment, whatever is written
// meanwhile. Memory rests on this.
func testSnapshot(t *testing.T, s *ground.Suite) {
	s.StoredUser()
	err := s.Snapshot(s.Ctx(), func(r db.Reader) error {
		before := ground.OK[int64](t)(r.LastChange(s.Ctx()))
		s.StoredUser()
		after := ground.OK[int64](t)(r.LastChange(s.Ctx()))
		users := ground.OK[[]keyhatch.User](t)(r.Users(s.Ctx(), "", "", db.Everything))
		if before != 1 || after != 1 || len(users) != 1 {
			t.Errorf("a snapshot saw %d and then %d changes, and %d users", before, after, len(users))
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
	if err := s.Snapshot(s.Ctx(), func(db.Reader) error { return ground.ErrUndo }); !errors.Is(err, ground.ErrUndo) {
		t.Errorf("the error of a snapshot is %v", err)
	}
}

// wantPanicTold checks the error of a write that panicked.
func wantPanicTold(t *testing.T, err error) {
	t.Helper()
	var e *keyhatch.Error
	if err == nil || errors.As(err, &e) || !strings.Contains(err.Error(), "panic") {
		t.Errorf("a panic in a write became %v", err)
	}
}
