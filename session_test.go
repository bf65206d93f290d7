package keyhatch_test

import (
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
)

// TestSessionSecrets: the secret of a session is one, and nothing else is; no door takes it for
// a token, and where it does not belong it is not repeated.
func TestSessionSecrets(t *testing.T) {
	secret := keyhatch.NewSessionSecret().Reveal()
	if !keyhatch.IsSessionSecret(secret) || secret == keyhatch.NewSessionSecret().Reveal() || !strings.HasPrefix(secret, "khs_") {
		t.Error("it is none, or always the same")
	}
	if keyhatch.IsTokenSecret(secret) || keyhatch.IsResetSecret(secret) || !keyhatch.MayHoldToken("/x/"+secret) {
		t.Error("it is something else, too")
	}
	if _, ok := keyhatch.ParseTokenSecret(secret); ok {
		t.Error("it is a token")
	}
	last := map[bool]string{true: "a", false: "b"}[secret[len(secret)-1] == 'b']
	for what, s := range map[string]string{
		"nothing": "", "a token": keyhatch.NewTokenSecret().Reveal(), "a reset": keyhatch.NewResetSecret().Reveal(), "mistyped": secret[:len(secret)-1] + last,
		"too short": secret[:len(secret)-1], "too long": secret + "a", "with a space": secret + " ", "without its beginning": strings.TrimPrefix(secret, "khs_"),
	} {
		if keyhatch.IsSessionSecret(s) {
			t.Errorf("%s is one", what)
		}
	}
}
