package upstream_test

import (
	"bytes"
	"io"
	"net/http"
	"sync"
	"testing"
	"time"
)

// How stores take to a client that waits for their word before its body.
func TestWordBeforeTheBody(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		script func(*exchange) bool
		status int  // 500: or 503, where closing overtakes the answer
		read   bool // whether the body may have been asked for
	}{
		"says it": {func(e *exchange) bool { e.read(); return e.answer(200, "") }, 200, true},
		"ignores it": {func(e *exchange) bool {
			io.Copy(io.Discard, e.Body)
			return e.answer(200, "")
		}, 200, true},
		"is of HTTP/1.0": {func(e *exchange) bool {
			io.Copy(io.Discard, e.Body)
			e.say("HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n")
			return false
		}, 200, true},
		"closes always": {func(e *exchange) bool { e.read(); e.answer(200, "", "Connection: close"); return false }, 200, true},
		"refuses at once": {func(e *exchange) bool {
			e.answer(403, "<Error><Code>AccessDenied</Code></Error>", "Connection: close")
			return false
		}, 403, false},
		"refuses and goes on": {func(e *exchange) bool {
			return e.answer(503, "<Error><Code>SlowDown</Code></Error>")
		}, 503, true},
		"says it, then refuses": {func(e *exchange) bool {
			e.say("HTTP/1.1 100 Continue\r\n\r\n")
			e.answer(403, "<Error><Code>AccessDenied</Code></Error>", "Connection: close")
			return false
		}, 403, true},
		"does not expect it":    {func(e *exchange) bool { return e.answer(417, "") }, 500, true},
		"is content without it": {func(e *exchange) bool { return e.answer(200, "") }, 500, true},
		"is content and goes":   {func(e *exchange) bool { e.answer(200, "", "Connection: close"); return false }, 500, true},
		"is content with the start": {func(e *exchange) bool {
			e.say("HTTP/1.1 100 Continue\r\n\r\n")
			io.ReadFull(e.Body, make([]byte, 1000))
			e.answer(200, "", "Connection: close")
			return false
		}, 500, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newFake(t, c.script)
			p := before(t, f)
			body := &slowReader{Reader: bytes.NewReader(pattern(5 << 20))}
			got := p.ask(asked(t, http.MethodPut, "/bucket/key", nil, body, 5<<20))
			if got.status != c.status && !(c.status == 500 && got.status == 503) || len(f.requests()) != 1 {
				t.Errorf("%d %s, want %d; the store saw %d requests", got.status, got.body, c.status, len(f.requests()))
			}
			if !c.read && body.begun() {
				t.Error("the body was asked for in vain")
			}
		})
	}
}

// slowReader is a sender that takes its time, so that an answer overtakes it.
type slowReader struct {
	io.Reader
	mu   sync.Mutex
	read bool
}

func (r *slowReader) begun() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.read
}

func (r *slowReader) Read(p []byte) (int, error) {
	r.mu.Lock()
	r.read = true
	r.mu.Unlock()
	time.Sleep(500 * time.Microsecond)
	return r.Reader.Read(p)
}
