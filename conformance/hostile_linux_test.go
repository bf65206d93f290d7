package conformance

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// TestHostileConnections: five hundred connections that are opened, fed and then
// left hanging, by strangers and by the holder of a lease, cost a bounded amount
// of memory, and others are served beside them: with TLS, which has buffers of its
// own, and before another store, to which uploads are sent on, too. What counts is the
// most that it had at any time, with everything read that it would read.
func TestHostileConnections(t *testing.T) {
	for _, c := range []struct {
		tls  bool
		kind kind
		most int64 // MiB over what it has at rest
	}{
		// 16 documents of 1 MiB, twice while they grow, and 100 KiB for each connection.
		{false, directory, 32 + 50},
		// TLS holds a record of 16 KiB for each, before and after it is deciphered.
		{true, directory, 32 + 66},
		// What is on its way to the store has a connection to it.
		{false, upstreams[0], 32 + 60},
		{true, upstreams[0], 32 + 76},
	} {
		server := &sharedServer{name: "hostile", binary: binary, start: func(binary string) (*devserver.Server, error) {
			return devserver.Serve(t.Context(), devserver.Installation{Binary: binary, OutboundNetworks: loopback, TLS: c.tls})
		}}
		name := c.kind.name + " over HTTP"
		if c.tls {
			name = c.kind.name + " over TLS"
		}
		t.Run(name, func(t *testing.T) {
			p := server.with(t, c.kind)
			defer func() {
				if err := p.Kill(); err != nil {
					t.Error(err)
				}
			}()
			beHostile(t, p, c.most)
		})
	}
}

func beHostile(t *testing.T, p place, most int64) {
	lease := p.lend(t, p.own, "write")
	own := "/" + p.bucket + "/" + p.own
	newGoSDK(t, p.bucket).put(lease, write(t, []byte("for others")), p.own+"others.txt").must(t)
	put := signed(t, lease, "PUT", own+"hostile.bin", 1<<30)
	batch := signed(t, lease, "POST", "/"+p.bucket+"?delete=", 1<<20-1)
	const each = 100
	kinds := []struct {
		name string
		sent []byte
		// held is how many of them the endpoint keeps while it waits for more; for a
		// head it waits ten seconds only, which may be over when they are counted.
		held int
	}{
		{"nothing", nil, 0},
		{"half a header", []byte("GET /lab/alpha/README.txt HTTP/1.1\r\nHost: localhost\r\nX-Amz-Meta-A: "), 0},
		{"31 KiB of header", []byte("GET / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Meta-A: " + strings.Repeat("a", 31<<10) + "\r\n"), 0},
		{"an upload that stops", append(put, bytes.Repeat([]byte("a"), 100<<10)...), each},
		{"a document that stops", append(batch, bytes.Repeat([]byte(" "), 1<<20-2)...), 16}, // of one credential
	}

	rest := resident(t, p.Pid())
	forgetPeak(t, p.Pid())
	for _, k := range kinds {
		before := resident(t, p.Pid())
		var conns []net.Conn
		for range each {
			c := connect(t, lease)
			defer c.Close()
			_, _ = c.Write(k.sent) // one that is refused may be closed before it is done
			conns = append(conns, c)
		}
		if held := awaitRead(t, conns); held < k.held {
			t.Errorf("%s: %d connections are held, want %d", k.name, held, k.held)
		}
		grown := resident(t, p.Pid()) - before
		t.Logf("%-22s %3d connections: %6.1f MiB more, %4d KiB each", k.name, each, float64(grown)/(1<<20), grown/each>>10)
	}
	all := peak(t, p.Pid()) - rest
	t.Logf("%d connections: at most %.1f MiB over the %.1f MiB at rest", each*len(kinds), float64(all)/(1<<20), float64(rest)/(1<<20))
	if all > most<<20 {
		t.Errorf("that is more than %d MiB", most)
	}

	other := p.lend(t, p.own, "read")
	file := filepath.Join(t.TempDir(), "download")
	newGoSDK(t, p.bucket).get(other, p.own+"others.txt", file).must(t)
	mustHave(t, file, []byte("for others"))
}

// connect opens a connection to the endpoint of a lease, which ends by itself
// before long.
func connect(t *testing.T, l devserver.Lease) net.Conn {
	t.Helper()
	scheme, host, _ := strings.Cut(l.Endpoint, "://")
	c, err := net.Dial("tcp", host)
	if err != nil {
		t.Fatal(err)
	}
	if scheme == "https" {
		trust := trusting(t, l).Transport.(*http.Transport).TLSClientConfig.Clone()
		trust.ServerName, _, _ = net.SplitHostPort(host)
		c = tls.Client(c, trust)
	}
	if err := c.SetDeadline(time.Now().Add(commandTime)); err != nil {
		t.Fatal(err)
	}
	if secured, ok := c.(*tls.Conn); ok {
		if err := secured.Handshake(); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// request is one that the lease signs, with a body of the length that is not
// there yet.
func request(t *testing.T, l devserver.Lease, method, path string, length int64) *http.Request {
	t.Helper()
	const unsigned = "UNSIGNED-PAYLOAD"
	r, err := http.NewRequest(method, l.Endpoint+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	r.ContentLength = length
	r.Header.Set("X-Amz-Content-Sha256", unsigned)
	keys := aws.Credentials{AccessKeyID: l.AccessKeyID, SecretAccessKey: l.SecretAccessKey, SessionToken: l.SessionToken}
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err := signer.SignHTTP(context.Background(), keys, r, unsigned, "s3", l.Region, time.Now()); err != nil {
		t.Fatal(err)
	}
	return r
}

// signed is the head of such a request as it is sent.
func signed(t *testing.T, l devserver.Lease, method, path string, length int64) []byte {
	t.Helper()
	r := request(t, l, method, path, length)
	var head bytes.Buffer
	fmt.Fprintf(&head, "%s %s HTTP/1.1\r\nHost: %s\r\nContent-Length: %d\r\n", method, path, r.URL.Host, length)
	r.Header.Write(&head)
	head.WriteString("\r\n")
	return head.Bytes()
}

// resident is how much memory a process has, in bytes; peak is the most it had since
// forgetPeak.
func resident(t *testing.T, pid int) int64 { t.Helper(); return memory(t, pid, "VmRSS") }
func peak(t *testing.T, pid int) int64     { t.Helper(); return memory(t, pid, "VmHWM") }

func forgetPeak(t *testing.T, pid int) {
	t.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0o200); err != nil {
		t.Fatal(err)
	}
}

func memory(t *testing.T, pid int, name string) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		var kib int64
		if _, err := fmt.Sscanf(line, name+":%d kB", &kib); err == nil {
			return kib << 10
		}
	}
	t.Fatalf("no %s in %s", name, text)
	return 0
}
