package conformance

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/chromium"
	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/loginprovider"
)

// TestLoginInChromium: keyhatch login prints an address; in a browser, over TLS and without
// scripts, somebody logs in at a provider there and lets it; then the command line works as that
// user. Logged out, the browser is at the provider too.
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

	page.Go(s.API + "/profile")
	page.Click("form[action='/logout'] button")
	page.Go(s.API + "/profile")
	if at := page.Text("document.location.pathname"); at != "/login" || p.Left() != 1 {
		t.Errorf("logged out she is at %s, and has left the provider %d times", at, p.Left())
	}
	if log := s.Output(); strings.Contains(log, loginprovider.ClientSecret) {
		t.Error("S5: the log has the client's secret")
	}
	if _, err := os.Stat(filepath.Join(home, "config", "keyhatch", "login.json")); err != nil {
		t.Error(err)
	}
}
