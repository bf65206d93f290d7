package gateway_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/buckets"
	"github.com/keyhatch/keyhatch/broker/credentials"
	"github.com/keyhatch/keyhatch/broker/lending"
	"github.com/keyhatch/keyhatch/broker/places"
	"github.com/keyhatch/keyhatch/gateway"
	"github.com/keyhatch/keyhatch/gateway/upstream"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/server"
)

// rig is the whole endpoint, over the wire, in a bubble with a clock of its own:
// connections are pipes, which hold nothing back, and the store behind is a part
// of the test.
type rig struct {
	t      *testing.T
	core   *coretest.Core
	conns  *pipes
	behind *behind
	keys   map[string]keys           // by the name of who borrowed them
	leases map[string]keyhatch.Lease // likewise
	users  map[string]keyhatch.Caller
	log    logged.Text

	near, far keyhatch.Location // lab/ in a folder, far/ in the store behind
}

// inRig runs a test in a rig.
func inRig(t *testing.T, limits gateway.Limits, test func(*testing.T, *rig)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		r := &rig{
			t: t, core: coretest.New(t), conns: newPipes(), behind: &behind{objects: map[string]string{}},
			keys: map[string]keys{}, leases: map[string]keyhatch.Lease{}, users: map[string]keyhatch.Caller{},
		}
		r.furnish()
		r.serve(limits)
		test(t, r)
	})
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *rig) furnish() {
	c, ctx := r.core, r.t.Context()
	credential, err := c.Broker.Credentials.Create(ctx, c.Admin, credentials.NewCredential{
		Name: "behind", Authority: keyhatch.AWSKeys("AKIDOFTHESTORE", "secretOfTheStore"),
	})
	r.must(err)
	far, err := c.Broker.Places.CreateStore(ctx, c.Admin, places.NewStore{
		Name: "behind", Kind: keyhatch.S3Store, Endpoint: "http://behind.test", Region: "x", Credential: credential.ID,
	})
	r.must(err)
	ws, err := c.Broker.People.CreateWorkspace(ctx, c.Admin, "lab")
	r.must(err)
	for bucket, store := range map[string]keyhatch.Store{"near": c.Store, "far": far} {
		_, err := c.Broker.Buckets.Register(ctx, c.Admin, buckets.Existing{Workspace: ws.ID, Store: store.ID, Name: bucket})
		r.must(err)
	}
	r.must(os.MkdirAll(filepath.Join(c.Store.Path, "near"), 0o755))
	r.near, r.far = c.Location(r.t, ws, "s3://near/"), c.Location(r.t, ws, "s3://far/")
	for _, name := range []string{"ann", "bob"} {
		who := c.User(r.t, name)
		c.Member(r.t, ws, who, keyhatch.MemberRole)
		c.Grant(r.t, r.near, who, keyhatch.Write)
		c.Grant(r.t, r.far, who, keyhatch.Write)
		r.users[name] = who
	}
}

// lend lends a lease on a location to a user, whose keys have a name of their own.
func (r *rig) lend(name, user string, l keyhatch.Location, prefixes ...string) {
	r.t.Helper()
	lent, err := r.core.Broker.Lending.Lease(r.t.Context(), r.users[user], lending.LeaseRequest{Location: l.ID, Access: keyhatch.Write, Prefixes: prefixes, Life: keyhatch.MinLeaseLife})
	r.must(err)
	r.leases[name] = lent.Lease
	c := lent.Credentials
	r.keys[name] = keys{c.AccessKeyID, c.SecretAccessKey.Reveal(), c.SessionToken.Reveal()}
}

// serve wires the endpoint as cmd/keyhatch does.
func (r *rig) serve(limits gateway.Limits) {
	log := slog.New(slog.NewTextHandler(&r.log, nil))
	backends := gateway.NewBackends([]string{r.core.Root}, upstream.NewClient(r.core.Broker.Credentials, r.behind, log), log)
	s := server.New(server.Options{Listener: r.conns, Log: log, Handler: server.Origin(nil, gateway.New(gateway.Config{
		Lending: r.core.Broker.Lending, AccessKeys: r.core.Broker.AccessKeys, Objects: r.core.Broker.Objects, Backends: backends, Region: region, Hosts: []string{domain},
		Limits: limits, Log: log,
	}))})
	ctx, stop := context.WithCancel(context.Background())
	var all sync.WaitGroup
	all.Go(func() { r.core.Mirror.Run(ctx) })
	all.Go(func() { r.core.Broker.Objects.Run(ctx) })
	all.Go(func() {
		if err := server.Run(ctx, s); err != nil {
			r.t.Error(err)
		}
	})
	r.t.Cleanup(func() {
		stop()
		all.Wait()
		backends.Close()
	})
}

