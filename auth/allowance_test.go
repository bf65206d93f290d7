package auth_test

import (
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/auth"
)

// TestTellWait: who may have been given what was asked for is not told to ask again. Doors
// of foreign formats told it, and their clients made changes a second time.
func TestTellWait(t *testing.T) {
	away := func(code keyhatch.Code) *keyhatch.Error { return keyhatch.Fail(keyhatch.Unavailable, code, "") }
	for _, c := range []struct {
		err  error
		want string
	}{
		{away(keyhatch.CodeUnavailable), "1"},
		{away(keyhatch.CodeUnavailable).After(1500 * time.Millisecond), "2"},
		{errors.New("anything"), "1"},
		{away(keyhatch.CodeOutcomeUnknown), ""},
	} {
		h := http.Header{}
		if auth.TellWait(h, c.err); h.Get("Retry-After") != c.want {
			t.Errorf("%#v: Retry-After %q, want %q", c.err, h.Get("Retry-After"), c.want)
		}
	}
}
