package gateway

import (
	"errors"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// Every kind of failure of the core has an answer, and what is not known is ours.
func TestEveryKindHasAnAnswer(t *testing.T) {
	for _, kind := range keyhatch.Kinds {
		if kinds[kind] == nil {
			t.Errorf("kind %q has no answer", kind)
		}
		e := asS3(keyhatch.Fail(kind, "code", "canary of %d", 1).Because(errors.New("a hidden cause")))
		if e != kinds[kind] || strings.Contains(e.Message, "canary") {
			t.Errorf("kind %q: %v", kind, e)
		}
	}
	if e := asS3(errors.New("a hidden cause")); e != errInternal {
		t.Errorf("an error without a kind: %v", e)
	}
}
