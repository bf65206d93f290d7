package main

import (
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// cannotFail are the commands that no script has to see failing: what they print is
// in the binary.
var cannotFail = []string{"man", "version"}

// succeedElsewhere are the commands that need a real store or a browser to succeed, and the
// tests with one.
var succeedElsewhere = map[string]string{
	"store verify":   "../../conformance/sessions_test.go",
	"store accept":   "../../conformance/sessions_test.go",
	"session show":   "sessions_test.go",
	"session revoke": "sessions_test.go",
	"consent revoke": "device_login_test.go",
}

// TestEveryVerbIsScripted finds each command in the scripts, once where it does what
// it is for and once where it does not: a new one cannot be forgotten.
func TestEveryVerbIsScripted(t *testing.T) {
	p, err := parser(io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(scripts, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	succeeds, fails := map[string]bool{}, map[string]bool{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			if words, well, ok := scripted(line); ok {
				seen := fails
				if well {
					seen = succeeds
				}
				seen[leafOf(p.Model.Node, words)] = true
			}
		}
	}
	for _, leaf := range p.Model.Leaves(true) {
		name := leaf.Path()
		if file, is := succeedElsewhere[name]; is {
			text, err := os.ReadFile(file)
			if err != nil || !strings.Contains(string(text), `"`+strings.Join(strings.Fields(name), `", "`)+`"`) {
				t.Errorf("%s does not have %q succeed: %v", file, name, err)
			}
		} else if !succeeds[name] {
			t.Errorf("no script has %q succeed", name)
		}
		switch {
		case slices.Contains(cannotFail, name) && fails[name]:
			t.Errorf("a script has %q fail: it is not one that cannot", name)
		case !slices.Contains(cannotFail, name) && !fails[name]:
			t.Errorf("no script has %q fail", name)
		}
	}
}

// TestScriptsLeaveNothingOutUnseen: a script that needs a program says so and is
// skipped whole, which is counted. Completions of shells that were not there were
// left out without a word.
func TestScriptsLeaveNothingOutUnseen(t *testing.T) {
	files, err := filepath.Glob(filepath.Join(scripts, "*.txt"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scripts: %v", err)
	}
	for _, file := range files {
		for line := range strings.Lines(readDoc(t, file)) {
			words := strings.Fields(line)
			if len(words) > 1 && strings.Contains(words[0], "exec:") && (!strings.HasPrefix(words[0], "[!") || words[1] != "skip") {
				t.Errorf("%s: left out where the program is not: %s", file, line)
			}
		}
	}
}

// scripted reads a line of a script that runs keyhatch by itself: the words behind
// the program's name, and whether it has to do well. A line with a condition may not
// be run, so it is none.
func scripted(line string) (words []string, well, ok bool) {
	words = strings.Fields(line)
	well = true
	switch {
	case len(words) > 1 && words[0] == "!" && words[1] == "exec":
		words, well = words[2:], false
	case len(words) > 1 && words[0] == "status": // which is never 0
		words, well = words[2:], false
	case len(words) > 0 && words[0] == "exec":
		words = words[1:]
	default:
		return nil, false, false
	}
	if len(words) == 0 || words[0] != "keyhatch" || slices.Contains(words, "--help") {
		return nil, false, false
	}
	return words[1:], well, true
}

// leafOf is the command that words call, also when they call it wrongly.
func leafOf(node *kong.Node, words []string) string {
	for len(words) > 0 {
		i := slices.IndexFunc(node.Children, func(c *kong.Node) bool { return c.Name == words[0] })
		if i < 0 {
			break
		}
		node, words = node.Children[i], words[1:]
	}
	if node.DefaultCmd != nil {
		node = node.DefaultCmd
	}
	return node.Path()
}

func TestScripted(t *testing.T) {
	p, err := parser(io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	for line, want := range map[string]string{
		"exec keyhatch lease alpha":                "lease borrow well",
		"status 4 keyhatch lease borrow alpha":     "lease borrow badly",
		"! exec keyhatch lease list":               "lease list badly",
		"exec keyhatch exec alpha -- sh":           "exec well",
		"[exec:sh] exec keyhatch exec alpha -- sh": "",
		"exec keyhatch dev --data d &dev&":         "dev well",
		"status 2 keyhatch grant":                  "grant badly",
		"exec keyhatch lease --help":               "",
		"exec sh -c 'keyhatch lease'":              "",
		"# exec keyhatch lease":                    "",
		"stdout 'exec keyhatch lease'":             "",
		"":                                         "",
	} {
		got := ""
		if words, well, ok := scripted(line); ok {
			got = leafOf(p.Model.Node, words) + map[bool]string{true: " well", false: " badly"}[well]
		}
		if got != want {
			t.Errorf("%q is read as %q, want %q", line, got, want)
		}
	}
}
