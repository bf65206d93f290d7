package conformance

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// processOutput is what SDKs read from a credential_process.
type processOutput struct {
	Version                                    int
	AccessKeyId, SecretAccessKey, SessionToken string
	Expiration                                 time.Time
}

// lease reads it as a lease at a place.
func (p place) lease(t *testing.T, printed string) devserver.Lease {
	t.Helper()
	var o processOutput
	if err := json.Unmarshal([]byte(printed), &o); err != nil {
		t.Fatalf("no JSON is printed: %v", err)
	}
	if o.Version != 1 || o.AccessKeyId == "" || o.SecretAccessKey == "" || o.SessionToken == "" || !o.Expiration.After(time.Now()) {
		t.Fatalf("version %d, key %q, until %v", o.Version, o.AccessKeyId, o.Expiration)
	}
	return devserver.Lease{
		AccessKeyID: o.AccessKeyId, SecretAccessKey: o.SecretAccessKey, SessionToken: o.SessionToken,
		Endpoint: p.S3, Region: p.Region, ExpiresAt: o.Expiration,
	}
}

// TestParallelProcessesBorrowOnce: however many programs have their SDK call for
// credentials at a time, the server lends once, and all have what it lent.
func TestParallelProcessesBorrowOnce(t *testing.T) {
	t.Parallel()
	const calls = 50
	p := start(t)
	u := newBorrower(t, p, "parallel")
	var running [calls]*background
	for i := range running {
		running[i] = u.run(t, u.command(t, u.keyhatch, "lease", p.Location, "-o", "process"))
	}
	first := ""
	for i, b := range running {
		_, err := b.result()
		switch out := b.output.String(); {
		case err != nil:
			t.Errorf("call %d: %v\n%s", i, err, b.printed())
		case first == "":
			first = out
		case out != first:
			t.Errorf("call %d prints something else than the first", i)
		}
	}
	l := p.lease(t, first)
	lent := leasesByToken(t, p)[u.token]
	if len(lent) != 1 {
		t.Errorf("the server lent %d times", len(lent))
	}
	for _, at := range lent {
		if at.AccessKeyID != l.AccessKeyID || !at.ExpiresAt.Truncate(time.Second).Equal(l.ExpiresAt) {
			t.Errorf("the server lent %s until %v, the calls print %s until %v", at.AccessKeyID, at.ExpiresAt, l.AccessKeyID, l.ExpiresAt)
		}
	}
	file := filepath.Join(u.home, "got")
	newGoSDK(t, p.bucket).get(l, p.own+"README.txt", file).must(t)
	u.leavesNoPlaintext(t, l.SecretAccessKey, l.SessionToken)
}

// TestKilledProcessLeavesNothing: one that is killed while it borrows, for itself and
// for those that wait for it, keeps nobody from borrowing, and leaves nothing on the
// disk that opens anything.
func TestKilledProcessLeavesNothing(t *testing.T) {
	t.Parallel()
	p := start(t)
	u := newBorrower(t, p, "killed")
	g := openGate(t, p.API)
	u.env = append(u.env, "KEYHATCH_SERVER="+g.URL, "KEYHATCH_TOKEN="+u.secret)
	borrow := func(args ...string) *background {
		return u.run(t, u.command(t, u.keyhatch, append([]string{"lease", p.Location, "-o", "process"}, args...)...))
	}

	// Before the server has answered: another one waits for the lock, and gets it.
	release := g.hold()
	killed := borrow()
	g.waitForCall(t, killed)
	waiting := borrow()
	killed.Kill()
	g.waitForGone(t)
	release()
	if _, err := waiting.result(); err != nil {
		t.Fatalf("the one that waited: %v\n%s", err, waiting.printed())
	}
	g.forget()
	l := p.lease(t, waiting.output.String())
	newGoSDK(t, p.bucket).get(l, p.own+"README.txt", filepath.Join(u.home, "got")).must(t)
	if n := len(leasesByToken(t, p)[u.token]); n != 1 {
		t.Errorf("the server lent %d times", n)
	}

	// While it takes and keeps the answer. Each asks for a lease of its own.
	for i := range 30 {
		life := fmt.Sprintf("--for=%ds", 1000+i)
		killed := borrow(life)
		g.waitForCall(t, killed)
		time.Sleep(time.Duration(i) * 5 * time.Millisecond) // somewhere in what comes then
		killed.Kill()
		if i%10 == 0 {
			if _, err := borrow(life).result(); err != nil {
				t.Errorf("after one that was killed: %v", err)
			}
			g.forget()
		}
	}
	secrets := g.lent()
	if len(secrets) < 2*4 {
		t.Fatalf("%d secrets went through", len(secrets))
	}
	u.leavesNoPlaintext(t, secrets...)
}

