package conformance

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
)

// theirSTS admits whoever asks for the role of the client's documentation with its
// external id, and nobody else.
func theirSTS(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.PostForm.Get("Action") != "AssumeRole" ||
		r.PostForm.Get("RoleArn") != "arn:aws:iam::123456789012:role/demo" || r.PostForm.Get("ExternalId") != "123ABC" {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>`)
		return
	}
	fmt.Fprint(w, `<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>ASIAX</AccessKeyId><SecretAccessKey>s</SecretAccessKey>
		<SessionToken>t</SessionToken><Expiration>2099-01-01T00:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`)
}

// tiledbClient is TileDB's client for Python, which finds the server, the token and the
// workspace in its environment.
type tiledbClient struct {
	runner
	script string
	server *devserver.Server
}

func newTileDB(t *testing.T) tiledbClient {
	t.Helper()
	run := newRunner(t, program(t, "KEYHATCH_TILEDB_PYTHON", "python3 with tiledb-client"))
	script, err := filepath.Abs(filepath.Join("testdata", "use_tiledb.py"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(script); err != nil { // go test must know of it: see devserver.Build
		t.Fatal(err)
	}
	sts := httptest.NewServer(http.HandlerFunc(theirSTS))
	t.Cleanup(sts.Close)
	s := ownServer(t, devserver.Installation{
		OutboundNetworks: loopback, Settings: "aws:\n  identity: default\n  sts_endpoint: " + sts.URL + "\n",
		Env: []string{"AWS_ACCESS_KEY_ID=AKIAUS", "AWS_SECRET_ACCESS_KEY=ours"},
	})
	create(t, s, "/api/v1/workspaces", map[string]any{"name": "lab"})
	return tiledbClient{run, script, s}
}

// step runs a part of the script as somebody, and reads what it prints.
func (c tiledbClient) step(out any, who []string, args ...string) {
	c.t.Helper()
	env := append([]string{"TILEDB_REST_SERVER_ADDRESS=" + c.server.API}, who...)
	r := c.run(devserver.Lease{SecretAccessKey: c.server.Token}, env, append([]string{"-B", c.script}, args...)...).must(c.t)
	if err := json.Unmarshal(r.stdout, out); err != nil {
		c.t.Fatalf("%s: %v\n%s", r.command, err, r.output)
	}
}

func (c tiledbClient) byToken() []string {
	return []string{"TILEDB_REST_TOKEN=" + c.server.Token, "TILEDB_REST_WORKSPACE=lab"}
}

type tiledbCredential struct {
	CredentialType string `json:"credential_type"`
	Name, Provider string
	Default        bool `json:"provider_default"`
	Credential     map[string]map[string]any
	Role           map[string]map[string]any
	Token          map[string]map[string]any
}

type tiledbRefusal struct {
	Error   string
	Status  int
	Message string
}

// tiledbDocumented is what came of every example of the documentation of
// client.credentials.
type tiledbDocumented struct {
	Made, Updated     tiledbCredential
	RoleARN           string `json:"role_arn"`
	Names, Left       []string
	Unverified, Twice tiledbRefusal
	Gone              tiledbRefusal
}

// check demands of it what the documentation says.
func (d tiledbDocumented) check(t *testing.T, who, lives string) {
	t.Helper()
	where := who + ", in a " + lives
	if d.Made.CredentialType != lives || d.RoleARN != "arn:aws:iam::123456789012:role/demo" || d.Made.Role["aws"]["external_id"] != "" {
		t.Errorf("%s: made is %+v", where, d.Made)
	}
	if keys := d.Updated.Credential["aws"]; keys["access_key_id"] != "AWS_ACCESS_KEY_ID" || keys["secret_access_key"] != "" || d.Updated.Role != nil {
		t.Errorf("%s: updated is %+v", where, d.Updated)
	}
	if !slices.Equal(d.Names, []string{"cred1"}) || len(d.Left) != 0 {
		t.Errorf("%s: listed are %q, and in the end %q", where, d.Names, d.Left)
	}
	for what, r := range map[string]struct {
		got     tiledbRefusal
		status  int
		error   string
		message string
	}{
		"verify": {d.Unverified, 400, "Failed to verify credential.", "AccessDenied"},
		"twice":  {d.Twice, 409, "Failed to create credential.", "choose another name"},
		"gone":   {d.Gone, 404, "Failed to retrieve credential.", "does not exist"},
	} {
		if r.got.Status != r.status || r.got.Error != r.error || !strings.Contains(r.got.Message, r.message) {
			t.Errorf("%s, %s: %+v", where, what, r.got)
		}
	}
}

// tiledbPlaces are the places of the examples, with what clients call their sort.
var tiledbPlaces = map[string]string{"": "workspace", "teamspace1": "teamspace"}

// TestTileDBDocumentation: every example of the documentation of client.credentials, in
// a workspace and in a teamspace.
func TestTileDBDocumentation(t *testing.T) {
	t.Parallel()
	c := newTileDB(t)
	create(t, c.server, "/api/v1/teamspaces?workspace=lab", map[string]any{"name": "teamspace1"})
	for teamspace, lives := range tiledbPlaces {
		var out tiledbDocumented
		c.step(&out, c.byToken(), "documented", teamspace)
		out.check(t, "by token", lives)
	}
}

// TestTileDBPasswords: who has a name and a password has what a token gives: with both at
// every call, and after logging in, which makes a token for a while.
func TestTileDBPasswords(t *testing.T) {
	t.Parallel()
	c := newTileDB(t)
	create(t, c.server, "/api/v1/teamspaces?workspace=lab", map[string]any{"name": "teamspace1"})
	password := rand.Text()
	set, err := http.NewRequestWithContext(t.Context(), http.MethodPut, c.server.API+"/api/v1/users/admin/password", strings.NewReader(fmt.Sprintf(`{"password":%q}`, password)))
	if err != nil {
		t.Fatal(err)
	}
	set.Header.Set("Authorization", "Bearer "+c.server.Token)
	set.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(set)
	if err != nil {
		t.Fatal(err)
	}
	response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		t.Fatalf("the password was not set: %s", response.Status)
	}
	for teamspace, lives := range tiledbPlaces {
		var out tiledbDocumented
		c.step(&out, []string{"TILEDB_REST_USERNAME=admin", "TILEDB_REST_PASSWORD=" + password, "TILEDB_REST_WORKSPACE=lab"}, "documented", teamspace)
		out.check(t, "with the password at every call", lives)
	}
	var out struct {
		Documented []tiledbDocumented
		Tokens     []string
	}
	c.step(&out, []string{"HOST_OF_THE_TEST=" + c.server.API}, "logged_in", password, "", "teamspace1")
	if len(out.Documented) != 2 || len(out.Tokens) != 1 || !strings.HasPrefix(out.Tokens[0], "login-session-") {
		t.Fatalf("logged in it is %+v", out)
	}
	out.Documented[0].check(t, "logged in", "workspace")
	out.Documented[1].check(t, "logged in", "teamspace")
}

// TestTileDBForms: every provider and kind that the client knows, pages, defaults,
// another name.
func TestTileDBForms(t *testing.T) {
	t.Parallel()
	c := newTileDB(t)
	var out struct {
		Seen     map[string]tiledbCredential
		Defaults []string
		From2    []string `json:"from page 2"`
		Last     string
		Renamed  tiledbCredential
		TwoKinds tiledbRefusal `json:"two kinds"`
	}
	c.step(&out, c.byToken(), "forms", keyFileOfNobody(t))
	for name, want := range map[string]string{
		"keys":            `{"access_key_id":"AKIA","endpoint":"https://93.184.216.34","secret_access_key":""}`,
		"role":            `{"external_id":"","role_arn":"arn:aws:iam::123456789012:role/demo"}`,
		"azure-keys":      `{"account_name":"demo"}`,
		"sas":             `{"account_name":"demo","sas_token":""}`,
		"gcp-keys":        `{"access_key_id":"GOOG"}`,
		"service-account": `{"account_id":"ann@p.iam.gserviceaccount.com","key_id":"0123abcd","key_text":""}`,
	} {
		seen := out.Seen[name]
		provider := strings.ToLower(seen.Provider)
		parts := map[string]any{}
		for _, of := range []map[string]map[string]any{seen.Credential, seen.Role, seen.Token} {
			for part, value := range of[provider] {
				if value != nil {
					parts[part] = value
				}
			}
		}
		if text, err := json.Marshal(parts); err != nil || string(text) != want {
			t.Errorf("%s: seen is %s, want %s", name, text, want)
		}
	}
	if want := []string{"gcp-keys", "role", "sas", "service-account"}; len(out.Defaults) != 3 || !isSubset(out.Defaults, want) {
		t.Errorf("defaults are %q, of each provider the last", out.Defaults)
	}
	if !slices.Equal(out.From2, []string{"gcp-keys", "service-account"}) || out.Last != "service-account" || out.Renamed.Name != "renamed" || out.Renamed.Default {
		t.Errorf("from page 2 on there are %q, the last is %s, and renamed %+v", out.From2, out.Last, out.Renamed)
	}
	if out.TwoKinds.Status != 400 || !strings.Contains(out.TwoKinds.Message, "say one") {
		t.Errorf("two kinds: %+v", out.TwoKinds)
	}
}

func isSubset(a, b []string) bool {
	return !slices.ContainsFunc(a, func(s string) bool { return !slices.Contains(b, s) })
}

// keyFileOfNobody is a service account's key file as Google writes them.
func keyFileOfNobody(t *testing.T) string {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(map[string]string{
		"type": "service_account", "private_key_id": "0123abcd", "client_email": "ann@p.iam.gserviceaccount.com",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestTileDBAround: what clients ask besides credentials; and a token that they make has
// its workspace in it.
func TestTileDBAround(t *testing.T) {
	t.Parallel()
	c := newTileDB(t)
	var out struct {
		Workspace  struct{ ID, Name, Role string }
		Teamspace  bool
		Teamspaces []string
		User       string
		Token      string
		Tokens     []string
		Left       []string `json:"tokens left"`
	}
	c.step(&out, c.byToken(), "around")
	if out.Workspace.Name != "lab" || out.Workspace.Role != "owner" || !out.Teamspace || !slices.Equal(out.Teamspaces, []string{"around"}) || out.User != "admin" {
		t.Errorf("around it sees %+v", out)
	}
	if !strings.HasPrefix(out.Token, "kh-"+out.Workspace.ID+"-") || !slices.Contains(out.Tokens, "around") || slices.Contains(out.Left, "around") {
		t.Errorf("tokens were %q, and in the end %q", out.Tokens, out.Left)
	}
	implicit := "kh-" + out.Workspace.ID + "-" + strings.TrimPrefix(c.server.Token, "kh_")
	var again struct{ Names []string }
	c.step(&again, []string{"TILEDB_REST_TOKEN=" + implicit}, "documented", "")
	if !slices.Equal(again.Names, []string{"cred1"}) {
		t.Errorf("with a token that names its workspace, listed are %q", again.Names)
	}
}
