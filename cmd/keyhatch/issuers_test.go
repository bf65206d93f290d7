package main

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"log/slog"
	"maps"
	"math/big"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/credentials/stscreds"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/keyhatch/keyhatch/api"
)

// provider is an issuer on loopback, as an OpenID provider is one.
type provider struct {
	t     *testing.T
	url   string
	key   *rsa.PrivateKey
	asked atomic.Int32
}

func startProvider(t *testing.T) *provider {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	p := &provider{t: t, key: key}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /realms/lab/.well-known/openid-configuration", func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"%s/keys"}`, p.url, p.url)
	})
	mux.HandleFunc("GET /realms/lab/keys", func(w http.ResponseWriter, _ *http.Request) {
		p.asked.Add(1)
		fmt.Fprintf(w, `{"keys":[{"kty":"RSA","kid":"k1","use":"sig","alg":"RS256","n":%q,"e":%q}]}`, base64URL(key.N.Bytes()), base64URL(big.NewInt(int64(key.E)).Bytes()))
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	p.url = s.URL + "/realms/lab"
	return p
}

func base64URL(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// sign signs claims; those that are changed to nil are left out.
func (p *provider) sign(changed map[string]any) string {
	p.t.Helper()
	claims := map[string]any{
		"iss": p.url, "aud": "https://keys.example.org", "sub": "repo:acme/data", "iat": time.Now().Unix(), "exp": time.Now().Add(time.Hour).Unix(),
		"jti": rand.Text(),
	}
	maps.Copy(claims, changed)
	maps.DeleteFunc(claims, func(_ string, v any) bool { return v == nil })
	body, err := json.Marshal(claims)
	if err != nil {
		p.t.Fatal(err)
	}
	whole := base64URL([]byte(`{"alg":"RS256","typ":"JWT","kid":"k1"}`)) + "." + base64URL(body)
	sum := sha256.Sum256([]byte(whole))
	signature, err := rsa.SignPKCS1v15(rand.Reader, p.key, crypto.SHA256, sum[:])
	if err != nil {
		p.t.Fatal(err)
	}
	return whole + "." + base64URL(signature)
}

// issuer is the configuration that trusts it.
func (p *provider) issuer() config.Issuer {
	return config.Issuer{
		Issuer: p.url, Audience: config.Audience{Values: []string{"https://keys.example.org"}},
		Subject: config.Subject{Users: map[string]string{"repo:acme/data": "ci"}}, Workspaces: []string{"demo"},
		Scopes: []string{"all"}, ScopesClaim: "scopes",
	}
}

// startTrusting serves with the issuer, whose user ci may read the location alpha.
func startTrusting(t *testing.T, change func(*config.Config)) (*running, *provider) {
	t.Helper()
	p := startProvider(t)
	r := startWith(t, func(c *config.Config) {
		c.Issuers = []config.Issuer{p.issuer()}
		if change != nil {
			change(c)
		}
	})
	u, _ := r.user("ci")
	admin := r.admin.Reveal()
	must[struct{}](r, admin, "PUT", "/api/v1/workspaces/demo/members/"+u.ID, `{"role":"member"}`)
	must[api.Grant](r, admin, "POST", "/api/v1/grants", `{"location":"alpha","to":"user","subject":"`+u.ID+`","access":"read"}`)
	return r, p
}

// TestIssuers: a signed token of an issuer whose keys are fetched is good at the native API,
// at the STS wire and in the format of Katapult; what it opens ends with it. No other door
// takes it.
func TestIssuers(t *testing.T) {
	r, p := startTrusting(t, nil)
	jwt := p.sign(nil)

	own := must[api.Token](r, jwt, "GET", "/api/v1/tokens/current", "")
	if own.Issuer != p.url || own.Workspace == "" || own.ExpiresAt == nil || own.Name != "repo:acme/data" {
		t.Errorf("%+v", own)
	}
	lent := must[api.Lent](r, jwt, "POST", "/api/v1/leases", `{"location":"alpha","access":"read"}`)
	if text, err := get(t.Context(), s3Client(lent), "alpha/README.txt"); err != nil || string(text) != r.file("alpha/README.txt") {
		t.Errorf("with its lease: %v", err)
	}

	// Its holder's SDK borrows by itself.
	identity := stscreds.NewWebIdentityRoleProvider(
		sts.New(sts.Options{BaseEndpoint: aws.String(r.in.apiURL + "/sts"), Region: "us-east-1", Credentials: aws.AnonymousCredentials{}}),
		"arn:aws:iam::000000000000:role/keyhatch/read/s3/demo/alpha/", tokenText(jwt+"\n"))
	keys, err := identity.Retrieve(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	bySTS := s3.New(s3.Options{
		BaseEndpoint: aws.String(r.in.s3URL), Region: "us-east-1", UsePathStyle: true, RetryMaxAttempts: 1,
		Credentials: credentials.StaticCredentialsProvider{Value: keys},
	})
	if _, err := get(t.Context(), bySTS, "alpha/README.txt"); err != nil {
		t.Errorf("by STS: %v", err)
	}

	if status, out, failed := r.ask(jwt, "lease", "alpha", "-o", "json"); status != 0 || !strings.Contains(out, "session_token") {
		t.Errorf("the command line: %d %s", status, failed)
	}

	if a := r.call(jwt, "GET", "/core/v1/users/current", ""); a.status != 200 || !strings.Contains(a.text, own.ID) {
		t.Errorf("Katapult: %d %s", a.status, a.text)
	}
	narrow := p.sign(map[string]any{"scopes": "object_storage:read"})
	for path, want := range map[string]string{"organizations": "scope_not_granted", "users/current": ""} {
		if a := r.call(narrow, "GET", "/core/v1/"+path, ""); want == "" && a.status != 200 || !strings.Contains(a.text, want) {
			t.Errorf("Katapult, %s: %d %s", path, a.status, a.text)
		}
	}
	if a := r.call(narrow, "GET", "/api/v1/tokens/current", ""); a.status != 403 || a.problem(t).Code != "scope_not_granted" {
		t.Errorf("beyond its scopes: %d %s", a.status, a.text)
	}

	for _, door := range []struct{ method, path string }{
		{"GET", "/arvados/v1/users/current"}, {"GET", "/v1/user"}, {"POST", "/oauth/introspect"},
	} {
		if a := r.send(door.method, door.path, "", "Authorization", "Bearer "+jwt); a.status < 400 || a.status >= 500 {
			t.Errorf("%s: %d %s", door.path, a.status, a.text)
		}
	}
	if p.asked.Load() != 2 {
		t.Errorf("%d documents were fetched", p.asked.Load())
	}

	must[struct{}](r, r.admin.Reveal(), "DELETE", "/api/v1/tokens/"+own.ID, "")
	if a := r.call(jwt, "GET", "/api/v1/tokens/current", ""); a.status != 401 {
		t.Errorf("revoked, %d", a.status)
	}
	for what, c := range map[string]*s3.Client{"its lease": s3Client(lent), "that of STS": bySTS} {
		if _, err := get(t.Context(), c, "alpha/README.txt"); err == nil {
			t.Errorf("revoked, %s is open", what)
		}
	}
	log := r.log.String()
	if !strings.Contains(log, `msg="signed tokens are accepted" issuer=`+p.url) {
		t.Error("the log does not say who is trusted")
	}
	for _, secret := range []string{jwt, jwt[strings.LastIndexByte(jwt, '.')+1:], narrow} {
		if strings.Contains(log, secret) {
			t.Error("S5: the log holds a signed token")
		}
	}
}

// tokenText is a web identity as a file has it.
type tokenText string

func (t tokenText) GetIdentityToken() ([]byte, error) { return []byte(t), nil }

// TestS6_IssuersRefuse: whatever is wrong with a signed token, every door says one thing, of
// its own.
func TestS6_IssuersRefuse(t *testing.T) {
	r, p := startTrusting(t, func(c *config.Config) { c.Tokens.FailuresPerMinute = 1000 })
	other := startProvider(t)
	other.url = p.url
	good := p.sign(nil)
	parts := strings.Split(good, ".")
	r.user("off")
	disabled := p.sign(nil)
	for what, jwt := range map[string]string{
		"alg none":            base64URL([]byte(`{"alg":"none"}`)) + "." + parts[1] + ".",
		"another's key":       other.sign(nil),
		"unknown issuer":      p.sign(map[string]any{"iss": "https://evil.test"}),
		"another audience":    p.sign(map[string]any{"aud": "https://other.example.org"}),
		"expired":             p.sign(map[string]any{"exp": time.Now().Add(-time.Second).Unix(), "iat": time.Now().Add(-time.Hour).Unix()}),
		"without exp":         p.sign(map[string]any{"exp": nil}),
		"to come":             p.sign(map[string]any{"nbf": time.Now().Add(time.Hour).Unix()}),
		"another subject":     p.sign(map[string]any{"sub": "repo:evil/data"}),
		"another workspace":   p.sign(map[string]any{"workspace": "other"}),
		"more than its rules": p.sign(map[string]any{"scopes": "everything"}),
		"cut":                 good[:len(good)-4],
	} {
		a := r.call(jwt, "GET", "/api/v1/leases", "")
		problem := a.problem(t)
		problem.RequestID = ""
		want := r.call("kh_00000000000000000000000000000000000000000000gXzsc", "GET", "/api/v1/leases", "").status
		if a.status != want || problem.Code != "token_invalid" || !strings.HasPrefix(problem.Detail, "the token is not valid") {
			t.Errorf("%s: %d %s", what, a.status, a.text)
		}
		if a := r.call(jwt, "GET", "/core/v1/users/current", ""); a.status != 403 || !strings.Contains(a.text, `"code":"invalid_capabilities_token"`) {
			t.Errorf("%s, Katapult: %d %s", what, a.status, a.text)
		}
		form := "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=x1&WebIdentityToken=" + jwt +
			"&RoleArn=arn:aws:iam::000000000000:role/keyhatch/read/s3/demo/alpha/"
		if a := r.send("POST", "/sts", form, "Content-Type", "application/x-www-form-urlencoded"); a.status != 400 || !strings.Contains(a.text, "<Code>InvalidIdentityToken</Code>") {
			t.Errorf("%s, STS: %d %s", what, a.status, a.text)
		}
	}
	must[api.Token](r, disabled, "GET", "/api/v1/tokens/current", "")
	lent := must[api.Lent](r, disabled, "POST", "/api/v1/leases", `{"location":"alpha","access":"read"}`)
	must[api.User](r, r.admin.Reveal(), "PATCH", "/api/v1/users/ci", `{"active":false}`)
	if a := r.call(disabled, "GET", "/api/v1/tokens/current", ""); a.status != 401 {
		t.Errorf("S4: of a user who is disabled: %d", a.status)
	}
	if _, err := get(t.Context(), s3Client(lent), "alpha/README.txt"); err == nil {
		t.Error("S4: the lease of a user who is disabled is open")
	}
}

// TestSeveralWorkspacesOfAnIssuer: the request says in which one it is, in the header, the
// query or the role.
func TestSeveralWorkspacesOfAnIssuer(t *testing.T) {
	r, p := startTrusting(t, func(c *config.Config) { c.Issuers[0].Workspaces = append(c.Issuers[0].Workspaces, "second") })
	must[api.Workspace](r, r.admin.Reveal(), "POST", "/api/v1/workspaces", `{"name":"second"}`)
	jwt := p.sign(nil)
	if a := r.call(jwt, "GET", "/api/v1/tokens/current", ""); a.status != 422 || a.problem(t).Code != "workspace_required" {
		t.Errorf("in no workspace: %d %s", a.status, a.text)
	}
	if a := r.send("POST", "/api/v1/leases", `{"location":"alpha","access":"read"}`, "Authorization", "Bearer "+jwt,
		"Content-Type", "application/json", "X-Keyhatch-Workspace", "demo"); a.status != 201 {
		t.Errorf("by the header: %d %s", a.status, a.text)
	}
	if a := r.call(jwt, "GET", "/api/v1/locations?workspace=demo", ""); a.status != 200 {
		t.Errorf("by the query: %d %s", a.status, a.text)
	}
	if a := r.call(jwt, "GET", "/api/v1/locations?workspace=second", ""); a.status != 401 { // where its user is not
		t.Errorf("elsewhere: %d %s", a.status, a.text)
	}
	for role, want := range map[string]int{"read/workspace/demo/s3/demo/alpha/": 200, "read/s3/demo/alpha/": 400} {
		form := "Action=AssumeRoleWithWebIdentity&Version=2011-06-15&RoleSessionName=x1&WebIdentityToken=" + jwt + "&RoleArn=arn:aws:iam::000000000000:role/keyhatch/" + role
		if a := r.send("POST", "/sts", form, "Content-Type", "application/x-www-form-urlencoded"); a.status != want {
			t.Errorf("%s: %d %s", role, a.status, a.text)
		}
	}
	if a := r.call(jwt, "GET", "/core/v1/users/current", ""); a.status != 403 || !strings.Contains(a.text, "invalid_capabilities_token") {
		t.Errorf("Katapult, in no workspace: %d %s", a.status, a.text)
	}
	if a := r.call(p.sign(map[string]any{"workspace": "demo"}), "GET", "/core/v1/users/current", ""); a.status != 200 {
		t.Errorf("Katapult, in the one that it says: %d %s", a.status, a.text)
	}
}

// TestS10_Issuers: the server of an issuer in a network that is not named is not asked, and
// the log says so.
func TestS10_Issuers(t *testing.T) {
	r, p := startTrusting(t, func(c *config.Config) { c.OutboundNetworks = []string{"127.0.0.9/32"} })
	if a := r.call(p.sign(nil), "GET", "/api/v1/tokens/current", ""); a.status != 401 || p.asked.Load() != 0 {
		t.Errorf("%d, asked %d times", a.status, p.asked.Load())
	}
	if log := r.log.String(); !strings.Contains(log, "the keys of an issuer could not be fetched") || !strings.Contains(log, "prohibited") {
		t.Errorf("the log: %s", log)
	}
}

// TestDocumentedIssuers: what docs/issuers.md shows is a configuration that works.
func TestDocumentedIssuers(t *testing.T) {
	t.Parallel()
	blocks := strings.Split(readDoc(t, "../../docs/issuers.md"), "```yaml\n")[1:]
	if len(blocks) != 2 {
		t.Fatalf("it shows %d configurations", len(blocks))
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	ed, _, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, block := range blocks {
		text, _, _ := strings.Cut(block, "```")
		c, err := config.Parse([]byte(text), t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range c.Issuers {
			for _, path := range i.Keys {
				public := any(&key.PublicKey)
				if slices.Contains(i.Algorithms, "EdDSA") {
					public = ed
				}
				der, err := x509.MarshalPKIXPublicKey(public)
				if err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		}
		if _, err := c.Trusted("", nil, slog.New(slog.DiscardHandler)); err != nil {
			t.Error(err)
		}
		// Before, a server could be told to trust itself, and ID tokens of its own let in then.
		c.API.URL = strings.TrimSuffix(c.Issuers[0].Issuer, "/")
		if _, err := c.Trusted("", nil, slog.New(slog.DiscardHandler)); err == nil || !strings.Contains(err.Error(), "this server") {
			t.Errorf("it trusts itself: %v", err)
		}
	}
}

// TestGroupsOfSignedTokens: a signed token has the groups that its user has here, for as long as that is
// so. Those that it says itself open nothing and close nothing.
func TestGroupsOfSignedTokens(t *testing.T) {
	r, p := startTrusting(t, nil)
	admin := r.admin.Reveal()
	group := must[api.Group](r, admin, "POST", "/api/v1/groups?workspace=demo", `{"name":"readers"}`)
	must[api.Grant](r, admin, "POST", "/api/v1/grants", `{"location":"beta","to":"group","subject":"`+group.ID+`","access":"read"}`)
	member := "/api/v1/groups/" + group.ID + "/members/ci"
	borrow := func(groups ...string) answered {
		return r.call(p.sign(map[string]any{"groups": groups, "roles": groups}), "POST", "/api/v1/leases", `{"location":"beta","access":"read"}`)
	}
	if a := borrow("readers", group.ID); a.status == http.StatusCreated {
		t.Error("it is in a group because it says so")
	}
	must[struct{}](r, admin, "PUT", member, "")
	a := borrow()
	if a.status != http.StatusCreated {
		t.Fatalf("of a user who is in the group it opens nothing: %d %s", a.status, a.text)
	}
	var lent api.Lent
	if err := json.Unmarshal([]byte(a.text), &lent); err != nil {
		t.Fatal(err)
	}
	if _, err := get(t.Context(), s3Client(lent), "beta/README.txt"); err != nil {
		t.Error(err)
	}
	must[struct{}](r, admin, "DELETE", member, "")
	if _, err := get(t.Context(), s3Client(lent), "beta/README.txt"); err == nil {
		t.Error("what it has borrowed is open after its user has left the group")
	}
	if a := borrow("readers"); a.status == http.StatusCreated {
		t.Error("it is in the group that its user has left")
	}
}

// TestSignedTokensAreEndedByWhoShowsThem: what is revoked, logged out or reported works no
// more.
func TestSignedTokensAreEndedByWhoShowsThem(t *testing.T) {
	r, p := startTrusting(t, nil)
	for what, end := range map[string]func(jwt string) answered{
		"revoked": func(jwt string) answered {
			return r.send("POST", "/oauth/revoke", "token="+jwt, "Content-Type", "application/x-www-form-urlencoded")
		},
		"logged out": func(jwt string) answered { return r.send("POST", "/logout", "", "Authorization", "Bearer "+jwt) },
		"reported": func(jwt string) answered {
			return r.send("POST", "/api/v1/tokens/leaks", `{"token":"`+jwt+`"}`, "Content-Type", "application/json")
		},
		"reported on the command line": func(jwt string) answered {
			t.Setenv("KEYHATCH_SERVER", r.in.apiURL)
			t.Setenv("KEYHATCH_TOKEN", "")
			var out, failed strings.Builder
			return answered{status: run(t.Context(), []string{"token", "leak"}, strings.NewReader(jwt+"\n"), &out, &failed), text: failed.String()}
		},
	} {
		jwt := p.sign(nil)
		must[api.Token](r, jwt, "GET", "/api/v1/tokens/current", "")
		if a := end(jwt); a.status >= 300 || a.status > 0 && a.status < 200 {
			t.Errorf("%s: %d %s", what, a.status, a.text)
		}
		if a := r.call(jwt, "GET", "/api/v1/tokens/current", ""); a.status != 401 {
			t.Errorf("%s, it works: %d", what, a.status)
		}
	}
}
