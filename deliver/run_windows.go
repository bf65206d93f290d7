package deliver

import (
	"os"
	"os/exec"
)

// A console sends its signals to every process that is attached to it: they are
// taken, so that this process goes on, and not passed on.
func passed() []os.Signal { return []os.Signal{os.Interrupt} }

func fromTerminal(os.Signal) bool { return true }

func start(cmd *exec.Cmd) (<-chan error, error) {
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	return ended, nil
}

func statusOf(state *os.ProcessState) int { return state.ExitCode() }