// leavesNoPlaintext looks into every file of the borrower's for secrets, the token
// among them, which is where login keeps it and nowhere else.
func (u borrower) leavesNoPlaintext(t *testing.T, secrets ...string) {
	t.Helper()
	kept := 0
	err := filepath.WalkDir(u.home, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || entry.Name() == "login.json" {
			return err
		}
		text, err := os.ReadFile(path)
		for _, secret := range append(secrets, u.secret) {
			if bytes.Contains(text, []byte(secret)) {
				t.Errorf("%s has a secret in it", path)
			}
		}
		if strings.HasSuffix(path, ".lease") {
			kept++
		}
		return err
	})
	if err != nil || kept == 0 {
		t.Errorf("%d leases are kept: %v", kept, err)
	}
}

// gate is a way to a server that can be held, and that sees what it lends.
type gate struct {
	*httptest.Server
	calls chan struct{}
	gone  chan struct{} // callers that went while they were held

	mu      sync.Mutex
	held    chan struct{} // nil: open
	secrets []string
}

func openGate(t *testing.T, server string) *gate {
	t.Helper()
	u, err := url.Parse(server)
	if err != nil {
		t.Fatal(err)
	}
	g := &gate{calls: make(chan struct{}, 100), gone: make(chan struct{}, 100)}
	proxy := httputil.NewSingleHostReverseProxy(u)
	proxy.ModifyResponse = g.see
	proxy.ErrorLog = log.New(io.Discard, "", 0) // of callers that are killed
	g.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// A server notices that a caller is gone only after it has read the body.
		body, err := io.ReadAll(r.Body)
		if err != nil {
			return
		}
		r.Body = io.NopCloser(bytes.NewReader(body))
		g.mu.Lock()
		held := g.held
		g.mu.Unlock()
		g.calls <- struct{}{}
		if held != nil {
			select {
			case <-held:
			case <-r.Context().Done():
				g.gone <- struct{}{}
				return
			}
		}
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(g.Close)
	return g
}

func (g *gate) see(r *http.Response) error {
	body, err := io.ReadAll(r.Body)
	r.Body = io.NopCloser(bytes.NewReader(body))
	var l devserver.Lease
	if err == nil && json.Unmarshal(body, &l) == nil && l.SecretAccessKey != "" {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.secrets = append(g.secrets, l.SecretAccessKey, l.SessionToken)
	}
	return err
}

func (g *gate) lent() []string {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.secrets
}

// hold keeps all calls until they are released.
func (g *gate) hold() (release func()) {
	held := make(chan struct{})
	g.mu.Lock()
	defer g.mu.Unlock()
	g.held = held
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		g.held = nil
		close(held)
	}
}

// forget takes the calls that nobody has waited for.
func (g *gate) forget() {
	for len(g.calls) > 0 {
		<-g.calls
	}
}

// waitForCall waits until a program calls.
func (g *gate) waitForCall(t *testing.T, b *background) {
	t.Helper()
	select {
	case <-g.calls:
	case <-b.Ended():
		if len(g.calls) == 0 {
			t.Fatalf("it ended without a call:\n%s", b.printed())
		}
		<-g.calls
	}
}

// waitForGone waits until a caller that is held has gone.
func (g *gate) waitForGone(t *testing.T) {
	t.Helper()
	select {
	case <-g.gone:
	case <-time.After(commandTime):
		t.Fatal("the gate does not notice that its caller is gone")
	}
}
