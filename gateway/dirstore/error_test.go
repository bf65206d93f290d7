package dirstore

import (
	"go/ast"
	"go/parser"
	"go/token"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Every error that package tree exports has its line in answers, so that none
// turns into an InternalError.
func TestEveryErrorOfTheTreeHasAnAnswer(t *testing.T) {
	// names collects from the var declarations of a file.
	names := func(file string, of func(ast.Node) string) []string {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		var out []string
		for _, decl := range parsed.Decls {
			if group, ok := decl.(*ast.GenDecl); !ok || group.Tok != token.VAR {
				continue
			}
			ast.Inspect(decl, func(n ast.Node) bool {
				if name := of(n); name != "" {
					out = append(out, name)
				}
				return true
			})
		}
		slices.Sort(out)
		return out
	}
	exported := names("tree/error.go", func(n ast.Node) string {
		if v, ok := n.(*ast.ValueSpec); ok && strings.HasPrefix(v.Names[0].Name, "Err") {
			return v.Names[0].Name
		}
		return ""
	})
	answered := names("error.go", func(n ast.Node) string {
		if sel, ok := n.(*ast.SelectorExpr); ok {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "tree" {
				return sel.Sel.Name
			}
		}
		return ""
	})
	if diff := cmp.Diff(exported, answered); diff != "" || len(exported) == 0 {
		t.Errorf("(-exported +answered)\n%s", diff)
	}
}
