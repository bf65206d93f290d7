package server_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/server"
)

func discard() *slog.Logger { return slog.New(slog.DiscardHandler) }

// start serves h until the test ends and returns its address.
func start(t *testing.T, h http.Handler) (address string, stop func() error) {
	t.Helper()
	l, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- server.Run(ctx, server.New(server.Options{Listener: l, Handler: h, Log: discard()})) }()
	var stopped bool
	stop = func() error {
		if stopped {
			return nil
		}
		stopped = true
		cancel()
		return <-ended
	}
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("server: %v", err)
		}
	})
	return l.Addr().String(), stop
}

func TestTakenAddressIsOneLine(t *testing.T) {
	l, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	_, err = server.Listen(l.Addr().String())
	want := l.Addr().String() + " is taken by another program: stop that one, or choose another port"
	if err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// A request that runs when the server is told to stop gets its answer.
func TestStopLetsRequestsEnd(t *testing.T) {
	begun, finish := make(chan struct{}), make(chan struct{})
	address, stop := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		close(begun)
		<-finish
		io.WriteString(w, "whole")
	}))
	answers := make(chan string, 1)
	go func() {
		answer, err := http.Get("http://" + address)
		if err != nil {
			answers <- err.Error()
			return
		}
		defer answer.Body.Close()
		text, _ := io.ReadAll(answer.Body)
		answers <- string(text)
	}()
	<-begun
	stopped := make(chan error, 1)
	go func() { stopped <- stop() }()
	// New connections are refused once it stops; only then may the old one end.
	for {
		c, err := net.Dial("tcp", address)
		if err != nil {
			break
		}
		c.Close()
		time.Sleep(time.Millisecond)
	}
	close(finish)
	if got := <-answers; got != "whole" {
		t.Errorf("the running request got %q", got)
	}
	if err := <-stopped; err != nil {
		t.Error(err)
	}
}

func TestAFailingServerStopsAll(t *testing.T) {
	good, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	err = server.Run(t.Context(),
		server.New(server.Options{Listener: good, Log: discard()}),
		server.New(server.Options{Listener: broken{}, Log: discard()}))
	if !errors.Is(err, errBroken) {
		t.Errorf("got %v, want the broken listener's error", err)
	}
	if _, err := net.Dial("tcp", good.Addr().String()); err == nil {
		t.Error("the other server still listens")
	}
}

var errBroken = errors.New("broken")

type broken struct{}

func (broken) Accept() (net.Conn, error) { return nil, errBroken }
func (broken) Close() error              { return nil }
func (broken) Addr() net.Addr            { return &net.TCPAddr{} }

func TestTLS(t *testing.T) {
	borrowed := httptest.NewTLSServer(http.NotFoundHandler()) // for its certificate
	defer borrowed.Close()
	l, err := server.Listen("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- server.Run(ctx, server.New(server.Options{
			Listener: l, Log: discard(), TLS: &tls.Config{Certificates: borrowed.TLS.Certificates},
			Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.TLS != nil) }),
		}))
	}()
	answer, err := borrowed.Client().Get("https://" + l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if text, _ := io.ReadAll(answer.Body); string(text) != "true" {
		t.Errorf("got %q", text)
	}
	cancel()
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// S9: headers are bounded.
func TestS9_HeadersAreBounded(t *testing.T) {
	address, _ := start(t, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {}))
	for _, test := range []struct {
		bytes, status int
	}{{32 << 10, http.StatusOK}, {128 << 10, http.StatusRequestHeaderFieldsTooLarge}} {
		r, err := http.NewRequest(http.MethodGet, "http://"+address, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("X-Long", strings.Repeat("x", test.bytes))
		answer, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}
		answer.Body.Close()
		if answer.StatusCode != test.status {
			t.Errorf("%d bytes of header: status %d, want %d", test.bytes, answer.StatusCode, test.status)
		}
	}
}

type probe struct {
	seen keyhatch.Origin
	body error
}

func (p *probe) Mount(mux *http.ServeMux) {
	mux.HandleFunc("POST /probe", func(w http.ResponseWriter, r *http.Request) {
		p.seen = keyhatch.OriginOf(r.Context())
		_, p.body = io.Copy(io.Discard, r.Body)
	})
	mux.HandleFunc("GET /panic", func(http.ResponseWriter, *http.Request) { panic("a canary in a panic") })
}

func api(t *testing.T, p *probe, log io.Writer, ready error) http.Handler {
	t.Helper()
	return server.API(server.Ground{
		Log: slog.New(slog.NewTextHandler(log, nil)), Proxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
		Ready: server.NewReadiness(discard(), server.Check{Name: "the database", Try: func(context.Context) error { return ready }}),
	}, p)
}

// S9: bodies of API requests are bounded.
func TestS9_BodiesAreBounded(t *testing.T) {
	for _, test := range []struct {
		bytes int
		fits  bool
	}{{1 << 20, true}, {1<<20 + 1, false}} {
		p := &probe{}
		h := api(t, p, io.Discard, nil)
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/probe", bytes.NewReader(make([]byte, test.bytes))))
		if (p.body == nil) != test.fits {
			t.Errorf("%d bytes: %v", test.bytes, p.body)
		}
	}
}

