package complete

import (
	_ "embed"
	"errors"
	"fmt"

	"github.com/alecthomas/kong"
	"github.com/keyhatch/keyhatch/cli/ask"
)

// Script prints what makes a shell ask Words. There is little to it, so
// that what an older program printed works with a newer one.
type Script struct {
	Shell string `arg:"" enum:"bash,zsh,fish,powershell" help:"bash, zsh, fish or powershell."`
}

// Help is what --help says beside the flags.
func (Script) Help() string {
	return `For every new shell, add the line below to ~/.bashrc, or to ~/.zshrc with zsh for bash, after compinit. For fish, write
the output to ~/.config/fish/completions/keyhatch.fish. For PowerShell, add this to the file that $PROFILE names:

  keyhatch completion powershell | Out-String | Invoke-Expression`
}

//go:embed scripts/keyhatch.bash
var bash string

//go:embed scripts/keyhatch.zsh
var zsh string

//go:embed scripts/keyhatch.fish
var fish string

//go:embed scripts/keyhatch.ps1
var powershell string

// Run prints it.
func (c Script) Run(s ask.Streams) error {
	_, err := fmt.Fprint(s.Out, map[string]string{"bash": bash, "zsh": zsh, "fish": fish, "powershell": powershell}[c.Shell])
	return err
}

// Words tells what a word may become: one answer a line, with what it is
// behind a tab. It never asks a server. Where it is not for it to say, as with names
// of files, it fails without a word, and the shell does what it does by itself.
type Words struct {
	Next  bool     `hidden:"" help:"The word to complete is an empty one behind those."`
	Typed []string `arg:"" optional:"" passthrough:""`
}

// Run prints the answers.
func (c Words) Run(s ask.Streams, app *kong.Kong) error {
	words := c.Typed
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if c.Next || len(words) == 0 {
		words = append(words, "")
	}
	all, known := answers(app.Model.Node, words[:len(words)-1], words[len(words)-1])
	if !known {
		return ask.StatusError{Err: errors.New(""), Status: ask.ExitFailed}
	}
	for _, a := range all {
		fmt.Fprintf(s.Out, "%s\t%s\n", a.word, a.help)
	}
	return nil
}
