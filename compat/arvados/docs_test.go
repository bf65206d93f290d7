package arvados_test

import (
	"go/parser"
	"go/token"
	"os"
	"slices"
	"strings"
	"testing"
)

// The list of deviations in docs/arvados.md is that of the package's documentation.
func TestDeviationsAreDocumented(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "doc.go", nil, parser.ParseComments)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile("../../docs/arvados.md")
	if err != nil {
		t.Fatal(err)
	}
	_, inCode, _ := strings.Cut(file.Doc.Text(), "compares them.\n")
	inCode, _, _ = strings.Cut(inCode, "Source:")
	_, inDocs, _ := strings.Cut(string(text), "<!-- deviations: a test holds this list to the package's documentation -->\n")
	inDocs, _, _ = strings.Cut(inDocs, "<!-- end -->")
	want, got := items(inCode, "-"), items(strings.ReplaceAll(inDocs, "`", ""), "*")
	if len(want) < 10 || !slices.Equal(got, want) {
		t.Errorf("docs:\n%s\n\ndoc.go:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// items are those of a list, each in one line.
func items(text, bullet string) (out []string) {
	for line := range strings.Lines(text) {
		words := strings.Fields(line)
		switch {
		case len(words) > 0 && words[0] == bullet:
			out = append(out, strings.Join(words[1:], " "))
		case len(words) > 0 && len(out) > 0:
			out[len(out)-1] += " " + strings.Join(words, " ")
		}
	}
	return out
}
