package past

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// decidesNothing are the actions after which the same users have the same access.
var decidesNothing = []keyhatch.Action{
	"workspace.update",          // its name
	"bucket.keys",               // each key that it changes has an event
	"terms.set", "terms.accept", // who-can tells who has a right, whatever is still to be accepted
	"token.create", "token.rotate", // who-can is about users, and URLs that were signed
	"consent.end",                                                       // each token and key that ends with it has an event
	"access_key.issuing", "access_key.not_issued", "access_key.surplus", // what a store has done of what was decided
}

// TestEveryActionIsConsidered: a new action of people, places, leases or access keys has a line in the
// table of changes, is one of those that decide about what was lent, or stands above.
func TestEveryActionIsConsidered(t *testing.T) {
	found := 0
	for _, pattern := range []string{"../people/*.go", "../places/*.go", "../accesskeys/*.go", "../storekeys/*.go", "../lending/*.go", "../buckets/*.go", "../accounts/*.go", "../terms/*.go"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			for _, a := range actionsOf(t, file) {
				found++
				lists := 0
				_, changes := changes[a]
				for _, in := range []bool{changes, slices.Contains(lentActions, a), slices.Contains(decidesNothing, a)} {
					if in {
						lists++
					}
				}
				if lists != 1 {
					t.Errorf("%s: action %q has to be in the table of changes, to decide about what was lent, or to decide nothing: it is in %d of these", file, a, lists)
				}
			}
		}
	}
	if want := len(changes) + len(lentActions) + len(decidesNothing); found != want {
		t.Errorf("%d actions are considered, they have %d", want, found)
	}
}

// actionsOf are the constants of type keyhatch.Action in a file.
func actionsOf(t *testing.T, file string) (out []keyhatch.Action) {
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		if typ, ok := spec.Type.(*ast.SelectorExpr); ok && typ.Sel.Name == "Action" {
			text, err := strconv.Unquote(spec.Values[0].(*ast.BasicLit).Value)
			if err != nil {
				t.Fatal(err)
			}
			out = append(out, keyhatch.Action(text))
		}
		return true
	})
	return out
}
