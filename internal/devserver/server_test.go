package devserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The tests run this test binary in the place of keyhatch: modeVariable makes
// it a server that behaves, or misbehaves, as its value says.
const modeVariable = "DEVSERVER_TEST_MODE"

const (
	fakeToken  = "kh_0123456789012345678901234567890123456789012345678"
	fakeSecret = "a-secret-of-a-lease"
)

func TestMain(m *testing.M) {
	switch mode := os.Getenv(modeVariable); mode {
	case "":
		os.Exit(m.Run())
	case "parent":
		// Starts a server, tells its process id, and dies without stopping it.
		s, err := Start(context.Background(), fake("good"))
		if err != nil {
			fmt.Println(err)
			os.Exit(1)
		}
		fmt.Println(s.Pid())
		os.Exit(0)
	default:
		os.Exit(fakeServer(mode, os.Args))
	}
}

func fake(mode string) Config {
	binary, err := os.Executable()
	if err != nil {
		panic(err)
	}
	return Config{Binary: binary, Env: []string{modeVariable + "=" + mode}}
}

func fakeServer(mode string, args []string) int {
	terminated := make(chan os.Signal, 1)
	signal.Notify(terminated, syscall.SIGTERM)

	if mode == "fails" {
		fmt.Println("no room for", fakeToken)
		return 3
	}
	if mode == "silent" {
		<-terminated
		return 0
	}

	if args[1] == "init" || args[1] == "serve" {
		return fakeInstallation(mode, args, terminated)
	}
	flags := map[string]string{}
	for i := 2; i+1 < len(args); i += 2 {
		flags[args[i]] = args[i+1]
	}
	if args[1] != "dev" || flags["--listen"] != "127.0.0.1:0" || flags["--s3-listen"] != "127.0.0.1:0" {
		fmt.Println("unexpected arguments", args)
		return 2
	}
	if err := os.MkdirAll(flags["--data"], 0o700); err != nil {
		fmt.Println(err)
		return 1
	}
	api := httptest.NewServer(fakeAPI())
	ready, err := json.Marshal(Ready{
		API: api.URL, S3: api.URL, Region: "us-east-1", Token: fakeToken,
		Workspace: "demo", Store: "local", Location: "s3://demo/alpha/",
	})
	if err != nil {
		panic(err)
	}
	mode0 := fs.FileMode(0o600)
	switch mode {
	case "open file":
		mode0 = 0o644
	case "half ready":
		ready = []byte(`{"api":"http://127.0.0.1:1"}`)
	case "slow file":
		// The reader sees half a file first.
		if err := os.WriteFile(flags["--ready-file"], ready[:10], mode0); err != nil {
			panic(err)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := os.WriteFile(flags["--ready-file"], ready, mode0); err != nil {
		panic(err)
	}
	fmt.Println("export AWS_SECRET_ACCESS_KEY=" + fakeSecret)

	switch mode {
	case "breaks at the end":
		<-terminated
		fmt.Println("WARNING: DATA RACE")
		return 66
	case "deaf":
		signal.Ignore(syscall.SIGTERM)
		select {}
	}
	<-terminated
	return 0
}

func fakeAPI() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v1/leases", func(w http.ResponseWriter, r *http.Request) {
		var asked struct{ Location, Access string }
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil || r.Header.Get("Authorization") != "Bearer "+fakeToken {
			http.Error(w, "no", http.StatusBadRequest)
			return
		}
		if asked.Location == "s3://demo/refused/" {
			http.Error(w, "refused: "+fakeToken, http.StatusForbidden)
			return
		}
		l := Lease{
			ID: "lease_1", AccessKeyID: "key", SecretAccessKey: fakeSecret, SessionToken: asked.Location + asked.Access,
			Endpoint: "http://127.0.0.1:1", Region: "us-east-1",
		}
		if asked.Location == "s3://demo/unsecret/" {
			l.SecretAccessKey = ""
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(l)
	})
	mux.HandleFunc("DELETE /api/v1/leases/lease_1", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusNoContent)
	})
	return mux
}

