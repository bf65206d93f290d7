package idp_test

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/broker/people"
	"github.com/keyhatch/keyhatch/idp"
	"github.com/keyhatch/keyhatch/internal/coretest"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/server"
)

// world is a core behind the door, and behind the server's own limits: ann is in the
// workspace lab.
type world struct {
	*coretest.Core
	t       *testing.T
	lab     keyhatch.Workspace
	ann     keyhatch.Caller
	log     *logged.Text
	handler http.Handler
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{Core: coretest.New(t), t: t, log: &logged.Text{}}
	w.lab = w.Workspace(t, "lab")
	w.ann = w.User(t, "ann")
	w.Member(t, w.lab, w.ann, keyhatch.MemberRole)
	w.serve()
	return w
}

// reopen serves what a new process does.
func (w *world) reopen() {
	w.t.Helper()
	w.Restart(w.t)
	w.serve()
}

func (w *world) serve() {
	log := slog.New(slog.NewTextHandler(w.log, nil))
	w.handler = server.API(server.Ground{Log: log}, idp.New(w.Broker, log))
}

// token makes one of ann's.
func (w *world) token(n people.NewToken) (keyhatch.Token, string) {
	w.t.Helper()
	n.User = w.ann.User.ID
	token, secret, err := w.Broker.People.CreateToken(w.t.Context(), w.Admin, n)
	if err != nil {
		w.t.Fatal(err)
	}
	return token, secret.Reveal()
}

// works tells whether a secret opens anything.
func (w *world) works(secret string) bool {
	_, err := w.Broker.People.Authenticate(w.t.Context(), keyhatch.Secret(secret))
	return err == nil
}

// call makes a request; changes are made to it before.
func (w *world) call(method, target, body string, changes ...func(*http.Request)) *httptest.ResponseRecorder {
	w.t.Helper()
	r := httptest.NewRequestWithContext(w.t.Context(), method, target, strings.NewReader(body))
	if body != "" {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	for _, change := range changes {
		change(r)
	}
	a := httptest.NewRecorder()
	w.handler.ServeHTTP(a, r)
	if got := a.Header().Get("Cache-Control"); got != "no-store" {
		w.t.Errorf("S14: %s %s: Cache-Control %q", method, r.URL.Path, got)
	}
	return a
}

func with(name, value string) func(*http.Request) {
	return func(r *http.Request) { r.Header.Set(name, value) }
}

func bearer(secret string) func(*http.Request) { return with("Authorization", "Bearer "+secret) }

func tokenForm(secret string) string { return url.Values{"token": {secret}}.Encode() }

// spellings are all ways to write a secret, for a token and a workspace.
func spellings(token, workspace, secret string) map[string]string {
	return map[string]string{
		"bare":         secret,
		"as Arvados":   "v2/ab0cd-gj3su-" + strings.TrimPrefix(token, "tok_") + "/" + secret,
		"with its lab": "kh-ws_" + strings.TrimPrefix(workspace, "ws_") + "-" + strings.TrimPrefix(secret, "kh_"),
	}
}

// refused checks a refusal, and that it says nothing of what was sent.
func (w *world) refused(what string, a *httptest.ResponseRecorder, status int, code string, sent ...string) {
	w.t.Helper()
	var f struct {
		Error       string `json:"error"`
		Description string `json:"error_description"`
	}
	if err := json.Unmarshal(a.Body.Bytes(), &f); err != nil || a.Code != status || f.Error != code || f.Description == "" {
		w.t.Errorf("%s: %d %s, want %d %s", what, a.Code, a.Body, status, code)
	}
	if got := a.Header().Get("Content-Type"); got != "application/json" {
		w.t.Errorf("%s: Content-Type %q", what, got)
	}
	for _, s := range append(sent, canary) {
		if strings.Contains(a.Body.String(), s) {
			w.t.Errorf("S13: %s: the answer repeats what was sent: %s", what, a.Body)
		}
	}
}

// canary is in what is sent, and in no answer and no log.
const canary = "canary0submitted7"

func (w *world) wantNoSecrets(secrets ...string) {
	w.t.Helper()
	for _, s := range append(secrets, canary) {
		if strings.Contains(w.log.String(), strings.TrimPrefix(s, "kh_")) {
			w.t.Errorf("S5: the log has a secret:\n%s", w.log)
		}
	}
}
