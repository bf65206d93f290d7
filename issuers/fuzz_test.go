package issuers_test

import (
	"encoding/base64"
	"errors"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/issuers"
)

// FuzzToken: whatever is shown that was not signed is refused. Each part is also tried behind
// signatures that are right, where nothing may come to pass but a refusal or a user of the
// rules.
func FuzzToken(f *testing.F) {
	i := rules(pemOf(f, public("ed")), pemOf(f, public("rsa")))
	i.ScopesClaim, i.Algorithms = "scopes", []string{"EdDSA", "RS256"}
	v := verifier(f, i)
	for _, jwt := range []keyhatch.Secret{
		sign(f, pairs()["ed"], object{"alg": "EdDSA", "typ": "JWT", "kid": "k"}, goodClaims()),
		sign(f, pairs()["rsa"], object{"alg": "RS256", "crit": []string{"b64"}, "b64": false}, but(goodClaims(), object{"scopes": "leases s3:read s3://lab/a/", "nbf": 1.5})),
		"..", "e30.e30.", "eyJhbGciOiJub25lIn0.e30.",
	} {
		f.Add(jwt.Reveal())
	}
	f.Fuzz(func(t *testing.T, text string) {
		if a, err := v.Verify(t.Context(), keyhatch.Secret(text), now); err == nil && a.User != "ann" {
			t.Errorf("%q is let in as %+v", text, a)
		} else if err != nil && !errors.Is(err, keyhatch.Unauthenticated) {
			t.Error(err)
		}
		header, rest, _ := strings.Cut(text, ".")
		body, _, _ := strings.Cut(rest, ".")
		a, err := v.Verify(t.Context(), keyhatch.Secret(signText(t, pairs()["ed"], "EdDSA", header, body)), now)
		if err != nil {
			if !errors.Is(err, keyhatch.Unauthenticated) {
				t.Error(err)
			}
			return
		}
		if _, err := base64.RawURLEncoding.Strict().DecodeString(body); err != nil || a.User != "ann" || !a.ExpiresAt.After(now) || a.Signed != keyhatch.Secret(header+"."+body) {
			t.Errorf("%+v", a)
		}
	})
}

// FuzzSet: whatever an issuer's server answers makes a bounded number of keys or an error.
func FuzzSet(f *testing.F) {
	f.Add([]byte(set(f, "ed", "rsa", "p256")))
	f.Add([]byte(`{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"},{"kty":"oct","k":"AA"},null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		if n, err := issuers.ReadSet(text); n > 32 || err != nil && n > 0 {
			t.Errorf("%d keys, %v", n, err)
		}
	})
}
