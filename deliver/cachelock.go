package deliver

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"regexp"
	"strings"
	"time"

	"github.com/keyhatch/keyhatch/deliver/filelock"
)

// lock is the lock of one lease, held: who renews a lease, or removes its file, holds
// its lock. It is the kernel's on a file beside the lease's, which only who holds the
// lock removes, and everybody does when done. So the file of that name is the same one
// for as long as the lock is held, and what a killed process leaves is a file that
// nobody holds, for the next one to use or sweep.
type lock struct {
	root *os.Root
	file *os.File
	name string
}

const lockSuffix = ".lock"

// lockPause is between two looks at a lock that another process holds.
const lockPause = 20 * time.Millisecond

func lockOf(lease string) string { return strings.TrimSuffix(lease, leaseSuffix) + lockSuffix }

// tryLock takes the lock of a lease, or returns filelock.ErrLocked. Another error means
// that the folder cannot have locks.
func (c *Cache) tryLock(lease string) (*lock, error) {
	l, err := c.openLock(lease)
	if err != nil {
		return nil, err
	}
	if err := l.take(); err != nil {
		l.file.Close()
		return nil, err
	}
	return l, nil
}

func (c *Cache) openLock(lease string) (*lock, error) {
	name := lockOf(lease)
	if info, err := c.root.Lstat(name); err == nil && !info.Mode().IsRegular() {
		return nil, fmt.Errorf("%s is no file", name)
	}
	f, err := c.root.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	return &lock{c.root, f, name}, err
}

// take locks the file that was opened. If its holder has let go of it meanwhile, the
// file is gone, another may be in its place, and its lock is worth nothing.
func (l *lock) take() error {
	if err := filelock.Try(l.file); err != nil {
		return err
	}
	if !l.named() {
		return filelock.ErrLocked
	}
	return nil
}

// named tells whether the file is still the one of its name.
func (l *lock) named() bool {
	opened, err := l.file.Stat()
	if err != nil {
		return false
	}
	named, err := l.root.Lstat(l.name)
	return err == nil && os.SameFile(opened, named)
}

// release lets go of the lock, if there is one.
func (l *lock) release() {
	if l == nil {
		return
	}
	_ = l.root.Remove(l.name) // while it is held; what stays is swept
	l.file.Close()
}

// lock takes the lock of a lease as soon as it can. It gives up after a time in which
// who renews a lease that lives is done, and is nil then: nobody waits for a lease
// that is there for a process that hangs.
func (c *Cache) lock(ctx context.Context, lease string) *lock {
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
				l.release()
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
	defer l.release()
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
