package conformance

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// binaryDir is where the binaries are, empty while there is none.
var binaryDir string

var makeBinaryDir = sync.OnceValue(func() (err error) {
	binaryDir, err = os.MkdirTemp("", "keyhatch-conformance-")
	return err
})

// binary is the keyhatch that servers run, built by the first test that needs one, as
// users have it: the race detector would make everything take twice the time. It watches
// the same code where packages test it.
var binary = sync.OnceValues(func() (string, error) {
	if err := makeBinaryDir(); err != nil {
		return "", err
	}
	return devserver.BuildAsReleased(binaryDir)
})

// sharedServer is a server that all tests use, each under a prefix of its own and
// with leases of its own. It is started by the first test that needs it.
type sharedServer struct {
	name   string
	binary func() (path string, err error)
	start  func(binary string) (*devserver.Server, error)

	once   sync.Once
	server *devserver.Server
	err    error
	places placesBehind
}

// The context of a test is none for a server: it serves the tests after it too.
var (
	dev = &sharedServer{name: "dev", binary: binary, start: func(binary string) (*devserver.Server, error) {
		return devserver.Start(context.Background(), devserver.Config{Binary: binary})
	}}
	overHTTP = &sharedServer{name: "HTTP", binary: binary, start: func(binary string) (*devserver.Server, error) {
		return devserver.Serve(context.Background(), devserver.Installation{Binary: binary, OutboundNetworks: loopback})
	}}
	overTLS = &sharedServer{name: "TLS", binary: binary, start: func(binary string) (*devserver.Server, error) {
		return devserver.Serve(context.Background(), devserver.Installation{Binary: binary, OutboundNetworks: loopback, TLS: true})
	}}
	overAPITLS = &sharedServer{name: "API over TLS", binary: binary, start: func(binary string) (*devserver.Server, error) {
		return devserver.Serve(context.Background(), devserver.Installation{Binary: binary, APITLS: true})
	}}
	sharedServers = []*sharedServer{dev, overHTTP, overTLS, overAPITLS}
)

// loopback is where the stores are that tests put behind a server.
var loopback = []string{"127.0.0.0/8"}

func (s *sharedServer) get(t *testing.T) *devserver.Server {
	t.Helper()
	first := false
	s.once.Do(func() {
		first = true
		var path string
		if path, s.err = s.binary(); s.err == nil {
			s.server, s.err = s.start(path)
		}
	})
	switch {
	case s.err != nil && first:
		t.Fatalf("no server: %v", s.err)
	case s.err != nil:
		t.Fatal("no server: another test, the first that needed it, says why")
	}
	return s.server
}

func TestMain(m *testing.M) {
	if w, ok := os.LookupEnv(asGoProgram); ok {
		if err := goProgram(way(w), os.Args[1:]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(peers.Main(withServers{m}))
}

// withServers runs the tests and ends the servers, while the stores behind them
// still run.
type withServers struct{ tests *testing.M }

func (w withServers) Run() int {
	code := w.tests.Run()
	var errs []error
	for _, s := range sharedServers {
		if s.server == nil {
			continue
		}
		if code != 0 {
			showServer(os.Stderr, s)
		}
		errs = append(errs, s.server.Stop())
	}
	if binaryDir != "" {
		errs = append(errs, os.RemoveAll(binaryDir))
	}
	if err := errors.Join(errs...); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	return code
}

// showServer prints what may tell why tests have failed: of what the server
// said and logged, the lines that are about trouble.
func showServer(w io.Writer, s *sharedServer) {
	text := s.server.Output()
	logs, _ := filepath.Glob(filepath.Join(s.server.Data, "*.log"))
	for _, file := range logs {
		if content, err := os.ReadFile(file); err == nil {
			text += devserver.Redact(string(content))
		}
	}
	fmt.Fprintf(w, "troubles of the server %s, if any:\n", s.name)
	for _, line := range trouble.FindAllString(text, -1) {
		fmt.Fprintln(w, line)
	}
}

// trouble is a line, in either format of the logs.
var trouble = regexp.MustCompile(`(?m)^.*(level=(WARN|ERROR)|"level":"(WARN|ERROR)"|status=5|"status":5|panic|DATA RACE).*$`)
