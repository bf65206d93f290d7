//go:build unix

package deliver_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/deliver"
)

// watched are the signals that the program "signals" tells of.
var watched = []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1}

func runProgram(t *testing.T, p deliver.Program) (status int, stdout, stderr string, err error) {
	t.Helper()
	var out, errs strings.Builder
	p.Stdout, p.Stderr = &out, &errs
	if p.Env == nil {
		p.Env = []string{"PATH=" + os.Getenv("PATH")}
	}
	status, err = deliver.Run(t.Context(), (&lender{life: time.Hour}).lend, p)
	return status, out.String(), errs.String(), err
}

func shell(script string) deliver.Program {
	return deliver.Program{Name: "sh", Args: []string{"-c", script}}
}

func TestRunGivesTheStatus(t *testing.T) {
	for script, want := range map[string]int{"exit 0": 0, "exit 3": 3, "kill -TERM $$": 143, "kill -KILL $$": 137, "exit 255": 255} {
		if status, _, _, err := runProgram(t, shell(script)); status != want || err != nil {
			t.Errorf("%s: %d %v, want %d", script, status, err, want)
		}
	}
	p := shell("cat; echo err >&2")
	p.Stdin = strings.NewReader("in")
	if _, out, errs, err := runProgram(t, p); out != "in" || errs != "err\n" || err != nil {
		t.Errorf("%q %q %v", out, errs, err)
	}
	if _, _, _, err := runProgram(t, deliver.Program{Name: "no-such-program"}); !errors.Is(err, exec.ErrNotFound) {
		t.Errorf("a program that is not there: %v", err)
	}
	l := &lender{}
	l.fails(errRefused)
	planted := filepath.Join(t.TempDir(), "planted")
	if _, err := deliver.Run(t.Context(), l.lend, deliver.Program{Name: "touch", Args: []string{planted}}); !errors.Is(err, errRefused) {
		t.Errorf("without a lease: %v", err)
	}
	if _, err := os.Lstat(planted); err == nil {
		t.Error("the program ran without a lease")
	}
}

// The program sees the endpoint, and nothing that would keep it from it.
func TestRunSetsTheEnvironment(t *testing.T) {
	env := []string{"PATH=" + os.Getenv("PATH"), "MINE=kept", "FSSPEC_S3_DEFAULT_BLOCK_SIZE=8", "FSSPEC_GS_TOKEN=kept", "no_proxy=internal", "https_proxy=http://proxy"}
	gone := []string{
		"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN", "AWS_PROFILE", "AWS_DEFAULT_PROFILE",
		"AWS_WEB_IDENTITY_TOKEN_FILE", "AWS_ROLE_ARN", "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
		"AWS_ENDPOINT_URL", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "AWS_USE_FIPS_ENDPOINT", "BOTO_CONFIG", "RCLONE_S3_ACCESS_KEY_ID", "KEYHATCH_TOKEN",
		"AWS_NO_SIGN_REQUEST", "AWS_SKIP_SIGNATURE", "AWS_DATA_PATH", "FSSPEC_S3", "FSSPEC_S3_KEY", "FSSPEC_s3a_anon",
	}
	replaced := []string{"AWS_REGION", "AWS_ENDPOINT_URL_S3", "S3_ENDPOINT_URL", "AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE", "AWS_CONTAINER_CREDENTIALS_FULL_URI", "AWS_CONTAINER_AUTHORIZATION_TOKEN"}
	for _, name := range append(slices.Clone(gone), replaced...) {
		env = append(env, name+"=theirs")
	}
	p := shell("env")
	p.Env = env
	_, out, _, err := runProgram(t, p)
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		got[name] = value
	}
	for _, name := range gone {
		if value, ok := got[name]; ok {
			t.Errorf("it has %s=%s", name, value)
		}
	}
	for name, want := range map[string]string{
		"MINE": "kept", "FSSPEC_S3_DEFAULT_BLOCK_SIZE": "8", "FSSPEC_GS_TOKEN": "kept", "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL_S3": "http://127.0.0.1:8751",
		"AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull, "no_proxy": "internal,127.0.0.1", "NO_PROXY": "internal,127.0.0.1",
		"RCLONE_S3_ENDPOINT": "http://127.0.0.1:8751", "RCLONE_S3_ENV_AUTH": "true", "AWS_S3_ENDPOINT": "127.0.0.1:8751", "AWS_HTTPS": "NO",
		"S3_ENDPOINT_URL": "http://127.0.0.1:8751",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if !strings.HasPrefix(got["AWS_CONTAINER_CREDENTIALS_FULL_URI"], "http://127.0.0.1:") || len(got["AWS_CONTAINER_AUTHORIZATION_TOKEN"]) < 26 {
		t.Errorf("%s", out)
	}
	if strings.Contains(out, "canary") {
		t.Error("the lease itself is in the environment")
	}
}

