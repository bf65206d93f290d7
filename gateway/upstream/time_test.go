package upstream_test

import (
	"bytes"
	"context"
	"io"
	"net"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch/outbound"
)

// pipes is a network without a machine, in which time can be played.
type pipes struct {
	made   chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.made:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipes) Close() error   { close(p.closed); return nil }
func (p *pipes) Addr() net.Addr { return address("moon.test:80") }

func (p *pipes) dial(context.Context, string, string) (net.Conn, error) {
	near, far := net.Pipe()
	p.made <- far
	return near, nil
}

type address string

func (a address) Network() string { return "pipe" }
func (a address) String() string  { return string(a) }

// overTime plays a request to a store, and returns how long it took.
func overTime(t *testing.T, script func(*exchange) bool, method string, size int64) (got answered, f *fake, took time.Duration) {
	p := &pipes{make(chan net.Conn), make(chan struct{})}
	tr := outbound.NewDialer(nil).Transport()
	tr.DialContext = p.dial
	f = serveFake(t, p, script)
	t.Cleanup(tr.CloseIdleConnections)
	begun := time.Now()
	got = beforeURL(t, f.url(), tr).ask(asked(t, method, "/bucket/key", nil, bytes.NewReader(pattern(int(size))), size))
	return got, f, time.Since(begun)
}

// A store may think, and be slow, for as long as is said, and no longer.
func TestPatience(t *testing.T) {
	t.Parallel()
	thinks := func(d time.Duration) func(*exchange) bool {
		return func(e *exchange) bool {
			e.read()
			time.Sleep(d)
			return e.answer(200, "")
		}
	}
	sends := func(every time.Duration) func(*exchange) bool {
		return func(e *exchange) bool {
			e.say("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n")
			for range 10 {
				time.Sleep(every)
				e.say("x")
			}
			return true
		}
	}
	takes := func(every time.Duration) func(*exchange) bool {
		return func(e *exchange) bool {
			e.say("HTTP/1.1 100 Continue\r\n\r\n")
			part := make([]byte, 32<<10)
			for {
				time.Sleep(every)
				if _, err := io.ReadFull(e.Body, part); err != nil {
					return e.answer(200, "")
				}
			}
		}
	}
	drips := func(status string) func(*exchange) bool {
		return func(e *exchange) bool {
			e.read()
			e.say("HTTP/1.1 " + status + "\r\nContent-Length: 100\r\n\r\n")
			for range 100 {
				time.Sleep(50 * time.Second)
				e.say(" ")
			}
			return true
		}
	}
	for name, c := range map[string]struct {
		script func(*exchange) bool
		method string
		size   int64
		status int
		broken bool
		least  time.Duration
		most   time.Duration
	}{
		"thinks on a get":           {thinks(599 * time.Second), "GET", 0, 200, false, 599 * time.Second, 599 * time.Second},
		"thinks on a put":           {thinks(599 * time.Second), "PUT", 100, 200, false, 599 * time.Second, 599 * time.Second},
		"thinks on a large put":     {thinks(599 * time.Second), "PUT", 1 << 20, 200, false, 599 * time.Second, 599 * time.Second},
		"sleeps on a get":           {thinks(601 * time.Second), "GET", 0, 503, false, 600 * time.Second, 600 * time.Second},
		"sleeps on a put":           {thinks(601 * time.Second), "PUT", 100, 503, false, 600 * time.Second, 600 * time.Second},
		"sleeps on a large put":     {thinks(601 * time.Second), "PUT", 1 << 20, 503, false, 600 * time.Second, 600 * time.Second},
		"sends slowly":              {sends(59 * time.Second), "GET", 0, 200, false, 590 * time.Second, 590 * time.Second},
		"stops sending":             {sends(61 * time.Second), "GET", 0, 200, true, 60 * time.Second, 60 * time.Second},
		"drips an object":           {drips("200 OK"), "GET", 0, 200, false, 5000 * time.Second, 5000 * time.Second},
		"drips a document":          {drips("200 OK"), "POST", 0, 503, false, 600 * time.Second, 600 * time.Second},
		"drips a refusal":           {drips("404 Not Found"), "GET", 0, 500, false, 600 * time.Second, 600 * time.Second},
		"takes slowly":              {takes(50 * time.Second), "PUT", 1 << 20, 200, false, 30 * 50 * time.Second, 40 * 50 * time.Second},
		"stops taking":              {takes(70 * time.Second), "PUT", 1 << 20, 503, false, 60 * time.Second, 140 * time.Second},
		"does not know to say 100":  {func(e *exchange) bool { io.Copy(io.Discard, e.Body); return e.answer(200, "") }, "PUT", 1 << 20, 200, false, time.Second, time.Second},
		"says 100 after a long day": {func(e *exchange) bool { time.Sleep(500 * time.Millisecond); e.read(); return e.answer(200, "") }, "PUT", 1 << 20, 200, false, 500 * time.Millisecond, 500 * time.Millisecond},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				got, f, took := overTime(t, c.script, c.method, c.size)
				if got.status != c.status || (got.broken != nil) != c.broken || took < c.least || took > c.most || len(f.requests()) != 1 {
					t.Errorf("%d, broken off: %v, after %v and %d requests", got.status, got.broken, took, len(f.requests()))
				}
			})
		})
	}
}
