package conformance

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// capabilities signs with a key of its own, as a service does that gives its jobs what they
// may, and nobody issues tokens of ours.
type capabilities struct {
	t   *testing.T
	key ed25519.PrivateKey
}

const capabilitiesIssuer = "jobs.example.org"

func (c capabilities) sign(scopes ...string) string {
	c.t.Helper()
	now := time.Now()
	body, err := json.Marshal(map[string]any{
		"iss": capabilitiesIssuer, "aud": "keyhatch", "sub": "job-7", "workspace": workspace, "scopes": append([]string{}, scopes...), "iat": now.Unix(), "exp": now.Add(time.Hour).Unix(),
	})
	if err != nil {
		c.t.Fatal(err)
	}
	whole := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"EdDSA","typ":"JWT"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	return whole + "." + base64.RawURLEncoding.EncodeToString(ed25519.Sign(c.key, []byte(whole)))
}

// serveCapabilities serves with that issuer, whose only user is "jobs".
func serveCapabilities(t *testing.T) (place, capabilities) {
	t.Helper()
	public, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "jobs.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	s := ownServer(t, devserver.Installation{Settings: `issuers:
  - issuer: ` + capabilitiesIssuer + `
    keys: [` + file + `]
    algorithms: [EdDSA]
    audience: {values: [keyhatch]}
    subject: {users: {job-7: jobs}}
    workspaces: [` + workspace + `]
    scopes_claim: scopes
    longest: 2h
`})
	create(t, s, "/api/v1/workspaces", map[string]any{"name": workspace})
	user := create(t, s, "/api/v1/users", map[string]any{"name": "jobs"})
	if _, err := keyhatch.New(s.API, s.Token).PutWorkspaceMember(t.Context(), workspace, user, api.MemberRole{Role: "member"}); err != nil {
		t.Fatal(err)
	}
	p := makePlace(t, s, directory)
	p.admit(t, directory.name)
	return p, capabilities{t, key}
}

// TestCapabilities: a job that was given a signed token that carries its scopes and its workspace
// works with the AWS CLI as it is, in its scopes.
func TestCapabilities(t *testing.T) {
	t.Parallel()
	run := newRunner(t, program(t, "KEYHATCH_AWSCLI", "awscli"))
	p, c := serveCapabilities(t)
	with := func(jwt string) (devserver.Lease, []string) {
		held := place{Server: &devserver.Server{Ready: devserver.Ready{API: p.API, S3: p.S3, Region: p.Region, Token: jwt}}}
		return devserver.Lease{SecretAccessKey: jwt}, webIdentity(t, held, run.home, roleOf(p, "write", p.own))
	}
	note := filepath.Join(run.home, "note")
	if err := os.WriteFile(note, []byte("from a job"), 0o600); err != nil {
		t.Fatal(err)
	}
	secret, env := with(c.sign("s3:write s3://" + p.bucket + "/" + p.own))
	run.run(secret, env, "s3", "cp", "--no-progress", note, "s3://"+p.bucket+"/"+p.own+"note").must(t)
	if text, err := os.ReadFile(filepath.Join(p.folder, p.bucket, p.own, "note")); err != nil || string(text) != "from a job" {
		t.Errorf("the store has %q, %v", text, err)
	}
	run.run(secret, env, "s3", "ls", "s3://"+p.bucket+"/"+siblingPrefix).mustBeRefused(t, refusedBy("ListObjectsV2", "AccessDenied"))

	for what, c := range map[string]struct{ jwt, code string }{
		"that may only read":      {c.sign("s3:read s3://" + p.bucket + "/" + p.own), "AccessDenied"},
		"whose scope is mistyped": {c.sign("leases", "s3:wirte s3://"+p.bucket+"/"), "InvalidIdentityToken"},
		"of somebody else":        {capabilities{t, ed25519.NewKeyFromSeed(make([]byte, 32))}.sign("leases"), "InvalidIdentityToken"},
	} {
		t.Run(what, func(t *testing.T) {
			secret, env := with(c.jwt)
			run.run(secret, env, "s3", "cp", "--no-progress", note, "s3://"+p.bucket+"/"+p.own+"note").mustBeRefused(t, refusedBy("AssumeRoleWithWebIdentity", c.code))
		})
	}
	if log := p.Output(); !strings.Contains(log, `"msg":"signed tokens are accepted","issuer":"`+capabilitiesIssuer+`"`) {
		t.Errorf("the log does not say who is trusted: %s", log)
	}
}
