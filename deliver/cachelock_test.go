package deliver_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/deliver"
)

// A lease whose server hangs is in the way of no other: leases whose names began with
// the same letter once had one lock.
func TestHungRenewalIsInNobodysWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		folder := filepath.Join(t.TempDir(), "c")
		const many = 40 // more than there are letters
		var begun atomic.Int64
		hang := make(chan struct{})
		var all sync.WaitGroup
		for i := range many {
			lend := cached(t, folder, "http://s", "t", fmt.Sprint(i), func(context.Context) (api.Lent, error) {
				begun.Add(1)
				<-hang
				return aLease(i, time.Hour), nil
			})
			all.Go(func() { mustLend(t, lend) })
		}
		synctest.Wait()
		if n := begun.Load(); n != many {
			t.Errorf("%d of %d leases are asked for, the others wait for them", n, many)
		}
		close(hang)
		all.Wait()
		if left := lockFiles(t, folder); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
}

// However many come, go and sweep, no two borrow the same lease at one time.
func TestOneBorrowsAtATime(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "c")
	var inside, calls atomic.Int64
	lend := func(context.Context) (api.Lent, error) {
		if inside.Add(1) > 1 {
			t.Error("two borrow the same lease")
		}
		defer inside.Add(-1)
		return aLease(int(calls.Add(1)), -time.Second), nil // each is over, so that all borrow, and sweep
	}
	var all sync.WaitGroup
	const processes, times = 8, 20
	for range processes {
		kept := cached(t, folder, "http://s", "t", "l", lend)
		all.Go(func() {
			for range times {
				mustLend(t, kept)
			}
		})
	}
	all.Wait()
	if n := calls.Load(); n != processes*times {
		t.Errorf("lent %d times", n)
	}
}

// Locks of killed processes are swept, those that are held are not, and neither is what
// only looks like one.
func TestLocksAreSwept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "c")
	begun, end := make(chan struct{}), make(chan struct{})
	slow := cached(t, folder, "http://s", "t", "slow", func(context.Context) (api.Lent, error) {
		close(begun)
		<-end
		return aLease(1, time.Hour), nil
	})
	var all sync.WaitGroup
	all.Go(func() { mustLend(t, slow) })
	<-begun
	held := lockFiles(t, folder)
	killed, foreign := filepath.Join(folder, strings.Repeat("a", 32)+".lock"), filepath.Join(folder, "foreign.lock")
	if err := errors.Join(os.WriteFile(killed, nil, 0o600), os.WriteFile(foreign, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	mustLend(t, cached(t, folder, "http://s", "t", "l", (&lender{life: time.Hour}).lend))
	if left := lockFiles(t, folder); len(held) != 1 || len(left) != 2 || !contains(strings.Join(left, " "), held[0], foreign) {
		t.Errorf("held was %v, left are %v", held, left)
	}
	close(end)
	all.Wait()
}

// A lock that cannot be had keeps nobody from a lease, and a link in its place leads
// nowhere.
func TestLockThatIsNone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "c")
	l := &lender{life: time.Hour}
	lend := cached(t, folder, "http://s", "t", "l", l.lend)
	mustLend(t, lend)
	file := leaseFiles(t, folder)[0]
	target := filepath.Join(t.TempDir(), "target")
	if err := errors.Join(os.Remove(file), os.Symlink(target, strings.TrimSuffix(file, ".lease")+".lock")); err != nil {
		t.Fatal(err)
	}
	mustLend(t, lend)
	if n := l.calls.Load(); n != 2 || len(leaseFiles(t, folder)) != 1 {
		t.Errorf("lent %d times, kept are %v", n, leaseFiles(t, folder))
	}
	if _, err := os.Lstat(target); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a link was followed: %v", err)
	}
}

// A lease that has ended is dropped by its id, and no other is: until it would have been
// due, it was handed out again.
func TestDrop(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "c")
	l := &lender{life: time.Hour}
	lend, other := cached(t, folder, "http://s", "t", "l", l.lend), cached(t, folder, "http://s", "t", "m", l.lend)
	ended, stays := mustLend(t, lend), mustLend(t, other)
	for _, c := range []struct {
		token  string
		counts bool
	}{{"another", false}, {"t", true}} {
		token, counts := c.token, c.counts
		cache, err := deliver.OpenCache(folder, "http://s", token)
		if err != nil {
			t.Fatal(err)
		}
		defer cache.Close()
		if err := cache.Drop(t.Context(), ended.ID); err != nil || (len(leaseFiles(t, folder)) == 1) != counts {
			t.Errorf("token %s: %v, kept are %v", token, err, leaseFiles(t, folder))
		}
		if err := cache.Drop(t.Context(), "lease_unknown"); err != nil {
			t.Error(err)
		}
		if !counts {
			continue
		}
		if again := mustLend(t, other); again.ID != stays.ID {
			t.Error("another lease was dropped too")
		}
		if again := mustLend(t, lend); again.ID == ended.ID {
			t.Error("it is handed out again")
		}
	}
}
