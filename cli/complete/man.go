package complete

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/alecthomas/kong"
	"github.com/keyhatch/keyhatch/cli/ask"
)

// About is the program that a manual page is of.
type About struct {
	Version string
	Date    time.Time // of the sources; zero where nobody knows
}

// Man prints the manual page, which is made of what --help says.
type Man struct{}

// Run prints it as roff.
func (Man) Run(s ask.Streams, app *kong.Kong, about About) error {
	_, err := fmt.Fprint(s.Out, manual(app.Model, about))
	return err
}

// manual is the page, in section 1: commands.
func manual(app *kong.Application, about About) string {
	name := app.Name
	date := about.Date
	if date.IsZero() {
		date = time.Now()
	}
	p := &page{}
	// The date stands as it is: an escaped one is none to who reads it.
	fmt.Fprintf(p, ".TH %s 1 %s \"%s\" \"User Commands\"\n", escaped(strings.ToUpper(name)), date.UTC().Format(time.DateOnly), escaped(name+" "+about.Version))
	p.macro("ad", "l")
	p.macro("SH", "NAME")
	p.text(name + " - " + strings.ToLower(app.Help[:1]) + strings.TrimSuffix(app.Help[1:], "."))
	p.macro("SH", "SYNOPSIS")
	more := " [" + slanted("argument") + escaped(" …") + "] [" + slanted("flag") + escaped(" …") + "]"
	p.lines(bold(name) + " " + slanted("verb") + more)
	p.macro("br")
	p.lines(bold(name) + " " + slanted("noun") + " " + slanted("verb") + more)
	p.macro("br")
	p.lines(bold(name) + " [" + slanted("noun") + "] " + slanted("verb") + " " + bold("--help"))
	p.macro("SH", "DESCRIPTION")
	for i, paragraph := range description {
		if i > 0 {
			p.macro("PP")
		}
		p.text(paragraph)
	}
	leaves := app.Leaves(true)
	shared := sharedFlags(leaves)
	p.macro("SH", "COMMANDS")
	group := ""
	for _, leaf := range leaves {
		if g := leaf.ClosestGroup(); g != nil && g.Title != group {
			group = g.Title
			p.macro("SS", group)
		}
		p.command(leaf, shared)
	}
	p.macro("SH", "OPTIONS")
	p.text("Flags of many commands. `" + name + " VERB --help` tells which ones a command takes.")
	for _, f := range shared {
		p.flag(f)
	}
	p.macro("SH", "ENVIRONMENT")
	for _, v := range append(variablesOf(leaves), environment...) {
		p.item(bold(v.name), v.text)
	}
	p.macro("SH", "FILES")
	for _, f := range files {
		p.item(slanted(f.name), f.text)
	}
	p.macro("SH", "EXIT STATUS")
	for _, s := range statuses {
		p.item(bold(s.name), s.text)
	}
	p.macro("SH", "SEE ALSO")
	p.lines(bold("aws") + "(1), " + bold("rclone") + "(1)")
	return p.String()
}

type entry struct{ name, text string }

var description = []string{
	`Keyhatch stands between people, programs and object stores: it knows who is calling, what they may touch, and lends S3 keys that open exactly that and end by themselves. All that it hands out is on record.`,
	`One program is the server and its client. ` + "`keyhatch dev`" + ` runs everything on this machine with sample data; ` + "`keyhatch init` and `keyhatch serve`" + ` run an installation; all other commands ask a server, as the user whose token they find.`,
	`Commands write a table for people, and with ` + "`-o json`" + ` what the server answered. Errors are on standard error and say what to do next.`,
}

var environment = []entry{
	{ask.TokenVariable, "A token, before the one that login kept. There is no flag for it: everybody on the machine can read flags."},
	{"SHELL", "The shell that `keyhatch lease` writes for, unless --shell names one."},
}

var files = []entry{
	{"~/.config/keyhatch/login.json", "What `keyhatch login` keeps: a token for each server, for its owner only. On other systems it is in the user's folder for configuration."},
	{"~/.aws/config", "Where `keyhatch lease -o profile` writes profiles."},
	{"keyhatch.yaml", "The configuration of an installation, which --config names."},
}

var statuses = []entry{
	{"0", "Done."},
	{"1", "Failed: no server answers, or things are not as they must be for this."},
	{"2", "The question is wrong: usage, a missing token, a value that is out of its limits."},
	{"3", "Not permitted."},
	{"4", "Not found, or not yours to see."},
	{"126, 127, 128 and more", "Of `keyhatch exec`: the program cannot be run, was not found, or was ended by a signal. Else it is the program's own."},
}

// sharing is how many commands have a flag that the page tells of once.
const sharing = 10

// sharedFlags are those that many commands have, in the order in which they come.
func sharedFlags(leaves []*kong.Node) (shared []*kong.Flag) {
	times := map[string]int{}
	for _, leaf := range leaves {
		for _, f := range flagsOf(leaf) {
			if times[keyOf(f)]++; times[keyOf(f)] == sharing {
				shared = append(shared, f)
			}
		}
	}
	return shared
}

func keyOf(f *kong.Flag) string { return f.String() + " " + f.Help }

// flagsOf are those that a command shows, of what it is in, too.
func flagsOf(node *kong.Node) (all []*kong.Flag) {
	for _, group := range node.AllFlags(true) {
		all = append(all, group...)
	}
	return all
}

// variablesOf are the variables that stand for flags.
func variablesOf(leaves []*kong.Node) (all []entry) {
	for _, leaf := range leaves {
		for _, f := range flagsOf(leaf) {
			for _, name := range f.Envs {
				if !slices.ContainsFunc(all, func(e entry) bool { return e.name == name }) {
					all = append(all, entry{name, "Stands for --" + f.Name + " where that is not given."})
				}
			}
		}
	}
	return all
}
