package conformance

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// TestS5_NoCanaryAtRest: who has everything that an installation keeps and says but the
// key file, its database with the pages that were written over, its logs, has none of
// the secrets that were given to it, in any encoding; neither of those that it took nor
// of those that it refused.
func TestS5_NoCanaryAtRest(t *testing.T) {
	t.Parallel()
	s := ownServer(t, devserver.Installation{})
	c := &canaries{t: t, s: s, secrets: map[string]string{}}
	create(t, s, "/api/v1/workspaces", map[string]any{"name": "lab"})
	taken := c.taken()
	for name, authority := range taken {
		c.send(201, "POST", "/api/v1/credentials?workspace=lab", map[string]any{"name": name}, authority())
		c.send(409, "POST", "/api/v1/credentials?workspace=lab", map[string]any{"name": name}, authority())
		c.send(200, "PATCH", "/api/v1/credentials/"+name+"?workspace=lab", nil, authority()) // written over
		c.send(200, "POST", "/api/v1/credentials/verify?workspace=lab", nil, authority())
		c.send(422, "POST", "/api/v1/credentials?workspace=lab", map[string]any{"name": "not a name"}, authority())
		c.send(422, "POST", "/api/v1/credentials?workspace=lab", map[string]any{"name": "x", "colour": 1}, authority())
		c.send(404, "POST", "/api/v1/credentials?workspace=none", map[string]any{"name": "x"}, authority())
	}
	c.send(422, "POST", "/api/v1/credentials?workspace=lab", map[string]any{"name": "two"}, taken["aws-keys"](), taken["gcp-keys"]())
	c.send(422, "POST", "/api/v1/credentials?workspace=lab", map[string]any{"name": "x", "aws_role": map[string]any{"role_arn": c.canary("no-arn"), "external_id": c.id("no-arn")}})
	tiledb := map[string]any{"name": "t", "provider": "AWS"}
	keys := func() map[string]any {
		return map[string]any{"credential": map[string]any{"aws": map[string]any{"access_key_id": "AKIA", "secret_access_key": c.canary("tiledb")}}}
	}
	c.send(201, "POST", "/v4/credentials/lab", tiledb, keys())
	c.send(204, "PATCH", "/v4/credentials/lab/t", nil, keys())
	c.send(400, "POST", "/v4/actions/credentials/verify", tiledb, map[string]any{"workspace_id": "lab", "role": map[string]any{"aws": map[string]any{"role_arn": c.canary("tiledb-role")}}})
	c.send(400, "POST", "/v4/credentials/lab", map[string]any{"name": "u", "provider": c.canary("provider")}, keys())
	c.send(202, "POST", "/api/v1/keys/rotate", nil)
	c.people()

	held := c.held()
	for what, secret := range c.secrets {
		for encoding, text := range encodings(secret) {
			for name, kept := range held {
				if bytes.Contains(kept, text) {
					t.Errorf("%s: the secret of %s is there, %s", name, what, encoding)
				}
			}
		}
	}
	if len(c.secrets) < 60 {
		t.Errorf("only %d secrets were planted", len(c.secrets))
	}
	// What is looked for would be found: whom a credential acts as stands in the clear.
	const principal = "arn:aws:iam::123456789012:role/demo"
	if !slices.ContainsFunc(slices.Collect(maps.Values(held)), func(kept []byte) bool { return bytes.Contains(kept, []byte(principal)) }) {
		t.Error("what is no secret is not found either")
	}
}

// canaries gives secrets to a server and remembers them.
type canaries struct {
	t       *testing.T
	s       *devserver.Server
	secrets map[string]string
}

func (c *canaries) note(what, secret string) string {
	c.secrets[fmt.Sprintf("%s %d", what, len(c.secrets)+1)] = secret
	return secret
}

// canary is a secret that every encoding spells in another way.
func (c *canaries) canary(what string) string { return c.note(what, `c/+"\<&=`+rand.Text()) }

// id is one of the letters of an external id.
func (c *canaries) id(what string) string { return c.note(what, "c:/"+rand.Text()) }

