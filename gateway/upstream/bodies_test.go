package upstream_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// sizes are around what is read whole, and what buffers hold.
var sizes = []int{0, 1, 64<<10 - 1, 64 << 10, 64<<10 + 1, 1 << 20, 5 << 20}

// Bodies come and go as they are.
func TestBodiesOfEverySize(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	address, c := before(t, f).listen(t), client(t)
	for _, size := range sizes {
		path, want := fmt.Sprintf("/bucket/%d", size), pattern(size)
		put, _ := http.NewRequest(http.MethodPut, address+path, bytes.NewReader(want))
		if got, err := send(c, put); err != nil || got.status != http.StatusOK || got.header.Get("ETag") != `"0a"` {
			t.Errorf("put %d: %+v %v", size, got, err)
		}
		if !bytes.Equal(f.stored(path), want) {
			t.Errorf("put %d: %d bytes arrived", size, len(f.stored(path)))
		}
		get, _ := http.NewRequest(http.MethodGet, address+path, nil)
		if got, err := send(c, get); err != nil || got.broken != nil || !bytes.Equal(got.body, want) || got.header.Get("Content-Length") != fmt.Sprint(size) {
			t.Errorf("get %d: %d bytes came back, %v %v", size, len(got.body), err, got.broken)
		}
	}
}

// breaking ends with an error instead of its last bytes, as a body does whose
// hash is wrong, whose sender has left, or whose lease has ended.
type breaking struct {
	io.Reader
	err error
}

func (b breaking) Read(p []byte) (int, error) {
	n, err := b.Reader.Read(p)
	if err == io.EOF {
		err = b.err
	}
	return n, err
}

// A body that breaks off, at whatever byte, is nowhere published.
func TestBrokenBodyPublishesNothing(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	p := before(t, f)
	for _, size := range sizes[1:] {
		for _, missing := range []int{1, size / 2, size} {
			path := fmt.Sprintf("/bucket/%d-%d", size, missing)
			body := breaking{bytes.NewReader(pattern(size)[:size-missing]), errors.New("the hash is wrong")}
			got := p.ask(asked(t, http.MethodPut, path, nil, body, int64(size)))
			if got.status != http.StatusBadRequest || !holds(got.body, "IncompleteBody") {
				t.Errorf("%d bytes without %d: %d %s", size, missing, got.status, got.body)
			}
			if f.stored(path) != nil {
				t.Errorf("%d bytes without %d are published", size, missing)
			}
		}
	}
	if got := p.put(t, "/bucket/after", pattern(100_000)); got.status != http.StatusOK {
		t.Errorf("an upload after them: %d", got.status)
	}
	for _, e := range f.requests() {
		if e.ContentLength > 0 && f.stored(e.URL.Path) == nil && e.nth > 1 && e.refused != nil {
			t.Errorf("%s: %v", e.URL.Path, e.refused)
		}
	}
}

