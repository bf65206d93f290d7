package conformance

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sts"
	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// minting is a server with a workspace whose buckets are on a store that mints sessions.
type minting struct {
	*devserver.Server
	t        *testing.T
	store    peers.Store
	api      *keyhatch.Client
	buckets  [2]string
	sessions *asked
	realm    *realm
}

// minters are the stores with a token service that holds sessions to their policy.
var minters = map[string]struct {
	start      func(testing.TB) peers.Store
	role       bool
	weaknesses []string // that are known of it
	networks   string   // whether sessions for networks are held to those
}{
	"minio": {peers.MinIO, false, nil, "warning"}, // it believes X-Forwarded-For of everybody
	"rgw":   {peers.RGW, true, []string{"altered_token", "published"}, "passed"},
}

func newMinting(t *testing.T, kind string) minting {
	t.Helper()
	of := minters[kind]
	store := of.start(t)
	login := newRealm(t)
	server := ownServer(t, devserver.Installation{OutboundNetworks: loopback, Settings: "tokens:\n  requests_per_minute: 60000\n" + login.settings("lab")})
	m := minting{Server: server, t: t, store: store, api: keyhatch.New(server.API, server.Token).In("lab"), sessions: countAsked(t, store.STS), realm: login}
	create(t, server, "/api/v1/workspaces", map[string]any{"name": "lab"})
	login.join(server, "lab")
	keys := map[string]any{"access_key_id": store.AccessKeyID, "secret_access_key": store.SecretAccessKey, "endpoint": m.sessions.url}
	credential := "keys"
	create(t, server, "/api/v1/credentials", map[string]any{"name": "keys", "aws_keys": keys, "base": true})
	if of.role {
		credential = "role"
		create(t, server, "/api/v1/credentials", map[string]any{
			"name": "role", "aws_role": map[string]any{"role_arn": store.RoleOf(t, 12*time.Hour), "endpoint": m.sessions.url}, "sessions": map[string]any{"longest_seconds": 12 * 3600}, "any_external_id": true,
		})
	}
	create(t, server, "/api/v1/stores", map[string]any{
		"name": "upstream", "kind": "s3", "endpoint": store.Endpoint, "region": store.Region, "credential": credential, "lends": "sts", "keys": "none",
		"console": "https://console.example/browser/{bucket}/{prefix}",
	})
	for i := range m.buckets {
		m.buckets[i] = store.Bucket(t)
		create(t, server, "/api/v1/buckets/register?workspace=lab", map[string]any{"store": "upstream", "name": m.buckets[i]})
	}
	for _, name := range []string{"alpha", "beta"} {
		location := create(t, server, "/api/v1/locations?workspace=lab", map[string]any{"name": name, "url": "s3://" + m.buckets[0] + "/" + name + "/"})
		create(t, server, "/api/v1/grants?workspace=lab", map[string]any{"location": location, "to": "everyone", "access": "write"})
	}
	return m
}

// asked counts what the token service answers. What a busy machine makes wait for too long
// is asked again.
type asked struct {
	url string
	mu  sync.Mutex
	n   int
}

func countAsked(t *testing.T, service string) *asked {
	t.Helper()
	to, err := url.Parse(service)
	if err != nil {
		t.Fatal(err)
	}
	a := &asked{}
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(to)
		r.Out.Host = r.In.Host // which is signed
	}, ModifyResponse: func(*http.Response) error {
		a.mu.Lock()
		defer a.mu.Unlock()
		a.n++
		return nil
	}, ErrorLog: log.New(io.Discard, "", 0)}
	server := httptest.NewServer(forward)
	t.Cleanup(server.Close)
	a.url = server.URL
	return a
}

// since is how often it was asked since the last time.
func (a *asked) since() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := a.n
	a.n = 0
	return n
}

