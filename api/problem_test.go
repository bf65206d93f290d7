package api_test

import (
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

// A refusal to lend ends what was lent before when it says that the right has ended. One
// of how it was asked does not: in a second workspace of its user the next lease needs
// the workspace's name, and the lease at hand was thrown away for it.
func TestEndsLeases(t *testing.T) {
	for _, c := range []struct {
		status int
		code   keyhatch.Code
		ends   bool
	}{
		{401, keyhatch.CodeTokenInvalid, true},
		{403, keyhatch.CodeAccessNotGranted, true},
		{404, keyhatch.CodeLocationNotFound, true},
		{403, keyhatch.CodeScopeNotGranted, true},
		{403, keyhatch.CodeLocationLocked, true},
		{404, keyhatch.CodeWorkspaceNotFound, true},
		{403, "", false},
		{404, keyhatch.CodeRouteNotFound, false},
		{422, keyhatch.CodeLifeExceedsLimit, false},
		{422, keyhatch.CodeWorkspaceRequired, false},
		{422, keyhatch.CodeInvalidDuration, false},
		{422, keyhatch.CodeStoresDiffer, false},
		{429, "", false},
		{500, keyhatch.CodeInternal, false},
		{503, keyhatch.CodeUnavailable, false},
	} {
		if got := (&api.Problem{Status: c.status, Code: string(c.code)}).EndsLeases(); got != c.ends {
			t.Errorf("%d %s: %v", c.status, c.code, got)
		}
	}
}