// Only a trusted proxy is believed, and only what it added itself.
func TestClientAddress(t *testing.T) {
	for _, test := range []struct {
		peer      string
		forwarded []string
		want      string
	}{
		{"192.0.2.7:1000", nil, "192.0.2.7"},
		{"192.0.2.7:1000", []string{"198.51.100.1"}, "192.0.2.7"},
		{"10.0.0.1:1000", []string{"198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1000", []string{"6.6.6.6, 198.51.100.1"}, "198.51.100.1"},
		{"10.0.0.1:1000", []string{"6.6.6.6", "198.51.100.1, 10.0.0.2"}, "198.51.100.1"},
		{"10.0.0.1:1000", []string{"10.0.0.3, 10.0.0.2"}, "10.0.0.3"},
		{"10.0.0.1:1000", []string{"nonsense"}, "10.0.0.1"},
		{"10.0.0.1:1000", []string{"198.51.100.1, nonsense"}, "10.0.0.1"},
		{"10.0.0.1:1000", nil, "10.0.0.1"},
		{"[::ffff:10.0.0.1]:1000", []string{"2001:db8::1"}, "2001:db8::1"},
		{"nonsense", nil, ""},
	} {
		p := &probe{}
		h := api(t, p, io.Discard, nil)
		r := httptest.NewRequest(http.MethodPost, "/probe", nil)
		r.RemoteAddr = test.peer
		r.Header["X-Forwarded-For"] = test.forwarded
		h.ServeHTTP(httptest.NewRecorder(), r)
		if got := p.seen.AddressText(); got != test.want {
			t.Errorf("peer %s, forwarded %q: %q, want %q", test.peer, test.forwarded, got, test.want)
		}
	}
}

func TestRequestIDsAreOurs(t *testing.T) {
	p := &probe{}
	h := api(t, p, io.Discard, nil)
	seen := map[string]bool{}
	for range 100 {
		r := httptest.NewRequest(http.MethodPost, "/probe", nil)
		r.Header.Set("X-Request-Id", "chosen-by-the-client")
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		id := w.Header().Get("X-Request-Id")
		if len(id) != 16 || id != p.seen.RequestID || seen[id] {
			t.Fatalf("request id %q", id)
		}
		seen[id] = true
	}
}

func TestPanicIsAnAnswerAndALogLine(t *testing.T) {
	var log bytes.Buffer
	w := httptest.NewRecorder()
	api(t, &probe{}, &log, nil).ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/panic?secret=canary-in-query", nil))
	if w.Code != http.StatusInternalServerError || strings.Contains(w.Body.String(), "canary") {
		t.Errorf("answer %d %q", w.Code, w.Body)
	}
	if !strings.Contains(log.String(), "a canary in a panic") || !strings.Contains(log.String(), "status=500") {
		t.Errorf("log: %s", log.String())
	}
	if strings.Contains(log.String(), "canary-in-query") {
		t.Error("the log holds the query")
	}
}

// TestStrictTransport: over TLS, and there alone, a browser is told to come back over TLS
// alone; not to this machine's own name, where other things run.
func TestStrictTransport(t *testing.T) {
	h := server.API(server.Ground{Log: discard()})
	for _, c := range []struct {
		tls  bool
		host string
		want string
	}{
		{false, "keys.example.org", ""},
		{true, "keys.example.org", "max-age=31536000"},
		{true, "keys.example.org:8750", "max-age=31536000"},
		{true, "localhost", ""},
		{true, "LOCALHOST:8750", ""},
	} {
		for _, path := range []string{"/healthz", "/nothing"} {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			if r.Host = c.host; c.tls {
				r.TLS = &tls.ConnectionState{}
			}
			a := httptest.NewRecorder()
			h.ServeHTTP(a, r)
			if got := a.Header().Get("Strict-Transport-Security"); got != c.want {
				t.Errorf("%s %+v: %q", path, c, got)
			}
		}
	}
}

// TestTraceInTheLog: the id of the trace is in the request's line, and what breaks the rules is not.
func TestTraceInTheLog(t *testing.T) {
	for header, want := range map[string]string{
		"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01": "trace_id=4bf92f3577b34da6a3ce929d0e0e4736\n",
		"00-canary": "trace_id=\"\"\n",
	} {
		var log bytes.Buffer
		r := httptest.NewRequest(http.MethodPost, "/probe", nil)
		r.Header.Set("Traceparent", header)
		api(t, &probe{}, &log, nil).ServeHTTP(httptest.NewRecorder(), r)
		if !strings.Contains(log.String(), want) || strings.Contains(log.String(), "canary") || !strings.Contains(log.String(), `door=server_test route="POST /probe"`) {
			t.Errorf("%s: %s", header, log.String())
		}
	}
}