// cli runs keyhatch as the installation's admin.
func (m minting) cli(args ...string) (out string, err error) {
	m.t.Helper()
	path, err := binary()
	if err != nil {
		m.t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env = []string{"HOME=" + m.t.TempDir(), "PATH=/usr/bin:/bin", "LANG=C.UTF-8", "KEYHATCH_SERVER=" + m.API, "KEYHATCH_TOKEN=" + m.Token}
	text, err := cmd.CombinedOutput()
	return string(text), err
}

func (m minting) must(err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
}

func (m minting) lend(c *keyhatch.Client, r api.LeaseRequest) devserver.Lease {
	m.t.Helper()
	lent, err := c.CreateLease(m.t.Context(), r)
	m.must(err)
	if lent.Revocation != "none" || lent.Endpoint != m.store.Endpoint {
		m.t.Errorf("lent with revocation %q at %s", lent.Revocation, lent.Endpoint)
	}
	return devserver.Lease{
		ID: lent.ID, AccessKeyID: lent.AccessKeyID, SecretAccessKey: lent.SecretAccessKey, SessionToken: lent.SessionToken,
		ExpiresAt: lent.ExpiresAt, Endpoint: lent.Endpoint, Region: lent.Region,
	}
}

// TestStoresSessions: a real store is verified, and lends sessions that open what was lent
// and nothing else, with the clients that people have.
func TestStoresSessions(t *testing.T) {
	for kind := range minters {
		t.Run(kind, func(t *testing.T) {
			t.Parallel()
			m := newMinting(t, kind)
			m.verify(minters[kind].weaknesses, minters[kind].networks)
			m.lends()
			t.Run("provena", m.speaksProvena)
			m.outlives()
			m.shares()
		})
	}
}

// verify proves the store; one of which weaknesses are known is accepted with exactly those.
func (m minting) verify(weaknesses []string, networks string) {
	_, err := m.api.CreateLease(m.t.Context(), api.LeaseRequest{Location: "alpha", Access: "read"})
	if err == nil || !strings.Contains(err.Error(), "store verify") {
		m.t.Errorf("before it was verified: %v", err)
	}
	out, err := m.cli("store", "verify", "upstream", "-o", "json")
	var proof struct {
		Outcome, Networks string
		Checks            []struct{ Name, Outcome, Reason string }
	}
	if text, _, _ := strings.Cut(out, "\nkeyhatch:"); json.Unmarshal([]byte(text), &proof) != nil {
		m.t.Fatalf("verify says %s, %v", out, err)
	}
	var weak []string
	for _, c := range proof.Checks {
		switch {
		case slices.Contains([]string{"from_here", "from_elsewhere", "from_forged_address"}, c.Name):
		case c.Outcome == "warning":
			weak = append(weak, c.Name)
		case c.Name == "external_id": // RGW knows none
		case c.Outcome != "passed":
			m.t.Errorf("%s: %s: %s", c.Name, c.Outcome, c.Reason)
		}
	}
	slices.Sort(weak)
	if len(proof.Checks) < 24 || !slices.Equal(weak, weaknesses) {
		m.t.Errorf("%d attempts; weak: %q, want %q", len(proof.Checks), weak, weaknesses)
	}
	if proof.Networks != networks {
		m.t.Errorf("for networks: %s, want %s", proof.Networks, networks)
	}
	if len(weaknesses) == 0 {
		m.must(err)
		return
	}
	if err == nil || !strings.Contains(out, "keyhatch store accept upstream --confirm upstream") {
		m.t.Errorf("a store with a weakness: %v, %s", err, out)
	}
	if _, err := m.cli("store", "accept", "upstream", "--confirm", "other"); err == nil {
		m.t.Error("it was accepted by another name")
	}
	out, err = m.cli("store", "accept", "upstream", "--confirm", "upstream")
	if err != nil {
		m.t.Fatalf("%v: %s", err, out)
	}
}

// lends borrows a lease to read, one to write, one for several prefixes, and for two hours.
func (m minting) lends() {
	t, ctx := m.t, m.t.Context()
	seconds := 2 * 3600
	file := filepath.Join(t.TempDir(), "file")
	m.must(os.WriteFile(file, []byte("data"), 0o600))
	writes := m.lend(m.api, api.LeaseRequest{Location: "alpha", Access: "write", Prefixes: []string{"a/", "b b/"}, DurationSeconds: &seconds})
	if left := time.Until(writes.ExpiresAt); left < 2*time.Hour-2*time.Minute || left > 12*time.Hour {
		t.Errorf("two hours were asked for, and twelve are allowed: %v", left)
	}
	reads := m.lend(m.api, api.LeaseRequest{Location: "alpha", Access: "read"})
	// RGW tells who owns a bucket which objects are not there.
	_, err := m.store.Client(t).PutObject(ctx, &s3.PutObjectInput{Bucket: &m.buckets[0], Key: aws.String("beta/secret"), Body: strings.NewReader("secret")})
	m.must(err)
	for name, c := range map[string]client{"awscli": newAWSAPI(t, m.buckets[0]), "boto3": newBoto3(t, m.buckets[0])} {
		t.Run(name, func(t *testing.T) {
			for _, key := range []string{"alpha/a/" + name, "alpha/b b/" + name} {
				c.put(writes, file, key).must(t)
				c.get(reads, key, filepath.Join(t.TempDir(), "got")).must(t)
			}
			m.refused(t, c, opPut, c.put(writes, file, "alpha/c/"+name))
			m.refused(t, c, opPut, c.put(writes, file, "beta/"+name))
			m.refused(t, c, opPut, c.put(reads, file, "alpha/a/"+name))
			m.refused(t, c, opGet, c.get(reads, "beta/secret", filepath.Join(t.TempDir(), "got")))
			if keys, r := c.list(reads, "alpha/"); len(keys) < 2 {
				r.must(t)
				t.Errorf("listed %v", keys)
			}
			if _, r := c.list(reads, ""); r.err == nil {
				t.Error("the whole bucket was listed")
			}
			c.remove(writes, "alpha/a/"+name).must(t)
			m.refused(t, c, opRemove, c.remove(reads, "alpha/b b/"+name))
		})
	}
	var names []string
	for _, prefix := range []string{"alpha/", "beta/"} {
		there, err := m.store.Client(t).ListObjectsV2(ctx, &s3.ListObjectsV2Input{Bucket: &m.buckets[0], Prefix: &prefix})
		m.must(err)
		for _, o := range there.Contents {
			names = append(names, *o.Key)
		}
	}
	if want := []string{"alpha/b b/awscli", "alpha/b b/boto3", "beta/secret"}; !slices.Equal(names, want) {
		t.Errorf("in the store there is %q, want %q", names, want)
	}
	lent, err := m.api.CreateLease(ctx, api.LeaseRequest{Location: "alpha", Access: "read", Console: true})
	m.must(err)
	if want := "https://console.example/browser/" + m.buckets[0] + "/alpha%2F"; lent.ConsoleURL != want {
		t.Errorf("the console is %q, want %q", lent.ConsoleURL, want)
	}
	out, err := m.cli("lease", "revoke", lent.ID)
	if err != nil || !strings.Contains(out, "work until") {
		t.Errorf("revoked: %s, %v", out, err)
	}
}

// outlives takes a user's access, whose session lives on: who-can tells of it.
func (m minting) outlives() {
	ctx := m.t.Context()
	location := create(m.t, m.Server, "/api/v1/locations?workspace=lab", map[string]any{"name": "brief", "url": "s3://" + m.buckets[0] + "/brief/"})
	grant := create(m.t, m.Server, "/api/v1/grants?workspace=lab", map[string]any{"location": location, "to": "user", "subject": "ann", "access": "read"})
	var made struct{ Secret string }
	m.must(m.Create(ctx, "/api/v1/tokens", map[string]any{"name": "t", "user": "ann"}, &made))
	lent, err := keyhatch.New(m.API, made.Secret).In("lab").CreateLease(ctx, api.LeaseRequest{Location: "brief", Access: "read"})
	m.must(err)
	m.must(m.api.TakeGrant(ctx, grant))
	out, err := m.cli("audit", "who-can", "brief", "--access", "read")
	if err != nil || !strings.Contains(out, "With these sessions of store upstream") || !strings.Contains(out, lent.ID) || !strings.Contains(out, lent.ExpiresAt.Format(time.RFC3339)) {
		m.t.Errorf("who can, when the grant of a session was taken: %v, %s", err, out)
	}
}

// refused wants a client to be refused. RGW's answer has no message, and aws fails over
// that in words of its own.
func (m minting) refused(t *testing.T, c client, op operation, r result) {
	t.Helper()
	words := c.refusal(op, "AccessDenied")
	if _, isAWS := c.(awsAPI); isAWS && m.store.Name == "rgw" {
		words = regexp.MustCompile(words.String() + `|argument of type 'NoneType' is not iterable`)
	}
	r.mustBeRefused(t, words)
}

// shares has 200 users ask at once: the store is asked once for each and what it wants, and
// once for what all want, where they may share.
func (m minting) shares() {
	const users, times = 200, 2
	var clients []*keyhatch.Client
	for i := range users {
		name := fmt.Sprintf("user-%d", i)
		create(m.t, m.Server, "/api/v1/users", map[string]any{"name": name})
		var made struct{ Secret string }
		m.must(m.Create(m.t.Context(), "/api/v1/tokens", map[string]any{"name": "t", "user": name}, &made))
		clients = append(clients, keyhatch.New(m.API, made.Secret).In("lab"))
	}
	atOnce := func() (keys map[string]bool) {
		keys = map[string]bool{}
		var mu sync.Mutex
		var all sync.WaitGroup
		for _, c := range clients {
			for range times {
				all.Go(func() {
					lent, err := c.CreateLease(m.t.Context(), api.LeaseRequest{Location: "beta", Access: "read"})
					mu.Lock()
					defer mu.Unlock()
					if err != nil {
						m.t.Error(err)
					}
					keys[lent.AccessKeyID] = true
				})
			}
		}
		all.Wait()
		return keys
	}
	m.sessions.since()
	if keys, n := atOnce(), m.sessions.since(); n > users || len(keys) != n {
		m.t.Errorf("%d leases for %d users asked the store %d times, for %d sessions", users*times, users, n, len(keys))
	}
	shared := true
	_, err := m.api.UpdateLocation(m.t.Context(), "beta", api.LocationChange{SharedSessions: &shared})
	m.must(err)
	if keys, n := atOnce(), m.sessions.since(); n != 1 || len(keys) != 1 {
		m.t.Errorf("%d leases for one scope, shared, asked the store %d times, for %d sessions", users*times, n, len(keys))
	}
}

// TestStoreThatIgnoresPolicies: one whose token service passes over the policy fails, lends
// nothing, and does so only by somebody's word.
func TestStoreThatIgnoresPolicies(t *testing.T) {
	m := newMinting(t, "minio")
	// As it would be asked, but for the policy.
	plain := sts.New(sts.Options{Region: m.store.Region, BaseEndpoint: &m.store.STS, Credentials: credentials.NewStaticCredentialsProvider(m.store.AccessKeyID, m.store.SecretAccessKey, "")})
	careless := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		out, err := plain.AssumeRole(r.Context(), &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::123456789012:role/x"), RoleSessionName: aws.String("x"), DurationSeconds: aws.Int32(900)})
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadGateway)
			return
		}
		c := out.Credentials
		fmt.Fprintf(w, `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleResult><Credentials><AccessKeyId>%s</AccessKeyId>`+
			`<SecretAccessKey>%s</SecretAccessKey><SessionToken>%s</SessionToken><Expiration>%s</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>`,
			*c.AccessKeyId, *c.SecretAccessKey, *c.SessionToken, c.Expiration.Format(time.RFC3339))
	}))
	t.Cleanup(careless.Close)
	_, err := keyhatch.New(m.API, m.Token).UpdateCredential(t.Context(), "", "keys", api.CredentialChange{Authority: api.Authority{AWSKeys: &api.AWSKeys{
		AccessKeyID: m.store.AccessKeyID, SecretAccessKey: m.store.SecretAccessKey, Endpoint: careless.URL,
	}}})
	m.must(err)
	out, err := m.cli("store", "verify", "upstream")
	var ended *exec.ExitError
	if !errors.As(err, &ended) || ended.ExitCode() != 1 || !strings.Contains(out, "list_bucket_root") || !strings.Contains(out, "lends nothing") {
		t.Errorf("verify: %v\n%s", err, out)
	}
	minutes := 900
	ask := api.LeaseRequest{Location: "alpha", Access: "read", DurationSeconds: &minutes}
	_, err = m.api.CreateLease(t.Context(), ask)
	var problem *api.Problem
	if !errors.As(err, &problem) || problem.Code != "store_not_proven" {
		t.Errorf("it lends: %v", err)
	}
	if out, err := m.cli("store", "accept", "upstream", "--confirm", "upstream"); err != nil || !strings.Contains(out, "accepted by") {
		t.Errorf("accept: %v\n%s", err, out)
	}
	_, err = m.api.CreateLease(t.Context(), ask)
	m.must(err)
}
