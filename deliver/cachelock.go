package deliver

import (
	"context"
	"encoding/binary"
	"errors"
	"regexp"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/deliver/filelock"
)

// Who renews a lease, or removes its file, holds its lock: that of a name beside the
// lease's.
const lockSuffix = ".lock"

// lockPause is between two looks at a lock that another process holds.
const lockPause = 20 * time.Millisecond

func lockOf(lease string) string { return strings.TrimSuffix(lease, leaseSuffix) + lockSuffix }

// tryLock takes the lock of a lease, or returns filelock.ErrLocked. Another error means
// that the folder cannot have locks.
func (c *Cache) tryLock(lease string) (*filelock.Named, error) {
	return filelock.TryNamed(c.root, lockOf(lease))
}

// lock takes the lock of a lease as soon as it can. It gives up after a time in which
// who renews a lease that lives is done, and is nil then: nobody waits for a lease
// that is there for a process that hangs.
func (c *Cache) lock(ctx context.Context, lease string) *filelock.Named {
	ctx, cancel := context.WithTimeout(ctx, waitForNextHere+time.Second)
	defer cancel()
	for {
		l, err := c.tryLock(lease)
		if !errors.Is(err, filelock.ErrLocked) {
			return l
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(lockPause):
		}
	}
}

// unfinished is how long a file may rest that was to become a lease.
const unfinished = time.Hour

// sweep removes what is over: leases that have ended, whoever's they were, and what
// killed processes left behind. What is in use, or goes wrong, is for the next sweep.
func (c *Cache) sweep() {
	names, err := c.list()
	if err != nil {
		return
	}
	for _, name := range names {
		switch {
		case strings.HasPrefix(name, tempPrefix):
			if info, err := c.root.Lstat(name); err == nil && info.Mode().IsRegular() && time.Since(info.ModTime()) > unfinished {
				_ = c.root.Remove(name)
			}
		case lockName.MatchString(name):
			if l, err := c.tryLock(strings.TrimSuffix(name, lockSuffix)); err == nil {
				l.Release()
			}
		case strings.HasSuffix(name, leaseSuffix) && c.over(name):
			c.sweepLease(name)
		}
	}
}

var lockName = regexp.MustCompile(`^[a-z2-7]{32}\.lock$`)

// sweepLease removes a lease that has ended, but not the one that somebody is putting
// in its place.
func (c *Cache) sweepLease(name string) {
	l, err := c.tryLock(name)
	if err != nil {
		return
	}
	defer l.Release()
	if c.over(name) {
		_ = c.root.Remove(name)
	}
}

// over tells whether a lease has ended, by the beginning of its file.
func (c *Cache) over(name string) bool {
	head, err := c.read(name, int64(header))
	if err != nil || len(head) < header || string(head[:len(magic)]) != magic {
		return false // not ours to remove
	}
	ends := time.Unix(int64(binary.BigEndian.Uint64(head[len(magic):])), 0)
	return time.Now().After(ends)
}
