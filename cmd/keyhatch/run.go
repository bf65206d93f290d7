package main

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/alecthomas/kong"
)

// The exit statuses.
const (
	exitDone         = 0
	exitFailed       = 1
	exitUsage        = 2
	exitNotPermitted = 3
	exitNotFound     = 4
)

// commands is the command line.
type commands struct {
	Dev     devCommand     `cmd:"" help:"Run everything on this machine, with sample data, and show what it does."`
	Init    initCommand    `cmd:"" help:"Make a new installation: configuration, database, key file and first admin."`
	Serve   serveCommand   `cmd:"" help:"Serve an installation."`
	Migrate migrateCommand `cmd:"" help:"Bring the database of an older version up to this one."`
	Audit   auditCommand   `cmd:"" help:"Check the audit record, and ask it."`
	Version versionCommand `cmd:"" help:"Print the version."`
}

// streams are where a command writes: what it is for to out, all else to err.
type streams struct{ out, err io.Writer }

// run runs one command and returns its exit status. Whatever goes wrong is one
// line on stderr.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	exited := -1
	parser, err := kong.New(&commands{},
		kong.Name("keyhatch"),
		kong.Description("Hands out keys to object storage, and nothing more than the right key."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(status int) { exited = status }),
		kong.UsageOnError(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true}),
	)
	if err != nil {
		fmt.Fprintf(stderr, "keyhatch: %v\n", err)
		return exitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "keyhatch: %v (see keyhatch --help)\n", err)
		return exitUsage
	}
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(streams{stdout, stderr})
	if err := command.Run(); err != nil && !errors.Is(err, context.Canceled) {
		fmt.Fprintf(stderr, "keyhatch: %v\n", err)
		return exitStatus(err)
	}
	return exitDone
}
