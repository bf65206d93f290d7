package peers

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// modeVariable makes this test binary one that starts a store, says so, and
// waits for what happens to it.
const modeVariable = "PEERS_TEST_MODE"

func TestMain(m *testing.M) {
	if os.Getenv(modeVariable) != "" {
		os.Exit(Main(startsAndWaits{}))
	}
	os.Exit(Main(m))
}

type startsAndWaits struct{}

func (startsAndWaits) Run() int {
	p := peer{name: "fake", start: func(s *site) (Store, error) {
		if err := startProgram(s); err != nil {
			return Store{}, err
		}
		// The directory is told when everything is there that must go.
		for {
			if pid, err := os.ReadFile(s.path("pid")); err == nil && strings.HasSuffix(string(pid), "\n") {
				fmt.Println(s.dir)
				select {}
			}
			time.Sleep(10 * time.Millisecond)
		}
	}}
	_, err := p.open(os.Getenv(modeVariable))
	fmt.Println(err)
	return 3
}

func startProgram(s *site) error { return s.start("program", s.command(s.program)) }

// script makes a program.
func script(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text), 0o700); err != nil {
		t.Fatal(err)
	}
	return path
}

// What a test binary has started ends with it, however that ends.
func TestEndsWithTheTests(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux ends a child with its parent")
	}
	tests := []struct {
		name    string
		signal  syscall.Signal
		cleaned bool
	}{
		{"interrupted", syscall.SIGINT, true},
		{"terminated", syscall.SIGTERM, true},
		{"killed", syscall.SIGKILL, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			self, err := os.Executable()
			if err != nil {
				t.Fatal(err)
			}
			cmd := exec.Command(self)
			cmd.Env = append(os.Environ(), modeVariable+"="+script(t, "echo $$ >pid\nexec sleep 600\n"), "TMPDIR="+t.TempDir())
			stdout, err := cmd.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			var dir string
			if _, err := fmt.Fscanln(stdout, &dir); err != nil {
				t.Fatal(err)
			}
			pid, err := os.ReadFile(filepath.Join(dir, "pid"))
			if err != nil {
				t.Fatal(err)
			}
			if err := cmd.Process.Signal(tt.signal); err != nil {
				t.Fatal(err)
			}
			_ = cmd.Wait() // it fails, of course
			awaitGone(t, strings.TrimSpace(string(pid)))
			if _, err := os.Stat(dir); tt.cleaned && !errors.Is(err, fs.ErrNotExist) {
				t.Errorf("the store's directory outlives it (%v)", err)
			}
		})
	}
}

// awaitGone waits for a process to end. One that has ended and that nobody waits
// for, as happens to orphans in a container without an init, has ended too.
func awaitGone(t *testing.T, pid string) {
	t.Helper()
	for range 1000 {
		status, err := os.ReadFile("/proc/" + pid + "/stat")
		if err != nil || strings.Contains(string(status), ") Z ") {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %s outlives the test binary that started it", pid)
}

// A store that does not start says why, and leaves nothing behind.
func TestStartFails(t *testing.T) {
	var dir string
	p := peer{name: "fake", start: func(s *site) (Store, error) {
		dir = s.dir
		return Store{Endpoint: "http://127.0.0.1:1", Region: "us-east-1"}, startProgram(s)
	}}
	_, err := p.open(script(t, "echo there is no room\nexit 3\n"))
	if err == nil {
		t.Fatal("a store that ends at once is ready")
	}
	for _, want := range []string{"program has ended (exit status 3)", "the end of program.out", "there is no room"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("the error does not say %q: %v", want, err)
		}
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("its directory outlives it (%v)", err)
	}
	if _, err := p.open("not/there"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a program that is not there: %v", err)
	}
}

// The end of the tests tells when a store had not lasted until then.
func TestEndTellsOfAnEarlierOne(t *testing.T) {
	s, err := newSite("fake", script(t, "echo I have had enough\n"))
	if err != nil {
		t.Fatal(err)
	}
	if err := startProgram(s); err != nil {
		t.Fatal(err)
	}
	<-s.processes[0].Ended()
	running.mu.Lock()
	running.sites = slices.DeleteFunc(running.sites, func(other *site) bool { return other == s })
	err = s.end()
	running.mu.Unlock()
	if err == nil || !strings.Contains(err.Error(), "had ended by itself (exit status 0)") || !strings.Contains(err.Error(), "enough") {
		t.Errorf("the end is %v", err)
	}
}
