package main

import (
	"io"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
)

// TestExamples reads every example of --help as a command line of its command, and
// finds none that is of no command.
func TestExamples(t *testing.T) {
	t.Chdir(t.TempDir())
	if err := os.WriteFile("terms.txt", []byte("Cite us."), 0o600); err != nil { // an example reads it
		t.Fatal(err)
	}
	at := ""
	p, err := parser(io.Discard, io.Discard, func(int) { t.Errorf("%s: ended the program", at) })
	if err != nil {
		t.Fatal(err)
	}
	leaves := map[string]*kong.Node{}
	for _, leaf := range p.Model.Leaves(true) {
		leaves[leaf.Path()] = leaf
	}
	for path, text := range examples {
		leaf, ok := leaves[path]
		if !ok {
			t.Errorf("%q is no command", path)
			continue
		}
		if !strings.Contains(leaf.Detail, strings.Split(text, "\n")[0]) {
			t.Errorf("the help of %q does not show its example", path)
		}
		for line := range strings.SplitSeq(text, "\n") {
			at = line
			for _, flag := range slices.Concat(leaf.AllFlags(true)...) { // it would remember those of the line before
				flag.Set = false
			}
			command, err := p.Parse(wordsOf(line))
			if err != nil {
				t.Errorf("%s: %v", line, err)
			} else if got := command.Selected().Path(); got != path {
				t.Errorf("%s: is an example of %q, and calls %q", line, path, got)
			}
		}
	}
}

// TestExamplesOfNouns finds one of each verb in the help of its noun, which had none.
func TestExamplesOfNouns(t *testing.T) {
	for _, noun := range []string{"lease", "group", "audit"} {
		var out strings.Builder
		if status := run(t.Context(), []string{noun, "--help"}, nil, &out, io.Discard); status != 0 {
			t.Fatalf("%s: status %d", noun, status)
		}
		verbs := 0
		for path, text := range examples {
			if !strings.HasPrefix(path, noun+" ") {
				continue
			}
			verbs++
			if first, _, _ := strings.Cut(text, "\n"); !strings.Contains(out.String(), first+"\n") {
				t.Errorf("%s --help does not show %s", noun, first)
			}
		}
		if verbs < 4 {
			t.Errorf("%s has %d verbs", noun, verbs)
		}
	}
}

// wordsOf are the arguments in a line of a shell: what is behind the program's
// name, up to what the shell takes for itself.
func wordsOf(line string) []string {
	line = strings.TrimSuffix(strings.TrimPrefix(line, `eval "$(`), `)"`)
	line, _, _ = strings.Cut(line, " |")
	line, _, _ = strings.Cut(line, " <")
	var words []string
	for i, part := range strings.Split(line, `"`) {
		if i%2 == 1 {
			words = append(words, part) // quoted
		} else {
			words = append(words, strings.Fields(part)...)
		}
	}
	return words[1:]
}
