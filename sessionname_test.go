package keyhatch_test

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// TestNamesOfLeases keep the rule for what a borrower calls one, and differ where what they
// are made of does: those that begin alike were cut to the same.
func TestNamesOfLeases(t *testing.T) {
	t.Parallel()
	long, called := strings.Repeat("department-", 8), map[string]bool{}
	for _, of := range []keyhatch.SessionOf{
		{User: "ann", Client: "job+1"},
		{User: "ann"},
		{User: "ann@lab.org", Client: "job"},
		{User: "ann", Client: "lab.org@job"},
		{User: "änn", Client: "a b"},
		{User: "ånn", Client: "a b"},
		{User: long + "a", Client: "x"},
		{User: long + "b", Client: "x"},
		{User: "ann", Client: long + "a"},
		{User: "ann", Client: long + "b"},
	} {
		name := of.LeaseName()
		if err := keyhatch.CheckSessionName(name); err != nil || called[name] {
			t.Errorf("%+v is called %q: %v", of, name, err)
		}
		called[name] = true
	}
	for _, plain := range []string{"ann@job+1", "ann@keyhatch", "ann@lab.org@job"} {
		if !called[plain] {
			t.Errorf("none is called %s: %v", plain, called)
		}
	}
}
