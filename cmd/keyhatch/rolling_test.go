package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/client"
	"github.com/keyhatch/keyhatch/internal/child"
	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/peers"
	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// earlierTried is of how many commits before this one a program may come: one that does not
// build is no fault of this one.
const earlierTried = 3

// earlierProgram builds the program of the commit before this one.
func earlierProgram(t *testing.T) string {
	t.Helper()
	root, err := exec.CommandContext(t.Context(), "git", "rev-parse", "--show-toplevel").Output()
	if err != nil {
		t.Skipf("needs the history of the repository: git rev-parse: %v", err)
	}
	for back := range earlierTried {
		commit := fmt.Sprintf("HEAD~%d", back+1)
		if err := exec.CommandContext(t.Context(), "git", "rev-parse", "--verify", "--quiet", commit).Run(); err != nil {
			t.Skipf("needs the history of the repository, which has no %s", commit)
		}
		tree := t.TempDir()
		binary := filepath.Join(tree, "earlier-keyhatch")
		build := exec.CommandContext(t.Context(), "sh", "-ec", `git -C "$1" archive "$2" | tar -x -C "$3"; cd "$3"; exec go build -o "$4" -ldflags='-s -w' ./cmd/keyhatch`,
			"sh", strings.TrimSpace(string(root)), commit, tree, binary)
		build.Env = append(os.Environ(), devserver.Released...)
		if out, err := build.CombinedOutput(); err != nil {
			t.Logf("%s does not build: %v\n%s", commit, err, out)
			continue
		}
		return binary
	}
	t.Fatalf("none of the %d commits before this one builds", earlierTried)
	return ""
}

// replica is a server that a test asks by its API.
type replica struct{ name, config, address string }

// asks returns the API as the owner of a token has it.
func (r replica) asks(token string) *client.Client { return client.New("http://"+r.address, token) }

// takes tells whether the replica takes a token; nil is yes. Whoever says neither yes nor no
// is asked again.
func (r replica) takes(t *testing.T, token string) (yes bool) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(25 * time.Millisecond) {
		_, err := r.asks(token).CurrentToken(t.Context())
		var problem *api.Problem
		switch {
		case err == nil:
			return true
		case errors.As(err, &problem) && problem.Status == http.StatusUnauthorized:
			return false
		case time.Now().After(end):
			t.Fatalf("%s: %v", r.name, err)
		}
	}
}

// TestRollingUpgrade: two servers of the program of the commit before serve on while the
// database is migrated, and beside one of this program. What is given at any of them works
// at all, and what is revoked is refused by all within a second.
func TestRollingUpgrade(t *testing.T) {
	t.Parallel()
	cluster := pgcluster.Start(t)
	earlier := earlierProgram(t)
	folder := t.TempDir()
	database := cluster.New(t)
	var replicas []replica
	for _, name := range []string{"earlier", "another earlier", "this"} {
		r := replica{name: name, config: filepath.Join(folder, name+".yaml")}
		text := fmt.Sprintf("database: %q\ndirectory_roots: [%q]\n", database, filepath.Join(folder, "objects of "+name))
		for _, part := range []string{"s3", "api"} {
			var err error
			if r.address, err = peers.FreeAddress(); err != nil {
				t.Fatal(err)
			}
			text += fmt.Sprintf("%s: {listen: %q}\n", part, r.address)
		}
		if err := os.WriteFile(r.config, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		replicas = append(replicas, r)
	}
	said, err := exec.CommandContext(t.Context(), earlier, "init", "--config", replicas[0].config).CombinedOutput()
	if err != nil {
		t.Fatalf("init: %v\n%s", err, said)
	}
	admin := regexp.MustCompile(`kh_[0-9A-Za-z]{49}`).FindString(string(said))
	for _, r := range replicas[:2] {
		p, err := child.Start(exec.Command(earlier, "serve", "--config", r.config))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			p.End(syscall.SIGINT, patience)
			if state, err := p.Result(); err != nil || !state.Success() {
				t.Errorf("%s ended with %v, %v", r.name, state, err)
			}
		})
		r.ready(t)
	}
	here := func(ctx context.Context, args ...string) string {
		var out, failed bytes.Buffer
		if status := run(ctx, append(args, "--config", replicas[2].config), nil, &out, &failed); status != 0 {
			t.Errorf("%s: status %d, %s%s", args, status, &out, &failed)
		}
		return out.String()
	}
	t.Log(here(t.Context(), "migrate"))
	serving, stop := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); here(serving, "serve") }()
	t.Cleanup(func() { stop(); <-ended })
	replicas[2].ready(t)

	for _, giver := range replicas {
		var made api.CreatedToken
		if made, err = giver.asks(admin).CreateToken(t.Context(), api.NewToken{}); err != nil {
			t.Fatalf("%s: %v", giver.name, err)
		}
		for _, r := range replicas {
			for end := time.Now().Add(patience); !r.takes(t, made.Secret); time.Sleep(25 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("what %s gave does not work at %s", giver.name, r.name)
				}
			}
		}
		if err := giver.asks(admin).RevokeToken(t.Context(), made.ID); err != nil {
			t.Fatalf("%s: %v", giver.name, err)
		}
		acknowledged := time.Now()
		for _, r := range replicas {
			for {
				begun := time.Now()
				if !r.takes(t, made.Secret) {
					break
				}
				if late := begun.Sub(acknowledged); late > time.Second { // S7's bound
					t.Fatalf("S7: what %s revoked works at %s %v after", giver.name, r.name, late)
				}
				time.Sleep(25 * time.Millisecond)
			}
		}
	}
	if record := here(t.Context(), "audit", "verify"); !strings.Contains(record, "chains 4") { // init, and each server
		t.Errorf("the record: %s", record)
	}
}

// ready waits until the replica serves.
func (r replica) ready(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		answer, err := http.Get("http://" + r.address + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
	}
	t.Fatalf("%s did not answer", r.name)
}
