package deliver_test

import (
	"fmt"
	"os"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// openTerminal makes a pseudo-terminal.
func openTerminal(t *testing.T) (master, terminal *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	n, err := unix.IoctlGetInt(int(master.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(master.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if terminal, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return master, terminal
}

// At a terminal, the key that interrupts reaches the program once, not once more
// through its parent.
func TestRunAtATerminal(t *testing.T) {
	master, terminal := openTerminal(t)
	r := startRunningAt(t, terminal)
	for range 3 {
		if _, err := master.Write([]byte{3}); err != nil { // Ctrl-C
			t.Fatal(err)
		}
		if got := r.says(t); got != "interrupt" {
			t.Fatalf("the program got %q", got)
		}
	}
	// The parent passes this one after all that it had before.
	if err := r.cmd.Process.Signal(syscall.SIGUSR1); err != nil {
		t.Fatal(err)
	}
	if got := r.says(t); got != "user defined signal 1" {
		t.Errorf("the program got %q: a signal came twice", got)
	}
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	_ = r.leavesNothing(t)
}

// When keyhatch is killed without a chance to do anything, the program ends too.
func TestRunKilled(t *testing.T) {
	r := startRunning(t, nil)
	if err := r.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if got := r.says(t); got != "terminated" {
		t.Errorf("the program got %q", got)
	}
	_ = r.leavesNothing(t)
}
