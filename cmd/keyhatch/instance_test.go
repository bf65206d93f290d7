package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/logged"
)

// patience is how long a test waits for what has to come. A machine with much else to do
// takes its time, and only a test that fails waits to the end.
const patience = 2 * time.Minute

// running is a whole Keyhatch with the sample of `keyhatch dev`, on free ports.
type running struct {
	t      *testing.T
	in     *instance
	folder string
	admin  keyhatch.Secret
	log    *logged.Text
}

// start makes an installation and serves it until the test ends.
func start(t *testing.T) *running {
	t.Helper()
	return startWith(t, func(*config.Config) {})
}

// startWith is start with a configuration that is not the usual one.
func startWith(t *testing.T, change func(*config.Config)) *running {
	t.Helper()
	folder := t.TempDir()
	d := devCommand{Data: folder, Listen: "127.0.0.1:0", S3Listen: "127.0.0.1:0", ShortestLease: keyhatch.MinLeaseLife}
	c, _, err := d.config()
	if err != nil {
		t.Fatal(err)
	}
	c.S3.RequestLog = filepath.Join(folder, "requests.jsonl")
	c.OutboundNetworks = []string{"127.0.0.0/8"}
	change(&c)
	if err := d.install(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	token, err := os.ReadFile(d.path("admin-token"))
	if err != nil {
		t.Fatal(err)
	}
	r, stop := serving(t, folder, keyhatch.Secret(strings.TrimSpace(string(token))), c, d.seed)
	t.Cleanup(stop)
	return r
}

// serving opens an installation, does something with it first, and serves it until it is told
// to stop.
func serving(t *testing.T, folder string, admin keyhatch.Secret, c config.Config, first func(context.Context, *instance, keyhatch.Secret) error) (r *running, stop func()) {
	t.Helper()
	r = &running{t: t, folder: folder, admin: admin, log: &logged.Text{}}
	var err error
	if r.in, err = open(t.Context(), c, slog.New(slog.NewTextHandler(r.log, &slog.HandlerOptions{Level: slog.LevelDebug}))); err != nil {
		t.Fatal(err)
	}
	if err := first(t.Context(), r.in, admin); err != nil {
		t.Fatal(err)
	}
	ctx, end := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.in.run(ctx) }()
	return r, func() {
		end()
		if err := <-ended; err != nil {
			t.Errorf("serve: %v", err)
		}
		if err := r.in.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	}
}

// client calls as the owner of the token.
func (r *running) client(token string) *client.Client { return client.New(r.in.apiURL, token) }

// asAdmin calls as the installation's admin.
func (r *running) asAdmin() *client.Client { return r.client(r.admin.Reveal()) }

// answered is an answer of the API, read.
type answered struct {
	status int
	header http.Header
	text   string
}

// problem decodes the answer of a refused call.
func (a answered) problem(t *testing.T) api.Problem {
	t.Helper()
	var p api.Problem
	if err := json.Unmarshal([]byte(a.text), &p); err != nil {
		t.Fatalf("status %d, not a problem: %q", a.status, a.text)
	}
	return p
}

// send sends a request to the API as it is told to, right or wrong.
func (r *running) send(method, path, body string, header ...string) answered {
	r.t.Helper()
	q, err := http.NewRequest(method, r.in.apiURL+path, strings.NewReader(body))
	if err != nil {
		r.t.Fatal(err)
	}
	for i := 0; i+1 < len(header); i += 2 {
		q.Header.Add(header[i], header[i+1])
	}
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	text, err := io.ReadAll(answer.Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answered{answer.StatusCode, answer.Header, string(text)}
}

// call sends JSON with a token.
func (r *running) call(token, method, path, body string) answered {
	r.t.Helper()
	return r.send(method, path, body, "Authorization", "Bearer "+token, "Content-Type", "application/json")
}

// must makes a call that has to succeed and decodes its answer.
func must[T any](r *running, token, method, path, body string) T {
	r.t.Helper()
	a := r.call(token, method, path, body)
	if a.status >= 300 {
		r.t.Fatalf("%s %s: %d %s", method, path, a.status, a.text)
	}
	var v T
	if a.text != "" {
		if err := json.Unmarshal([]byte(a.text), &v); err != nil {
			r.t.Fatal(err)
		}
	}
	return v
}

// token makes a token of the admin's.
func (r *running) token(body string) api.CreatedToken {
	r.t.Helper()
	return must[api.CreatedToken](r, r.admin.Reveal(), "POST", "/api/v1/tokens", body)
}

// shortToken makes a token that ends as soon as this machine can make one.
func (r *running) shortToken() (secret string, expires time.Time) {
	r.t.Helper()
	for life := time.Second; life < patience; life *= 2 {
		expires = time.Now().Add(life)
		a := r.call(r.admin.Reveal(), "POST", "/api/v1/tokens", `{"expires_at":"`+expires.UTC().Format(time.RFC3339Nano)+`"}`)
		if a.status == http.StatusCreated {
			var made api.CreatedToken
			if err := json.Unmarshal([]byte(a.text), &made); err != nil {
				r.t.Fatal(err)
			}
			return made.Secret, expires
		}
		if code := a.problem(r.t).Code; code != "invalid_expiry" { // it came too late
			r.t.Fatal(code)
		}
	}
	r.t.Fatal("no token was made in time")
	return "", time.Time{}
}

// user makes a user, who is no member of anything, and a token of its.
func (r *running) user(name string) (api.User, string) {
	r.t.Helper()
	u := must[api.User](r, r.admin.Reveal(), "POST", "/api/v1/users", `{"name":"`+name+`"}`)
	return u, r.token(`{"user":"` + name + `"}`).Secret
}

// file is the content of a sample object.
func (r *running) file(name string) string {
	r.t.Helper()
	text, err := os.ReadFile(filepath.Join(r.folder, "objects", sampleStore, sampleBucket, name))
	if err != nil {
		r.t.Fatal(err)
	}
	return string(text)
}

// decode reads an answer's body.
func decode[T any](t *testing.T, answer *http.Response) (v T) {
	t.Helper()
	defer answer.Body.Close()
	if err := json.NewDecoder(answer.Body).Decode(&v); err != nil {
		t.Fatalf("%s: %v", answer.Status, err)
	}
	return v
}