// taken are authorities of each form with a secret of their own, each time another.
func (c *canaries) taken() map[string]func() map[string]any {
	form := func(name string, fields map[string]any) map[string]any { return map[string]any{name: fields} }
	return map[string]func() map[string]any{
		"aws-keys": func() map[string]any {
			return form("aws_keys", map[string]any{"access_key_id": "AKIA", "secret_access_key": c.canary("aws-keys")})
		},
		"aws-role": func() map[string]any {
			return form("aws_role", map[string]any{"role_arn": "arn:aws:iam::123456789012:role/demo", "external_id": c.id("aws-role")})
		},
		"azure-keys": func() map[string]any {
			return form("azure_keys", map[string]any{"account_name": "demo", "account_key": c.note("azure-keys", base64.StdEncoding.EncodeToString([]byte(rand.Text())))})
		},
		"azure-token": func() map[string]any {
			return form("azure_token", map[string]any{"account_name": "demo", "sas_token": "sv=1&se=2999-01-01&sig=" + c.note("azure-token", rand.Text()+"%2F%2B")})
		},
		"gcp-keys": func() map[string]any {
			return form("gcp_keys", map[string]any{"access_key_id": "GOOG", "secret_access_key": c.canary("gcp-keys")})
		},
		"gcp-token": func() map[string]any {
			text := keyFileOfNobody(c.t)
			_, key, _ := strings.Cut(text, `KEY-----\n`)
			key, _, _ = strings.Cut(key, `\n`)
			c.note("gcp-token", key)
			return form("gcp_token", map[string]any{"key_text": text})
		},
	}
}

// send sends a body made of parts as an admin, and demands a status.
func (c *canaries) send(status int, method, path string, parts ...map[string]any) []byte {
	c.t.Helper()
	return c.sendAs("Bearer "+c.s.Token, status, method, path, parts...)
}

// sendAs is send for whom the header says; with an empty one for nobody.
func (c *canaries) sendAs(authorization string, status int, method, path string, parts ...map[string]any) []byte {
	c.t.Helper()
	whole := map[string]any{}
	for _, p := range parts {
		maps.Copy(whole, p)
	}
	body, err := json.Marshal(whole)
	if err != nil {
		c.t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(c.t.Context(), method, c.s.API+path, bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	r.Header.Set("Authorization", authorization)
	r.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		c.t.Fatal(err)
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	if response.StatusCode != status {
		c.t.Fatalf("%s %s: %d, want %d: %s", method, path, response.StatusCode, status, answer)
	}
	for what, secret := range c.secrets {
		for encoding, text := range encodings(secret) {
			if bytes.Contains(answer, text) {
				c.t.Errorf("%s %s: the answer has the secret of %s, %s", method, path, what, encoding)
			}
		}
	}
	return answer
}

// held is everything that the installation keeps but the key file, and what it said.
func (c *canaries) held() map[string][]byte {
	c.t.Helper()
	held := map[string][]byte{"output": []byte(c.s.Output())}
	err := filepath.WalkDir(c.s.Data, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Base(path) == "keyhatch.key" {
			return err
		}
		text, err := os.ReadFile(path)
		held[filepath.Base(path)] = text
		return err
	})
	if err != nil {
		c.t.Fatal(err)
	}
	if len(held["keyhatch.db"])+len(held["keyhatch.db-wal"]) < 100_000 || len(held["output"]) == 0 {
		c.t.Fatalf("of the database and the log there are %v", slices.Sorted(maps.Keys(held)))
	}
	return held
}

// encodings are what a secret looks like in other dress. Of base64 there are three,
// by what stands before it; what depends on its neighbours is left away.
func encodings(secret string) map[string][]byte {
	escaped, err := json.Marshal(secret)
	if err != nil {
		panic(err)
	}
	plain := []byte(secret)
	out := map[string][]byte{
		"plain": plain, "hex": []byte(hex.EncodeToString(plain)), "HEX": []byte(strings.ToUpper(hex.EncodeToString(plain))),
		"URL-encoded": []byte(url.QueryEscape(secret)), "URL-encoded as a path": []byte(url.PathEscape(secret)),
		"JSON": escaped[1 : len(escaped)-1], "Go": []byte(strings.Trim(fmt.Sprintf("%q", secret), `"`)),
	}
	for before := range 3 {
		shifted := append(make([]byte, before), plain...)
		shifted = shifted[:len(shifted)/3*3]
		for name, e := range map[string]*base64.Encoding{"base64": base64.StdEncoding, "base64url": base64.URLEncoding} {
			out[fmt.Sprintf("%s after %d", name, before)] = []byte(e.EncodeToString(shifted))[4:]
		}
	}
	return out
}
