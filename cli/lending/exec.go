package lending

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"

	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/deliver"
)

// Exec runs a program with leases that renew themselves.
type Exec struct {
	ask.Connection
	wanted
	Command []string `arg:"" passthrough:"" help:"The program and its arguments, behind --."`
}

// Help is what --help says beside the flags.
func (Exec) Help() string {
	return `Runs a program whose AWS SDK borrows keys, and borrows anew before they end, for as long as it runs. It gets them from
an address of this machine that only it knows, and none of the keys and profiles of the environment around it.

The exit status is the program's, or 128 and the signal that ended it; 126 or 127 when it could not be run.`
}

// The statuses of a program that did not run are those of shells.
const (
	cannotRun = 126
	notFound  = 127
)

// Run runs the program.
func (e Exec) Run(ctx context.Context, s ask.Streams) error {
	command := e.Command
	if len(command) > 0 && command[0] == "--" {
		command = command[1:]
	}
	if len(command) == 0 {
		return ask.UsageError{Err: errors.New("which program? Name it behind --, as in: keyhatch exec s3://demo/alpha/ -- aws s3 ls s3://demo/alpha/")}
	}
	open, err := e.Open()
	if err != nil {
		return err
	}
	status, err := deliver.Run(ctx, renewing(e.Connection, open, e.request()), deliver.Program{
		Name: command[0], Args: command[1:], Env: os.Environ(), Stdin: s.In, Stdout: s.Out, Stderr: s.Err,
	})
	var unrun *exec.Error
	var old *deliver.OldCLI
	var unstarted *fs.PathError // what the system says of a file that is no program
	switch {
	case errors.Is(err, exec.ErrNotFound), errors.Is(err, os.ErrNotExist):
		return ask.StatusError{Err: err, Status: notFound}
	case errors.As(err, &unrun), errors.As(err, &unstarted), errors.As(err, &old):
		return ask.StatusError{Err: err, Status: cannotRun}
	case err != nil:
		return e.Explain(err)
	case status != 0:
		return ask.StatusError{Err: errors.New(""), Status: status} // the program has said what there is to say
	}
	return nil
}
