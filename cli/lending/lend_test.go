package lending

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/deliver"
)

// knowing is a server that knows one token, and keeps what it was asked with.
type knowing struct {
	*httptest.Server
	workspace string // what it lends in when it is not told

	mu    sync.Mutex
	token string
	asked []string
}

func newKnowing(t *testing.T, token string) *knowing {
	t.Helper()
	k := &knowing{token: token}
	k.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k.mu.Lock()
		defer k.mu.Unlock()
		given := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
		k.asked = append(k.asked, given+" "+r.URL.Query().Get("workspace"))
		if given != k.token {
			w.WriteHeader(http.StatusUnauthorized)
			_ = json.NewEncoder(w).Encode(api.Problem{Status: 401, Code: "token_invalid", Detail: "the token is not known"})
			return
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(api.Lent{ID: "lease_1", Workspace: k.workspace})
	}))
	t.Cleanup(k.Close)
	return k
}

func (k *knowing) knows(token string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.token = token
}

// had is what it was asked with since the last look.
func (k *knowing) had() string {
	k.mu.Lock()
	defer k.mu.Unlock()
	all := strings.Join(k.asked, "|")
	k.asked = nil
	return all
}

func keep(t *testing.T, server string, tokens map[string]string) {
	t.Helper()
	if err := ask.ChangeLogins(func(l *ask.Logins) { l.Server, l.Tokens = server, tokens }); err != nil {
		t.Fatal(err)
	}
}

// ownConfig gives the test a folder for what login keeps.
func ownConfig(t *testing.T) {
	t.Helper()
	if runtime.GOOS == "darwin" {
		t.Setenv("HOME", t.TempDir())
	}
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("AppData", t.TempDir())
	t.Setenv(ask.TokenVariable, "")
}

// A program that runs goes on after its token was rotated without a grace: it was
// refused from then on.
func TestRotatedTokenIsReadAgain(t *testing.T) {
	ownConfig(t)
	k := newKnowing(t, "kh_a")
	keep(t, k.URL, map[string]string{k.URL: "kh_a", "http://elsewhere": "kh_elsewhere"})
	to := ask.Connection{Server: k.URL, Workspace: "demo"}
	open, err := to.Open()
	if err != nil {
		t.Fatal(err)
	}
	lend := renewing(to, open, api.LeaseRequest{Location: "alpha", Access: "read"})
	want := func(what string, lends bool, asked string) {
		t.Helper()
		_, err := lend(context.Background())
		if (err == nil) != lends || !lends && !unknownToken(err) {
			t.Errorf("%s: %v", what, err)
		}
		if got := k.had(); got != asked {
			t.Errorf("%s: asked with %q, want %q", what, got, asked)
		}
	}
	want("the first", true, "kh_a demo")
	k.knows("kh_b")
	want("rotated, and nothing is kept yet", false, "kh_a demo")
	keep(t, "http://elsewhere", map[string]string{k.URL: "kh_b", "http://elsewhere": "kh_elsewhere"})
	want("rotated", true, "kh_a demo|kh_b demo")
	want("from then on", true, "kh_b demo")
	k.knows("kh_c")
	keep(t, k.URL, map[string]string{k.URL: "kh_wrong"})
	want("another that is refused", false, "kh_b demo|kh_wrong demo")
	keep(t, k.URL, map[string]string{"http://elsewhere": "kh_c"})
	want("logged out", false, "kh_wrong demo")
}

// A token from the environment is not replaced by what login keeps, which may be
// somebody else's.
func TestTokenFromTheEnvironmentStays(t *testing.T) {
	ownConfig(t)
	k := newKnowing(t, "kh_kept")
	keep(t, k.URL, map[string]string{k.URL: "kh_kept"})
	t.Setenv(ask.TokenVariable, "kh_env")
	to := ask.Connection{Server: k.URL}
	open, err := to.Open()
	if err != nil {
		t.Fatal(err)
	}
	_, err = renewing(to, open, api.LeaseRequest{})(t.Context())
	if got := k.had(); !unknownToken(err) || got != "kh_env " {
		t.Errorf("asked with %q: %v", got, err)
	}
}

