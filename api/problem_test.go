package api_test

import (
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
)

// A refusal to lend ends what was lent before, but for one: a grant that ends too soon
// for another lease has not ended.
func TestEndsLeases(t *testing.T) {
	for _, c := range []struct {
		status int
		code   keyhatch.Code
		ends   bool
	}{
		{401, keyhatch.CodeTokenInvalid, true},
		{403, keyhatch.CodeAccessNotGranted, true},
		{404, keyhatch.CodeLocationNotFound, true},
		{422, keyhatch.CodeLifeExceedsLimit, false},
		{429, "", false},
		{500, keyhatch.CodeInternal, false},
		{503, keyhatch.CodeUnavailable, false},
	} {
		if got := (&api.Problem{Status: c.status, Code: string(c.code)}).EndsLeases(); got != c.ends {
			t.Errorf("%d %s: %v", c.status, c.code, got)
		}
	}
}
