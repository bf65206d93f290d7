package conformance

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/api"
	keyhatch "github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// earthdata is a server with data, on which people log in: ada has a password.
type earthdata struct {
	place
	token    string // ada's
	password string
	url      string // where clients reach it
}

// pipe is a port that leads to a server that is not there yet: clients have to know the server's
// address before the server knows it.
type pipe struct {
	net.Listener
	to string
}

func newPipe(t *testing.T) *pipe {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return &pipe{Listener: l}
}

// at is its URL, with a host that leads to this machine.
func (p *pipe) at(host string) string {
	return fmt.Sprintf("http://%s:%d", host, p.Addr().(*net.TCPAddr).Port)
}

// open leads to the address of a URL from now on. As a proxy it waits to be asked to connect first,
// to wherever that is.
func (p *pipe) open(t *testing.T, to string, proxy bool) {
	t.Helper()
	u, err := url.Parse(to)
	if err != nil {
		t.Fatal(err)
	}
	p.to = u.Host
	go func() {
		for {
			c, err := p.Accept()
			if err != nil {
				return
			}
			go p.lead(c, proxy)
		}
	}()
}

func (p *pipe) lead(c net.Conn, proxy bool) {
	defer c.Close()
	from := bufio.NewReader(c)
	if proxy {
		r, err := http.ReadRequest(from)
		if err != nil || r.Method != http.MethodConnect || r.Host != "localhost:443" {
			return
		}
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\n\r\n")
	}
	s, err := net.Dial("tcp", p.to)
	if err != nil {
		return
	}
	defer s.Close()
	go func() {
		_, _ = io.Copy(s, from) // until one of them is gone
		_ = s.(*net.TCPConn).CloseWrite()
	}()
	_, _ = io.Copy(c, s)
}

// atURL has the API of an installation be found at a URL.
func atURL(at string) string { return "  url: " + at + "\n" }

