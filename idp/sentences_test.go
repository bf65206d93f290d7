package idp

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

// saysWhatToDo finds a verb that tells somebody to do something: where the sentence begins, or a part of it, or after
// "and", "or" or "then". A verb anywhere did before, and half of these told only what was wrong.
var saysWhatToDo = regexp.MustCompile(`(?i)(?:^|[:;.,] (?:then |and |or )?)(?:do not )?(?:activate|add|ask|begin|call|change|check|choose|chmod|end|get|give|go|leave|log in|log out|look|make|name|open|read|revoke|say|send|set|show|tell|try|type|use|wait|write)\b`)

// saysWhatIsWanted finds what a setting has to be, which tells who writes a configuration what to write.
var saysWhatIsWanted = regexp.MustCompile(`\b(?:must be|has to be|needs|is needed|go together|is the name of|makes one)\b`)

// passesOn is what only says of what another sentence is.
var passesOn = regexp.MustCompile(`^[\w %.:()\[\]-]*: ?%[ws]$|^login\.%w$`)

// failing are the functions and types that say what went wrong, each with the place of the
// sentence among its arguments or fields; -1 is the last.
var failing = map[string]int{"invalidRequest": 1, "refuse": 1, "Fail": 2, "Refusal": 1, "failure": -1, "devicePage": -1}

// TestEverySentenceSaysWhatToDo: whatever a user or a client is told when something has failed, it
// is told what to do next. It walks through all sentences of the login pages, the authorization
// server, the sessions and the configuration. Before, some told only what was wrong.
func TestEverySentenceSaysWhatToDo(t *testing.T) {
	t.Parallel()
	seen := 0
	for _, pattern := range []string{
		"*.go", "../auth/*.go", "../broker/oauth/*.go", "../broker/sessions/*.go", "../broker/passwords/*.go", "../broker/logins/*.go", "../broker/people/*.go", "../broker/terms/*.go",
		"../compat/earthdata/*.go", "../providers/*.go", "../issuers/*.go", "../cmd/keyhatch/config/*.go",
	} {
		says, at := saysWhatToDo.MatchString, failing
		if strings.Contains(pattern, "/config/") {
			says = func(s string) bool {
				return saysWhatToDo.MatchString(s) || saysWhatIsWanted.MatchString(s) || passesOn.MatchString(s)
			}
			at = map[string]int{"New": 0, "Errorf": 0}
		}
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: %v", pattern, err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, 0)
			if err != nil {
				t.Fatal(err)
			}
			ast.Inspect(parsed, func(n ast.Node) bool {
				for _, sentence := range sentencesOf(n, at) {
					seen++
					if sentence != "%s" && !says(sentence) { // its sentences stand in a table, which is walked too
						t.Errorf("%s: what is to be done? %q", file, sentence)
					}
				}
				return true
			})
		}
	}
	if seen < 190 {
		t.Errorf("it has seen %d sentences only: it does not look where they are", seen)
	}
}

// sentencesOf are those that a call or a literal says. failing is as the variable of that name.
func sentencesOf(n ast.Node, failing map[string]int) []string {
	var name string
	var parts []ast.Expr
	switch n := n.(type) {
	case *ast.AssignStmt:
		if nameOf(n.Lhs[0]) == "Message" {
			return textOf(n.Rhs[0])
		}
		return nil
	case *ast.CallExpr:
		name, parts = nameOf(n.Fun), n.Args
	case *ast.CompositeLit:
		name, parts = nameOf(n.Type), n.Elts
		if m, ok := n.Type.(*ast.MapType); ok && nameOf(m.Key) == "LoginRefusal" && nameOf(m.Value) == "string" {
			var out []string
			for _, e := range parts {
				out = append(out, textOf(e.(*ast.KeyValueExpr).Value)...)
			}
			return out
		}
		if m, ok := n.Type.(*ast.MapType); ok && nameOf(m.Value) == "failure" {
			var out []string
			for _, e := range parts {
				if c, ok := e.(*ast.KeyValueExpr).Value.(*ast.CompositeLit); ok {
					c.Type = m.Value
					out = append(out, sentencesOf(c, failing)...)
					c.Type = nil
				}
			}
			return out
		}
	}
	at, says := failing[name]
	if !says {
		return nil
	}
	for i, p := range parts {
		if kv, ok := p.(*ast.KeyValueExpr); ok {
			if k := nameOf(kv.Key); k == "Description" || k == "Message" {
				return textOf(kv.Value)
			}
			continue
		}
		if i == at {
			return textOf(p)
		}
	}
	return nil
}

func nameOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.Ident:
		return e.Name
	case *ast.SelectorExpr:
		return e.Sel.Name
	}
	return ""
}

// textOf is the text of a literal, or of those that are put together.
func textOf(e ast.Expr) []string {
	switch e := e.(type) {
	case *ast.BasicLit:
		if text, err := strconv.Unquote(e.Value); err == nil {
			return []string{text}
		}
	case *ast.BinaryExpr:
		if text := strings.Join(append(textOf(e.X), textOf(e.Y)...), ""); text != "" {
			return []string{text}
		}
	}
	return nil
}
