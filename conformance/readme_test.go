package conformance

import (
	"bytes"
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/logged"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// The README shows a session at two terminals. It is run here, line by line, in a
// copy of the tree: what it prints must be what the README says it does. Only the
// two ports are others, so that the test disturbs nobody.
func TestReadme(t *testing.T) {
	aws := program(t, "KEYHATCH_AWSCLI", "awscli")
	text, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(text, []byte("\ngo run ./cmd/keyhatch dev ")) || !bytes.Contains(text, []byte("\nmake test ")) {
		t.Error("the two commands are not in the README")
	}
	n := newNewcomer(t, "The README", string(text), copyTree(t), filepath.Dir(aws))
	if len(n.session) < 12 || n.session[0].command != "go build -o bin/ ./cmd/keyhatch" || n.session[1].command != "bin/keyhatch dev" {
		t.Fatalf("the session of the README has %d steps and begins with %q", len(n.session), n.session[:2])
	}
	build := exec.Command("bash", "-c", n.session[0].command)
	build.Dir, build.Env = n.folder, append(os.Environ(), devserver.Released...)
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", n.session[0].command, err, out)
	}
	n.session = n.session[1:]
	n.run(t)
}

// newcomer is somebody who does what a document shows, with a home of their own: the
// first command serves in one terminal, the others are typed into another.
type newcomer struct {
	document string
	session  []step
	folder   string
	env      []string
}

func newNewcomer(t *testing.T, document, text, folder string, programs ...string) newcomer {
	t.Helper()
	var addresses [2]string
	for i := range addresses {
		var err error
		if addresses[i], err = peers.FreeAddress(); err != nil {
			t.Fatal(err)
		}
	}
	api, s3 := addresses[0], addresses[1]
	home := t.TempDir()
	// The clients that make test installs need nothing of the user's.
	env := slices.DeleteFunc(os.Environ(), func(v string) bool {
		return strings.HasPrefix(v, "AWS_") || strings.HasPrefix(v, "KEYHATCH_") || strings.HasPrefix(v, "XDG_")
	})
	return newcomer{
		document: document,
		session:  steps(strings.NewReplacer("127.0.0.1:8750", api, "127.0.0.1:8751", s3).Replace(text)),
		folder:   folder,
		env: append(env, "HOME="+home, "PATH="+strings.Join(append(programs, os.Getenv("PATH")), ":"),
			"AWS_EC2_METADATA_DISABLED=true", "KEYHATCH_DEV_LISTEN="+api, "KEYHATCH_DEV_S3_LISTEN="+s3,
			"SHELL=/bin/bash", "TZ=UTC", "LC_ALL=C.UTF-8"),
	}
}

func (n newcomer) run(t *testing.T) {
	t.Helper()
	dev := exec.Command("bash", "-c", "exec "+n.session[0].command)
	dev.Dir, dev.Env = n.folder, n.env
	var printed logged.Text
	dev.Stdout, dev.Stderr = &printed, &printed
	if err := dev.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- dev.Wait() }()
	t.Cleanup(func() {
		if err := dev.Process.Signal(syscall.SIGINT); err != nil {
			t.Error(err)
		}
		if err := <-ended; err != nil {
			t.Errorf("the server: %v", err)
		}
	})
	deadline := time.Now().Add(commandTime)
	for !strings.Contains(printed.String(), "Ctrl-C stops") {
		if time.Now().After(deadline) {
			t.Fatalf("it did not begin to serve:\n%s", devserver.Redact(printed.String()))
		}
		time.Sleep(50 * time.Millisecond)
	}
	n.session[0].compare(t, n.document, printed.String())
	for i, out := range shell(t, n.folder, n.env, n.session[1:]) {
		n.session[1+i].compare(t, n.document, out)
	}
}

// step is one command of a document and what it is said to print.
type step struct{ command, output string }

// steps finds the commands of a document's sessions in their order.
func steps(document string) []step {
	var out []step
	for _, block := range regexp.MustCompile("(?s)```console\n(.*?)```").FindAllStringSubmatch(document, -1) {
		for line := range strings.Lines(block[1]) {
			if command, ok := strings.CutPrefix(line, "$ "); ok {
				out = append(out, step{command: strings.TrimSpace(command)})
			} else {
				out[len(out)-1].output += line
			}
		}
	}
	return out
}

// varying is what every run has others of: a document shows some.
var varying = []struct {
	shown   *regexp.Regexp
	printed string
}{
	{regexp.MustCompile(`\b([a-z]+)_0m[0-9a-z]{13}\b`), `${1}_[0-9a-z]{15}`},
	{regexp.MustCompile(`\b20\d\d-\d\d-\d\d([T ])\d\d:\d\d:\d\d(\\\.\d+)?`), `\d{4}-\d\d-\d\d${1}\d\d:\d\d:\d\d(\.\d+)?`},
}

// underWay is a line of the record of object requests that only requests have which took
// long, on a machine that had other things to do.
var underWay = regexp.MustCompile(`(?m)^.*  under way  .*\n`)

// compare holds what was printed against the document, where … stands for anything,
// and an id or a time for any other.
func (s step) compare(t *testing.T, document, printed string) {
	t.Helper()
	parts := strings.Split(strings.TrimSpace(s.output), "…")
	for i, p := range parts {
		parts[i] = regexp.QuoteMeta(p)
		for _, v := range varying {
			parts[i] = v.shown.ReplaceAllString(parts[i], v.printed)
		}
	}
	// A terminal shows what a carriage return leaves of a line; here all is kept.
	printed = strings.TrimSpace(strings.ReplaceAll(printed, "\r", "\n"))
	if !underWay.MatchString(s.output) {
		printed = underWay.ReplaceAllString(printed, "")
	}
	if !regexp.MustCompile(`(?s)^` + strings.Join(parts, ".*?") + `$`).MatchString(printed) {
		t.Errorf("$ %s\nprints\n%s\n%s says\n%s", s.command, devserver.Redact(printed), document, s.output)
	}
}

// shell runs the commands in one shell, as a user would, and returns what each
// printed.
func shell(t *testing.T, dir string, env []string, session []step) []string {
	t.Helper()
	const mark = "=====the-next-command====="
	var script strings.Builder
	for _, s := range session {
		fmt.Fprintf(&script, "%s\necho; echo %s\n", s.command, mark)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 2*commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, "bash", "-c", script.String())
	cmd.Dir, cmd.Env = dir, env
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("the shell: %v\n%s", err, devserver.Redact(string(out)))
	}
	printed := strings.Split(string(out), mark+"\n")
	if len(printed) != len(session)+1 {
		t.Fatalf("%d commands printed %d times", len(session), len(printed)-1)
	}
	return printed[:len(session)]
}

// copyTree copies the tree as a clone would have it, so that the session leaves
// nothing behind.
func copyTree(t *testing.T) string {
	t.Helper()
	to := t.TempDir()
	leave := map[string]bool{".git": true, "bin": true, "keyhatch-data": true}
	err := filepath.WalkDir("..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel("..", path)
		if err != nil || name == "." {
			return err
		}
		if leave[name] {
			return filepath.SkipDir
		}
		if d.IsDir() {
			return os.Mkdir(filepath.Join(to, name), 0o755)
		}
		if !d.Type().IsRegular() {
			return nil
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return os.WriteFile(filepath.Join(to, name), text, 0o644)
	})
	if err != nil {
		t.Fatal(err)
	}
	return to
}
