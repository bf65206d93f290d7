package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"testing"

	"github.com/alecthomas/kong"
	"github.com/keyhatch/keyhatch/cli/ask"
)

func readDoc(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// docs/cli.md shows the verbs as keyhatch --help does, and every variable that the
// flags take.
func TestCommandLineIsDocumented(t *testing.T) {
	p, err := parser(io.Discard, io.Discard, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	doc := readDoc(t, "../../docs/cli.md")
	_, rest, _ := strings.Cut(doc, "<!-- verbs: a test holds this table to keyhatch --help -->\n")
	shown, _, _ := strings.Cut(rest, "<!-- end -->")
	if want := verbTable(p.Model.Node); shown != want {
		t.Errorf("docs/cli.md is to show:\n%s", want)
	}
	variables := 0
	_ = kong.Visit(p.Model, func(node kong.Visitable, next kong.Next) error {
		if f, ok := node.(*kong.Flag); ok {
			for _, name := range f.Envs {
				variables++
				if !strings.Contains(doc, "`"+name+"`") {
					t.Errorf("docs/cli.md does not name %s", name)
				}
			}
		}
		return next(nil)
	})
	if variables == 0 {
		t.Error("no flag takes a variable")
	}
	for what, status := range map[string]int{
		"done": ask.ExitDone, "failed": ask.ExitFailed, "the question is wrong": ask.ExitUsage,
		"not permitted": ask.ExitNotPermitted, "not found": ask.ExitNotFound, "`keyhatch doctor` has found": ask.ExitUnwell,
	} {
		if !strings.Contains(doc, fmt.Sprintf("| %d | %s", status, what)) {
			t.Errorf("docs/cli.md does not say that %d is %q", status, what)
		}
	}
}

func verbTable(root *kong.Node) string {
	var out strings.Builder
	group := ""
	for _, leaf := range root.Leaves(true) {
		top := leaf
		for top.Parent != root {
			top = top.Parent
		}
		if top.Group.Title != group {
			group = top.Group.Title
			fmt.Fprintf(&out, "\n| %s | |\n|---|---|\n", group)
		}
		fmt.Fprintf(&out, "| `keyhatch %s` | %s |\n", leaf.Path(), strings.ReplaceAll(leaf.Help, "|", `\|`))
	}
	return strings.TrimPrefix(out.String(), "\n")
}
