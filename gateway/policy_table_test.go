package gateway

import (
	"slices"
	"testing"

	"github.com/keyhatch/keyhatch/gateway/classify"
	"github.com/keyhatch/keyhatch/policy/sessionpolicy"
)

// Session policies know every operation of the table, and no other.
func TestPoliciesKnowEveryOperation(t *testing.T) {
	var names []string
	for _, op := range classify.Operations {
		names = append(names, op.Name)
	}
	slices.Sort(names)
	if known := sessionpolicy.Operations(); !slices.Equal(slices.Compact(names), known) {
		t.Errorf("operations are\n%v, policies know\n%v", names, known)
	}
}
