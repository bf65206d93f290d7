package child

import (
	"os"
	"os/exec"
	"runtime"
	"time"
)

// Process is a child of the test process.
type Process struct {
	cmd   *exec.Cmd
	ended chan struct{}
	err   error
}

// Start starts a command, whose SysProcAttr it sets. What it starts should not
// start others in its turn: those would outlive it.
func Start(cmd *exec.Cmd) (*Process, error) {
	cmd.SysProcAttr = noOrphans()
	p := &Process{cmd: cmd, ended: make(chan struct{})}
	// Starting and waiting is done in one goroutine that keeps its thread: Linux
	// sends the signal of noOrphans when the thread that started the process
	// ends, whether or not the test process lives on.
	started := make(chan error)
	go func() {
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		err := cmd.Start()
		started <- err
		if err == nil {
			p.err = cmd.Wait()
			close(p.ended)
		}
	}()
	if err := <-started; err != nil {
		return nil, err
	}
	return p, nil
}

// Pid is the process id.
func (p *Process) Pid() int { return p.cmd.Process.Pid }

// Ended is closed when the process has ended and been waited for.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Result is what exec.Cmd.Wait returned, and the state that the process ended
// in. It waits for the end.
func (p *Process) Result() (*os.ProcessState, error) {
	<-p.ended
	return p.cmd.ProcessState, p.err
}

// End sends a signal and waits for the process to end. When that takes longer
// than patience the process is killed, and End tells so by returning false.
func (p *Process) End(signal os.Signal, patience time.Duration) (inTime bool) {
	// A process that has ended, or does so just now, takes no signal.
	_ = p.cmd.Process.Signal(signal)
	select {
	case <-p.ended:
		return true
	case <-time.After(patience):
		p.Kill()
		return false
	}
}

// Kill ends the process without warning, and waits for its end.
func (p *Process) Kill() {
	_ = p.cmd.Process.Kill()
	<-p.ended
}
