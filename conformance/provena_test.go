package conformance

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// realm answers as a realm of Keycloak does to Provena's client: its public key, and
// access tokens for the offline tokens of its users.
type realm struct {
	t   *testing.T
	key *rsa.PrivateKey
	url string
	// roles are those of each user, whose name is the offline token; nil: no realm_access.
	roles map[string][]string
}

const provenaRealm = "/auth/realms/lab"

func newRealm(t *testing.T) *realm {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	r := &realm{t: t, key: key, roles: map[string][]string{
		"ann": {"entity-registry-read", "entity-registry-write"}, "bob": {"entity-registry-read"}, "cas": {"metadata"}, "dan": nil,
	}}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+provenaRealm, func(w http.ResponseWriter, _ *http.Request) {
		answer(w, map[string]any{"realm": "lab", "public_key": base64.StdEncoding.EncodeToString(r.public())})
	})
	mux.HandleFunc("POST "+provenaRealm+"/protocol/openid-connect/token", func(w http.ResponseWriter, q *http.Request) {
		user := q.FormValue("refresh_token")
		if _, known := r.roles[user]; !known || q.FormValue("grant_type") != "refresh_token" || q.FormValue("client_id") != "client-tools" {
			w.WriteHeader(http.StatusBadRequest)
			answer(w, map[string]any{"error": "invalid_grant"})
			return
		}
		answer(w, map[string]any{"access_token": r.sign(user), "refresh_token": user})
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	r.url = s.URL + provenaRealm
	return r
}

func answer(w http.ResponseWriter, v any) {
	w.Header().Set("Content-Type", "application/json")
	_ = json.NewEncoder(w).Encode(v) // to a client that is gone
}

func (r *realm) public() []byte {
	der, err := x509.MarshalPKIXPublicKey(&r.key.PublicKey)
	if err != nil {
		panic(err) // of a key that is an RSA key
	}
	return der
}

// sign makes an access token as Keycloak's are.
func (r *realm) sign(user string) string {
	now := time.Now()
	claims := map[string]any{
		"iss": r.url, "azp": "client-tools", "aud": "account", "typ": "Bearer", "preferred_username": user, "email": user + "@example.org", "jti": user,
		"iat": now.Unix(), "exp": now.Add(30 * time.Minute).Unix(),
	}
	if roles := r.roles[user]; roles != nil {
		claims["realm_access"] = map[string]any{"roles": roles}
	}
	body, err := json.Marshal(claims)
	if err != nil {
		panic(err) // of texts and numbers
	}
	whole := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"RS256","typ":"JWT","kid":"k"}`)) + "." + base64.RawURLEncoding.EncodeToString(body)
	sum := sha256.Sum256([]byte(whole))
	signature, err := rsa.SignPKCS1v15(nil, r.key, crypto.SHA256, sum[:])
	if err != nil {
		panic(err)
	}
	return whole + "." + base64.RawURLEncoding.EncodeToString(signature)
}

// settings have a server trust what the realm signs, in a workspace.
func (r *realm) settings(workspace string) string {
	r.t.Helper()
	file := filepath.Join(r.t.TempDir(), "realm.pem")
	if err := os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: r.public()}), 0o600); err != nil {
		r.t.Fatal(err)
	}
	return `issuers:
  - issuer: ` + r.url + `
    keys: [` + file + `]
    algorithms: [RS256]
    audience: {claim: azp, values: [client-tools]}
    subject: {claim: preferred_username, template: "{}"}
    workspaces: [` + workspace + `]
    scopes: [leases, "locations:read"]
`
}

// join makes the realm's users members of a workspace.
func (r *realm) join(s *devserver.Server, workspace string) {
	r.t.Helper()
	for _, name := range slices.Sorted(maps.Keys(r.roles)) {
		user := create(r.t, s, "/api/v1/users", map[string]any{"name": name})
		if _, err := keyhatch.New(s.API, s.Token).PutWorkspaceMember(r.t.Context(), workspace, user, api.MemberRole{Role: "member"}); err != nil {
			r.t.Fatal(err)
		}
	}
}

// provena is a server with datasets, whose users log in at a realm.
type provena struct {
	place
	realm            *realm // nil: the server is it
	dataset          string // the handle of the location p.own
	endpoint, region string // where what is lent works
}

func serveProvena(t *testing.T) provena {
	t.Helper()
	r := newRealm(t)
	s := ownServer(t, devserver.Installation{Settings: r.settings(workspace)})
	p := holdDatasets(t, s)
	r.join(s, workspace)
	p.realm = r
	return p
}

// holdDatasets has a server hold the datasets alpha and beta, of a workspace.
func holdDatasets(t *testing.T, s *devserver.Server) provena {
	t.Helper()
	create(t, s, "/api/v1/workspaces", map[string]any{"name": workspace})
	p := provena{place: makePlace(t, s, directory), dataset: "directory-alpha", endpoint: s.S3, region: s.Region}
	p.admit(t, directory.name)
	for key, text := range map[string]string{p.own + "README.txt": "of alpha", p.own + "in/deep.txt": "deep", siblingPrefix + "README.txt": "of beta"} {
		file := filepath.Join(p.folder, p.bucket, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return p
}

// provenaAnswer is an answer with credentials as the clients of 2022 read it: a field that
// they do not know is a fault, and so is null.
type provenaAnswer struct {
	Status struct {
		Success bool   `json:"success"`
		Details string `json:"details"`
	} `json:"status"`
	Credentials map[string]any `json:"credentials"`
	Console     *string        `json:"console_session_url"`
}

// read reads an answer by the rules of the older Python client, which wants status.success,
// takes expiry out of credentials, and hands on all the others as arguments of a function
// that has just these.
func (p provena) read(t *testing.T, text []byte) devserver.Lease {
	t.Helper()
	var a provenaAnswer
	strict := json.NewDecoder(bytes.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&a); err != nil || !a.Status.Success || a.Status.Details == "" || bytes.Contains(text, []byte("null")) {
		t.Fatalf("an answer of %d bytes, which those clients do not take: %v", len(text), err)
	}
	expiry, _ := a.Credentials["expiry"].(string)
	ends, err := time.Parse("2006-01-02T15:04:05+00:00", expiry)
	if err != nil || time.Until(ends) > 8*time.Hour || time.Until(ends) < 15*time.Minute {
		t.Errorf("it ends at %q: %v", expiry, err)
	}
	delete(a.Credentials, "expiry")
	if names := slices.Sorted(maps.Keys(a.Credentials)); !slices.Equal(names, []string{"aws_access_key_id", "aws_secret_access_key", "aws_session_token"}) {
		t.Fatalf("credentials have %q", names)
	}
	of := func(name string) string {
		s, _ := a.Credentials[name].(string)
		return s
	}
	return devserver.Lease{
		AccessKeyID: of("aws_access_key_id"), SecretAccessKey: of("aws_secret_access_key"), SessionToken: of("aws_session_token"),
		ExpiresAt: ends, Endpoint: p.endpoint, Region: p.region,
	}
}

// forms are the three bodies of a request for credentials, by what they name the dataset with.
func (p provena) forms(console bool) map[string]string {
	where := `{"bucket_name":"` + p.bucket + `","path":"` + p.own + `","s3_uri":"s3://` + p.bucket + "/" + p.own + `"}`
	return map[string]string{
		"dataset_id":  fmt.Sprintf(`{"dataset_id":"%s","console_session_required":%t}`, p.dataset, console),
		"s3_location": fmt.Sprintf(`{"s3_location":%s,"console_session_required":%t}`, where, console),
		"bare":        where,
	}
}

// curl calls the API as data-api.sh does, in which curl is the same whatever the answer is.
func (p provena) curl(t *testing.T, method, path, token, body string) []byte {
	t.Helper()
	program, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("needs curl (run make test)")
	}
	args := []string{"-s", "-S", "-H", "Content-type: application/json", "-X", method, "-d", body, p.API + path}
	if token != "" {
		args = append([]string{"-H", "Authorization: Bearer " + token}, args...)
	}
	run := newRunner(t, program)
	return run.run(devserver.Lease{SecretAccessKey: token}, nil, args...).must(t).stdout
}

// detail demands a refusal in that text.
func detail(t *testing.T, text []byte, want string) {
	t.Helper()
	var said struct{ Detail any }
	if err := json.Unmarshal(text, &said); err != nil || said.Detail != want {
		t.Errorf("it says %s, %v; want %q", text, err, want)
	}
}

const (
	provenaRead  = "/registry/credentials/generate-read-access-credentials"
	provenaWrite = "/registry/credentials/generate-write-access-credentials"
)

// TestProvenaByCurl: each form of the request, as data-api.sh sends it, gives credentials that
// the AWS CLI works with, in the dataset and nowhere else.
func TestProvenaByCurl(t *testing.T) {
	t.Parallel()
	aws := newRunner(t, program(t, "KEYHATCH_AWSCLI", "awscli"))
	p := serveProvena(t)
	if !regexp.MustCompile(`^[A-Za-z0-9._~-]+$`).MatchString(p.Token) { // the script hands it to a shell, and splits at "=="
		t.Error("a token has characters that the script takes apart")
	}
	where := p.forms(true)["bare"]
	url := "s3://" + p.bucket + "/"
	for form, body := range p.forms(true) {
		env := func(path string) (devserver.Lease, []string) {
			l := p.read(t, p.curl(t, "POST", path, p.Token, body))
			return l, awsEnv(t, l, aws.home)
		}
		note := filepath.Join(aws.home, form)
		if err := os.WriteFile(note, []byte("by "+form), 0o600); err != nil {
			t.Fatal(err)
		}
		reading, readEnv := env(provenaRead)
		writing, writeEnv := env(provenaWrite)
		aws.run(writing, writeEnv, "s3", "cp", "--no-progress", note, url+p.own+form).must(t)
		aws.run(reading, readEnv, "s3", "sync", "--no-progress", url+p.own, filepath.Join(aws.home, "copy-"+form)).must(t)
		if text, err := os.ReadFile(filepath.Join(aws.home, "copy-"+form, form)); err != nil || string(text) != "by "+form {
			t.Errorf("%s: the copy has %q, %v", form, text, err)
		}
		aws.run(reading, readEnv, "s3", "cp", "--no-progress", note, url+p.own+form).mustBeRefused(t, refusedBy("PutObject", "AccessDenied"))
		aws.run(writing, writeEnv, "s3", "cp", "--no-progress", note, url+siblingPrefix+form).mustBeRefused(t, refusedBy("PutObject", "AccessDenied"))
		aws.run(reading, readEnv, "s3", "ls", url).mustBeRefused(t, refusedBy("ListObjectsV2", "AccessDenied"))
	}

	detail(t, p.curl(t, "POST", provenaRead, "", where), "Not authenticated")
	detail(t, p.curl(t, "POST", provenaRead, p.Token[:40], where), "Could not validate credentials")
	if text := p.curl(t, "GET", "/check-access/check-general-access", p.Token, ""); !strings.Contains(string(text), `"username":"admin"`) {
		t.Errorf("who calls: %s", text)
	}
	locked := true
	admin := keyhatch.New(p.API, p.Token)
	if _, err := admin.UpdateLocation(t.Context(), p.dataset, api.LocationChange{Locked: &locked}); err != nil {
		t.Fatal(err)
	}
	detail(t, p.curl(t, "POST", provenaWrite, p.Token, where), "This dataset is locked - you cannot modify the files of a locked dataset. Unlock the dataset first.")
	pending := "pending"
	if _, err := admin.UpdateLocation(t.Context(), p.dataset, api.LocationChange{Release: &pending}); err != nil {
		t.Fatal(err)
	}
	detail(t, p.curl(t, "POST", provenaWrite, p.Token, where), "Dataset "+p.dataset+" is pending review or is released. Cannot modify dataset files while a review is ongoing.")
}

// TestProvenaListsWhole: where the bucket's owner lets them, old clients that list all of a
// bucket do; they open nothing more, and it ends when the owner takes it back.
func TestProvenaListsWhole(t *testing.T) {
	t.Parallel()
	aws := newRunner(t, program(t, "KEYHATCH_AWSCLI", "awscli"))
	p := serveProvena(t)
	url := "s3://" + p.bucket + "/"
	let := func(whole bool) {
		t.Helper()
		if _, err := keyhatch.New(p.API, p.Token).UpdateBucket(t.Context(), p.bucket, api.BucketChange{ListWhole: &whole}); err != nil {
			t.Fatal(err)
		}
	}
	borrow := func() (devserver.Lease, []string) {
		l := p.read(t, p.curl(t, "POST", provenaRead, p.Token, `{"dataset_id":"`+p.dataset+`","console_session_required":false}`))
		return l, awsEnv(t, l, aws.home)
	}
	before, beforeEnv := borrow()
	let(true)
	l, env := borrow()
	if out := aws.run(l, env, "s3", "ls", "--recursive", url).must(t).output; !strings.Contains(out, siblingPrefix+"README.txt") || !strings.Contains(out, p.own+"README.txt") {
		t.Errorf("the list of the bucket is %s", out)
	}
	aws.run(l, env, "s3", "cp", "--no-progress", url+siblingPrefix+"README.txt", "-").mustBeRefused(t, regexp.MustCompile("403|AccessDenied|Forbidden"))
	aws.run(before, beforeEnv, "s3", "ls", url).mustBeRefused(t, refusedBy("ListObjectsV2", "AccessDenied"))
	native := p.lend(t, p.own, "read")
	aws.run(native, awsEnv(t, native, aws.home), "s3", "ls", url).mustBeRefused(t, refusedBy("ListObjectsV2", "AccessDenied"))
	let(false)
	aws.run(l, env, "s3", "ls", url).mustBeRefused(t, refusedBy("ListObjectsV2", "AccessDenied"))
	aws.run(l, env, "s3", "ls", url+p.own).must(t)
}
