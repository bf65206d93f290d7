package complete

import (
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

type answer struct{ word, help string }

// line is how far a command line has come.
type line struct {
	node     *kong.Node
	awaiting *kong.Flag // whose value comes next
	args     int        // positional arguments so far
	noFlags  bool       // behind --
	program  bool       // what comes is for the program that exec runs
}

// answers are what the last word may become after those before it. They are not known
// where a name of a file may stand, or what another program takes.
func answers(root *kong.Node, before []string, last string) (all []answer, known bool) {
	l := line{node: root}
	for _, word := range before {
		l.take(word)
	}
	name, value, assigned := strings.Cut(last, "=")
	switch {
	case l.program:
		return nil, false
	case l.awaiting != nil:
		all, known = valuesOf(l.awaiting.Value)
	case l.noFlags || !strings.HasPrefix(last, "-"):
		all, known = l.words()
	case !assigned:
		all, known = l.flags(), true
	default:
		f := l.flag(last)
		if f == nil {
			return nil, true
		}
		all, known = valuesOf(f.Value)
		for i := range all {
			all[i].word = name + "=" + all[i].word
		}
		last = name + "=" + value
	}
	return slices.DeleteFunc(all, func(a answer) bool { return !strings.HasPrefix(a.word, last) }), known
}

// take reads a word that is complete, as the parser will.
func (l *line) take(word string) {
	switch {
	case l.program:
	case l.awaiting != nil:
		l.awaiting = nil
	case word == "--" && !l.noFlags:
		l.noFlags = true
		if def := defaultOf(l.node); def != nil {
			l.node = def
		}
		l.program = passesOn(l.node)
	case !l.noFlags && strings.HasPrefix(word, "-") && word != "-":
		if f := l.flag(word); f != nil && !strings.Contains(word, "=") && !f.IsBool() {
			l.awaiting = f
		}
	default:
		l.argument(word)
	}
}

func (l *line) argument(word string) {
	i := slices.IndexFunc(l.node.Children, func(c *kong.Node) bool { return c.Name == word })
	if i >= 0 && l.args == 0 {
		l.node = l.node.Children[i]
		return
	}
	if def := defaultOf(l.node); def != nil {
		l.node = def
	}
	l.args++
	l.program = passesOn(l.node) && l.args >= len(l.node.Positional)
}

// defaultOf is the command that a node stands for when none of its commands is named.
func defaultOf(node *kong.Node) *kong.Node {
	if node.DefaultCmd != nil && node.DefaultCmd.Tag.Default == "withargs" {
		return node.DefaultCmd
	}
	return nil
}

// passesOn tells of a command whose last arguments are those of another program.
func passesOn(node *kong.Node) bool {
	n := len(node.Positional)
	return n > 0 && node.Positional[n-1].PassthroughMode != kong.PassThroughModeNone
}

// words are the commands and arguments that may come.
func (l *line) words() (all []answer, known bool) {
	known = true
	args := l.node.Positional
	if l.args == 0 && !l.noFlags {
		for _, child := range l.node.Children {
			if !child.Hidden {
				all = append(all, answer{child.Name, child.Help})
			}
		}
		if def := defaultOf(l.node); def != nil {
			args = def.Positional
		}
	}
	if l.args < len(args) {
		var more []answer
		more, known = valuesOf(args[l.args])
		all = append(all, more...)
	}
	return all, known
}

// valuesOf are those of a flag or an argument. Only the shell knows files and programs.
func valuesOf(v *kong.Value) (all []answer, known bool) {
	if v.Tag.Type == "path" || v.PassthroughMode != kong.PassThroughModeNone {
		return nil, false
	}
	if v.Enum == "" {
		return nil, true
	}
	for _, word := range v.EnumSlice() {
		all = append(all, answer{word: word})
	}
	return all, true
}

// flags are those that may come.
func (l *line) flags() (all []answer) {
	for _, f := range l.allFlags() {
		if f.Hidden {
			continue
		}
		all = append(all, answer{"--" + f.Name, f.Help})
		if f.Tag.Negatable != "" {
			all = append(all, answer{"--no-" + f.Name, f.Help})
		}
	}
	return all
}

// allFlags are a command's own, and those of what it is in.
func (l *line) allFlags() (all []*kong.Flag) {
	node := l.node
	if def := defaultOf(node); def != nil {
		node = def
	}
	for ; node != nil; node = node.Parent {
		all = append(all, node.Flags...)
	}
	return all
}

func (l *line) flag(word string) *kong.Flag {
	name, _, _ := strings.Cut(word, "=")
	all := l.allFlags()
	i := slices.IndexFunc(all, func(f *kong.Flag) bool {
		return name == "--"+f.Name || name == "--no-"+f.Name || f.Short != 0 && name == "-"+string(f.Short)
	})
	if i < 0 {
		return nil
	}
	return all[i]
}
