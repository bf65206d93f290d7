package conformance

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// scanner is gitleaks with the rule that we ship.
type scanner struct {
	gitleaks, keyhatch, home string
}

func newScanner(t *testing.T) scanner {
	t.Helper()
	s := scanner{gitleaks: program(t, "KEYHATCH_GITLEAKS", "gitleaks"), home: t.TempDir()}
	var err error
	if s.keyhatch, err = binary(); err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs a program that ends by itself, and returns what it printed and its status.
// Nothing of that may reach the output of a test.
func (s scanner) run(t *testing.T, stdin, name string, args ...string) (printed string, status int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), name, args...)
	cmd.Dir, cmd.Env, cmd.Stdin = s.home, []string{"HOME=" + s.home, "PATH=/usr/bin:/bin"}, strings.NewReader(stdin)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	switch {
	case errors.As(err, &exit):
		return string(out), exit.ExitCode()
	case err != nil:
		t.Fatalf("%s: %v", filepath.Base(name), err)
	}
	return string(out), 0
}

// token makes a secret in our shape.
func (s scanner) token(t *testing.T) string {
	t.Helper()
	out, status := s.run(t, "", s.keyhatch, "token", "generate")
	if status != 0 {
		t.Fatalf("token generate ends with %d", status)
	}
	return strings.TrimSpace(out)
}

// scan looks through a folder and returns what was found in each file.
func (s scanner) scan(t *testing.T, folder string) (found map[string][]string, printed string, status int) {
	t.Helper()
	config, err := filepath.Abs(filepath.Join("..", "deploy", "gitleaks.toml"))
	if err != nil {
		t.Fatal(err)
	}
	report := filepath.Join(s.home, "report.json")
	printed, status = s.run(t, "", s.gitleaks, "dir", "--no-banner", "--verbose", "--redact", "--config", config, folder)
	if _, again := s.run(t, "", s.gitleaks, "dir", "--no-banner", "--config", config, "--report-format", "json", "--report-path", report, folder); again != status {
		t.Fatalf("it ends with %d, and then with %d", status, again)
	}
	text, err := os.ReadFile(report)
	if err != nil {
		t.Fatal(err)
	}
	var findings []struct{ RuleID, File, Secret string }
	if err := json.Unmarshal(text, &findings); err != nil {
		t.Fatalf("the report cannot be read: %v", err)
	}
	found = map[string][]string{}
	for _, f := range findings {
		if f.RuleID != "keyhatch-token" {
			t.Errorf("found by rule %s", f.RuleID)
		}
		name := filepath.Base(f.File)
		found[name] = append(found[name], f.Secret)
	}
	return found, printed, status
}

// planted is a file with secrets in it, or with what looks like some.
type planted struct {
	text string
	want []string // what is to be found, in any order
}

