package keys_test

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/broker/keys"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/seal"
)

// TestS5_NoSecretAtRestAfterRotation: neither the database, with what SQLite keeps of
// pages that were written over, nor the log has a planted secret in any spelling.
func TestS5_NoSecretAtRestAfterRotation(t *testing.T) {
	t.Parallel()
	g := newGround(t, keys.Pace{Batch: 2})
	var planted []string
	for i, secret := range []string{`canary/"quoted"\and+slashed=`, "canary&<html>%25?", strings.Repeat("canary~", 60)} {
		id := g.credential(string(rune('a'+i)), "first-"+secret)
		g.must(g.set(id, secret))
		planted = append(planted, secret, "first-"+secret)
	}
	for range 3 {
		_, token, err := g.Broker.People.CreateToken(t.Context(), g.Admin, people.NewToken{})
		g.must(err)
		planted = append(planted, token.Reveal())
		g.rotate()
		g.step()
	}
	g.rotate(seal.ColumnsKeyset) // one that is not finished
	text := append(g.DatabaseBytes(t), g.log.String()...)
	if len(g.events(keys.Resealed)) < 3 {
		t.Fatal("nothing was sealed anew")
	}
	for _, secret := range planted {
		inJSON, err := json.Marshal(secret)
		g.must(err)
		for form, spelled := range map[string]string{
			"as it is": secret, "base64": base64.StdEncoding.EncodeToString([]byte(secret)), "base64url": base64.RawURLEncoding.EncodeToString([]byte(secret)),
			"hex": hex.EncodeToString([]byte(secret)), "in a URL": url.QueryEscape(secret), "in a path": url.PathEscape(secret),
			"in JSON": strings.Trim(string(inJSON), `"`),
		} {
			if bytes.Contains(text, []byte(spelled)) {
				t.Errorf("%.12q can be read, %s", secret, form)
			}
		}
	}
}