// begin sends the head of a request and as much of its body as is in it.
func (r *rig) begin(q request) net.Conn {
	r.t.Helper()
	k, ok := r.keys[q.by]
	if !ok {
		r.t.Fatalf("nobody is called %q", q.by)
	}
	text, _ := q.wire(r.t, k, domain, strings.NewReplacer())
	c := r.conns.dial(r.t)
	go io.WriteString(c, text) // the endpoint may hang up before it has read all
	return c
}

// answer reads the answer of a request that was begun.
func (r *rig) answer(c net.Conn, method string) (got answered) {
	r.t.Helper()
	defer c.Close()
	answer, err := http.ReadResponse(bufio.NewReader(c), &http.Request{Method: method})
	if err != nil {
		r.t.Fatal(err)
	}
	body, err := io.ReadAll(answer.Body)
	got.status, got.header, got.body, got.broken = answer.StatusCode, answer.Header, string(body), err != nil
	return got
}

// send makes a request on a connection of its own.
func (r *rig) send(q request) answered {
	r.t.Helper()
	return r.answer(r.begin(q), q.method)
}

// behind is an S3 store. It takes no time.
type behind struct {
	asked atomic.Int64
	// hold, while it is not nil, keeps every answer back until it is closed.
	hold atomic.Pointer[chan struct{}]

	// thinking makes it act on what is put, and not answer.
	thinking atomic.Bool
	// losing makes it act, and its answers get lost.
	losing atomic.Bool

	mu      sync.Mutex
	objects map[string]string // by path
	// endless is what the body of an object that is none of objects is read from.
	endless io.Reader
}

// RoundTrip implements http.RoundTripper.
func (b *behind) RoundTrip(q *http.Request) (*http.Response, error) {
	b.asked.Add(1)
	if hold := b.hold.Load(); hold != nil {
		select {
		case <-*hold:
		case <-q.Context().Done():
			return nil, q.Context().Err()
		}
	}
	var body []byte
	if q.Body != nil {
		defer q.Body.Close()
		var err error
		if body, err = io.ReadAll(q.Body); err != nil {
			return nil, err
		}
	}
	if b.losing.Load() {
		return nil, io.ErrUnexpectedEOF
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	answer := func(status int, body io.Reader, length int64) (*http.Response, error) {
		return &http.Response{
			StatusCode: status, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, Header: http.Header{"Etag": {`"x"`}},
			Body: io.NopCloser(body), ContentLength: length, Request: q,
		}, nil
	}
	text, there := b.objects[q.URL.Path]
	switch {
	case q.Method == http.MethodPut:
		b.objects[q.URL.Path] = string(body)
		if b.thinking.Load() {
			b.mu.Unlock()
			defer b.mu.Lock()
			<-q.Context().Done()
			return nil, q.Context().Err()
		}
		return answer(http.StatusOK, http.NoBody, 0)
	case q.URL.Query().Has("uploads"):
		const made = "<InitiateMultipartUploadResult><UploadId>x</UploadId></InitiateMultipartUploadResult>"
		return answer(http.StatusOK, strings.NewReader(made), int64(len(made)))
	case q.Method == http.MethodPost:
		var out bytes.Buffer
		out.WriteString("<DeleteResult>")
		for _, m := range keyElement.FindAllStringSubmatch(string(body), -1) {
			fmt.Fprintf(&out, "<Deleted><Key>%s</Key></Deleted>", m[1])
		}
		out.WriteString("</DeleteResult>")
		return answer(http.StatusOK, &out, int64(out.Len()))
	case there:
		return answer(http.StatusOK, strings.NewReader(text), int64(len(text)))
	case b.endless != nil:
		return answer(http.StatusOK, b.endless, 1<<40)
	}
	return answer(http.StatusNotFound, strings.NewReader("<Error><Code>NoSuchKey</Code></Error>"), 37)
}

// has tells whether there is an object at a path.
func (b *behind) has(path string) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	_, ok := b.objects[path]
	return ok
}

// addressed is a connection from an address.
type addressed struct {
	net.Conn
	from net.Addr
}

// RemoteAddr implements net.Conn.
func (a addressed) RemoteAddr() net.Addr { return a.from }

// pipes is a listener whose connections are net.Pipes.
type pipes struct {
	from   net.Addr // of who dials from now on; nil: it is not known
	conns  chan net.Conn
	closed chan struct{}
	close  func()
}

func newPipes() *pipes {
	p := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
	p.close = sync.OnceFunc(func() { close(p.closed) })
	return p
}

// Accept implements net.Listener.
func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *pipes) Close() error { p.close(); return nil }

// Addr implements net.Listener.
func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) dial(t *testing.T) net.Conn {
	t.Helper()
	here, there := net.Pipe()
	if p.from != nil {
		there = addressed{there, p.from}
	}
	select {
	case p.conns <- there:
		here.SetDeadline(time.Now().Add(time.Hour))
		return here
	case <-p.closed:
		t.Fatal("the endpoint is closed")
		return nil
	}
}
