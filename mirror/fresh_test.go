package mirror

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
)

// addUser stores a user by way of d and returns its id.
func addUser(t *testing.T, d *db.DB) string {
	t.Helper()
	now := time.Now()
	id := keyhatch.NewID(keyhatch.UserID, now)
	err := d.Write(context.Background(), func(tx *db.Tx) error {
		return tx.InsertUser(context.Background(), keyhatch.User{ID: id, Name: id, ActiveSince: now, CreatedAt: now})
	})
	if err != nil {
		t.Error(err)
	}
	return id
}

// knows asks memory for a user, as a check at a request does.
func knows(t *testing.T, m *Mirror, id string) (known bool, err error) {
	t.Helper()
	err = m.View(context.Background(), func(i *Image) error {
		_, err := i.User(id)
		known = err == nil
		return nil
	})
	return known, err
}

func wantKnown(t *testing.T, m *Mirror, id, when string) {
	t.Helper()
	if known, err := knows(t, m, id); err != nil || !known {
		t.Errorf("%s: the user is known: %v, %v", when, known, err)
	}
}

// beside opens the file once more, as another process does.
func beside(t *testing.T, path string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestS7_AnotherProcess: memory that is a second old is refreshed before it is
// used, with nothing running in the background.
func TestS7_AnotherProcess(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, path := create(t)
		m, other := load(t, d), beside(t, path)
		for range 3 {
			id := addUser(t, other)
			if known, err := knows(t, m, id); err != nil || known {
				t.Errorf("memory younger than a second was read again: %v, %v", known, err)
			}
			time.Sleep(maxAge + 1)
			wantKnown(t, m, id, "after a second")
		}
	})
}

// TestS7_Background: Run takes the changes of another process in, four times a
// second.
func TestS7_Background(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, path := create(t)
		m, other := load(t, d), beside(t, path)
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { m.Run(ctx); close(ended) }()
		for range 5 {
			id := addUser(t, other)
			time.Sleep(pollEvery)
			synctest.Wait()
			m.mu.RLock()
			_, err := m.image.User(id)
			age := time.Since(m.asOf)
			m.mu.RUnlock()
			if err != nil || age > pollEvery {
				t.Errorf("memory is %v old, and the user: %v", age, err)
			}
		}
		stop()
		<-ended
	})
}

// TestS7_DatabaseGone: memory answers for a second, or for as long as an operator says, and
// then refuses.
func TestS7_DatabaseGone(t *testing.T) {
	for _, usable := range []time.Duration{maxAge, 0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			d, _ := create(t)
			id := addUser(t, d)
			m := load(t, d)
			m.UseFor(usable)
			go m.Run(t.Context())
			if err := d.Close(); err != nil {
				t.Fatal(err)
			}
			time.Sleep(max(usable, maxAge)) // no shorter than that: it is read four times within it
			wantKnown(t, m, id, "within the time")
			time.Sleep(time.Nanosecond)
			for range 3 {
				ran := false
				err := m.View(t.Context(), func(*Image) error { ran = true; return nil })
				var e *keyhatch.Error
				if !errors.As(err, &e) || e.Kind != keyhatch.Unavailable || e.Code != keyhatch.CodeUnavailable || ran {
					t.Errorf("from memory that cannot be refreshed: ran is %v, error %v", ran, err)
				}
				time.Sleep(time.Minute)
			}
		})
	}
}

// TestS7_RevokedIsKept: a revoked lease stays revoked in memory until it would
// have expired, and is then forgotten.
func TestS7_RevokedIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d, _ := create(t)
		m := load(t, d)
		now := time.Now().UTC().Truncate(time.Microsecond)
		lease := keyhatch.Lease{ID: keyhatch.NewID(keyhatch.LeaseID, now), IssuedAt: now, ExpiresAt: now.Add(time.Minute)}
		err := d.Write(t.Context(), func(tx *db.Tx) error {
			return errors.Join(tx.InsertLease(t.Context(), lease), tx.RevokeLease(t.Context(), lease, now))
		})
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		defer stop()
		go m.Run(ctx)
		for _, after := range []time.Duration{pollEvery, time.Minute - pollEvery} {
			time.Sleep(time.Until(now.Add(after)))
			synctest.Wait()
			for what, m := range map[string]*Mirror{"memory": m, "a new load": load(t, d)} {
				err := m.View(t.Context(), func(i *Image) error {
					if revoked, err := i.LeaseRevoked(lease.ID); !revoked || err != nil {
						t.Errorf("after %v, %s says revoked: %v, %v", after, what, revoked, err)
					}
					return nil
				})
				if err != nil {
					t.Error(err)
				}
			}
		}
		time.Sleep(time.Until(lease.ExpiresAt.Add(pollEvery)))
		synctest.Wait()
		for what, m := range map[string]*Mirror{"memory": m, "a new load": load(t, d)} {
			m.mu.Lock()
			if len(m.image.revoked) != 0 {
				t.Errorf("%s still remembers an expired lease as revoked", what)
			}
			m.mu.Unlock()
		}
	})
}

