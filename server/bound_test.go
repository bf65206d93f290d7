package server

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"runtime"
	"testing"
	"time"
)

// TestConnectionsAreBounded: one more than may be open waits while the others are at work, until
// one has ended, and is served then; one that rests gives way. A stop does not wait.
func TestConnectionsAreBounded(t *testing.T) {
	l, err := Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	answer := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, ok := w.(io.ReaderFrom); !ok {
			t.Error("the connection cannot send files")
		}
		if r.URL.Path == "/long" {
			w.WriteHeader(http.StatusOK)
			if err := http.NewResponseController(w).Flush(); err != nil {
				t.Error(err)
			}
			<-r.Context().Done() // until its client has gone
			return
		}
		fmt.Fprint(w, "hello")
	})
	s := New(Options{Listener: l, Handler: answer, Log: slog.New(slog.DiscardHandler), Connections: 2})
	served := make(chan error, 1)
	go func() { served <- s.serve() }()
	ask := func(c net.Conn, path string) { fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path) }
	open := func(path string) net.Conn {
		c, err := net.Dial("tcp", l.Addr().String())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { c.Close() })
		ask(c, path)
		return c
	}
	answered := func(c net.Conn, within time.Duration) bool {
		c.SetReadDeadline(time.Now().Add(within))
		r, err := http.ReadResponse(bufio.NewReader(c), nil)
		return err == nil && r.StatusCode == http.StatusOK
	}
	for round := range 3 { // places are given back
		a, b := open("/long"), open("/long")
		if !answered(a, 10*time.Second) || !answered(b, 10*time.Second) {
			t.Fatalf("round %d: two are not answered", round)
		}
		c := open("/long")
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
	for given := time.Now().Add(10 * time.Second); len(s.listener.(*bound).free) < 2; runtime.Gosched() {
		if time.Now().After(given) {
			t.Fatal("places are not given back")
		}
	}
	// Those that rest give way, the one first that has rested for the longest; who works does not.
	first, second := open("/"), open("/")
	if !answered(first, 10*time.Second) || !answered(second, 10*time.Second) {
		t.Fatal("two are not answered")
	}
	ask(first, "/long")
	if !answered(first, 10*time.Second) {
		t.Fatal("the first is not answered again")
	}
	third := open("/")
	if !answered(third, 10*time.Second) {
		t.Error("a third is not answered while another rests")
	}
	second.SetReadDeadline(time.Now().Add(10 * time.Second))
	if _, err := second.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Errorf("who rested did not give way: %v", err)
	}
	first.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := io.Copy(io.Discard, first); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("who works gave way: %v", err)
	}
	first.Close()

	open("/")
	open("/")
	open("/")
	if err := s.stop(t.Context()); err != nil {
		t.Error(err)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}
