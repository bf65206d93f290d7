package deliver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/deliver"
)

// The test binary is also the program of tests that need one: what it does is
// called by its first argument.
var programs = map[string]func(args []string) int{
	"process": process,
	"run":     run,
	"signals": signals,
}

func TestMain(m *testing.M) {
	if len(os.Args) > 1 {
		if program, ok := programs[os.Args[1]]; ok {
			os.Exit(program(os.Args[2:]))
		}
	}
	code := m.Run()
	if err := endReal(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = max(code, 1)
	}
	os.Exit(code)
}

// self is the test binary, by a link of that name in a folder of the test's.
func self(t *testing.T, name string) string {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), name)
	if err := os.Symlink(binary, link); err != nil {
		t.Fatal(err)
	}
	return link
}

// call is what a program of a test gets as its last argument.
type call struct {
	Server, Token, Location, Cache string
	Program                        []string
}

func (c call) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func (c call) lend() deliver.Lend {
	return func(ctx context.Context) (api.Lent, error) {
		return client.New(c.Server, c.Token).CreateLease(ctx, api.LeaseRequest{Location: c.Location, Access: "write"})
	}
}

// file puts the call into a file, for commands that are better without quotes in
// them, and returns its path.
func (c call) file(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(c.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func callOf(args []string) (c call) {
	text := []byte(args[len(args)-1])
	if filepath.IsAbs(string(text)) {
		var err error
		if text, err = os.ReadFile(string(text)); err != nil {
			panic(err)
		}
	}
	if err := json.Unmarshal(text, &c); err != nil {
		panic(err)
	}
	return c
}

// process is a credential_process with a cache.
func process(args []string) int {
	c := callOf(args)
	cache, err := deliver.OpenCache(c.Cache, c.Server, c.Token)
	if err != nil {
		return fail(err)
	}
	defer cache.Close()
	lent, err := cache.Keep(deliver.Request{LeaseRequest: api.LeaseRequest{Location: c.Location, Access: "write"}}, c.lend())(context.Background())
	if err == nil {
		err = deliver.WriteProcess(os.Stdout, lent)
	}
	return fail(err)
}

// run runs a program with leases.
func run(args []string) int {
	c := callOf(args)
	status, err := deliver.Run(context.Background(), c.lend(), deliver.Program{
		Name: c.Program[0], Args: c.Program[1:], Env: os.Environ(), Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr,
	})
	if err != nil {
		return fail(err)
	}
	return status
}

// signals says which signals it gets, and ends with the status 7 at SIGTERM.
func signals([]string) int {
	got := make(chan os.Signal, 16)
	signal.Notify(got, watched...)
	fmt.Println("ready", os.Getpid(), os.Getenv("AWS_CONTAINER_CREDENTIALS_FULL_URI"))
	for s := range got {
		fmt.Println(s)
		if s == syscall.SIGTERM {
			return 7
		}
	}
	return 0
}

func fail(err error) int {
	if err == nil {
		return 0
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

// aLease is one that any server could lend, good for so long.
func aLease(n int, life time.Duration) api.Lent {
	return api.Lent{
		ID: fmt.Sprintf("lease_%015d", n), AccessKeyID: fmt.Sprintf("KHLE%015d", n), SecretAccessKey: fmt.Sprintf("secret-canary-%d", n),
		SessionToken: fmt.Sprintf("token-canary-%d", n), ExpiresAt: time.Now().Add(life), Endpoint: "http://127.0.0.1:8751",
		Region: "us-east-1", Store: "local", Access: "write", Prefixes: []string{"s3://demo/alpha/"}, Revocation: "immediate",
	}
}

// lender lends leases of a life, each with its number.
type lender struct {
	life  time.Duration
	calls atomic.Int64

	mu  sync.Mutex
	err error
}

func (l *lender) lend(context.Context) (api.Lent, error) {
	n := l.calls.Add(1)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.err != nil {
		return api.Lent{}, l.err
	}
	return aLease(int(n), l.life), nil
}

func (l *lender) fails(err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.err = err
}

var (
	errAway    = errors.New("connection refused")
	errRefused = &api.Problem{Status: 403, Code: "access_not_granted", Detail: "no grant gives you that"}
)

// isWindows: there is no mode of files there, and no POSIX shell.
func isWindows() bool { return runtime.GOOS == "windows" }

func contains(text string, parts ...string) bool {
	for _, p := range parts {
		if !strings.Contains(text, p) {
			return false
		}
	}
	return true
}
