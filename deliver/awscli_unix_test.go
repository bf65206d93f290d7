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
