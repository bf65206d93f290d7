package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/keyhatch/keyhatch/cli"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cli/complete"
)

// commands is the command line: what runs a server, and what asks one.
type commands struct {
	Dev     devCommand     `cmd:"" group:"Server" help:"Run everything on this machine, with sample data, and show what it does."`
	Init    initCommand    `cmd:"" group:"Server" help:"Make a new installation: configuration, database, key file and first admin."`
	Serve   serveCommand   `cmd:"" group:"Server" help:"Serve an installation."`
	Doctor  doctorCommand  `cmd:"" group:"Server" help:"Look at an installation, and say what is wrong and what to do."`
	Migrate migrateCommand `cmd:"" group:"Server" help:"Bring the database of an older version up to this one."`
	Backup  backupCommand  `cmd:"" group:"Server" help:"Write all tables of an installation, encrypted, into a file."`
	Restore restoreCommand `cmd:"" group:"Server" help:"Put an installation back from a backup, with nothing in it that lets anybody in."`
	Copy    copyCommand    `cmd:"" group:"Server" help:"Copy an installation from SQLite to PostgreSQL."`

	Keys keysCommand `cmd:"" group:"Server" help:"The keys that a running server seals with, and how to replace them."`

	cli.Verbs

	Audit      auditCommand    `cmd:"" group:"Record" help:"Ask the audit record, and check it."`
	Completion complete.Script `cmd:"" group:"This program" help:"Print what lets a shell complete its commands."`
	Complete   complete.Words  `cmd:"" hidden:""`
	Man        complete.Man    `cmd:"" group:"This program" help:"Print its manual page."`
	Version    versionCommand  `cmd:"" group:"This program" help:"Print its version, as --version does."`

	VersionFlag kong.VersionFlag `name:"version" hidden:""` // shown, it would be in the help of every verb
}

// run runs one command and returns its exit status. Whatever goes wrong is one
// line on stderr; only a mistake in the configuration has more, which show it.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	exited := -1
	parser, err := parser(stdout, stderr, func(status int) { exited = status })
	if err != nil {
		fmt.Fprintf(stderr, "keyhatch: %v\n", err)
		return ask.ExitFailed
	}
	if len(args) == 0 {
		args = []string{"--help"}
	}
	command, err := parser.Parse(args)
	if exited >= 0 { // --help
		return exited
	}
	if err != nil {
		fmt.Fprintf(stderr, "keyhatch: %s (see keyhatch %s--help)\n", ask.Printable(mistake(err)), typed(err))
		return ask.ExitUsage
	}
	command.BindTo(ctx, (*context.Context)(nil))
	command.Bind(ask.Streams{In: stdin, Out: stdout, Err: stderr}, thisBuild().about())
	err = command.Run()
	if errors.Is(err, context.Canceled) {
		if words := command.Command(); words == "serve" || words == "dev" { // which is how serving ends well
			return ask.ExitDone
		}
		err = errors.New("it was stopped before it was done")
	}
	if err != nil {
		if text := err.Error(); text != "" { // what a program that was run has said itself
			fmt.Fprintf(stderr, "keyhatch: %s\n", ask.PrintableLines(text))
		}
		return ask.ExitStatus(err)
	}
	return ask.ExitDone
}

// mistake says what is wrong with a command line and, where something is missing, how it
// looks when it is there.
func mistake(err error) string {
	text := missing.ReplaceAllString(err.Error(), "$1 is missing")
	example, _, _ := strings.Cut(examples[strings.TrimSpace(typed(err))], "\n")
	if !strings.Contains(text, "missing") || example == "" {
		return text
	}
	text += ", as in: " + example
	if strings.HasPrefix(text, "<location> ") {
		text += "; `keyhatch location list` shows which you may see"
	}
	return text
}

// missing is how the parser says that an argument is.
var missing = regexp.MustCompile(`expected "(<[^"]+)"`)

// parser reads command lines.
func parser(stdout, stderr io.Writer, exit func(int)) (*kong.Kong, error) {
	parser, err := kong.New(&commands{},
		kong.Name("keyhatch"),
		kong.Description("Hands out keys to object storage, and nothing more than the right key."),
		kong.Writers(stdout, stderr),
		kong.Exit(exit),
		cli.Vars(),
		kong.Vars{"version": thisBuild().String()},
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, NoExpandSubcommands: true, FlagsLast: true}),
	)
	if err != nil {
		return nil, err
	}
	return parser, showExamples(parser.Model.Node)
}

// typed is how far a command line was understood that failed, to ask for help
// about.
func typed(err error) string {
	var p *kong.ParseError
	if !errors.As(err, &p) || p.Context.Selected() == nil {
		return ""
	}
	return p.Context.Selected().Path() + " "
}
