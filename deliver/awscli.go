package deliver

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// OldCLI is the error of an AWS CLI that knows no endpoints but those of its arguments,
// neither from the environment nor from a profile, and would send the session token to
// Amazon.
type OldCLI struct {
	Path    string
	Version string // "2.9.19"; empty when it did not tell
}

func (e *OldCLI) Error() string {
	if e.Version == "" {
		return fmt.Sprintf("%s does not tell its version, and an old AWS CLI would send the lease to Amazon instead of to its endpoint: "+
			"run AWS CLI 2.13 or later, or 1.29 or later, or give --endpoint-url", e.Path)
	}
	return fmt.Sprintf("%s is AWS CLI %s, which ignores the lease's endpoint and would send the lease to Amazon: "+
		"run AWS CLI 2.13 or later, or 1.29 or later (python3 -m pip install awscli), or give --endpoint-url", e.Path, e.Version)
}

// CheckCLI refuses an AWS CLI, by its path, that is too old to find the endpoint of a
// lease, unless its arguments give it one. Other programs pass unasked. It is asked for
// its version with what env, usually os.Environ(), has of no token and no key.
func CheckCLI(ctx context.Context, path string, args, env []string) error {
	if !isCLI(path) || givesEndpoint(args) {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, "--version")
	cmd.Env = withoutKeys(env)
	cmd.WaitDelay = time.Second
	said, err := cmd.CombinedOutput() // old ones tell it on stderr
	if ctx.Err() != nil {
		return errors.Join(fmt.Errorf("%s --version: %w", path, context.Cause(ctx)), err)
	}
	version := cliVersion.FindSubmatch(said)
	if version == nil {
		return &OldCLI{Path: path}
	}
	major, _ := strconv.Atoi(string(version[2]))
	minor, _ := strconv.Atoi(string(version[3]))
	if major == 1 && minor < 29 || major == 2 && minor < 13 || major < 1 {
		return &OldCLI{path, string(version[1])}
	}
	return nil
}

var cliVersion = regexp.MustCompile(`\baws-cli/(([0-9]{1,6})\.([0-9]{1,6})(?:\.[0-9]{1,6})?)`)

// isCLI tells by the names of a program, and of what it is a link to.
func isCLI(path string) bool {
	target, err := filepath.EvalSymlinks(path)
	return named(path) || err == nil && named(target)
}

func named(path string) bool {
	name := strings.ToLower(filepath.Base(path))
	return strings.TrimSuffix(name, filepath.Ext(name)) == "aws"
}

// withoutKeys is an environment for who is asked a question that takes no keys. What it
// may take to start a program, as its language's folders, stays.
func withoutKeys(env []string) []string {
	return slices.DeleteFunc(slices.Clone(env), func(v string) bool {
		name := strings.ToUpper(nameOf(v))
		return slices.Contains(cleared, name) || strings.HasPrefix(name, "AWS_") || strings.HasPrefix(name, "KEYHATCH_") || fsspec.MatchString(name)
	})
}

func givesEndpoint(args []string) bool {
	for _, a := range args {
		if a == "--endpoint-url" || strings.HasPrefix(a, "--endpoint-url=") {
			return true
		}
	}
	return false
}
