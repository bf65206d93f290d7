//go:build unix

package deliver_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/deliver"
)

// An AWS CLI that would take the lease to Amazon is not run, by whatever name.
func TestOldCLIsAreRefused(t *testing.T) {
	folder := t.TempDir()
	script := func(name, says string) string {
		path := filepath.Join(folder, name)
		text := fmt.Sprintf("#!/bin/sh\n[ \"$1\" = --version ] && { %s; exit; }\necho ran \"$@\"\n", says)
		if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), 0o700)); err != nil {
			t.Fatal(err)
		}
		return path
	}
	debian := script("debian/aws", "echo aws-cli/2.9.19 Python/3.11.2 Linux/6.1 source/x86_64")
	link := filepath.Join(folder, "s3tool")
	if err := os.Symlink(debian, link); err != nil {
		t.Fatal(err)
	}
	for path, version := range map[string]string{
		debian: "2.9.19", link: "2.9.19",
		script("a/aws", "echo aws-cli/1.28.99 x"):             "1.28.99",
		script("b/aws", "echo aws-cli/2.12.7 x"):              "2.12.7",
		script("c/aws", "echo aws-cli/1.16.1 Python/2.7 >&2"): "1.16.1",
		script("d/aws", "echo something else"):                "",
		script("e/aws", "false"):                              "",
		script("f/aws", "echo aws-cli/2.13.0 x"):              "runs",
		script("g/aws", "echo aws-cli/1.29.0 x"):              "runs",
		script("h/aws", "echo aws-cli/2.31.5 x"):              "runs",
		script("i/aws", "echo aws-cli/3.0.0 x"):               "runs",
		script("j/awsome", "echo aws-cli/1.0.0 x"):            "runs",
	} {
		_, out, _, err := runProgram(t, deliver.Program{Name: path, Args: []string{"s3", "ls"}})
		var old *deliver.OldCLI
		switch {
		case version == "runs":
			if err != nil || out != "ran s3 ls\n" {
				t.Errorf("%s: %q %v", path, out, err)
			}
		case !errors.As(err, &old) || old.Version != version || !contains(err.Error(), path, "2.13", "1.29", "Amazon") || out != "":
			t.Errorf("%s: %q %v, want a refusal of %q", path, out, err, version)
		}
	}
	for _, args := range [][]string{{"--endpoint-url", "http://x", "s3", "ls"}, {"s3", "ls", "--endpoint-url=http://x"}} {
		if _, out, _, err := runProgram(t, deliver.Program{Name: debian, Args: args}); err != nil || !strings.HasPrefix(out, "ran") {
			t.Errorf("%v: %q %v", args, out, err)
		}
	}
}

// Whoever says its version gets neither the token nor other keys: all of the
// environment was handed to it.
func TestVersionIsAskedForWithoutKeys(t *testing.T) {
	folder := t.TempDir()
	path := filepath.Join(folder, "aws")
	text := "#!/bin/sh\nenv >" + deliver.ShellWord(folder+"/env") + "\necho aws-cli/2.31.5\n"
	if err := os.WriteFile(path, []byte(text), 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("KEYHATCH_TOKEN", "canary-of-this-process")
	env := []string{
		"PATH=" + os.Getenv("PATH"), "HOME=" + folder, "PYENV_VERSION=3.11", "KEYHATCH_TOKEN=canary", "AWS_ACCESS_KEY_ID=canary", "AWS_SECRET_ACCESS_KEY=canary",
		"AWS_SESSION_TOKEN=canary", "AWS_PROFILE=canary", "AWS_CONTAINER_AUTHORIZATION_TOKEN=canary", "BOTO_CONFIG=canary", "RCLONE_S3_SECRET_ACCESS_KEY=canary", "FSSPEC_S3_SECRET=canary",
	}
	if err := deliver.CheckCLI(t.Context(), path, nil, env); err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile(folder + "/env")
	if err != nil || strings.Contains(string(got), "canary") || !contains(string(got), "HOME="+folder+"\n", "PYENV_VERSION=3.11\n") {
		t.Errorf("%v: it got\n%s", err, got)
	}
}

// Who has a profile written is told what would have its leases go elsewhere.
func TestAstray(t *testing.T) {
	cli := func(version string) string {
		folder := t.TempDir()
		if err := os.WriteFile(filepath.Join(folder, "aws"), []byte("#!/bin/sh\necho aws-cli/"+version+"\n"), 0o700); err != nil {
			t.Fatal(err)
		}
		return folder
	}
	const endpoint = "https://s3.example.org"
	for name, c := range map[string]struct {
		env  []string
		path string
		want []string
	}{
		"nothing":                {nil, t.TempDir(), nil},
		"a CLI that knows":       {nil, cli("2.31.5"), nil},
		"an old CLI":             {nil, cli("2.9.19"), []string{"is AWS CLI 2.9.19, which ignores the lease's endpoint"}},
		"endpoints ignored":      {[]string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=TRUE"}, "", []string{"ignore the endpoint of profile alpha"}},
		"endpoints not ignored":  {[]string{"AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=false"}, "", nil},
		"another endpoint":       {[]string{"AWS_ENDPOINT_URL=http://localhost:4566"}, "", []string{"AWS_ENDPOINT_URL is set here"}},
		"another endpoint of S3": {[]string{"AWS_ENDPOINT_URL=https://s3.example.org", "AWS_ENDPOINT_URL_S3=http://localhost:9000"}, "", []string{"AWS_ENDPOINT_URL_S3 is set here"}},
		"the same endpoint":      {[]string{"AWS_ENDPOINT_URL=http://localhost:4566", "AWS_ENDPOINT_URL_S3=https://s3.example.org/"}, "", nil},
		"an empty one":           {[]string{"AWS_ENDPOINT_URL="}, "", nil},
		"all of it": {
			[]string{"AWS_ENDPOINT_URL=http://x", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"},
			cli("1.28.0"),
			[]string{"ignore the endpoint", "AWS_ENDPOINT_URL is set", "AWS CLI 1.28.0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Setenv("PATH", c.path)
			got := deliver.Astray(t.Context(), c.env, "alpha", endpoint)
			if len(got) != len(c.want) {
				t.Fatalf("%q, want %q", got, c.want)
			}
			for i, want := range c.want {
				if !strings.Contains(got[i], want) {
					t.Errorf("%q, want %q", got[i], want)
				}
			}
		})
	}
}
