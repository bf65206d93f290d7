package complete

import (
	"fmt"
	"slices"
	"strings"

	"github.com/alecthomas/kong"
)

// page is a manual page as it is written, in the macros of man(7).
type page struct{ strings.Builder }

// macro writes a line that begins with one. An argument is a word of the macro, also
// with spaces in it.
func (p *page) macro(name string, args ...string) {
	p.WriteString("." + name)
	for _, arg := range args {
		if arg = escaped(arg); arg == "" || strings.Contains(arg, " ") {
			arg = `"` + arg + `"`
		}
		p.WriteString(" " + arg)
	}
	p.WriteString("\n")
}

// text writes a paragraph; what is between backquotes in it is bold.
func (p *page) text(s string) {
	var out strings.Builder
	for i, part := range strings.Split(strings.Join(strings.Fields(s), " "), "`") {
		if i%2 == 1 {
			part = bold(part)
		} else {
			part = escaped(part)
		}
		out.WriteString(part)
	}
	p.lines(out.String())
}

// bold and slanted are an escaped text in that font: bold is typed as it is, and what
// is slanted stands for something.
func bold(s string) string    { return `\fB` + escaped(s) + `\fR` }
func slanted(s string) string { return `\fI` + escaped(s) + `\fR` }

// width is that of the lines of a page's source.
const width = 78

// lines breaks a text that is escaped at its spaces. A line that would be taken for a
// macro begins with what is nothing.
func (p *page) lines(s string) {
	line := ""
	flush := func() {
		if strings.HasPrefix(line, ".") || strings.HasPrefix(line, "'") {
			line = `\&` + line
		}
		p.WriteString(line + "\n")
	}
	for word := range strings.SplitSeq(s, " ") {
		if line != "" && len(line)+1+len(word) > width {
			flush()
			line = ""
		} else if line != "" {
			line += " "
		}
		line += word
	}
	flush()
}

// escaped is a text of which roff takes nothing for its own.
func escaped(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r == '\\':
			out.WriteString(`\e`)
		case r == '-': // not a hyphen: what is copied from the page has to work
			out.WriteString(`\-`)
		case r == '"':
			out.WriteString(`\(dq`)
		case r > '~':
			fmt.Fprintf(&out, `\[u%04X]`, r)
		default:
			out.WriteRune(r)
		}
	}
	return out.String()
}

// item writes a term, which is escaped and has a line of its own, and what it means.
func (p *page) item(term, text string) {
	p.macro("TP")
	p.WriteString(term + "\n")
	p.text(text)
}

// command writes all that there is to say of one.
func (p *page) command(node *kong.Node, shared []*kong.Flag) {
	form := bold(node.FullPath())
	for _, arg := range node.Positional {
		form += " " + formOf(arg)
	}
	own := slices.DeleteFunc(flagsOf(node), func(f *kong.Flag) bool {
		return slices.ContainsFunc(shared, func(s *kong.Flag) bool { return keyOf(s) == keyOf(f) })
	})
	for i, f := range own {
		switch {
		case !f.Required:
		case len(f.Xor) > 0 && i > 0 && slices.Equal(f.Xor, own[i-1].Xor):
			form += " | " + spelled(f) // one of them
		default:
			form += " " + spelled(f)
		}
	}
	p.item(form, node.Help)
	p.macro("RS")
	for _, arg := range node.Positional {
		if arg.Help != "" {
			p.item(slanted(arg.Name), arg.Help)
		}
	}
	for _, f := range own {
		p.flag(f)
	}
	if node.Detail != "" {
		for paragraph := range strings.SplitSeq(node.Detail, "\n\n") {
			p.macro("PP")
			if strings.HasPrefix(paragraph, "  ") {
				p.example(paragraph)
			} else {
				p.text(paragraph)
			}
		}
	}
	p.macro("RE")
}

// formOf is how an argument is written: in brackets when it may be left out, with dots
// when there may be more of it.
func formOf(arg *kong.Positional) string {
	form := slanted(arg.Name)
	if arg.IsCumulative() {
		form += " " + escaped("…")
	}
	if !arg.Required {
		form = "[" + form + "]"
	}
	return form
}

// flag writes a flag and its help.
func (p *page) flag(f *kong.Flag) {
	form := spelled(f)
	if f.Short != 0 {
		form = bold("-"+string(f.Short)) + ", " + form
	}
	p.item(form, f.Help)
}

func spelled(f *kong.Flag) string {
	switch {
	case f.Tag.Negatable != "":
		return bold("--") + "[" + bold("no-") + "]" + bold(f.Name)
	case f.IsBool():
		return bold("--" + f.Name)
	}
	return bold("--"+f.Name+"=") + slanted(f.FormatPlaceHolder())
}

// example writes lines as they are typed.
func (p *page) example(text string) {
	p.macro("EX")
	for line := range strings.SplitSeq(text, "\n") {
		p.WriteString(`\&` + escaped(strings.TrimSpace(line)) + "\n")
	}
	p.macro("EE")
}
