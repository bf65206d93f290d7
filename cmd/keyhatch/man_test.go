package main

import (
	"bytes"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// manual is the page as the command prints it.
func manual(t *testing.T) []string {
	t.Helper()
	var page, errors bytes.Buffer
	if status := run(t.Context(), []string{"man"}, nil, &page, &errors); status != 0 || errors.Len() > 0 {
		t.Fatalf("status %d, %s", status, &errors)
	}
	return strings.Split(strings.TrimSuffix(page.String(), "\n"), "\n")
}

// TestManualIsWellFormed holds the page to what man programs need: it had a header
// whose words were in the wrong places, empty lines, and sentences that ran together.
func TestManualIsWellFormed(t *testing.T) {
	page := manual(t)
	if !regexp.MustCompile(`^\.TH KEYHATCH 1 \d{4}-\d\d-\d\d "keyhatch [^"]+" "User Commands"$`).MatchString(page[0]) {
		t.Errorf("the header is %s", page[0])
	}
	var sections, open []string
	closes := map[string]string{"RE": "RS", "EE": "EX"}
	for i, line := range page {
		name, rest, _ := strings.Cut(strings.TrimPrefix(line, "."), " ")
		switch macro := strings.HasPrefix(line, "."); {
		case line == "" || strings.TrimRight(line, " \t") != line:
			t.Errorf("line %d is empty, or ends with space: %q", i+1, line)
		case strings.HasPrefix(line, "'"):
			t.Errorf("line %d is taken for a request: %s", i+1, line)
		case strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r > '~' }):
			t.Errorf("line %d has what not every roff reads: %q", i+1, line)
		case !macro && len(line) > 80 && page[i-1] != ".TP" && !slices.Contains(open, "EX"):
			t.Errorf("line %d has %d characters", i+1, len(line))
		case !macro:
		case i > 0 && !slices.Contains([]string{"SH", "SS", "TP", "PP", "RS", "RE", "EX", "EE", "ad", "br"}, name):
			t.Errorf("line %d has an unknown macro: %s", i+1, line)
		case name == "SH":
			sections = append(sections, strings.Trim(rest, `"`))
		case name == "RS" || name == "EX":
			open = append(open, name)
		case closes[name] != "":
			if len(open) == 0 || open[len(open)-1] != closes[name] {
				t.Fatalf("line %d closes what is not open: %v", i+1, open)
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) > 0 {
		t.Errorf("left open: %v", open)
	}
	want := []string{"NAME", "SYNOPSIS", "DESCRIPTION", "COMMANDS", "OPTIONS", "ENVIRONMENT", "FILES", "EXIT STATUS", "SEE ALSO"}
	if !slices.Equal(sections, want) {
		t.Errorf("the sections are %v, want %v", sections, want)
	}
	if n := slices.Index(page, ".SH NAME"); !strings.HasPrefix(page[n+1], `keyhatch \- `) {
		t.Errorf("the name is %q", page[n+1])
	}
}

var fonts = strings.NewReplacer(`\fB`, "", `\fI`, "", `\fR`, "", `\-`, "-", `\e`, `\`, `\(dq`, `"`, `\[u2026]`, "…", `\&`, "")

// TestManualTellsOfEachCommand finds each command once, what it is for next to its
// name, and its examples behind that.
func TestManualTellsOfEachCommand(t *testing.T) {
	p, err := parser(io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	page := manual(t)
	for i := range page {
		page[i] = fonts.Replace(page[i])
	}
	for _, leaf := range p.Model.Leaves(true) {
		at := slices.IndexFunc(page, func(line string) bool { return line == leaf.FullPath() || strings.HasPrefix(line, leaf.FullPath()+" ") })
		if at < 0 || page[at-1] != ".TP" {
			t.Errorf("no term %q", leaf.FullPath())
			continue
		}
		end := at + slices.Index(page[at:], ".RE")
		text := strings.Join(page[at+1:end], " ")
		if !strings.HasPrefix(text, leaf.Help) {
			t.Errorf("%s: what it is for does not come first: %.80s", leaf.FullPath(), text)
		}
		for _, f := range leaf.Flags {
			if f.Required && !strings.Contains(page[at], "--"+f.Name) {
				t.Errorf("%s needs --%s, which its form does not show: %s", leaf.FullPath(), f.Name, page[at])
			}
		}
		for example := range strings.SplitSeq(examples[leaf.Path()], "\n") {
			if line := slices.Index(page, example); line < at || line > end {
				t.Errorf("%s: its example is not there: %s", leaf.FullPath(), example)
			}
		}
	}
}
