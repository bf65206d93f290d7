package deliver_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/deliver"
)

// tricky is what a shell would make something of, were it not quoted: all of the
// visible ASCII characters among them.
const tricky = "';touch${IFS}planted;'\"$(touch${IFS}planted)`touch${IFS}planted`\\'!#%&*()+,-./:;<=>?@[]^_{|}~'\\"

// The shells take the values as they are, and do nothing else. PowerShell is tried
// where there is one.
func TestShellsTakeTheValues(t *testing.T) {
	for program, shell := range map[string]deliver.Shell{
		"sh": deliver.POSIX, "bash": deliver.POSIX, "dash": deliver.POSIX, "zsh": deliver.POSIX, "fish": deliver.Fish, "pwsh": deliver.PowerShell,
	} {
		path, err := exec.LookPath(program)
		if err != nil && (shell == deliver.PowerShell || isWindows()) {
			continue
		}
		t.Run(program, func(t *testing.T) {
			if err != nil {
				t.Skipf("needs %s (run make test)", program)
			}
			takesTheValues(t, path, shell)
		})
	}
}

func takesTheValues(t *testing.T, path string, shell deliver.Shell) {
	if of, ok := deliver.ShellOf(path); !ok || of != shell {
		t.Errorf("%s is taken for %q", path, of)
	}
	l := aLease(1, time.Hour)
	l.SecretAccessKey, l.SessionToken, l.AccessKeyID, l.Region = tricky, tricky+"1", "'"+tricky, `\`+tricky+`\`
	var script bytes.Buffer
	if err := deliver.WriteShell(&script, shell, l); err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "script"), script.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	loads := []string{`eval "$(cat script)"; env`}
	switch shell {
	case deliver.Fish:
		loads = append(loads, "cat script | source; env", "eval (cat script); env")
	case deliver.PowerShell:
		loads = []string{"Get-Content -Raw script | Invoke-Expression; env"}
	}
	for _, load := range loads {
		loadsTheValues(t, path, folder, load, l)
	}
}

// Without quotes a shell makes one line of the text. What a server usually sends has no
// character that means something to the shell then.
func TestShellsTakeTheValuesWithoutQuotes(t *testing.T) {
	for program, load := range map[string]string{"sh": "eval $(cat script); env", "bash": "eval $(cat script); env", "zsh": "eval $(cat script); env", "fish": "eval (cat script); env"} {
		t.Run(program, func(t *testing.T) {
			path, err := exec.LookPath(program)
			if err != nil {
				t.Skipf("needs %s (run make test)", program)
			}
			shell, _ := deliver.ShellOf(path)
			l := aLease(1, time.Hour)
			folder := t.TempDir()
			var script bytes.Buffer
			if err := errors.Join(deliver.WriteShell(&script, shell, l), os.WriteFile(filepath.Join(folder, "script"), script.Bytes(), 0o600)); err != nil {
				t.Fatal(err)
			}
			loadsTheValues(t, path, folder, load, l)
		})
	}
}

// loadsTheValues evals the script in a folder, in one way of a shell.
func loadsTheValues(t *testing.T, path, folder, load string, l api.Lent) {
	t.Helper()
	cmd := exec.Command(path, "-c", load)
	cmd.Dir = folder
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "AWS_PROFILE=other", "AWS_SECURITY_TOKEN=old", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"}
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(out)) {
		if strings.HasPrefix(line, "AWS_") {
			got = append(got, strings.TrimSuffix(line, "\n"))
		}
	}
	want, err := deliver.Env(l)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(got)
	slices.Sort(want)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-lent +set):\n%s", diff)
	}
	if _, err := os.Lstat(filepath.Join(folder, "planted")); err == nil {
		t.Error("it ran what the server sent")
	}
}

// What the shells are told, by their rules of quoting: in
// fish, \\ and \' inside '…'; in PowerShell, ” inside '…'.
func TestShellLanguages(t *testing.T) {
	l := aLease(1, time.Hour)
	l.SecretAccessKey = `a'b\c$d`
	for shell, want := range map[deliver.Shell]string{
		deliver.POSIX:      `export AWS_SECRET_ACCESS_KEY='a'\''b\c$d';`,
		deliver.Fish:       `set -gx AWS_SECRET_ACCESS_KEY 'a\'b\\c$d';`,
		deliver.PowerShell: `$Env:AWS_SECRET_ACCESS_KEY = 'a''b\c$d'`,
	} {
		var out bytes.Buffer
		if err := deliver.WriteShell(&out, shell, l); err != nil {
			t.Fatal(err)
		}
		if !slices.Contains(strings.Split(out.String(), "\n"), want) {
			t.Errorf("%s: want %s in\n%s", shell, want, out.String())
		}
	}
	if err := deliver.WriteShell(nil, "cmd", l); err == nil || !contains(err.Error(), "sh", "fish", "powershell") {
		t.Errorf("an unknown shell: %v", err)
	}
	for program, want := range map[string]deliver.Shell{
		"/bin/bash": deliver.POSIX, "zsh": deliver.POSIX, "/usr/bin/fish": deliver.Fish,
		`C:\Program Files\PowerShell\7\pwsh.exe`: deliver.PowerShell, "/bin/tcsh": "", "": "",
	} {
		if got, ok := deliver.ShellOf(program); got != want || ok != (want != "") {
			t.Errorf("%q is taken for %q", program, got)
		}
	}
}

func TestProcessPrintsWhatClientsRead(t *testing.T) {
	l := aLease(1, time.Hour)
	l.ExpiresAt = time.Date(2026, 6, 1, 14, 0, 0, 999, time.FixedZone("", 7200))
	var out bytes.Buffer
	if err := deliver.WriteProcess(&out, l); err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"Version": 1.0, "AccessKeyId": l.AccessKeyID, "SecretAccessKey": l.SecretAccessKey, "SessionToken": l.SessionToken,
		"Expiration": "2026-06-01T12:00:00Z",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
