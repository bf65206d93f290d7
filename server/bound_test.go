package server

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"testing"
	"time"
)

// TestConnectionsAreBounded: one more than may be open waits until another has
// ended, and is served then; a stop does not wait for it.
func TestConnectionsAreBounded(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(io.ReaderFrom); !ok {
			t.Error("the connection cannot send files")
		}
		fmt.Fprint(w, "hello")
	})
	s := New(Options{Listener: l, Handler: answer, Log: slog.New(slog.DiscardHandler), Connections: 2})
	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	open := func() net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		fmt.Fprint(c, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
		return c
	}
	answered := func(c net.Conn, within time.Duration) bool {
		c.SetReadDeadline(time.Now().Add(within))
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		return err == nil && r.StatusCode == http.StatusOK
	}
	for round := range 3 { // places are given back
		a, b := open(), open()
		if !answered(a, 10*time.Second) || !answered(b, 10*time.Second) {
			t.Fatalf("round %d: two are not answered", round)
		}
		c := open()
		if answered(c, 100*time.Millisecond) {
			t.Errorf("round %d: a third is answered", round)
		}
		a.Close()
		if !answered(c, 10*time.Second) {
			t.Errorf("round %d: a third is not answered when one has ended", round)
		}
		b.Close()
		c.Close()
	}
	open()
	open()
	open()
	if err := s.stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
