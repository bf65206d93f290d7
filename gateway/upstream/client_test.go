package upstream_test

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"os"
	"runtime"
	"runtime/pprof"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/gateway/upstream"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/outbound"
)

// TestMain fails when the tests leave goroutines behind. The fuzzer has its own.
func TestMain(m *testing.M) {
	before := runtime.NumGoroutine()
	code := m.Run()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		os.Exit(code)
	}
	for begun := time.Now(); runtime.NumGoroutine() > before; time.Sleep(10 * time.Millisecond) {
		if time.Since(begun) > 5*time.Second {
			fmt.Printf("%d goroutines are left, %d were there before\n", runtime.NumGoroutine(), before)
			_ = pprof.Lookup("goroutine").WriteTo(os.Stdout, 1)
			code = 1
			break
		}
	}
	os.Exit(code)
}

// front is a store as the gateway has it, before a fake.
type front struct {
	*upstream.Store
	log  *logged.Text
	keys atomic.Pointer[keyhatch.KeyPair]
	// noKeys is why there are none.
	noKeys error
}

// transport is what cmd/keyhatch uses, with leave to reach this machine.
func transport(t testing.TB) *http.Transport {
	tr := outbound.NewDialer([]netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}).Transport()
	t.Cleanup(tr.CloseIdleConnections)
	return tr
}

// before makes the front of the fake.
func before(t testing.TB, f *fake) *front {
	t.Helper()
	return beforeURL(t, f.url(), transport(t))
}

func beforeURL(t testing.TB, endpoint string, tr http.RoundTripper) *front {
	t.Helper()
	p := &front{log: &logged.Text{}}
	p.keys.Store(&keyhatch.KeyPair{AccessKeyID: fakeID, SecretAccessKey: fakeSecret})
	keys := func(context.Context, keyhatch.Store) (keyhatch.KeyPair, error) {
		if p.noKeys != nil {
			return keyhatch.KeyPair{}, p.noKeys
		}
		return *p.keys.Load(), nil
	}
	c := upstream.NewClient(authority(keys), tr, slog.New(slog.NewTextHandler(p.log, nil)))
	store, err := c.Store(keyhatch.Store{Name: "the-moon", Kind: keyhatch.S3Store, Endpoint: endpoint, Region: fakeRegion})
	if err != nil {
		t.Fatal(err)
	}
	p.Store = store
	return p
}

// authority has one mark for everything.
type authority func(context.Context, keyhatch.Store) (keyhatch.KeyPair, error)

func (a authority) KeysOf(ctx context.Context, s keyhatch.Store) (keyhatch.KeyPair, error) {
	return a(ctx, s)
}

func (authority) Mark(...string) string { return "mark" }

// answered is an answer that a client has got.
type answered struct {
	status int
	header http.Header
	body   []byte
	broken error // that its body did not come whole
}

// ask passes a request through without a network before the store. An answer
// that breaks off is told as one.
func (p *front) ask(r *http.Request) (got answered) {
	w := httptest.NewRecorder()
	defer func() {
		if e := recover(); e != nil {
			if e != http.ErrAbortHandler {
				panic(e)
			}
			got.broken = http.ErrAbortHandler
		}
		got.status, got.header, got.body = w.Code, w.Result().Header, w.Body.Bytes()
	}()
	p.ServeHTTP(w, r)
	return got
}

// listen serves the store to clients with a network.
func (p *front) listen(t testing.TB) (address string) {
	t.Helper()
	s := httptest.NewServer(p)
	t.Cleanup(s.Close)
	return s.URL
}

// client is who asks a front that listens.
func client(t testing.TB) *http.Client {
	tr := &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 100, ExpectContinueTimeout: 5 * time.Second}
	t.Cleanup(tr.CloseIdleConnections)
	return &http.Client{Transport: tr, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// send sends a request over the network and reads the answer.
func send(c *http.Client, r *http.Request) (answered, error) {
	answer, err := c.Do(r)
	if err != nil {
		return answered{}, err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	return answered{answer.StatusCode, answer.Header, body, err}, nil
}

func (p *front) put(t testing.TB, path string, body []byte, header ...string) answered {
	t.Helper()
	r := asked(t, http.MethodPut, path, nil, bytes.NewReader(body), int64(len(body)))
	set(r, header...)
	return p.ask(r)
}

func (p *front) get(t testing.TB, path string, query url.Values) answered {
	t.Helper()
	return p.ask(asked(t, http.MethodGet, path, query, nil, 0))
}

// set sets headers, "Name: value" each.
func set(r *http.Request, header ...string) {
	for _, h := range header {
		name, value, _ := strings.Cut(h, ": ")
		r.Header.Add(name, value)
	}
}

// refuseFirst dials, but for the first times.
func refuseFirst(dial func(context.Context, string, string) (net.Conn, error), times *int) func(context.Context, string, string) (net.Conn, error) {
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		if *times--; *times >= 0 {
			return nil, &net.OpError{Op: "dial", Net: network, Err: syscall.ECONNREFUSED}
		}
		return dial(ctx, network, address)
	}
}
