//go:build unix

package deliver

import (
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"slices"
	"syscall"

	"golang.org/x/sys/unix"
)

// passed are the signals that are passed on. One that is ignored stays so, for the
// program too: that is what nohup is for.
func passed() []os.Signal {
	all := []os.Signal{
		syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGUSR1, syscall.SIGUSR2, syscall.SIGWINCH,
	}
	return slices.DeleteFunc(all, signal.Ignored)
}

// terminals send these to every process of the group in front.
var terminals = []os.Signal{syscall.SIGHUP, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGWINCH}

// fromTerminal tells whether the program has got the signal as well, being in this
// process's group. Who sends such a signal to this process alone while it is in
// front of a terminal cannot be told from the terminal.
func fromTerminal(s os.Signal) bool {
	if !slices.Contains(terminals, s) {
		return false
	}
	tty, err := os.OpenFile("/dev/tty", os.O_RDONLY|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return false // there is none
	}
	defer tty.Close()
	front, err := unix.IoctlGetInt(int(tty.Fd()), unix.TIOCGPGRP)
	return err == nil && front == unix.Getpgrp()
}

// start starts a program and tells of its end. All of it happens on one thread that
// lives as long as the program: the kernel ends the program with that thread.
func start(cmd *exec.Cmd) (<-chan error, error) {
	cmd.SysProcAttr = endsWithUs()
	started, ended := make(chan error), make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			ended <- cmd.Wait()
		}
	}()
	return ended, <-started
}

// statusOf is the status as a shell has it.
func statusOf(state *os.ProcessState) int {
	if w, ok := state.Sys().(syscall.WaitStatus); ok && w.Signaled() {
		return 128 + int(w.Signal())
	}
	return state.ExitCode()
}
