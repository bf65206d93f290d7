package server

import (
	"container/list"
	"net"
	"net/http"
	"sync"
)

// bound lets so many connections be open at a time. When there is no room, the one
// that has rested for the longest between two requests gives way: whoever holds many open keeps
// nobody out. It hands connections out as
// they come, not wrapped: what a wrapped one cannot do, such as sending a file
// without copying it, would be lost. Therefore the server tells when one ends.
type bound struct {
	net.Listener
	free chan struct{}
	stop func()
	over chan struct{} // closed: nobody waits any more

	mu    sync.Mutex
	rests *list.List                 // of net.Conn, the longest first
	place map[net.Conn]*list.Element // in it
	wants bool                       // the next one that rests gives way
}

func newBound(l net.Listener, connections int) *bound {
	b := &bound{
		Listener: l, free: make(chan struct{}, connections), over: make(chan struct{}),
		rests: list.New(), place: map[net.Conn]*list.Element{},
	}
	b.stop = sync.OnceFunc(func() { close(b.over) })
	for range connections {
		b.free <- struct{}{}
	}
	return b
}

// Accept waits for a connection, then until there is room for it.
func (b *bound) Accept() (net.Conn, error) {
	c, err := b.Listener.Accept()
	if err != nil {
		return nil, err
	}
	select {
	case <-b.free:
		return c, nil
	default:
		b.makeRoom()
	}
	select {
	case <-b.free:
		b.hasRoom()
		return c, nil
	case <-b.over:
		c.Close()
		return nil, net.ErrClosed
	}
}

// makeRoom has a connection give way that rests, or the next that will.
func (b *bound) makeRoom() {
	b.mu.Lock()
	defer b.mu.Unlock()
	longest := b.rests.Front()
	if longest == nil {
		b.wants = true
		return
	}
	c := b.forget(longest)
	go c.Close() // with TLS it says so first, which can take its time
}

func (b *bound) hasRoom() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.wants = false
}

func (b *bound) forget(e *list.Element) net.Conn {
	c := b.rests.Remove(e).(net.Conn)
	delete(b.place, c)
	return c
}

// Close implements net.Listener.
func (b *bound) Close() error {
	b.stop()
	return b.Listener.Close()
}

// changed is http.Server's ConnState.
func (b *bound) changed(c net.Conn, s http.ConnState) {
	if s == http.StateClosed || s == http.StateHijacked {
		b.free <- struct{}{}
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	if e := b.place[c]; e != nil {
		b.forget(e)
	}
	switch {
	case s == http.StateIdle && b.wants:
		b.wants = false
		go c.Close()
	case s == http.StateIdle:
		b.place[c] = b.rests.PushBack(c)
	}
}
