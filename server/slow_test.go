package server_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch/server"
)

// pipe is a listener with one connection, in which time can be played.
type pipe struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipe) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}
func (p *pipe) Close() error   { close(p.closed); return nil }
func (p *pipe) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

// S9: the head of a request arrives within ten seconds of when it is waited for, or
// its connection is closed without an answer, whether nothing comes, or half of it, or
// a letter now and then; TLS's handshake is no way around it.
func TestS9_HeadersArriveInTime(t *testing.T) {
	borrowed := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer borrowed.Close()
	trust := borrowed.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	trust.ServerName = "example.com"

	const whole = "GET / HTTP/1.1\r\nHost: x\r\n\r\n"
	say := func(text string) func(net.Conn) {
		return func(c net.Conn) { io.WriteString(c, text) }
	}
	drip := func(text string, every time.Duration) func(net.Conn) {
		return func(c net.Conn) {
			for _, letter := range []byte(text) {
				if _, err := c.Write([]byte{letter}); err != nil {
					return
				}
				time.Sleep(every)
			}
		}
	}
	for name, test := range map[string]struct {
		limit    time.Duration
		below    bool // what is sent goes below TLS
		send     func(net.Conn)
		want     time.Duration // after which the connection is closed
		answered int           // requests
	}{
		"nothing":                         {0, false, say(""), 10 * time.Second, 0},
		"half a line":                     {0, false, say("GET /"), 10 * time.Second, 0},
		"half a header":                   {0, false, say("GET / HTTP/1.1\r\nHost: x\r\nX-Long: a"), 10 * time.Second, 0},
		"no end":                          {0, false, say(strings.TrimSuffix(whole, "\r\n")), 10 * time.Second, 0},
		"a letter a second":               {0, false, drip(whole, time.Second), 10 * time.Second, 0},
		"a line a second, for ever":       {0, false, drip("GET / HTTP/1.1\r\n"+strings.Repeat("X: y\r\n", 100), time.Second/6), 10 * time.Second, 0},
		"half a second request":           {0, false, say(whole + "GET / HTTP/1.1\r\n"), 10 * time.Second, 1},
		"a shorter limit":                 {3 * time.Second, false, say("GET / HTTP/1.1\r\nHost: x\r\n"), 3 * time.Second, 0},
		"in time, then idle":              {0, false, drip(whole, 300*time.Millisecond), 26*300*time.Millisecond + 2*time.Minute, 1},
		"half a handshake":                {0, true, say("\x16\x03\x01"), 10 * time.Second, 0},
		"another's head under TLS":        {0, true, say(whole), 0, 0},
		"a handshake and a shorter limit": {3 * time.Second, true, say("\x16"), 3 * time.Second, 0},
	} {
		for _, kind := range []string{"plain", "TLS"} {
			if test.below && kind == "plain" {
				continue
			}
			t.Run(kind+"/"+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					near, far := net.Pipe()
					l := &pipe{make(chan net.Conn, 1), make(chan struct{})}
					l.conns <- far
					var answered int
					o := server.Options{
						Listener: l, Log: discard(), HeaderTimeout: test.limit,
						Handler: http.HandlerFunc(func(http.ResponseWriter, *http.Request) { answered++ }),
					}
					c := near
					if kind == "TLS" {
						o.TLS = &tls.Config{Certificates: borrowed.TLS.Certificates}
						if !test.below {
							c = tls.Client(near, trust)
						}
					}
					ctx, stop := context.WithCancel(t.Context())
					var running sync.WaitGroup
					running.Go(func() {
						if err := server.Run(ctx, server.New(o)); err != nil {
							t.Error(err)
						}
					})
					begun := time.Now()
					running.Go(func() { test.send(c) })
					io.Copy(io.Discard, c) // until it is closed
					if took := time.Since(begun); took != test.want || answered != test.answered {
						t.Errorf("closed after %v, want %v; %d requests answered, want %d", took, test.want, answered, test.answered)
					}
					near.Close()
					stop()
					running.Wait()
				})
			})
		}
	}
}
