package logins

import (
	"go/ast"
	"go/parser"
	"go/token"
	"strconv"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// TestEveryRefusalSaysWhatToDo: each reason has a sentence, and each sentence something to do.
func TestEveryRefusalSaysWhatToDo(t *testing.T) {
	t.Parallel()
	file, err := parser.ParseFile(token.NewFileSet(), "../../login.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	reasons := 0
	ast.Inspect(file, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.Ident); !ok || typ.Name != "LoginRefusal" {
			return true
		}
		text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
		if err != nil {
			t.Fatal(err)
		}
		reasons++
		said := refusals[keyhatch.LoginRefusal(text)]
		if !strings.Contains(said, "log in again") && !strings.Contains(said, "an installation admin") && !strings.Contains(said, "try it again") {
			t.Errorf("%s: %q says nothing to do", text, said)
		}
		return true
	})
	if reasons != len(refusals) {
		t.Errorf("there are %d reasons and %d sentences", reasons, len(refusals))
	}
}
