package keyhatch_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Every code is explained in docs/errors.md, and nothing there is not a code.
func TestEveryCodeIsExplained(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "code.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var codes []string
	ast.Inspect(file, func(n ast.Node) bool {
		if spec, ok := n.(*ast.ValueSpec); ok {
			code, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			codes = append(codes, code)
		}
		return true
	})
	var explained []string
	for _, row := range regexp.MustCompile("(?m)^\\| <a id=\"(\\w+)\"></a>`(\\w+)` \\|").FindAllStringSubmatch(read(t, "docs/errors.md"), -1) {
		if row[1] != row[2] {
			t.Errorf("the anchor of %s is %s", row[2], row[1])
		}
		explained = append(explained, row[1])
	}
	slices.Sort(codes)
	slices.Sort(explained)
	if len(codes) < 40 || !slices.Equal(codes, explained) {
		t.Errorf("codes:\n%v\nexplained:\n%v", codes, explained)
	}
}

// Every direct dependency has its line in docs/dependencies.md, and every line
// there is one.
func TestEveryDependencyIsExplained(t *testing.T) {
	table := read(t, "docs/dependencies.md")
	var direct []string
	for _, line := range regexp.MustCompile(`(?m)^\t(\S+) v\S+$`).FindAllStringSubmatch(read(t, "go.mod"), -1) {
		direct = append(direct, line[1])
	}
	if len(direct) < 8 {
		t.Fatalf("go.mod lists only %v", direct)
	}
	for _, module := range direct {
		// The parts of one SDK share a line.
		if family, _, _ := strings.Cut(module, "/service/"); !strings.Contains(table, "| "+family) &&
			!strings.HasPrefix(module, "github.com/aws/") {
			t.Errorf("%s has no line", module)
		}
	}
	for _, row := range regexp.MustCompile(`(?m)^\| ((?:github\.com|code\.dny\.dev|modernc\.org|pgregory\.net|golang\.org)/\S+)`).FindAllStringSubmatch(table, -1) {
		if !slices.ContainsFunc(direct, func(m string) bool { return m == row[1] || strings.HasPrefix(m, row[1]+"/") }) {
			t.Errorf("%s has a line but is not used", row[1])
		}
	}
}

// Links between the documents lead somewhere.
func TestLinksLeadSomewhere(t *testing.T) {
	var files []string
	for _, pattern := range []string{"*.md", "docs/*.md", "docs/decisions/*.md", "changelog/*.md"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	links := 0
	for _, file := range files {
		for _, link := range regexp.MustCompile(`\]\(([^)#:]+)(#[^)]*)?\)`).FindAllStringSubmatch(read(t, file), -1) {
			links++
			if _, err := os.Stat(filepath.Join(filepath.Dir(file), link[1])); err != nil {
				t.Errorf("%s links to %s, which is not there", file, link[1])
			}
		}
	}
	if links < 10 {
		t.Errorf("only %d links in %v", links, files)
	}
}
