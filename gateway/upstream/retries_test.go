package upstream_test

import (
	"bytes"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync"
	"testing"
	"time"
)

// The requests of the table of retries.
var kinds = []struct {
	name, method string
	query        url.Values
	header       string
	size         int
	again        bool // after it may have reached the store
}{
	{"get", http.MethodGet, nil, "", 0, true},
	{"head", http.MethodHead, nil, "", 0, true},
	{"conditional get", http.MethodGet, nil, "If-Match: x", 0, true},
	{"list", http.MethodGet, url.Values{"uploadId": {"u.mark"}}, "", 0, true},
	{"delete", http.MethodDelete, nil, "", 0, false},
	{"delete, if match", http.MethodDelete, nil, "If-Match: x", 0, false},
	{"abort", http.MethodDelete, url.Values{"uploadId": {"u.mark"}}, "", 0, false},
	{"put nothing", http.MethodPut, nil, "", 0, false},
	{"put", http.MethodPut, nil, "", 1000, false},
	{"put, if match", http.MethodPut, nil, "If-Match: x", 1000, false},
	{"put, if none match", http.MethodPut, nil, "If-None-Match: *", 1000, false},
	{"copy", http.MethodPut, nil, "X-Amz-Copy-Source: /b/k", 0, false},
	{"copy, if match", http.MethodPut, nil, "X-Amz-Copy-Source-If-Match: x", 0, false},
	{"copy of a part", http.MethodPut, url.Values{"partNumber": {"1"}, "uploadId": {"u.mark"}}, "X-Amz-Copy-Source: /b/k", 0, true},
	{"part", http.MethodPut, url.Values{"partNumber": {"1"}, "uploadId": {"u.mark"}}, "", 1000, true},
	{"tags", http.MethodPut, url.Values{"tagging": {""}}, "", 100, false},
	{"large put", http.MethodPut, nil, "", 100_000, false},
	{"create upload", http.MethodPost, url.Values{"uploads": {""}}, "", 0, false},
	{"complete", http.MethodPost, url.Values{"uploadId": {"u.mark"}}, "", 1000, false},
	{"batch delete", http.MethodPost, url.Values{"delete": {""}}, "", 1000, false},
}

// What is sent again after what. A put, a delete or an abort that the store may
// have seen the whole of was once: it made two versions, or undid another's.
func TestSentAgain(t *testing.T) {
	t.Parallel()
	for name, failure := range map[string]struct {
		script func(*exchange) bool
		always bool // the store cannot have acted
		never  bool // an answer came
		status int
	}{
		"closed after the whole request": {script: func(e *exchange) bool { e.read(); return false }, status: 503},
		"reset": {script: func(e *exchange) bool {
			e.read()
			e.conn.(*net.TCPConn).SetLinger(0)
			return false
		}, status: 503},
		"broken in the head of the answer": {script: func(e *exchange) bool { e.read(); e.say("HTTP/1.1 200 OK\r\nConte"); return false }, status: 503},
		"garbage":                          {script: func(e *exchange) bool { e.read(); e.say("SSH-2.0-OpenSSH_9.2\r\n"); return false }, status: 503},
		"closed before the body":           {script: func(*exchange) bool { return false }, status: 503},
		"fails":                            {script: func(e *exchange) bool { e.read(); return e.answer(500, "") }, never: true, status: 500},
		"is slow":                          {script: func(e *exchange) bool { e.read(); return e.answer(503, "") }, never: true, status: 503},
		"redirects":                        {script: func(e *exchange) bool { e.read(); return e.answer(307, "", "Location: /elsewhere") }, never: true, status: 500},
	} {
		for _, k := range kinds {
			t.Run(name+"/"+k.name, func(t *testing.T) {
				t.Parallel()
				f := newFake(t, failure.script)
				p := before(t, f)
				p.Believe("bucket")
				r := asked(t, k.method, "/bucket/key", k.query, bytes.NewReader(pattern(k.size)), int64(k.size))
				if k.header != "" {
					set(r, k.header)
				}
				got, want := p.ask(r), 1
				if k.again && !failure.never || name == "closed before the body" && k.name == "large put" {
					want = 3
				}
				if n := len(f.requests()); n != want || got.status != failure.status {
					t.Errorf("the store saw %d requests, want %d; %d %s", n, want, got.status, got.body)
				}
			})
		}
	}
}

// While no connection comes about nothing can have been done: everything is tried
// again, and works when the store is there in time.
func TestStoreComesBack(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		t.Run(k.name, func(t *testing.T) {
			t.Parallel()
			tr := transport(t)
			dial, failures := tr.DialContext, 2
			f := newFake(t, nil)
			f.objects["/bucket/key"] = []byte("x")
			tr.DialContext = refuseFirst(dial, &failures)
			p := beforeURL(t, f.url(), tr)
			p.Believe("bucket")
			r := asked(t, k.method, "/bucket/key", k.query, bytes.NewReader(pattern(k.size)), int64(k.size))
			if k.header != "" {
				set(r, k.header)
			}
			if got := p.ask(r); got.status >= 300 || len(f.requests()) != 1 {
				t.Errorf("%d %s, the store saw %d requests", got.status, got.body, len(f.requests()))
			}
		})
	}
}

// A store that closes its connections after some requests, at whatever moment,
// lets no long upload and no download fail. A short upload goes with its head, and
// may: see kinds.
func TestConnectionsThatEnd(t *testing.T) {
	t.Parallel()
	f := newFake(t, func(e *exchange) bool {
		if e.nth > 3 { // it has gone to sleep already: what is sent now is lost
			e.conn.(*net.TCPConn).SetLinger(0)
			return false
		}
		return e.serve() && e.nth < 3+len(e.RequestURI)%2
	})
	p := before(t, f)
	for i := range 200 {
		size := []int{64<<10 + 1, 200_000}[i%2]
		path := fmt.Sprintf("/bucket/%d", i)
		if got := p.put(t, path, pattern(size)); got.status != http.StatusOK || len(f.stored(path)) != size {
			t.Fatalf("put %d of %d bytes: %d %s\n%s", i, size, got.status, got.body, p.log)
		}
		if got := p.get(t, path, nil); got.status != http.StatusOK || len(got.body) != size {
			t.Fatalf("get %d: %d", i, got.status)
		}
	}
}

// Whatever forgets all idle connections at once, as a balancer does that starts
// anew, costs no request: those that are left are not tried one after the other.
func TestAllConnectionsForgotten(t *testing.T) {
	t.Parallel()
	var forgotten sync.Map // connections
	f := newFake(t, func(e *exchange) bool {
		if _, dead := forgotten.Load(e.conn); dead {
			e.conn.(*net.TCPConn).SetLinger(0)
			return false
		}
		time.Sleep(5 * time.Millisecond) // for many connections to be needed
		return e.serve()
	})
	p := before(t, f)
	for range 2 {
		var all sync.WaitGroup
		for i := range 20 {
			all.Go(func() { p.put(t, fmt.Sprint("/bucket/", i), pattern(1000)) })
		}
		all.Wait()
		f.mu.Lock()
		for c := range f.open {
			forgotten.Store(c, true)
		}
		f.mu.Unlock()
		if got := p.put(t, "/bucket/after", pattern(100_000)); got.status != http.StatusOK {
			t.Errorf("%d %s\n%s", got.status, got.body, p.log)
		}
	}
}
