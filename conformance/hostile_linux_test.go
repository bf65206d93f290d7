package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// TestHostileConnections: five hundred connections that are opened, fed and then
// left hanging, by strangers and by the holder of a lease, cost a bounded amount
// of memory, and others are served beside them.
func TestHostileConnections(t *testing.T) {
	dir := t.TempDir()
	binary, err := devserver.BuildAsReleased(dir)
	if err != nil {
		t.Fatal(err)
	}
	s, err := devserver.Start(t.Context(), devserver.Config{Binary: binary})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := s.Kill(); err != nil {
			t.Error(err)
		}
	}()
	lease, err := s.Lease(t.Context(), s.Location, "write")
	if err != nil {
		t.Fatal(err)
	}
	put := signed(t, lease, "PUT", "/demo/alpha/hostile.bin", 1<<30)
	batch := signed(t, lease, "POST", "/demo?delete=", 1<<20-1)
	kinds := []struct {
		name string
		sent []byte
	}{
		{"nothing", nil},
		{"half a header", []byte("GET /demo/alpha/README.txt HTTP/1.1\r\nHost: localhost\r\nX-Amz-Meta-A: ")},
		{"31 KiB of header", []byte("GET / HTTP/1.1\r\nHost: localhost\r\nX-Amz-Meta-A: " + strings.Repeat("a", 31<<10) + "\r\n")},
		{"an upload that stops", append(put, bytes.Repeat([]byte("a"), 100<<10)...)},
		{"a document that stops", append(batch, bytes.Repeat([]byte(" "), 1<<20-2)...)},
	}

	rest := resident(t, s.Pid())
	const each = 100
	for _, k := range kinds {
		before := resident(t, s.Pid())
		for range each {
			c, err := net.Dial("tcp", strings.TrimPrefix(s.S3, "http://"))
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
				t.Fatal(err)
			}
			_, _ = c.Write(k.sent) // one that is refused may be closed before it is done
		}
		time.Sleep(200 * time.Millisecond) // for what was sent to be read
		grown := resident(t, s.Pid()) - before
		t.Logf("%-22s %3d connections: %6.1f MiB more, %4d KiB each", k.name, each, float64(grown)/(1<<20), grown/each>>10)
	}
	all := resident(t, s.Pid()) - rest
	t.Logf("%d connections: %.1f MiB over the %.1f MiB at rest", each*len(kinds), float64(all)/(1<<20), float64(rest)/(1<<20))
	// 16 documents of 1 MiB, twice while they grow, and 100 KiB for each connection.
	if most := int64(32<<20 + 500*100<<10); all > most {
		t.Errorf("that is more than %d MiB", most>>20)
	}

	other, err := s.Lease(t.Context(), s.Location, "read")
	if err != nil {
		t.Fatal(err)
	}
	read := request(t, other, "GET", "/demo/alpha/README.txt", 0)
	answer, err := http.DefaultClient.Do(read.WithContext(t.Context()))
	if err != nil {
		t.Fatal("somebody else, beside them:", err)
	}
	defer answer.Body.Close()
	if text, err := io.ReadAll(answer.Body); answer.StatusCode != http.StatusOK || err != nil {
		t.Errorf("somebody else, beside them: %s %s %v", answer.Status, text, err)
	}
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

var residentLine = regexp.MustCompile(`(?m)^VmRSS:\s+(\d+) kB$`)

// resident is how much memory a process has, in bytes.
func resident(t *testing.T, pid int) int64 {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	found := residentLine.FindSubmatch(text)
	if found == nil {
		t.Fatalf("no VmRSS in %s", text)
	}
	kib, err := strconv.ParseInt(string(found[1]), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
