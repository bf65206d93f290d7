package devserver

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
)

// Build compiles the keyhatch command of the module around the working
// directory into dir, and returns the binary's path. When the test has been
// built with the race detector, so is the binary: a data race then makes it end
// with a status that Stop reports.
func Build(dir string) (string, error) {
	var args []string
	if raceEnabled {
		args = append(args, "-race")
	}
	return build(dir, nil, args...)
}

// BuildAsReleased is Build as make build does it: without the race detector, whose
// memory is not the program's own, and without what this run of the tests has set.
func BuildAsReleased(dir string) (string, error) { return build(dir, Released) }

// Released is the environment in which Go builds as make build does. What it has
// compiled once serves every copy of the tree.
var Released = []string{"CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false"}

func build(dir string, env []string, args ...string) (string, error) {
	root, err := moduleRoot()
	if err != nil {
		return "", err
	}
	if err := showInputs(root); err != nil {
		return "", err
	}
	binary := filepath.Join(dir, "keyhatch")
	if runtime.GOOS == "windows" {
		binary += ".exe"
	}
	args = append([]string{"build", "-o", binary, "-ldflags=-s -w"}, append(args, command)...) // nobody debugs it
	if _, err := goCommand(root, env, args...); err != nil {
		return "", err
	}
	return binary, nil
}

// command is the package that is built, seen from the module's root.
const command = "./cmd/keyhatch"

func moduleRoot() (string, error) {
	out, err := goCommand("", nil, "env", "GOMOD")
	if err != nil {
		return "", err
	}
	file := strings.TrimSpace(out)
	if file == "" || file == os.DevNull {
		return "", fmt.Errorf("the working directory is in no Go module")
	}
	return filepath.Dir(file), nil
}

// showInputs reads the directories that the binary is built from. go test
// remembers results, and knows only what the test process itself has opened;
// without this, a result would be remembered across a change of the product.
func showInputs(root string) error {
	const format = `{{with .Module}}{{if .Main}}{{$.Dir}}{{range $.EmbedFiles}}{{"\n"}}{{$.Dir}}/{{.}}{{end}}{{end}}{{end}}`
	out, err := goCommand(root, nil, "list", "-deps", "-f", format, command)
	if err != nil {
		return err
	}
	seen := map[string]bool{}
	for path := range strings.Lines(out) {
		path = strings.TrimSpace(path)
		if path == "" {
			continue
		}
		dir := filepath.FromSlash(path)
		if info, err := os.Stat(dir); err != nil {
			return err
		} else if !info.IsDir() {
			dir = filepath.Dir(dir)
		}
		if seen[dir] {
			continue
		}
		seen[dir] = true
		if _, err := os.ReadDir(dir); err != nil {
			return err
		}
	}
	for _, file := range []string{"go.mod", "go.sum"} {
		if _, err := os.Stat(filepath.Join(root, file)); err != nil {
			return err
		}
	}
	return nil
}

func goCommand(dir string, env []string, args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir, cmd.Env = dir, append(os.Environ(), env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, stderr.Bytes())
	}
	return stdout.String(), nil
}
