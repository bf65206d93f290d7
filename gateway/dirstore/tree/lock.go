package tree

import (
	"hash/maphash"
	"sync"
)

// keyLocks are locks for keys. Two keys may share one, so nobody takes two.
type keyLocks [1024]sync.Mutex

var lockSeed = maphash.MakeSeed()

// Lock waits for the lock of a key and takes it.
func (l *keyLocks) Lock(name string) (unlock func()) {
	m := &l[maphash.String(lockSeed, name)%uint64(len(l))]
	m.Lock()
	return m.Unlock
}

// Lock keeps others from writing and removing a key until unlock is called. The
// caller may look meanwhile and call RemoveLocked; whatever else writes would
// wait for the caller itself, even if it writes another key.
func (t *Tree) Lock(bucket, key string) (unlock func()) {
	return t.keys.Lock(place{bucket: bucket, key: key}.id())
}