func start(t *testing.T, mode string) *Server {
	t.Helper()
	s, err := Start(t.Context(), fake(mode))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Kill() })
	return s
}

func alive(pid int) bool { return syscall.Kill(pid, 0) == nil }

func TestStartAndStop(t *testing.T) {
	for _, mode := range []string{"good", "slow file"} {
		t.Run(mode, func(t *testing.T) {
			s := start(t, mode)
			if s.Token != fakeToken || s.Workspace != "demo" || !strings.HasPrefix(s.API, "http://127.0.0.1:") {
				t.Errorf("ready file was read as %+v", s.Ready)
			}
			if _, err := os.Stat(s.Data); err != nil {
				t.Errorf("data directory: %v", err)
			}
			if !alive(s.Pid()) {
				t.Error("the server is not running")
			}
			if err := s.Stop(); err != nil {
				t.Errorf("Stop: %v", err)
			}
			if alive(s.Pid()) {
				t.Error("the server outlives Stop")
			}
			if _, err := os.Stat(s.Data); !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the server's own data directory outlives it (%v)", err)
			}
			if err := s.Stop(); err != nil {
				t.Errorf("second Stop: %v", err)
			}
		})
	}
}

func TestDataOutlivesServer(t *testing.T) {
	c := fake("good")
	c.Data = filepath.Join(t.TempDir(), "data")
	for range 2 {
		s, err := Start(t.Context(), c)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.Kill(); err != nil {
			t.Fatalf("Kill: %v", err)
		}
		if alive(s.Pid()) {
			t.Error("the server outlives Kill")
		}
		if _, err := os.Stat(c.Data); err != nil {
			t.Errorf("data directory: %v", err)
		}
	}
}

func TestStartFails(t *testing.T) {
	tests := []struct{ mode, want string }{
		{"fails", "ended before it was ready (exit status 3)"},
		{"silent", "it wrote no ready file"},
		{"half ready", "its ready file has no"},
		{"open file", "has mode"},
	}
	for _, tt := range tests {
		t.Run(tt.mode, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			s, err := Start(ctx, fake(tt.mode))
			if err == nil {
				_ = s.Kill()
				t.Fatal("Start gave no error")
			}
			if !strings.Contains(err.Error(), tt.want) {
				t.Errorf("error is %q, want one that says %q", err, tt.want)
			}
			if strings.Contains(err.Error(), fakeToken) {
				t.Errorf("error shows the token: %q", err)
			}
		})
	}
	t.Run("no binary", func(t *testing.T) {
		if _, err := Start(t.Context(), Config{Binary: filepath.Join(t.TempDir(), "missing")}); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("error is %v, want one that says that the file is missing", err)
		}
	})
}

func TestStopReports(t *testing.T) {
	t.Run("another status than 0", func(t *testing.T) {
		s := start(t, "breaks at the end")
		err := s.Stop()
		if err == nil || !strings.Contains(err.Error(), "exit status 66") || !strings.Contains(err.Error(), "DATA RACE") {
			t.Errorf("Stop: %v", err)
		}
		if again := s.Stop(); !errors.Is(again, err) && again.Error() != err.Error() {
			t.Errorf("second Stop: %v, want what the first said", again)
		}
	})
	t.Run("a server that has gone", func(t *testing.T) {
		s := start(t, "good")
		if err := syscall.Kill(s.Pid(), syscall.SIGTERM); err != nil { // not by Stop
			t.Fatal(err)
		}
		<-s.process.Ended()
		if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "ended by itself (exit status 0)") {
			t.Errorf("Stop: %v", err)
		}
	})
	t.Run("a server that does not listen", func(t *testing.T) {
		s := start(t, "deaf")
		s.patience = 200 * time.Millisecond
		if err := s.Stop(); err == nil || !strings.Contains(err.Error(), "did not end within") {
			t.Errorf("Stop: %v", err)
		}
		if alive(s.Pid()) {
			t.Error("the server outlives Stop")
		}
	})
}

