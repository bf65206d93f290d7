package upstream_test

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/sigv4"
)

// fake is a store that a test scripts byte by byte. It speaks HTTP by hand: what
// a script does to the connection is what happens.
type fake struct {
	t        testing.TB
	listener net.Listener
	secrets  map[string]string // of access key ids; a request signed otherwise fails the test
	region   string
	// script answers one request and tells whether the connection goes on.
	script func(*exchange) bool

	mu      sync.Mutex
	seen    []*exchange
	objects map[string][]byte // by path; a PUT counts when it came whole
	open    map[net.Conn]bool
}

// exchange is a request that the fake has got the head of.
type exchange struct {
	*http.Request
	fake *fake
	conn net.Conn
	nth  int // on its connection, from 1
	body io.Reader
	// refused is why the signature does not hold, nil if it does.
	refused error
}

const (
	fakeRegion = "moon-1"
	fakeID     = "STOREKEYID"
	fakeSecret = "the/store's+secret"
)

// newFake starts a store. A nil script stores and hands out objects.
func newFake(t testing.TB, script func(*exchange) bool) *fake {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return serveFake(t, l, script)
}

func serveFake(t testing.TB, l net.Listener, script func(*exchange) bool) *fake {
	f := &fake{
		t: t, listener: l, script: script, region: fakeRegion, secrets: map[string]string{fakeID: fakeSecret},
		objects: map[string][]byte{}, open: map[net.Conn]bool{},
	}
	if script == nil {
		f.script = (*exchange).serve
	}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			f.mu.Lock()
			f.open[c] = true
			f.mu.Unlock()
			running.Go(func() { f.converse(c) })
		}
	})
	t.Cleanup(func() {
		l.Close()
		f.hangUp()
		running.Wait()
	})
	return f
}

// hangUp closes every connection.
func (f *fake) hangUp() {
	f.mu.Lock()
	defer f.mu.Unlock()
	for c := range f.open {
		c.Close()
	}
}

func (f *fake) converse(c net.Conn) {
	defer func() {
		c.Close()
		f.mu.Lock()
		delete(f.open, c)
		f.mu.Unlock()
	}()
	in := bufio.NewReader(c)
	for nth := 1; ; nth++ {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		e := &exchange{Request: r, fake: f, conn: c, nth: nth, body: r.Body}
		e.verify()
		f.mu.Lock()
		f.seen = append(f.seen, e)
		f.mu.Unlock()
		if !f.script(e) {
			return
		}
		io.Copy(io.Discard, r.Body)
	}
}

func (e *exchange) verify() {
	claim, err := sigv4.Parse(e.Request)
	if err == nil {
		var body *sigv4.Body
		e.fake.mu.Lock()
		secret := e.fake.secrets[claim.AccessKeyID]
		e.fake.mu.Unlock()
		if body, err = claim.Verify(secret, sigv4.Endpoint{Service: "s3", Regions: []string{e.fake.region}}, time.Now()); err == nil {
			e.body = body
		}
	}
	e.refused = err
}

// read reads the body, after the word that a client may be waiting for.
func (e *exchange) read() ([]byte, error) {
	if strings.EqualFold(e.Header.Get("Expect"), "100-continue") {
		e.say("HTTP/1.1 100 Continue\r\n\r\n")
	}
	return io.ReadAll(e.body)
}

func (e *exchange) say(text string) { io.WriteString(e.conn, text) }

// answer says a whole answer with a length.
func (e *exchange) answer(status int, body string, header ...string) bool {
	var b strings.Builder
	fmt.Fprintf(&b, "HTTP/1.1 %d %s\r\nContent-Length: %d\r\n", status, http.StatusText(status), len(body))
	for _, h := range header {
		b.WriteString(h + "\r\n")
	}
	b.WriteString("\r\n")
	if e.Method != http.MethodHead {
		b.WriteString(body)
	}
	e.say(b.String())
	return true
}

// serve is a small store that demands right signatures.
func (e *exchange) serve() bool {
	f := e.fake
	if e.refused != nil {
		f.t.Errorf("%s %s: %v", e.Method, e.RequestURI, e.refused)
		return e.answer(http.StatusForbidden, "<Error><Code>SignatureDoesNotMatch</Code></Error>")
	}
	body, err := e.read()
	if err != nil {
		return false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	switch e.Method {
	case http.MethodPut:
		f.objects[e.URL.Path] = body
		if e.Header.Get("X-Amz-Copy-Source") != "" {
			return e.answer(http.StatusOK, "<CopyObjectResult/>", "Content-Type: application/xml")
		}
		return e.answer(http.StatusOK, "", `ETag: "0a"`)
	case http.MethodDelete:
		delete(f.objects, e.URL.Path)
		return e.answer(http.StatusNoContent, "")
	case http.MethodPost:
		return e.answer(http.StatusOK, "<Done/>", "Content-Type: application/xml")
	}
	if e.URL.Query().Has("uploadId") {
		return e.answer(http.StatusOK, "<ListPartsResult/>", "Content-Type: application/xml")
	}
	text, found := f.objects[e.URL.Path]
	if !found {
		return e.answer(http.StatusNotFound, "<Error><Code>NoSuchKey</Code><Message>gone</Message></Error>")
	}
	return e.answer(http.StatusOK, string(text), `ETag: "0a"`, "Content-Type: text/plain")
}

// requests are the requests seen until now.
func (f *fake) requests() []*exchange {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.seen)
}

// stored is the object at the path, nil if there is none.
func (f *fake) stored(path string) []byte {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.objects[path]
}

func (f *fake) url() string { return "http://" + f.listener.Addr().String() }

// asked makes a request as the gateway hands it on: a decoded path, a query of
// the table.
func asked(t testing.TB, method, path string, query url.Values, body io.Reader, length int64) *http.Request {
	t.Helper()
	if body == nil {
		body = http.NoBody
	}
	r, err := http.NewRequestWithContext(t.Context(), method, "http://store/", io.NopCloser(body))
	if err != nil {
		t.Fatal(err)
	}
	r.URL = &url.URL{Path: path, RawQuery: query.Encode()}
	r.RequestURI = r.URL.RequestURI()
	r.ContentLength = length
	return r
}

// pattern is n bytes that do not repeat early.
func pattern(n int) []byte { return patterned()[:n:n] }

var patterned = sync.OnceValue(func() []byte {
	out := make([]byte, 5<<20)
	for i := range out {
		out[i] = byte(i ^ i>>8 ^ i>>16)
	}
	return out
})

func holds(text []byte, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return bytes.Contains(text, []byte(w)) })
}