// The next lease is asked for where the first one was lent, also with another token: by
// then the user may be in a second workspace, and a lease that does not say where is
// refused.
func TestRenewalStaysInItsWorkspace(t *testing.T) {
	ownConfig(t)
	k := newKnowing(t, "kh_a")
	k.workspace = "ws_1"
	keep(t, k.URL, map[string]string{k.URL: "kh_a"})
	to := ask.Connection{Server: k.URL}
	open, err := to.Open()
	if err != nil {
		t.Fatal(err)
	}
	lend := renewing(to, open, api.LeaseRequest{Location: "alpha", Access: "read"})
	for _, asked := range []string{"kh_a ", "kh_a ws_1", "kh_a ws_1|kh_b ws_1", "kh_b ws_1"} {
		if strings.Contains(asked, "|") {
			k.knows("kh_b")
			keep(t, k.URL, map[string]string{k.URL: "kh_b"})
		}
		if _, err := lend(t.Context()); err != nil {
			t.Error(err)
		}
		if got := k.had(); got != asked {
			t.Errorf("asked with %q, want %q", got, asked)
		}
	}
}

// Programs that exec runs are told by its endpoint what the command line would say: they
// used to be told to add ?workspace=NAME to a call that they do not make.
func TestRefusalsInTheWordsOfTheCommandLine(t *testing.T) {
	ownConfig(t)
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/problem+json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		io.WriteString(w, `{"status":422,"code":"workspace_required","detail":"say which workspace is meant: add ?workspace=NAME"}`)
	}))
	t.Cleanup(s.Close)
	keep(t, s.URL, map[string]string{s.URL: "kh_a"})
	to := ask.Connection{Server: s.URL}
	open, err := to.Open()
	if err != nil {
		t.Fatal(err)
	}
	container, err := deliver.ServeContainer(renewing(to, open, api.LeaseRequest{Location: "alpha", Access: "read"}))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { container.Close() })
	env := map[string]string{}
	for _, v := range container.Env() {
		name, value, _ := strings.Cut(v, "=")
		env[name] = value
	}
	r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, env["AWS_CONTAINER_CREDENTIALS_FULL_URI"], nil)
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", env["AWS_CONTAINER_AUTHORIZATION_TOKEN"])
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	text, err := io.ReadAll(response.Body)
	if err != nil || response.StatusCode != http.StatusUnprocessableEntity || !strings.Contains(string(text), "add --workspace NAME") || strings.Contains(string(text), "?workspace") {
		t.Errorf("%d %s, %v", response.StatusCode, text, err)
	}
}

// A console's URL is asked for with --console, and there is no place for it but beside the
// keys as JSON.
func TestConsoleIsAskedFor(t *testing.T) {
	ownConfig(t)
	var asked api.LeaseRequest
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if err := json.NewDecoder(r.Body).Decode(&asked); err != nil {
			t.Error(err)
		}
		w.WriteHeader(http.StatusCreated)
		_ = json.NewEncoder(w).Encode(api.Lent{ID: "lease_1", ConsoleURL: "https://console.example"})
	}))
	t.Cleanup(s.Close)
	keep(t, s.URL, map[string]string{s.URL: "kh_a"})
	var out strings.Builder
	l := leaseBorrow{Connection: ask.Connection{Server: s.URL}, wanted: wanted{Location: "alpha", Access: "read"}, Output: "json", Shell: "auto", Console: true}
	if err := l.Run(t.Context(), ask.Streams{Out: &out, Err: io.Discard}); err != nil || !asked.Console || !strings.Contains(out.String(), "https://console.example") {
		t.Errorf("asked with %+v: %s, %v", asked, out.String(), err)
	}
	l.Output = "env"
	var wrong ask.UsageError
	if err := l.check(); !errors.As(err, &wrong) {
		t.Errorf("with -o env: %v", err)
	}
}