func TestNoOrphans(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a child with its parent")
	}
	c := fake("parent")
	parent := exec.Command(c.Binary)
	parent.Env = append(os.Environ(), c.Env...)
	out, err := parent.Output()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(out)))
	if err != nil {
		t.Fatal(err)
	}
	for range 500 {
		if !running(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d outlives the test process that started it", pid)
	_ = syscall.Kill(pid, syscall.SIGKILL)
}

// running is alive, but for a process that has ended and that nobody waits for,
// as happens to orphans in a container without an init.
func running(pid int) bool {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err == nil && !strings.Contains(string(status), ") Z ")
}

func TestLease(t *testing.T) {
	s := start(t, "good")
	l, err := s.Lease(t.Context(), s.Location, "read")
	if err != nil {
		t.Fatal(err)
	}
	if l.ID != "lease_1" || l.SessionToken != "s3://demo/alpha/read" {
		t.Errorf("the lease is %+v", l)
	}
	if got := l.Redact("x " + fakeSecret + " y"); got != "x "+Redacted+" y" {
		t.Errorf("redacted: %q", got)
	}
	if strings.Contains(s.Output(), fakeSecret) || !strings.Contains(s.Output(), "AWS_SECRET_ACCESS_KEY="+Redacted) {
		t.Errorf("the server's output is given as %q", s.Output())
	}
	if err := s.Revoke(t.Context(), l.ID); err != nil {
		t.Error(err)
	}
	if err := s.Revoke(t.Context(), "another"); err == nil || !strings.Contains(err.Error(), "404") {
		t.Errorf("revoking what is not there: %v", err)
	}
	if _, err := s.Lease(t.Context(), "s3://demo/unsecret/", "read"); err == nil || !strings.Contains(err.Error(), "secret_access_key") {
		t.Errorf("a lease without a secret: %v", err)
	}
	_, err = s.Lease(t.Context(), "s3://demo/refused/", "read")
	if err == nil || !strings.Contains(err.Error(), "403") {
		t.Fatalf("a refused lease: %v", err)
	}
	if strings.Contains(err.Error(), fakeToken) {
		t.Errorf("error shows the token: %v", err)
	}
}

func TestRedact(t *testing.T) {
	tests := []struct{ text, want string }{
		{"token " + fakeToken + ".", "token " + Redacted + "."},
		{"v2/ab0cd-gj3su-0mz3k8q2a7c4f9d/" + fakeToken, "v2/ab0cd-gj3su-0mz3k8q2a7c4f9d/" + Redacted},
		{"kh-ws_0mz3k8q2a7c4f9d-" + fakeToken[3:], Redacted},
		{"export AWS_SESSION_TOKEN='a b c'", "export AWS_SESSION_TOKEN=" + Redacted},
		{`{"secret_access_key": "x/+y", "n": 1}`, `{"secret_access_key": ` + Redacted + `, "n": 1}`},
		{"aws_session_token = xyz\nnext", "aws_session_token = " + Redacted + "\nnext"},
		{"nothing to hide, kh_short", "nothing to hide, kh_short"},
	}
	for _, tt := range tests {
		if got := Redact(tt.text); got != tt.want {
			t.Errorf("Redact(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestOutputIsBounded(t *testing.T) {
	var o output
	for range 3 {
		if _, err := o.Write([]byte(strings.Repeat("x", outputLimit/2))); err != nil {
			t.Fatal(err)
		}
	}
	_, _ = o.Write([]byte("the end"))
	if got := o.String(); len(got) != outputLimit || !strings.HasSuffix(got, "the end") {
		t.Errorf("%d bytes are kept that end in %q", len(got), got[len(got)-10:])
	}
}
