package accesskeys

import (
	"context"
	"sync"
)

// queues let those who wait for the same key look one at a time: each look asks the
// database, and as many may wait as like to. The zero value is ready to use.
type queues struct {
	mu sync.Mutex
	of map[string]*queue // by key, while anybody is in it
}

type queue struct {
	first chan struct{} // holds one: whose turn it is
	in    int
}

// join waits for the caller's turn, which leave ends. It is false when ctx has ended before.
func (q *queues) join(ctx context.Context, key string) (leave func(), ok bool) {
	q.mu.Lock()
	at := q.of[key]
	if at == nil {
		if q.of == nil {
			q.of = map[string]*queue{}
		}
		at = &queue{first: make(chan struct{}, 1)}
		q.of[key] = at
	}
	at.in++
	q.mu.Unlock()
	select {
	case at.first <- struct{}{}:
		return func() { <-at.first; q.leave(key) }, true
	case <-ctx.Done():
		q.leave(key)
		return nil, false
	}
}

func (q *queues) leave(key string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.of[key].in--; q.of[key].in == 0 {
		delete(q.of, key)
	}
}