// TestS7_FeedPruned: when the feed no longer reaches back to where memory is,
// memory is loaded anew.
func TestS7_FeedPruned(t *testing.T) {
	t.Parallel()
	d, path := create(t)
	m, other := load(t, d), beside(t, path)
	for pruned := range 4 {
		ids := []string{addUser(t, other), addUser(t, other)}
		err := other.Write(t.Context(), func(tx *db.Tx) error {
			if err := tx.DeleteUser(t.Context(), ids[0]); err != nil {
				return err
			}
			if pruned > 0 {
				_, err := tx.PruneChanges(t.Context(), time.Now().Add(time.Hour))
				return err
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		wantLikeNew(t, m, d, "after the feed was pruned")
		wantKnown(t, m, ids[1], "after the feed was pruned")
	}
}

// TestS7_FeedPutBack: a database that was put back to an earlier state, from a backup or
// by a standby that had not heard of all, gives the numbers of the feed once more. Memory
// went on behind the number that it had, and never learned of what came before.
func TestS7_FeedPutBack(t *testing.T) {
	t.Parallel()
	d, path := create(t)
	m, other := load(t, d), beside(t, path)
	for lost := range 3 {
		for range lost {
			addUser(t, other)
		}
		wantLikeNew(t, m, d, "before it is put back")
		past, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		defer past.Close()
		for _, statement := range []string{
			"delete from users where id in (select id from changes order by seq desc limit $1)",
			"delete from changes where seq > (select max(seq) from changes) - $1",
		} {
			if _, err := past.Exec(statement, lost); err != nil {
				t.Fatal(err)
			}
		}
		for range lost + 1 {
			addUser(t, other)
		}
		wantLikeNew(t, m, d, fmt.Sprintf("put back by %d", lost))
	}
}

// TestS7_OwnWriteIsSeen: who has written and caught up sees what it wrote,
// however many do so at the same time and share refreshes.
func TestS7_OwnWriteIsSeen(t *testing.T) {
	t.Parallel()
	d, _ := create(t)
	m := load(t, d)
	ctx, stop := context.WithCancel(t.Context())
	var all, running sync.WaitGroup
	running.Go(func() { m.Run(ctx) })
	running.Go(func() { // somebody always looks
		for ctx.Err() == nil {
			if _, err := knows(t, m, "nobody"); err != nil {
				t.Error(err)
			}
		}
	})
	for caller := range 12 {
		all.Go(func() {
			for i := range 10 {
				id := addUser(t, d)
				if err := m.CatchUp(context.Background()); err != nil {
					t.Error(err)
				}
				wantKnown(t, m, id, fmt.Sprintf("caller %d, write %d", caller, i))
			}
		})
	}
	all.Wait()
	stop()
	running.Wait()
	wantLikeNew(t, m, d, "at the end")
}

// TestS7_MembersOfADeletedWorkspace: memberships go with their workspace, from
// memory too.
func TestS7_MembersOfADeletedWorkspace(t *testing.T) {
	t.Parallel()
	d, _ := create(t)
	m := load(t, d)
	user, ws := addUser(t, d), keyhatch.NewID(keyhatch.WorkspaceID, time.Now())
	for _, write := range []func(tx *db.Tx) error{
		func(tx *db.Tx) error {
			return errors.Join(tx.InsertWorkspace(t.Context(), keyhatch.Workspace{ID: ws, Name: "lab"}),
				tx.PutWorkspaceMember(t.Context(), keyhatch.WorkspaceMember{Workspace: ws, User: user, Role: keyhatch.OwnerRole}))
		},
		func(tx *db.Tx) error { return tx.DeleteWorkspace(t.Context(), ws) },
	} {
		if err := d.Write(t.Context(), write); err != nil {
			t.Fatal(err)
		}
		wantLikeNew(t, m, d, "around a workspace's life")
	}
	if role, of := m.image.Role(ws, user), m.image.WorkspacesOf(user); role != keyhatch.NoRole || len(of) != 0 {
		t.Errorf("the user is %q there, and belongs to %q", role, of)
	}
}

// TestS7_RevokedLeaseWithoutRecord: a revoked lease whose record is gone does
// not keep memory from what comes behind it in the feed.
func TestS7_RevokedLeaseWithoutRecord(t *testing.T) {
	t.Parallel()
	d, _ := create(t)
	m := load(t, d)
	err := d.Write(t.Context(), func(tx *db.Tx) error {
		return tx.RevokeLease(t.Context(), keyhatch.Lease{ID: "lease_000000000000000"}, time.Now())
	})
	if err != nil {
		t.Fatal(err)
	}
	id := addUser(t, d)
	wantLikeNew(t, m, d, "behind it")
	wantKnown(t, m, id, "behind it")
}

func TestViewGivesBackTheError(t *testing.T) {
	t.Parallel()
	d, _ := create(t)
	want := errors.New("of the test")
	if err := load(t, d).View(t.Context(), func(*Image) error { return want }); err != want {
		t.Errorf("got %v", err)
	}
}

func TestLoadFails(t *testing.T) {
	t.Parallel()
	d, _ := create(t)
	d.Close()
	if m, err := Load(t.Context(), d, nil); err == nil || m != nil {
		t.Errorf("loaded %v from a closed database, error %v", m, err)
	}
}
