package conformance

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// One server serves all tests; each works under a prefix of its own and with
// leases of its own. It is built and started by the first test that needs it.
var shared struct {
	once   sync.Once
	dir    string // of the binary
	server *devserver.Server
	err    error
}

func TestMain(m *testing.M) {
	code := peers.Main(m)
	if shared.server != nil {
		if code != 0 {
			showServer(os.Stderr, shared.server)
		}
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	if shared.dir != "" {
		if err := os.RemoveAll(shared.dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
	}
	os.Exit(code)
}

// server is the running keyhatch, with the places of its sample data that the
// tests use.
type server struct {
	*devserver.Server
	bucket string
	own    string // the prefix that leases are borrowed for, with its slash
}

// The other places of the sample data, which a lease for the first opens not.
const (
	siblingPrefix  = "beta/"
	lookalikeStart = "alpha-evil/" // begins like the lease's prefix, but for the slash
)

func start(t *testing.T) server {
	t.Helper()
	first := false
	shared.once.Do(func() {
		first = true
		if shared.dir, shared.err = os.MkdirTemp("", "keyhatch-conformance-"); shared.err != nil {
			return
		}
		var binary string
		if binary, shared.err = devserver.Build(shared.dir); shared.err != nil {
			return
		}
		// Not the context of the test: the server serves those after it too.
		shared.server, shared.err = devserver.Start(context.Background(), devserver.Config{Binary: binary})
	})
	switch {
	case shared.err != nil && first:
		t.Fatalf("no server: %v", shared.err)
	case shared.err != nil:
		t.Fatal("no server: another test, the first that needed it, says why")
	}
	s := server{Server: shared.server}
	var found bool
	s.bucket, s.own, found = strings.Cut(strings.TrimPrefix(s.Location, "s3://"), "/")
	if !found || s.own != "alpha/" {
		t.Fatalf("the location of the sample data is %q, want one that ends in /alpha/", s.Location)
	}
	return s
}

// lend borrows a lease for a prefix of the bucket.
func (s server) lend(t *testing.T, prefix, access string) devserver.Lease {
	t.Helper()
	l, err := s.Lease(t.Context(), "s3://"+s.bucket+"/"+prefix, access)
	if err != nil {
		t.Fatalf("borrowing a lease: %v", err)
	}
	return l
}

// holds tells whether any file of the server's data directory has content. It
// looks past every layer that a test could be fooled by.
func (s server) holds(t *testing.T, content []byte) bool {
	t.Helper()
	found := false
	err := filepath.WalkDir(s.Data, func(path string, entry fs.DirEntry, err error) error {
		var text []byte
		if err == nil && entry.Type().IsRegular() {
			text, err = os.ReadFile(path)
		}
		// Other tests store and delete meanwhile. What is gone is no reason to
		// stop looking.
		if errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		found = found || bytes.Contains(text, content)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// showServer prints what may tell why tests have failed: of what the server
// said and logged, the lines that are about trouble.
func showServer(w io.Writer, s *devserver.Server) {
	text := s.Output()
	logs, _ := filepath.Glob(filepath.Join(s.Data, "*.log"))
	for _, file := range logs {
		if content, err := os.ReadFile(file); err == nil {
			text += devserver.Redact(string(content))
		}
	}
	fmt.Fprintln(w, "the server's troubles, if any:")
	for line := range strings.Lines(text) {
		if trouble.MatchString(line) {
			fmt.Fprint(w, line)
		}
	}
}

var trouble = regexp.MustCompile(`level=(WARN|ERROR)|status=5|panic|DATA RACE`)
