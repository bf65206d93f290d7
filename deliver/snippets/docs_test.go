package snippets_test

import (
	"os"
	"regexp"
	"testing"

	"github.com/keyhatch/keyhatch/deliver/snippets"
)

// docs/leases.md tells of each tool that there is a snippet for, and whether it
// renews.
func TestToolsAreDocumented(t *testing.T) {
	text, err := os.ReadFile("../../docs/leases.md")
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]bool{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([a-z0-9]+)` \\| (yes|no)").FindAllStringSubmatch(string(text), -1) {
		told[row[1]] = row[2] == "yes"
	}
	for _, tool := range snippets.Tools() {
		if renews, ok := told[tool]; !ok || renews != snippets.Renews(tool) {
			t.Errorf("docs/leases.md tells of %s: %v, that it renews: %v", tool, ok, renews)
		}
	}
	if len(told) != len(snippets.Tools()) {
		t.Errorf("docs/leases.md tells of %v, there are snippets for %v", told, snippets.Tools())
	}
}
