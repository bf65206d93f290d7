package server

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"
)

// The limits of every listener (S9).
const (
	headerTimeout  = 10 * time.Second
	idleTimeout    = 2 * time.Minute
	maxHeaderBytes = 32 << 10
	stopTimeout    = 10 * time.Second
)

// Server serves one listener.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// Options say how a listener is served.
type Options struct {
	Listener net.Listener
	Handler  http.Handler
	TLS      *tls.Config // nil: plain HTTP
	Log      *slog.Logger
	// Connections bounds how many are open at a time, 0 for any number; others
	// wait to be taken.
	Connections int
	// ConnContext is http.Server's, nil for none.
	ConnContext func(ctx context.Context, c net.Conn) context.Context
	// HeaderTimeout is how long the head of a request may take to arrive, and with
	// TLS the handshake before it; 0 for ten seconds.
	HeaderTimeout time.Duration
	// Total bounds a whole request and its answer; 0 leaves slow transfers
	// alone, and the handler must bound what it reads.
	Total time.Duration
}

// Listen takes an address. The error is one line that says what to do.
func Listen(address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("%s is taken by another program: stop that one, or choose another port", address)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on %s: %w", address, err)
	}
	return l, nil
}

// New makes a server for a listener.
func New(o Options) *Server {
	s := &Server{listener: o.Listener, http: &http.Server{
		Handler:           o.Handler,
		TLSConfig:         o.TLS,
		ConnContext:       o.ConnContext,
		ReadHeaderTimeout: cmp.Or(o.HeaderTimeout, headerTimeout),
		ReadTimeout:       o.Total,
		WriteTimeout:      o.Total,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		// "OPTIONS *" is a request like any other: net/http would say yes to nobody.
		DisableGeneralOptionsHandler: true,
		ErrorLog:                     slog.NewLogLogger(o.Log.Handler(), slog.LevelDebug),
	}}
	// One request at a time on a connection: what bounds a connection bounds what
	// it costs. HTTP/2 would let each have hundreds, with headers that take for ever.
	s.http.Protocols = new(http.Protocols)
	s.http.Protocols.SetHTTP1(true)
	if o.Connections > 0 {
		b := newBound(o.Listener, o.Connections)
		s.listener, s.http.ConnState = b, b.changed
	}
	return s
}

// Run serves all servers until ctx ends, then stops taking requests and gives
// the running ones ten seconds. A server that fails stops them all.
func Run(ctx context.Context, servers ...*Server) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, s := range servers {
		wg.Go(func() {
			if err := s.serve(); err != nil {
				cancel(err)
			}
		})
	}
	<-ctx.Done()
	stop, done := context.WithTimeout(context.Background(), stopTimeout)
	defer done()
	errs := make([]error, len(servers))
	for i, s := range servers {
		wg.Go(func() { errs[i] = s.stop(stop) })
	}
	wg.Wait()
	if cause := context.Cause(ctx); !errors.Is(cause, context.Canceled) {
		errs = append(errs, cause)
	}
	return errors.Join(errs...)
}

func (s *Server) serve() error {
	var err error
	if s.http.TLSConfig != nil {
		err = s.http.ServeTLS(s.listener, "", "")
	} else {
		err = s.http.Serve(s.listener)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return fmt.Errorf("serve %s: %w", s.listener.Addr(), err)
}

func (s *Server) stop(ctx context.Context) error {
	err := s.http.Shutdown(ctx)
	if errors.Is(err, context.DeadlineExceeded) {
		return s.http.Close() // what still runs has had its time
	}
	return err
}