// serveEarthdata serves at a URL.
func serveEarthdata(t *testing.T, at string, i devserver.Installation) earthdata {
	t.Helper()
	i.API = atURL(at)
	s := ownServer(t, i)
	create(t, s, "/api/v1/workspaces", map[string]any{"name": workspace})
	e := earthdata{place: makePlace(t, s, directory), password: personPassword, url: at}
	e.admit(t, directory.name)
	for key, text := range map[string]string{e.own + "in/README.txt": "of alpha", siblingPrefix + "README.txt": "of beta"} {
		file := filepath.Join(e.folder, e.bucket, filepath.FromSlash(key))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	newPerson(t, s, "ada")
	var made struct{ Secret string }
	if err := s.Create(t.Context(), "/api/v1/tokens", map[string]any{"user": "ada", "scopes": []string{"leases"}}, &made); err != nil {
		t.Fatal(err)
	}
	e.token = made.Secret
	return e
}

const personPassword = "of paper and glue, and some string"

// newPerson makes a user who logs in with personPassword, and returns the id.
func newPerson(t *testing.T, s *devserver.Server, name string) string {
	t.Helper()
	id := create(t, s, "/api/v1/users", map[string]any{"name": name})
	var reset struct{ Secret string }
	if err := s.Create(t.Context(), "/api/v1/users/"+name+"/password-reset", nil, &reset); err != nil {
		t.Fatal(err)
	}
	if err := s.Create(t.Context(), "/api/v1/login/password", map[string]any{"reset": reset.Secret, "password": personPassword}, nil); err != nil {
		t.Fatal(err)
	}
	return id
}

// told is what the script says of its cases, by name.
func (e earthdata) told(t *testing.T, which string, env ...string) map[string]map[string]any {
	t.Helper()
	run := newRunner(t, program(t, "KEYHATCH_EARTHDATA_PYTHON", "python3 with earthaccess and obstore"))
	script, err := filepath.Abs(filepath.Join("testdata", "use_earthdata.py"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.ReadFile(script); err != nil { // go test must know of it: see devserver.Build
		t.Fatal(err)
	}
	env = append(env, "KEYS_URL="+e.url, "S3_URL="+e.S3, "S3_REGION="+e.Region, "DATA_BUCKET="+e.bucket, "DATA_KEY="+e.own+"in/README.txt", "DATA_OTHER="+siblingPrefix+"README.txt",
		"AWS_EC2_METADATA_DISABLED=true")
	text := run.run(devserver.Lease{SecretAccessKey: e.token, SessionToken: e.password}, env, "-B", script, which).must(t).stdout
	out := map[string]map[string]any{}
	for line := range strings.Lines(string(text)) {
		at := strings.Index(line, " {")
		var says map[string]any
		if at < 0 || json.Unmarshal([]byte(line[at:]), &says) != nil {
			t.Fatalf("the script says %q", line)
		}
		out[line[:at]] = says
	}
	return out
}

// TestObstoreEarthdata: obstore's provider gets keys with a token, and with a name and a password, in
// both of its forms, and reads with them what its user may; what does not work it says.
func TestObstoreEarthdata(t *testing.T) {
	t.Parallel()
	program(t, "KEYHATCH_EARTHDATA_PYTHON", "python3 with earthaccess and obstore")
	p := newPipe(t)
	e := serveEarthdata(t, p.at("localhost"), devserver.Installation{})
	p.open(t, e.API, false)
	e.obstore(t, "localhost", e.token)
	e.curl(t)
}

// obstore has ada read with a token, and with her name and password, which go to the host where people log in.
func (e earthdata) obstore(t *testing.T, login, token string) {
	t.Helper()
	told := e.told(t, "obstore", "LOGIN_HOST="+login, "DATA_TOKEN="+token, "DATA_USER=ada", "DATA_PASSWORD="+e.password)
	for _, name := range []string{"token", "token, async", "basic", "basic, async"} {
		if told[name]["text"] != "of alphaof beta" {
			t.Errorf("%s: %v", name, told[name])
		}
	}
	for _, name := range []string{"wrong token", "wrong token, async", "wrong password", "wrong password, async"} {
		if text, _ := told[name]["error"].(string); !strings.Contains(text, "401") || !strings.Contains(text, "Unauthorized") {
			t.Errorf("%s: %v", name, told[name])
		}
	}
	if text, _ := told["one prefix"]["error"].(string); !regexp.MustCompile("403|AccessDenied|PermissionDenied").MatchString(text) {
		t.Errorf("keys for one prefix open another one: %v", told["one prefix"])
	}
}

// TestEarthdataLoginElsewhere: where an Earthdata Login of others is named, its users get keys with its
// tokens, and with the name and the password that they have there; both go to it alone.
func TestEarthdataLoginElsewhere(t *testing.T) {
	t.Parallel()
	program(t, "KEYHATCH_EARTHDATA_PYTHON", "python3 with earthaccess and obstore")
	there, here := newPipe(t), newPipe(t)
	login := ownServer(t, devserver.Installation{API: atURL(there.at("127.0.0.1"))})
	there.open(t, login.API, false)
	newPerson(t, login, "ada")
	keys := here.at("localhost") // obstore keeps no cookies of an address
	var client struct{ Secret string }
	err := login.Create(t.Context(), "/api/v1/oauth-clients", map[string]any{
		"name": "archive", "flows": []string{"code"}, "redirects": []string{keys + "/redirect"}, "confidential": true, "trusted": true, "signed": true, "earthdata": true, "scopes": []string{"GET /s3credentials"},
	}, &client)
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte(client.Secret), 0o600); err != nil {
		t.Fatal(err)
	}
	e := serveEarthdata(t, keys, devserver.Installation{OutboundNetworks: loopback, Settings: `earthdata:
  login: {url: "` + there.at("127.0.0.1") + `", client_id: archive, client_secret_file: "` + secret + `"}
issuers:
  - issuer: ` + there.at("127.0.0.1") + `
    keys_url: ` + there.at("127.0.0.1") + `/.well-known/edl_ops_jwks.json
    algorithms: [RS256]
    audience: {claim: iss, values: ["` + there.at("127.0.0.1") + `"]}
    subject: {claim: uid, template: "{}"}
    workspaces: [` + workspace + `]
    scopes: ["GET /s3credentials"]
    longest: 60d
`})
	here.open(t, e.API, false)
	if _, err := keyhatch.New(e.API, e.Token).PutWorkspaceMember(t.Context(), workspace, "ada", api.MemberRole{Role: "member"}); err != nil {
		t.Fatal(err)
	}
	run := newRunner(t, "/usr/bin/curl")
	var made struct {
		Token string `json:"access_token"`
	}
	text := run.run(devserver.Lease{SecretAccessKey: e.password}, nil, "-s", "-S", "-X", "POST", "-u", "ada:"+e.password, there.at("127.0.0.1")+"/api/users/find_or_create_token").must(t).stdout
	if err := json.Unmarshal(text, &made); err != nil || made.Token == "" {
		t.Fatalf("the login gives %s: %v", text, err)
	}
	e.obstore(t, "127.0.0.1", made.Token)
	e.curl(t)
}

// curl follows the browser's way by curl alone, with a file of cookies.
func (e earthdata) curl(t *testing.T) {
	t.Helper()
	path, err := exec.LookPath("curl")
	if err != nil {
		t.Skip("needs curl (run make test)")
	}
	run := newRunner(t, path)
	jar := filepath.Join(run.home, "jar")
	call := func(args ...string) string {
		t.Helper()
		args = append([]string{"-s", "-S", "-b", jar, "-c", jar}, args...)
		return string(run.run(devserver.Lease{SecretAccessKey: e.password}, nil, args...).must(t).stdout)
	}
	keys := regexp.MustCompile(`^\{"accessKeyId":"[A-Z0-9]+","secretAccessKey":"[^"]+","sessionToken":"[^"]+","expiration":"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\+00:00"\}\n$`)
	if status := call("-L", "-o", os.DevNull, "-w", "%{http_code}", e.url+"/s3credentials"); status != "401" {
		t.Errorf("curl that follows without a password ends with %s", status)
	}
	at := call("-o", os.DevNull, "-w", "%{redirect_url}", e.url+"/s3credentials")
	if text := call("-L", "-u", "ada:"+e.password, at); !keys.MatchString(text) {
		t.Errorf("curl -L from the login on gets %s", text)
	}
	if text := call(e.url + "/s3credentials"); !keys.MatchString(text) {
		t.Errorf("curl with the cookie gets %s", text)
	}
	if text := call("-L", "-A", "Mozilla/5.0", e.url+"/logout"); !strings.Contains(text, "logged out") {
		t.Errorf("curl logs out: %s", text)
	}
	if status := call("-o", os.DevNull, "-w", "%{http_code}", e.url+"/s3credentials"); status != "307" {
		t.Errorf("after the logout curl gets %s", status)
	}
}

// TestEarthaccess: earthaccess logs in over TLS at port 443 of its host, to which a proxy leads here,
// with a name and a password, and with a token; and reads what its user may.
func TestEarthaccess(t *testing.T) {
	t.Parallel()
	program(t, "KEYHATCH_EARTHDATA_PYTHON", "python3 with earthaccess and obstore")
	p := newPipe(t)
	e := serveEarthdata(t, "https://localhost", devserver.Installation{APITLS: true})
	p.open(t, e.API, true)
	told := e.told(t, "earthaccess", "EARTHDATA_USERNAME=ada", "EARTHDATA_PASSWORD="+e.password, "HTTPS_PROXY=http://"+p.Addr().String(),
		"REQUESTS_CA_BUNDLE="+e.APICAFile, "AWS_ENDPOINT_URL="+e.S3, "AWS_DEFAULT_REGION="+e.Region)
	for _, name := range []string{"user and password", "token"} {
		says := told[name]
		if says["text"] != "of alphaof beta" || fmt.Sprint(says["names"]) != "[accessKeyId secretAccessKey sessionToken expiration]" {
			t.Errorf("%s: %v %v", name, says["text"], says["names"])
		}
		if token, _ := says["token"].(string); strings.Count(token, ".") != 2 {
			t.Errorf("%s: the token is no JWT", name)
		}
	}
	if told["again"]["same"] != true {
		t.Error("the second login gets another token")
	}
	if keys, _ := told["wrong token"]["keys"].(map[string]any); keys == nil || len(keys) != 0 {
		t.Errorf("a wrong token: %v", told["wrong token"])
	}
	if text, _ := told["wrong password"]["error"].(string); !strings.Contains(text, "HTTP Basic: Access denied.") {
		t.Errorf("a wrong password: %v", told["wrong password"])
	}
}
