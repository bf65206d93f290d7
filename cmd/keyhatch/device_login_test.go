package main

import (
	"bufio"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
)

// codeOf waits for the code that login prints.
func codeOf(t *testing.T, printed io.Reader) string {
	t.Helper()
	lines := bufio.NewReader(printed)
	line, err := lines.ReadString('\n')
	code := regexp.MustCompile(`/device\?user_code=([A-Z-]{9}) .* code ([A-Z-]{9})\.`).FindStringSubmatch(line)
	if err != nil || code == nil || code[1] != code[2] {
		t.Fatalf("login prints %q, %v", line, err)
	}
	go io.Copy(io.Discard, lines) //nolint:errcheck // the pipe is closed by its writer
	return code[1]
}

// TestLoginInABrowser: login without a token and a password is allowed in a browser; its token
// is kept for its owner alone, and ends with what was allowed. Refused, nothing is kept.
func TestLoginInABrowser(t *testing.T) {
	r := start(t)
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("KEYHATCH_TOKEN", "")
	t.Setenv("KEYHATCH_SERVER", r.in.apiURL)
	admin, err := r.in.broker.People.Authenticate(t.Context(), r.admin)
	if err != nil {
		t.Fatal(err)
	}
	const password = "of paper and glue, and some string"
	if err := r.in.broker.Passwords.SetPassword(t.Context(), admin, admin.User.ID, "", password); err != nil {
		t.Fatal(err)
	}
	person, err := r.in.broker.Passwords.Authenticate(t.Context(), "admin", password)
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(os.Getenv("XDG_CONFIG_HOME"), "keyhatch", "login.json")
	for _, allow := range []bool{false, true} {
		printed, to := io.Pipe()
		var out strings.Builder
		ended := make(chan int)
		go func() {
			ended <- run(t.Context(), []string{"login"}, strings.NewReader(""), &out, to)
			to.Close()
		}()
		if err := r.in.broker.OAuth.DecideDevice(t.Context(), person, codeOf(t, printed), allow); err != nil {
			t.Fatal(err)
		}
		status := <-ended
		info, err := os.Stat(kept)
		switch {
		case !allow && (status == ask.ExitDone || err == nil):
			t.Errorf("refused, it ends with %d, and keeps %v", status, info)
		case allow && (status != ask.ExitDone || err != nil || info.Mode().Perm() != 0o600 || !strings.Contains(out.String(), "as admin")):
			t.Errorf("it ends with %d, keeps %v, %v, and says %q", status, info, err, out.String())
		}
	}
	var out strings.Builder
	if status := run(t.Context(), []string{"whoami"}, strings.NewReader(""), &out, io.Discard); status != ask.ExitDone {
		t.Errorf("then whoami ends with %d", status)
	}
	text, err := os.ReadFile(kept)
	if err != nil {
		t.Fatal(err)
	}
	token := regexp.MustCompile(`kh_\w+`).FindString(string(text))
	if current := must[api.Token](r, token, "GET", "/api/v1/tokens/current", ""); current.Name != "keyhatch" {
		t.Errorf("its token is %+v", current)
	}
	if strings.Contains(r.log.String(), token) {
		t.Error("S5: the log holds the token")
	}
	// Its user finds what it was let do, and ends that: once only the page did.
	out.Reset()
	if status := run(t.Context(), []string{"consent", "list"}, strings.NewReader(""), &out, io.Discard); status != ask.ExitDone {
		t.Errorf("consent list ends with %d", status)
	}
	consent := regexp.MustCompile(`(?m)^(consent_\w{15}) +keyhatch +all `).FindStringSubmatch(out.String())
	if consent == nil {
		t.Fatalf("consent list says %q", out.String())
	}
	if status := run(t.Context(), []string{"consent", "revoke", consent[1]}, strings.NewReader(""), io.Discard, io.Discard); status != ask.ExitDone {
		t.Errorf("consent revoke ends with %d", status)
	}
	if a := r.call(token, "GET", "/api/v1/tokens/current", ""); a.status != http.StatusUnauthorized {
		t.Errorf("its token works on: %d", a.status)
	}
}

// TestPagesAreThere by default, and neither pages nor an authorization server where browsers would
// come by plain HTTP over a network. Before, they were there in both cases when somebody had asked
// for them, and else in none.
func TestPagesAreThere(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("KEYHATCH_TOKEN", "")
	for url, want := range map[string]int{"": http.StatusOK, "https://keys.example.org": http.StatusOK, "http://keys.example.org": http.StatusNotFound} {
		r := startWith(t, func(c *config.Config) { c.API.URL = url })
		for _, path := range []string{"/login", "/.well-known/openid-configuration", "/oauth/keys"} {
			answer, err := http.Get(r.in.apiURL + path)
			if err != nil {
				t.Fatal(err)
			}
			answer.Body.Close()
			if answer.StatusCode != want {
				t.Errorf("%q: %s: %s", url, path, answer.Status)
			}
		}
		if want == http.StatusOK {
			continue
		}
		var failed strings.Builder
		if status := run(t.Context(), []string{"login", "--server", r.in.apiURL}, strings.NewReader(""), io.Discard, &failed); status == ask.ExitDone || !strings.Contains(failed.String(), "--token") {
			t.Errorf("login ends with %d: %s", status, failed.String())
		}
		if !strings.Contains(r.log.String(), "there are no login pages") {
			t.Error("the log does not say why there are none")
		}
	}
}

// TestPublicURL is where browsers come, and that there are no pages where nobody knows.
func TestPublicURL(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ listen, url, want string }{
		{"127.0.0.1:0", "", "http://127.0.0.1:4711"},
		{"10.0.0.1:8750", "", "http://127.0.0.1:4711"},
		{"0.0.0.0:8750", "", ""},
		{":8750", "", ""},
		{"[::]:8750", "", ""},
		{"0.0.0.0:8750", "https://keys.example.org", "https://keys.example.org"},
		{"127.0.0.1:0", "https://keys.example.org", "https://keys.example.org"},
	} {
		config := config.Config{API: config.APIListener{Listener: config.Listener{Listen: c.listen}, URL: c.url}}
		if got := config.PublicURL("http://127.0.0.1:4711"); got != c.want {
			t.Errorf("%s, %q: %q", c.listen, c.url, got)
		}
	}
}
