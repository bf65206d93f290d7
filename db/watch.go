package db

import (
	"maps"
	"sync"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db/groupcommit"
)

// recorded counts the events that are durable, by action.
type recorded struct {
	mu     sync.Mutex
	counts map[keyhatch.Action]uint64
}

func (r *recorded) add(actions []keyhatch.Action) {
	if len(actions) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.counts == nil {
		r.counts = map[keyhatch.Action]uint64{}
	}
	for _, a := range actions {
		r.counts[a]++
	}
}

// EventsRecorded counts the events that this process has put on record, by action.
func (d *DB) EventsRecorded() map[keyhatch.Action]uint64 {
	d.events.mu.Lock()
	defer d.events.mu.Unlock()
	return maps.Clone(d.events.counts)
}

// Commit is a transaction of writes that has ended.
type Commit = groupcommit.Commit

// WatchCommits has fn told of each transaction of writes when it has ended. fn must not wait.
func (d *DB) WatchCommits(fn func(Commit)) { d.watch.Store(&fn) }
