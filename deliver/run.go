package deliver

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
)

// Program is a program to be run with leases.
type Program struct {
	Name           string   // as it is looked up on this process's PATH, or its path
	Args           []string // without its name
	Env            []string // the environment to begin with, usually os.Environ()
	Stdin          io.Reader
	Stdout, Stderr io.Writer
}

// Run runs a program that gets its leases from a container endpoint of its own, and
// returns its exit status: that of the program, or 128 and the signal that ended it.
// Nothing is left when it returns, neither the endpoint nor the program. An error
// means that the program did not run: there was no lease, it was not found, or it is
// an AWS CLI that would ignore the endpoint (see OldCLI).
//
// Signals to this process are passed on; those that a terminal sends to the program
// as well are not, so that it gets each once. ctx bounds the beginning, the first
// lease above all. It does not end the program: a context that a signal ends would
// do so before the program could heed the signal.
func Run(ctx context.Context, lend Lend, p Program) (status int, err error) {
	path, err := exec.LookPath(p.Name)
	if err != nil {
		return 0, err
	}
	if err := CheckCLI(ctx, path, p.Args, p.Env); err != nil {
		return 0, err
	}
	c, err := ServeContainer(lend)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	lent, err := c.Lend(ctx)
	if err != nil {
		return 0, err
	}
	return p.run(path, Environ(p.Env, c, lent))
}

func (p Program) run(path string, env []string) (status int, err error) {
	cmd := exec.Command(path, p.Args...)
	cmd.Args[0] = p.Name
	cmd.Env = env
	cmd.Stdin, cmd.Stdout, cmd.Stderr = p.Stdin, p.Stdout, p.Stderr
	signals := make(chan os.Signal, 16)
	signal.Notify(signals, passed()...)
	defer signal.Stop(signals)
	ended, err := start(cmd)
	if err != nil {
		return 0, err
	}
	for {
		select {
		case s := <-signals:
			if !fromTerminal(s) {
				_ = cmd.Process.Signal(s) // it may have ended just now
			}
		case err := <-ended:
			var exit *exec.ExitError
			if err != nil && !errors.As(err, &exit) {
				return 0, fmt.Errorf("%s: %w", p.Name, err)
			}
			return statusOf(cmd.ProcessState), nil
		}
	}
}
