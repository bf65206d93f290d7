package awsconfig

import (
	"fmt"
	"slices"
	"strings"
)

// File is the text of an AWS configuration file, line by line with their
// ends, so that what is not changed stays as it is. It reads what botocore reads:
// a section begins with a line "[…]", a property with "name = value", and indented
// lines after it belong to it.
type File struct {
	lines []string
	eol   string
}

// Parse reads a text; there is none that it does not take.
func Parse(text string) *File {
	f := &File{lines: slices.Collect(strings.Lines(text)), eol: "\n"}
	if len(f.lines) > 0 && strings.HasSuffix(f.lines[0], "\r\n") {
		f.eol = "\r\n"
	}
	return f
}

// String is the text as it is now.
func (f *File) String() string { return strings.Join(f.lines, "") }

// Span are the lines from first on that lie before end.
type Span struct{ first, end int }

// Section finds a section. It is an error if there are several of the name: the
// clients would take another one, or refuse the file.
func (f *File) Section(name string) (s Span, found bool, err error) {
	for i, line := range f.lines {
		header, ok := headerOf(line)
		if !ok {
			continue
		}
		if found && s.end < 0 {
			s.end = i
		}
		if header != name {
			continue
		}
		if found {
			return Span{}, false, fmt.Errorf("it has two sections [%s]: remove one", name)
		}
		s, found = Span{i, -1}, true
	}
	if found && s.end < 0 {
		s.end = len(f.lines)
	}
	return s, found, nil
}

// headerOf reads a section's name: words with one space between them, without
// quotes.
func headerOf(line string) (string, bool) {
	line = strings.TrimSpace(strings.TrimPrefix(line, "\ufeff"))
	if !strings.HasPrefix(line, "[") {
		return "", false
	}
	name, _, ok := strings.Cut(line[1:], "]")
	words := strings.Fields(name)
	for i, w := range words {
		words[i] = strings.Trim(w, `"'`)
	}
	return strings.Join(words, " "), ok
}

// Property finds a property's lines in a section. Its value begins on the first of
// them.
func (f *File) Property(s Span, name string) (p Span, value string, found bool) {
	for i := s.first + 1; i < s.end; i++ {
		got, v, ok := propertyOf(f.lines[i])
		if !ok || !strings.EqualFold(got, name) {
			continue
		}
		p = Span{i, i + 1}
		for j := i + 1; j < s.end; j++ { // what is indented belongs to it
			if line := f.lines[j]; strings.TrimSpace(line) != "" {
				if !indented(line) {
					break
				}
				p.end = j + 1
			}
		}
		return p, v, true
	}
	return Span{}, "", false
}

// Below finds what SetBelow sets.
func (f *File) Below(s Span, name, below string) (value string, found bool) {
	p, _, ok := f.Property(s, name)
	for i := p.first + 1; ok && i < p.end; i++ {
		if got, v, ok := propertyOf(strings.TrimSpace(f.lines[i])); ok && strings.EqualFold(got, below) {
			return v, true
		}
	}
	return "", false
}

func indented(line string) bool { return strings.HasPrefix(line, " ") || strings.HasPrefix(line, "\t") }

func propertyOf(line string) (name, value string, ok bool) {
	if indented(line) || strings.HasPrefix(line, "#") || strings.HasPrefix(line, ";") {
		return "", "", false
	}
	at := strings.IndexAny(line, "=:")
	if at < 0 {
		return "", "", false
	}
	return strings.TrimSpace(line[:at]), strings.TrimSpace(line[at+1:]), true
}

// Set gives a section a property. The section is added at the end of the file when
// it is missing, the property at the end of the section.
func (f *File) Set(section, name, value string) error {
	s, err := f.need(section)
	if err != nil {
		return err
	}
	line := name + " = " + value
	if p, _, ok := f.Property(s, name); ok {
		f.replace(p, line+f.endOf(p.first))
		return nil
	}
	f.insert(s, line+f.eol)
	return nil
}

// SetBelow gives a property of a section one of its own, and leaves its others.
func (f *File) SetBelow(section, name, below, value string) error {
	s, err := f.need(section)
	if err != nil {
		return err
	}
	line := "    " + below + " = " + value
	p, _, ok := f.Property(s, name)
	if !ok {
		f.insert(s, name+" ="+f.eol, line+f.eol)
		return nil
	}
	for i := p.first + 1; i < p.end; i++ {
		if got, _, ok := propertyOf(strings.TrimSpace(f.lines[i])); ok && strings.EqualFold(got, below) {
			f.replace(Span{i, i + 1}, line+f.endOf(i))
			return nil
		}
	}
	f.endLine(p.first)
	f.replace(Span{p.first + 1, p.first + 1}, line+f.eol)
	return nil
}

// Remove takes a property out of a section.
func (f *File) Remove(section, name string) error {
	s, ok, err := f.Section(section)
	if err != nil || !ok {
		return err
	}
	if p, _, ok := f.Property(s, name); ok {
		f.replace(p)
	}
	return nil
}

// need returns a section, which is added when it is missing.
func (f *File) need(section string) (Span, error) {
	s, ok, err := f.Section(section)
	if err != nil || ok {
		return s, err
	}
	if n := len(f.lines); n > 0 {
		f.endLine(n - 1)
		if strings.TrimSpace(f.lines[n-1]) != "" {
			f.lines = append(f.lines, f.eol)
		}
	}
	f.lines = append(f.lines, "["+section+"]"+f.eol)
	return Span{len(f.lines) - 1, len(f.lines)}, nil
}

// insert adds lines at the end of a section, before the empty lines and comments
// that lead to the next one.
func (f *File) insert(s Span, lines ...string) {
	at := s.end
	for at > s.first+1 {
		line := strings.TrimSpace(f.lines[at-1])
		if line != "" && (s.end == len(f.lines) || !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";")) {
			break
		}
		at--
	}
	f.endLine(at - 1)
	f.replace(Span{at, at}, lines...)
}

// endLine gives a line an end: the last one of a file may have none.
func (f *File) endLine(i int) {
	if !strings.HasSuffix(f.lines[i], "\n") {
		f.lines[i] += f.eol
	}
}

// endOf is the end of a line that is replaced: in files that mix them, its own.
func (f *File) endOf(i int) string {
	switch line := f.lines[i]; {
	case strings.HasSuffix(line, "\r\n"):
		return "\r\n"
	case strings.HasSuffix(line, "\n"):
		return "\n"
	}
	return f.eol
}

func (f *File) replace(s Span, lines ...string) {
	f.lines = slices.Replace(f.lines, s.first, s.end, lines...)
}
