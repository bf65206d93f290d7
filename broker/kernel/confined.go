package kernel

import (
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/policy"
)

// LastEnd is when whatever a token of the scopes hands on ends at the latest: a confined
// one hands on nothing that outlives it, and neither does what an issuer has signed, or what a
// user has let a program have. Zero: no bound.
func LastEnd(t keyhatch.Token, scopes policy.Scopes) time.Time {
	_, task := t.OfTask()
	confined := t.Workspace != "" || !scopes.All() || len(t.Networks) > 0 || t.RequestsPerMinute > 0 || task || t.Bearer.Issuer != "" || t.Consent != ""
	if !confined {
		return time.Time{}
	}
	return t.ExpiresAt
}