// A client that leaves takes the request to the store with it.
func TestClientLeaves(t *testing.T) {
	t.Parallel()
	gone := make(chan string, 1)
	f := newFake(t, func(e *exchange) bool {
		if e.Method == http.MethodPut {
			_, err := e.read()
			gone <- fmt.Sprint("upload: ", err)
			return false
		}
		if e.URL.Path == "/bucket/endless" {
			e.say("HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n")
			for _, err := e.conn.Write(pattern(64 << 10)); err == nil; {
				_, err = e.conn.Write(pattern(64 << 10))
			}
			gone <- "download"
			return false
		}
		_, err := e.conn.Read(make([]byte, 1)) // thinks, until the asker goes
		gone <- fmt.Sprint("thought: ", err)
		return false
	})
	address, c := before(t, f).listen(t), client(t)
	for what, ask := range map[string]func(context.Context) *http.Request{
		"upload": func(ctx context.Context) *http.Request {
			body, w := io.Pipe()
			go w.Write(pattern(100_000))
			context.AfterFunc(ctx, func() { w.Close() })
			r, _ := http.NewRequestWithContext(ctx, http.MethodPut, address+"/bucket/key", body)
			r.ContentLength = 1 << 20
			return r
		},
		"download": func(ctx context.Context) *http.Request {
			r, _ := http.NewRequestWithContext(ctx, http.MethodGet, address+"/bucket/endless", nil)
			return r
		},
		"thought": func(ctx context.Context) *http.Request {
			r, _ := http.NewRequestWithContext(ctx, http.MethodGet, address+"/bucket/slow", nil)
			return r
		},
	} {
		ctx, leave := context.WithCancel(t.Context())
		begun := len(f.requests())
		go send(c, ask(ctx))
		for len(f.requests()) == begun {
			time.Sleep(time.Millisecond)
		}
		leave()
		select {
		case how := <-gone:
			if !strings.HasPrefix(how, what) || how == "upload: <nil>" {
				t.Errorf("%s: %s", what, how)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: the store is still being asked", what)
		}
	}
	if requests := len(f.requests()); requests != 3 {
		t.Errorf("%d requests, want one each", requests)
	}
}

// A body is sent while it arrives: the store has what was sent before the rest
// is there, and neither direction takes memory.
func TestNothingIsBuffered(t *testing.T) {
	t.Parallel()
	got := make(chan int, 1)
	f := newFake(t, func(e *exchange) bool {
		e.say("HTTP/1.1 100 Continue\r\n\r\n")
		first := make([]byte, 90_000) // what has come may wait for the rest of a chunk
		n, _ := io.ReadFull(e.Body, first)
		got <- n
		io.Copy(io.Discard, e.Body)
		return e.answer(http.StatusOK, "")
	})
	address, c := before(t, f).listen(t), client(t)
	body, w := io.Pipe()
	go func() {
		w.Write(pattern(100_000))
		if n := <-got; n != 90_000 {
			t.Errorf("the store has %d bytes of the first 90,000", n)
		}
		w.Write(pattern(1<<20 - 100_000))
		w.Close()
	}()
	r, _ := http.NewRequest(http.MethodPut, address+"/bucket/key", body)
	r.ContentLength = 1 << 20
	if a, err := send(c, r); err != nil || a.status != http.StatusOK {
		t.Errorf("%+v %v", a, err)
	}
}

// zeros are n bytes that take no room.
func zeros(n int64) io.Reader { return io.LimitReader(nothing{}, n) }

type nothing struct{}

func (nothing) Read(p []byte) (int, error) { return len(p), nil }

// What goes up and down leaves the heap as it was.
func TestMemoryStaysFlat(t *testing.T) {
	const size = 256 << 20
	f := newFake(t, func(e *exchange) bool {
		if e.Method == http.MethodPut {
			e.say("HTTP/1.1 100 Continue\r\n\r\n")
			n, _ := io.Copy(io.Discard, e.body)
			return e.answer(http.StatusOK, "", fmt.Sprintf("ETag: %d", n))
		}
		e.say(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n", size))
		io.Copy(e.conn, zeros(size))
		return true
	})
	p := before(t, f)
	most, stop := watchHeap()
	w := httptest.NewRecorder()
	p.ServeHTTP(w, asked(t, http.MethodPut, "/bucket/key", nil, zeros(size), size))
	if w.Header().Get("ETag") != fmt.Sprint(size) {
		t.Errorf("up: %d %v", w.Code, w.Header())
	}
	down := &counting{header: http.Header{}}
	p.ServeHTTP(down, asked(t, http.MethodGet, "/bucket/key", nil, nil, 0))
	if down.n != size {
		t.Errorf("down: %d bytes", down.n)
	}
	stop()
	if *most > 8<<20 {
		t.Errorf("the heap grew by %d MiB", *most>>20)
	}
}

// counting is an answer that only counts.
type counting struct {
	header http.Header
	n      int64
}

func (c *counting) Header() http.Header { return c.header }
func (c *counting) WriteHeader(int)     {}
func (c *counting) Write(p []byte) (int, error) {
	c.n += int64(len(p))
	return len(p), nil
}

// watchHeap notes by how much the heap that is in use grows at most. It collects
// before it looks: what is already garbage tells how busy the collector is, not
// what a transfer holds.
func watchHeap() (most *int64, stop func()) {
	used := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	start, ended := used(), make(chan struct{})
	var running sync.WaitGroup
	most = new(int64)
	running.Go(func() {
		for {
			select {
			case <-ended:
				return
			case <-time.After(20 * time.Millisecond):
				*most = max(*most, used()-start)
			}
		}
	})
	return most, func() { close(ended); running.Wait() }
}

// 64 transfers side by side through one client do not mix.
func TestSideBySide(t *testing.T) {
	t.Parallel()
	f := newFake(t, nil)
	address, c := before(t, f).listen(t), client(t)
	var all sync.WaitGroup
	for i := range 64 {
		all.Go(func() {
			for round := range 2 {
				size := []int{100, 150_000}[round] + i
				path, want := fmt.Sprintf("/bucket/%d-%d", i, round), bytes.Repeat(fmt.Appendf(nil, "%d;", i), size)[:size]
				put, _ := http.NewRequest(http.MethodPut, address+path, bytes.NewReader(want))
				if got, err := send(c, put); err != nil || got.status != http.StatusOK {
					t.Errorf("put %s: %+v %v", path, got, err)
				}
				get, _ := http.NewRequest(http.MethodGet, address+path, nil)
				if got, err := send(c, get); err != nil || sha256.Sum256(got.body) != sha256.Sum256(want) {
					t.Errorf("get %s: %v, other bytes", path, err)
				}
			}
		})
	}
	all.Wait()
}

// A store that refuses before it has asked for the body gets nothing of it: it
// would read that as the next request, and answer it to the next sender.
func TestRefusedBeforeTheBody(t *testing.T) {
	t.Parallel()
	came := make(chan int, 1)
	f := newFake(t, func(e *exchange) bool {
		if e.Method != http.MethodPut {
			return e.answer(http.StatusOK, "mine")
		}
		e.answer(http.StatusForbidden, "<Error><Code>QuotaExceeded</Code></Error>")
		n, _ := io.Copy(io.Discard, e.Body)
		came <- int(n)
		return true
	})
	p := before(t, f)
	if got := p.put(t, "/bucket/key", pattern(100_000)); got.status != http.StatusForbidden {
		t.Errorf("refused: %d %s", got.status, got.body)
	}
	if n := <-came; n > 0 {
		t.Errorf("%d bytes of a refused body were sent", n)
	}
	if got := p.get(t, "/bucket/other", nil); string(got.body) != "mine" {
		t.Errorf("the next: %d %s", got.status, got.body)
	}
}