// running is a keyhatch that runs a program, as a process of its own.
type running struct {
	cmd  *exec.Cmd
	out  *bufio.Reader
	pid  int    // of the program
	host string // of its endpoint
}

func startRunning(t *testing.T, attr *syscall.SysProcAttr) *running {
	t.Helper()
	return startRunningOn(t, nil, attr)
}

// startRunningAt starts it in front of a terminal.
func startRunningAt(t *testing.T, terminal *os.File) *running {
	t.Helper()
	return startRunningOn(t, terminal, &syscall.SysProcAttr{Setsid: true, Setctty: true})
}

func startRunningOn(t *testing.T, stdin *os.File, attr *syscall.SysProcAttr) *running {
	t.Helper()
	c := newFakeServer(t, time.Hour).call(t)
	c.Program = []string{os.Args[0], "signals"}
	r := &running{cmd: exec.Command(os.Args[0], "run", c.String())}
	r.cmd.SysProcAttr = attr
	if stdin != nil {
		r.cmd.Stdin = stdin
	}
	pipe, err := r.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.cmd.Stderr = os.Stderr
	// What the tests were started with, such as nohup, may ignore signals, and it would
	// too. What is waited for here is not ignored there.
	heard := make(chan os.Signal, 1)
	signal.Notify(heard, syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT)
	err = r.cmd.Start()
	signal.Stop(heard)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = r.cmd.Process.Kill() })
	// A program that does not end must not keep the test from failing.
	if err := pipe.(*os.File).SetReadDeadline(time.Now().Add(5 * time.Minute)); err != nil {
		t.Fatal(err)
	}
	r.out = bufio.NewReader(pipe)
	var uri string
	if _, err := fmt.Fscanf(r.out, "ready %d %s\n", &r.pid, &uri); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() { // it may be there still
			_ = syscall.Kill(r.pid, syscall.SIGKILL)
		}
	})
	parsed, err := url.Parse(uri)
	if err != nil {
		t.Fatal(err)
	}
	r.host = parsed.Host
	return r
}

func (r *running) says(t *testing.T) string {
	t.Helper()
	line, err := r.out.ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(line)
}

// leavesNothing waits for the end, and looks for the program and its endpoint.
func (r *running) leavesNothing(t *testing.T) error {
	t.Helper()
	if _, err := io.Copy(io.Discard, r.out); err != nil { // to the program's end
		t.Error(err)
	}
	ended := r.cmd.Wait()
	if conn, err := net.Dial("tcp", r.host); err == nil {
		conn.Close()
		t.Error("the endpoint still listens")
	}
	return ended
}

// Without a terminal, every signal reaches the program, once, and its status comes
// back.
func TestRunPassesSignals(t *testing.T) {
	r := startRunning(t, &syscall.SysProcAttr{Setsid: true})
	for signal, name := range map[syscall.Signal]string{
		syscall.SIGHUP: "hangup", syscall.SIGINT: "interrupt", syscall.SIGQUIT: "quit", syscall.SIGUSR1: "user defined signal 1",
	} {
		if err := r.cmd.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
		if got := r.says(t); got != name {
			t.Errorf("the program got %q, want %q", got, name)
		}
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if got := r.says(t); got != "terminated" {
		t.Errorf("the program got %q", got)
	}
	var exit *exec.ExitError
	if err := r.leavesNothing(t); !errors.As(err, &exit) || exit.ExitCode() != 7 {
		t.Errorf("%v, want the program's status 7", err)
	}
}
