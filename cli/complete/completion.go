package complete

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
	"github.com/keyhatch/keyhatch/cli/ask"
)

// Script prints what makes a shell ask Words. There is little to it, so
// that what an older program printed works with a newer one.
type Script struct {
	Shell string `arg:"" enum:"bash,zsh,fish" help:"bash, zsh or fish."`
}

// Help is what --help says beside the flags.
func (Script) Help() string {
	return `For every new shell, add the line below to ~/.bashrc or ~/.zshrc (there with zsh, and after compinit); for fish, write
the output to ~/.config/fish/completions/keyhatch.fish.`
}

// The last word is what is being typed.
var completions = map[string]string{
	"bash": `_keyhatch() {
  local IFS=$'\n'
  COMPREPLY=($("${COMP_WORDS[0]}" complete -- "${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null | cut -f1))
}
complete -o default -F _keyhatch keyhatch
`,
	"zsh": `_keyhatch() {
  local -a answers
  answers=("${(@f)$("${words[1]}" complete -- "${(@)words[2,CURRENT]}" 2>/dev/null | sed -e 's/:/\\:/g' -e 's/\t/:/')}")
  [[ -n "${answers[1]}" ]] && _describe keyhatch answers || _files
}
compdef _keyhatch keyhatch
`,
	"fish": `function __keyhatch
  set -l words (commandline -opc) (commandline -ct)
  keyhatch complete -- $words[2..-1] 2>/dev/null
end
complete -c keyhatch -a '(__keyhatch)'
`,
}

// Run prints it.
func (c Script) Run(s ask.Streams) error {
	_, err := fmt.Fprint(s.Out, completions[c.Shell])
	return err
}

// Words tells what a word may become: one answer a line, with what it is
// behind a tab. It never asks a server.
type Words struct {
	Typed []string `arg:"" optional:"" passthrough:""`
}

// Run prints the answers.
func (c Words) Run(s ask.Streams, app *kong.Kong) error {
	words := c.Typed
	if len(words) > 0 && words[0] == "--" {
		words = words[1:]
	}
	if len(words) == 0 {
		words = []string{""}
	}
	for _, a := range answers(app.Model.Node, words[:len(words)-1], words[len(words)-1]) {
		fmt.Fprintf(s.Out, "%s\t%s\n", a.word, a.help)
	}
	return nil
}

type completed struct{ word, help string }

// answers are what the last word may become after those before it.
func answers(node *kong.Node, before []string, last string) []completed {
	var awaiting *kong.Flag // whose value comes next
	args := 0
	for _, word := range before {
		if awaiting != nil {
			awaiting = nil
			continue
		}
		if word == "--" {
			return nil // what is run after exec
		}
		if f := flagOf(node, word); f != nil {
			if !strings.Contains(word, "=") && !f.IsBool() {
				awaiting = f
			}
			continue
		}
		if child := childOf(node, word); child != nil {
			node, args = child, 0
		} else {
			args++
		}
	}
	var out []completed
	add := func(word, help string) {
		if strings.HasPrefix(word, last) {
			out = append(out, completed{word, help})
		}
	}
	values := func(v *kong.Value) {
		for _, word := range v.EnumSlice() {
			add(word, "")
		}
	}
	switch {
	case awaiting != nil:
		values(awaiting.Value)
	case strings.HasPrefix(last, "-"):
		for _, f := range flagsOf(node) {
			add("--"+f.Name, f.Help)
		}
	default:
		for _, child := range node.Children {
			if !child.Hidden {
				add(child.Name, child.Help)
			}
		}
		if args < len(node.Positional) {
			values(node.Positional[args])
		}
	}
	return out
}

// flagsOf are the flags that may stand after a command: its own and those of what
// it is in.
func flagsOf(node *kong.Node) []*kong.Flag {
	var all []*kong.Flag
	for ; node != nil; node = node.Parent {
		for _, f := range node.Flags {
			if !f.Hidden {
				all = append(all, f)
			}
		}
	}
	return all
}

func flagOf(node *kong.Node, word string) *kong.Flag {
	name, _, _ := strings.Cut(word, "=")
	all := flagsOf(node)
	i := slices.IndexFunc(all, func(f *kong.Flag) bool {
		return name == "--"+f.Name || name == "--no-"+f.Name || f.Short != 0 && name == "-"+string(f.Short)
	})
	if i < 0 {
		return nil
	}
	return all[i]
}

func childOf(node *kong.Node, word string) *kong.Node {
	i := slices.IndexFunc(node.Children, func(c *kong.Node) bool { return c.Name == word })
	if i < 0 {
		return nil
	}
	return node.Children[i]
}