func writePlanted(t *testing.T, files map[string]planted) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, p := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(p.text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// wantFound compares, and names files alone: the secrets are secrets. How often each was
// found does not count: gitleaks tells it again when something beside it is encoded.
func wantFound(t *testing.T, found map[string][]string, files map[string]planted) {
	t.Helper()
	for name, p := range files {
		got, want := slices.Compact(slices.Sorted(slices.Values(found[name]))), slices.Sorted(slices.Values(p.want))
		if !slices.Equal(got, want) {
			t.Errorf("%s: %d were found, and %d are there, or not the same", name, len(got), len(want))
		}
	}
	for name := range found {
		if _, ok := files[name]; !ok {
			t.Errorf("%s: no such file was planted", name)
		}
	}
}

// TestGitleaksFindsTokens: the rule that we ship finds our tokens in every spelling and
// wherever they tend to be, and nothing else beside them.
func TestGitleaksFindsTokens(t *testing.T) {
	t.Parallel()
	s := newScanner(t)
	const uuid, workspace = "v2/ab0cd-gj3su-0mz3k8q2a7c4f9d/", "kh-ws_0mz3k8q2a7c4f9d-"
	files := map[string]planted{}
	plant := func(name, before, after string, spell func(string) string) string {
		t.Helper()
		token := spell(s.token(t))
		files[name] = planted{before + token + after, []string{token}}
		return token
	}
	bare := func(token string) string { return token }
	foreign := func(token string) string { return uuid + token }
	within := func(token string) string { return workspace + token[len("kh_"):] }

	for name, spell := range map[string]func(string) string{"bare": bare, "foreign": foreign, "within": within} {
		plant(name, "", "", spell)
		plant(name+"-line", "first\n", "\nlast\n", spell)
		plant(name+".env", "KEYHATCH_TOKEN=", "\n", spell)
		plant(name+".sh", `curl -H "Authorization: Bearer `, `" https://keyhatch.example.org/`, spell)
		plant(name+".yaml", "token: '", "'\n", spell)
		plant(name+".json", `{"log":"said\n`, `\n"}`, spell)
		plant(name+"-url", "https://keyhatch.example.org/logout?api_token%3D", "&x=y", spell)
		plant(name+".md", "the token _", "_ leaked", spell)
	}
	for name, p := range map[string]string{"basic": s.token(t), "basic-foreign": uuid + s.token(t)} {
		files[name] = planted{"Authorization: Basic " + base64.StdEncoding.EncodeToString([]byte("ann:"+p)) + "\n", []string{p}}
	}
	one, two, three := s.token(t), s.token(t), s.token(t)
	files["many"] = planted{one + " " + two + "\n" + three + "\n" + one, []string{one, two, three}}
	files["nothing"] = planted{text: "kh_ is how tokens begin, and kh-ws_ too\n"}

	found, printed, status := s.scan(t, writePlanted(t, files))
	if status != 1 {
		t.Errorf("gitleaks ends with %d", status)
	}
	wantFound(t, found, files)
	for _, p := range files {
		for _, secret := range p.want {
			if strings.Contains(printed, secret[len(secret)-49:]) {
				t.Error("what it prints redacted has a secret")
			}
			if out, status := s.run(t, secret, s.keyhatch, "token", "inspect"); status != 0 || strings.Contains(out, secret[len(secret)-49:]) {
				t.Errorf("token inspect of what was found ends with %d", status)
			}
		}
	}
}

// TestGitleaksPassesLookAlikes: what has not our shape is not found. What has it, and a
// checksum that does not fit, no rule can tell; keyhatch does.
func TestGitleaksPassesLookAlikes(t *testing.T) {
	t.Parallel()
	s := newScanner(t)
	token := s.token(t)
	rest := token[len("kh_"):]
	files := map[string]planted{}
	for name, text := range map[string]string{
		"short":             token[:len(token)-1],
		"long":              token + "0",
		"capitals":          "KH_" + rest,
		"no-beginning":      rest,
		"another-beginning": "gh_" + rest,
		"hyphen":            "kh-" + rest,
		"broken":            token[:30] + "\n" + token[30:],
		"inside":            token[:20] + "-" + token[21:],
		"short-workspace":   "kh-ws_0mz3k8q2a7c4f9-" + rest,
		"capital-workspace": "kh-ws_0MZ3K8Q2A7C4F9D-" + rest,
		"no-workspace":      "kh-ws_-" + rest,
		"teamspace":         "kh-ts_0mz3k8q2a7c4f9d-" + rest,
		"salted":            "v2/ab0cd-gj3su-0mz3k8q2a7c4f9d/7fd31b61f39c0e82a4155592163218272cedacdc",
		"id":                "tok_0mz3k8q2a7c4f9d ws_0mz3k8q2a7c4f9d",
		"key":               "AKIAIOSFODNN7EXAMPLE wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
	} {
		files[name] = planted{text: text + "\n"}
	}
	found, _, status := s.scan(t, writePlanted(t, files))
	if status != 0 {
		t.Errorf("gitleaks ends with %d", status)
	}
	wantFound(t, found, files)

	last := "0"
	if strings.HasSuffix(token, last) {
		last = "1"
	}
	alike := token[:len(token)-1] + last
	only := map[string]planted{"alike": {alike, []string{alike}}}
	found, _, status = s.scan(t, writePlanted(t, only))
	if status != 1 {
		t.Errorf("of a look-alike, gitleaks ends with %d", status)
	}
	wantFound(t, found, only)
	if out, status := s.run(t, alike, s.keyhatch, "token", "inspect"); status != 1 || !strings.Contains(out, "look-alike") || strings.Contains(out, alike[3:]) {
		t.Errorf("token inspect of a look-alike ends with %d", status)
	}
}
