package server

import (
	"net"
	"net/http"
	"sync"
)

// bound lets so many connections be open at a time. It hands connections out as
// they come, not wrapped: what a wrapped one cannot do, such as sending a file
// without copying it, would be lost. Therefore the server tells when one ends.
type bound struct {
	net.Listener
	free chan struct{}
	stop func()
	over chan struct{} // closed: nobody waits any more
}

func newBound(l net.Listener, connections int) *bound {
	b := &bound{Listener: l, free: make(chan struct{}, connections), over: make(chan struct{})}
	b.stop = sync.OnceFunc(func() { close(b.over) })
	for range connections {
		b.free <- struct{}{}
	}
	return b
}

// Accept waits until there is room for a connection, then for the connection.
func (b *bound) Accept() (net.Conn, error) {
	select {
	case <-b.free:
	case <-b.over:
		return nil, net.ErrClosed
	}
	c, err := b.Listener.Accept()
	if err != nil {
		b.free <- struct{}{}
	}
	return c, err
}

// Close implements net.Listener.
func (b *bound) Close() error {
	b.stop()
	return b.Listener.Close()
}

// changed is http.Server's ConnState.
func (b *bound) changed(_ net.Conn, s http.ConnState) {
	if s == http.StateClosed || s == http.StateHijacked {
		b.free <- struct{}{}
	}
}
