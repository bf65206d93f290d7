package keyhatch_test

import (
	"strings"
	"testing"
	"time"

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

// TestLoggedInSince: a session that was begun since is not enough, where the provider has let its user in for a login of
// before; nor is the provider's word for one of after that of a session of before.
func TestLoggedInSince(t *testing.T) {
	at := time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)
	for what, c := range map[string]struct {
		begun, loggedIn time.Time
		want            bool
	}{
		"then":                        {at, at, true},
		"since":                       {at.Add(time.Hour), at.Add(time.Hour), true},
		"before":                      {at.Add(-1), at.Add(-1), false},
		"there by a clock behind":     {at.Add(time.Second), at.Add(-keyhatch.ProviderClock), true},
		"there before":                {at.Add(time.Second), at.Add(-keyhatch.ProviderClock - 1), false},
		"there nobody knows when":     {at.Add(time.Second), time.Time{}, false},
		"there since, and here not":   {at.Add(-1), at.Add(time.Second), false},
		"there before, by their word": {at.Add(time.Second), at.Add(-time.Hour), false},
	} {
		if got := (keyhatch.BrowserSession{CreatedAt: c.begun, LoggedIn: c.loggedIn}).LoggedInSince(at); got != c.want {
			t.Errorf("%s: %t", what, got)
		}
	}
}
