package conformance

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/keyhatch/keyhatch/internal/chromium"
	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/loginprovider"
)

// TestLoginInChromium: keyhatch login prints an address; in a browser, over TLS and without
// scripts, somebody logs in at a provider there and lets it; then the command line works as that
// user. At /s3credentials the same browser gets keys, as soon as the location's terms were accepted on the
// page to which the refusal leads. Logged out, it is at the provider too.
func TestLoginInChromium(t *testing.T) {
	t.Parallel()
	b := chromium.Start(t, chromium.AnyCertificate)
	p := loginprovider.Start(t)
	p.Asks = true
	s := ownServer(t, devserver.Installation{
		APITLS: true, OutboundNetworks: []string{"127.0.0.0/8"}, Env: []string{"OIDC_SECRET=" + loginprovider.ClientSecret},
		Settings: `login:
  password_form: false
  providers:
    - name: institute
      issuer: ` + p.URL + `
      client_id: ` + loginprovider.ClientID + `
      client_secret_env: OIDC_SECRET
      user_name: {claim: preferred_username, template: "{}"}
      allow_anybody: true
`,
	})
	home := t.TempDir()
	keyhatch, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	command := func(arguments ...string) *exec.Cmd {
		c := exec.CommandContext(t.Context(), keyhatch, arguments...)
		c.Env = []string{"HOME=" + home, "XDG_CONFIG_HOME=" + filepath.Join(home, "config"), "KEYHATCH_SERVER=" + s.API, "SSL_CERT_FILE=" + s.APICAFile}
		return c
	}
	login := command("login")
	said, err := login.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := login.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(said)
	line, _ := lines.ReadString('\n')
	address := regexp.MustCompile(`https://\S+/device\?user_code=[A-Z-]{9}`).FindString(line)
	if address == "" {
		t.Fatalf("login says %q", line)
	}

	page := b.Open(t, chromium.Look{})
	page.Go(address)
	page.Click("a.button")
	page.Click("#go")
	if page.Text("document.querySelector('h1').innerText") != "Is this your device?" {
		page.Focus("#code")
		page.Enter()
	}
	page.Click("button[value=allow]")
	rest, err := io.ReadAll(lines)
	if err != nil {
		t.Error(err)
	}
	if err := login.Wait(); err != nil {
		t.Fatalf("login: %v, %s", err, rest)
	}
	if out, err := command("whoami").CombinedOutput(); err != nil || !strings.Contains(string(out), "jane") {
		t.Errorf("whoami: %v, %s", err, out)
	}

	getsKeys(t, page, s, func(arguments ...string) *exec.Cmd {
		c := command(arguments...)
		c.Env = append(c.Env, "KEYHATCH_TOKEN="+s.Token)
		return c
	})

	page.Go(s.API + "/profile")
	page.Click("form[action='/logout'] button")
	page.Go(s.API + "/profile")
	if at := page.Text("document.location.pathname"); at != "/login" || p.Left() != 1 {
		t.Errorf("logged out she is at %s, and has left the provider %d times", at, p.Left())
	}
	page.Go(s.API + "/s3credentials")
	if at := page.Text("document.location.pathname"); at != "/login" {
		t.Errorf("logged out she gets keys on, at %s: %s", at, page.Text("document.body.innerText"))
	}
	if log := s.Output(); strings.Contains(log, loginprovider.ClientSecret) {
		t.Error("S5: the log has the client's secret")
	}
	if _, err := os.Stat(filepath.Join(home, "config", "keyhatch", "login.json")); err != nil {
		t.Error(err)
	}
}

// getsKeys goes the browser's way to keys, which open what they say.
func getsKeys(t *testing.T, page *chromium.Page, s *devserver.Server, asAdmin func(...string) *exec.Cmd) {
	t.Helper()
	create(t, s, "/api/v1/workspaces", map[string]any{"name": workspace})
	p := makePlace(t, s, directory)
	p.admit(t, directory.name)
	if err := os.MkdirAll(filepath.Join(p.folder, p.bucket, p.own), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(p.folder, p.bucket, p.own, "README.txt"), []byte("of alpha"), 0o600); err != nil {
		t.Fatal(err)
	}
	terms := filepath.Join(t.TempDir(), "terms.txt")
	if err := os.WriteFile(terms, []byte("Be kind."), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := asAdmin("location", "set-terms", "--workspace", workspace, "directory-alpha", "--title", "Terms of alpha", "--file", terms).CombinedOutput(); err != nil {
		t.Fatalf("the terms: %v, %s", err, out)
	}
	answer := func() (out struct {
		Code       string `json:"error"`
		Resolution string `json:"resolution_url"`
		ID         string `json:"accessKeyId"`
		Secret     string `json:"secretAccessKey"`
		Session    string `json:"sessionToken"`
	},
	) {
		t.Helper()
		page.Go(s.API + "/s3credentials?location=directory-alpha")
		text := page.Text("document.querySelector('pre').innerText")
		if err := json.Unmarshal([]byte(text), &out); err != nil {
			t.Fatalf("at %s: %s", page.Text("document.location.href"), text)
		}
		return out
	}
	refused := answer()
	if refused.Code != "terms_not_accepted" || !strings.HasPrefix(refused.Resolution, s.API+"/terms/") {
		t.Fatalf("before the terms were accepted: %+v", refused)
	}
	page.Go(refused.Resolution)
	if text := page.Text("document.querySelector('.terms').innerText"); text != "Be kind." {
		t.Errorf("the terms are %q", text)
	}
	page.Click("form button")
	keys := answer()
	c := goSDK{t: t}.client(devserver.Lease{Endpoint: s.S3, Region: s.Region, AccessKeyID: keys.ID, SecretAccessKey: keys.Secret, SessionToken: keys.Session, CAFile: s.CAFile})
	out, err := c.GetObject(t.Context(), &s3.GetObjectInput{Bucket: &p.bucket, Key: aws.String(p.own + "README.txt")})
	if err != nil {
		t.Fatal(err)
	}
	defer out.Body.Close()
	if text, err := io.ReadAll(out.Body); err != nil || string(text) != "of alpha" {
		t.Errorf("%q, %v", text, err)
	}
}
