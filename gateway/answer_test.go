package gateway

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch/gateway/s3wire"
)

// oneConn is a listener with a connection.
type oneConn struct {
	net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *oneConn) Accept() (c net.Conn, err error) {
	l.once.Do(func() { c = l.Conn })
	if c == nil {
		<-l.closed
		return nil, net.ErrClosed
	}
	return c, nil
}
func (l *oneConn) Close() error   { close(l.closed); return nil }
func (l *oneConn) Addr() net.Addr { return &net.TCPAddr{} }

// connected is both ends of a connection, of which the second is a server's.
type connected func() (near net.Conn, far net.Listener)

// connections are those without TLS and with it, whose records have borders of
// their own.
func connections(t *testing.T) map[string]connected {
	plain := func() (near net.Conn, far net.Listener) {
		near, conn := net.Pipe()
		return near, &oneConn{Conn: conn, closed: make(chan struct{})}
	}
	borrowed := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	t.Cleanup(borrowed.Close)
	trust := borrowed.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	trust.ServerName = "example.com"
	return map[string]connected{"plain": plain, "TLS": func() (net.Conn, net.Listener) {
		near, far := plain()
		return tls.Client(near, trust), tls.NewListener(far, &tls.Config{Certificates: borrowed.TLS.Certificates})
	}}
}

// A store may think for longer than a client may stand still: the request is not
// ended meanwhile, and the answer arrives.
func TestStoreThinksForMinutes(t *testing.T) {
	t.Parallel()
	for kind, connect := range connections(t) {
		for _, c := range []struct{ name, request, answer string }{
			{"no body", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", "200"},
			{"body", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "200"},
			{"body, refused", "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello", "404"},
			{"no body, refused", "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", "404"},
			{"nothing to say", "DELETE / HTTP/1.1\r\nHost: x\r\n\r\n", "204"},
		} {
			t.Run(kind+"/"+c.name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { storeThinks(t, connect, c.request, c.answer) })
			})
		}
	}
}

func storeThinks(t *testing.T, connect connected, request, answer string) {
	near, l := connect()
	var ended error
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		a := newAnswer(w, r, patience)
		if _, err := io.ReadAll(r.Body); err != nil {
			t.Error("body:", err)
		}
		time.Sleep(4 * time.Minute) // the store thinks
		ended = r.Context().Err()
		switch answer {
		case "200":
			a.Header().Set("Content-Length", "5")
			_, _ = a.Write([]byte("hello"))
		case "204":
			a.WriteHeader(http.StatusNoContent)
		default:
			a.refuse(r, s3wire.Refuse(http.StatusNotFound, "NoSuchKey", "x"))
		}
	})}
	var running sync.WaitGroup
	running.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Error(err)
		}
	})
	go io.WriteString(near, request)
	got, err := http.ReadResponse(bufio.NewReader(near), nil)
	if err != nil || fmt.Sprint(got.StatusCode) != answer || ended != nil {
		t.Errorf("%+v, %v; the request was ended: %v", got, err, ended)
	}
	near.Close()
	server.Close()
	running.Wait()
}

// Who sends a body may not stand still.
func TestSenderStandsStill(t *testing.T) {
	t.Parallel()
	for kind, connect := range connections(t) {
		t.Run(kind, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				near, l := connect()
				var err error
				begun, done := time.Now(), make(chan time.Time, 1)
				server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					newAnswer(w, r, patience)
					_, err = io.ReadAll(r.Body)
					done <- time.Now()
				})}
				go server.Serve(l)
				go io.Copy(io.Discard, near)
				go func() {
					io.WriteString(near, "PUT / HTTP/1.1\r\nHost: x\r\nContent-Length: 5000\r\n\r\n")
					for range 10 {
						time.Sleep(50 * time.Second)
						io.WriteString(near, strings.Repeat("x", 100))
					}
				}()
				if took := (<-done).Sub(begun); took != 10*50*time.Second+patience || err == nil {
					t.Errorf("after %v: %v", took, err)
				}
				near.Close()
				server.Close()
			})
		})
	}
}
