package deliver

import (
	"fmt"
	"slices"
	"strings"
)

// configFile is the text of an AWS configuration file, line by line with their
// ends, so that what is not changed stays as it is. It reads what botocore reads:
// a section begins with a line "[…]", a property with "name = value", and indented
// lines after it belong to it.
type configFile struct {
	lines []string
	eol   string
}

func parseConfig(text string) *configFile {
	f := &configFile{lines: slices.Collect(strings.Lines(text)), eol: "\n"}
	if len(f.lines) > 0 && strings.HasSuffix(f.lines[0], "\r\n") {
		f.eol = "\r\n"
	}
	return f
}

func (f *configFile) String() string { return strings.Join(f.lines, "") }

// span are the lines from first on that lie before end.
type span struct{ first, end int }

// section finds a section. It is an error if there are several of the name: the
// clients would take another one, or refuse the file.
func (f *configFile) section(name string) (s span, found bool, err error) {
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
			return span{}, false, fmt.Errorf("it has two sections [%s]: remove one", name)
		}
		s, found = span{i, -1}, true
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

// property finds a property's lines in a section. Its value begins on the first of
// them.
func (f *configFile) property(s span, name string) (p span, value string, found bool) {
	for i := s.first + 1; i < s.end; i++ {
		got, v, ok := propertyOf(f.lines[i])
		if !ok || !strings.EqualFold(got, name) {
			continue
		}
		p = span{i, i + 1}
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
	return span{}, "", false
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

// nested are the properties below a property: s3 has them.
type nested struct{ name, value string }

// set gives a section a property. The section is added at the end of the file when
// it is missing, the property at the end of the section.
func (f *configFile) set(section, name, value string) error {
	s, err := f.need(section)
	if err != nil {
		return err
	}
	line := name + " = " + value
	if p, _, ok := f.property(s, name); ok {
		f.replace(p, line+f.endOf(p.first))
		return nil
	}
	f.insert(s, line+f.eol)
	return nil
}

// setBelow gives a property of a section one of its own, and leaves its others.
func (f *configFile) setBelow(section, name string, n nested) error {
	s, err := f.need(section)
	if err != nil {
		return err
	}
	line := "    " + n.name + " = " + n.value
	p, _, ok := f.property(s, name)
	if !ok {
		f.insert(s, name+" ="+f.eol, line+f.eol)
		return nil
	}
	for i := p.first + 1; i < p.end; i++ {
		if got, _, ok := propertyOf(strings.TrimSpace(f.lines[i])); ok && strings.EqualFold(got, n.name) {
			f.replace(span{i, i + 1}, line+f.endOf(i))
			return nil
		}
	}
	f.endLine(p.first)
	f.replace(span{p.first + 1, p.first + 1}, line+f.eol)
	return nil
}

// remove takes a property out of a section.
func (f *configFile) remove(section, name string) error {
	s, ok, err := f.section(section)
	if err != nil || !ok {
		return err
	}
	if p, _, ok := f.property(s, name); ok {
		f.replace(p)
	}
	return nil
}

// need returns a section, which is added when it is missing.
func (f *configFile) need(section string) (span, error) {
	s, ok, err := f.section(section)
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
	return span{len(f.lines) - 1, len(f.lines)}, nil
}

// insert adds lines at the end of a section, before the empty lines and comments
// that lead to the next one.
func (f *configFile) insert(s span, lines ...string) {
	at := s.end
	for at > s.first+1 {
		line := strings.TrimSpace(f.lines[at-1])
		if line != "" && (s.end == len(f.lines) || !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, ";")) {
			break
		}
		at--
	}
	f.endLine(at - 1)
	f.replace(span{at, at}, lines...)
}

// endLine gives a line an end: the last one of a file may have none.
func (f *configFile) endLine(i int) {
	if !strings.HasSuffix(f.lines[i], "\n") {
		f.lines[i] += f.eol
	}
}

// endOf is the end of a line that is replaced: in files that mix them, its own.
func (f *configFile) endOf(i int) string {
	switch line := f.lines[i]; {
	case strings.HasSuffix(line, "\r\n"):
		return "\r\n"
	case strings.HasSuffix(line, "\n"):
		return "\n"
	}
	return f.eol
}

func (f *configFile) replace(s span, lines ...string) {
	f.lines = slices.Replace(f.lines, s.first, s.end, lines...)
}
