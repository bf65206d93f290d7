package deliver_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/deliver"
	"github.com/keyhatch/keyhatch/deliver/snippets"
	"github.com/keyhatch/keyhatch/internal/devserver"
)

// clientProgram finds a real client by the variable that make test sets, or skips
// the test.
func clientProgram(t *testing.T, variable, what string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("needs %s (run make test)", what)
	}
	return path
}

// realServer is a keyhatch that all tests of this package with real clients share.
var realServer = sync.OnceValues(func() (*devserver.Server, error) {
	folder, err := os.MkdirTemp("", "keyhatch-deliver-")
	if err != nil {
		return nil, err
	}
	realFolder = folder
	binary, err := devserver.Build(folder)
	if err != nil {
		return nil, err
	}
	return devserver.Start(context.Background(), devserver.Config{Binary: binary})
})

var realFolder string

// endReal ends the server, if there is one.
func endReal() error {
	if realFolder == "" {
		return nil
	}
	server, err := realServer()
	if err == nil {
		err = server.Stop()
	}
	return errors.Join(err, os.RemoveAll(realFolder))
}

func realCall(t *testing.T) call {
	t.Helper()
	server, err := realServer()
	if err != nil {
		t.Fatal(err)
	}
	return call{Server: server.API, Token: server.Token, Location: server.Location, Cache: filepath.Join(t.TempDir(), "leases")}
}

// clientRun runs a client in a home of its own and returns what it printed.
func clientRun(t *testing.T, home string, env []string, program string, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append([]string{"HOME=" + home, "PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "GORACE=" + os.Getenv("GORACE")}, env...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", filepath.Base(program), err, devserver.Redact(string(out)), devserver.Redact(stderr.String()))
	}
	return string(out)
}

const listScript = `
import boto3, sys
s3 = boto3.Session(profile_name=sys.argv[1] if len(sys.argv) > 1 else None).client("s3")
s3.put_object(Bucket="demo", Key="alpha/from-boto3.txt", Body=b"hello")
print(s3.meta.endpoint_url, s3.get_object(Bucket="demo", Key="alpha/from-boto3.txt")["Body"].read().decode())
`

// The AWS CLI and boto3 work with a profile that is written, in a file with others.
func TestProfileAndRealClients(t *testing.T) {
	aws := clientProgram(t, "KEYHATCH_AWSCLI", "the AWS CLI")
	python := clientProgram(t, "KEYHATCH_PYTHON", "boto3")
	c := realCall(t)
	lent, err := c.lend()(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	config := filepath.Join(home, ".aws", "config")
	if err := errors.Join(os.Mkdir(filepath.Dir(config), 0o700), os.WriteFile(config, []byte("[default]\nregion = eu-west-1\n\n[profile other]\ncredential_process = false\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	// The command has an argument full of quotes and braces: the call, as JSON.
	p := deliver.Profile{
		Name: "alpha-write", Endpoint: lent.Endpoint, Region: lent.Region,
		Command: []string{self(t, "keyhatch"), "process", c.String()},
	}
	if err := deliver.WriteProfile(config, config+"-none", p, false); err != nil {
		t.Fatal(err)
	}
	if out := clientRun(t, home, nil, aws, "--profile", p.Name, "s3", "ls", c.Location); !strings.Contains(out, "README.txt") {
		t.Errorf("aws lists %q", out)
	}
	if out := clientRun(t, home, nil, python, "-c", listScript, p.Name); strings.TrimSpace(out) != lent.Endpoint+" hello" {
		t.Errorf("boto3 says %q", out)
	}
	// The endpoint is for S3 alone.
	out := clientRun(t, home, nil, python, "-c", "import boto3; print(boto3.Session(profile_name='alpha-write').client('sts').meta.endpoint_url)")
	if strings.Contains(out, "127.0.0.1") {
		t.Errorf("calls of other services go to %s", out)
	}
	if files := leaseFiles(t, c.Cache); len(files) != 1 {
		t.Errorf("the profile's command keeps %v", files)
	}
}

// The AWS CLI and boto3 work in a program's place, whatever else is configured.
func TestRunAndRealClients(t *testing.T) {
	aws := clientProgram(t, "KEYHATCH_AWSCLI", "the AWS CLI")
	python := clientProgram(t, "KEYHATCH_PYTHON", "boto3")
	c := realCall(t)
	home := t.TempDir()
	if err := errors.Join(os.Mkdir(home+"/.aws", 0o700),
		os.WriteFile(home+"/.aws/config", []byte("[default]\nregion = eu-west-1\ncredential_process = false\n"), 0o600),
		os.WriteFile(home+"/.aws/credentials", []byte("[default]\naws_access_key_id = AKIAOTHER\naws_secret_access_key = other\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	env := []string{"AWS_ACCESS_KEY_ID=AKIAOTHER", "AWS_SECRET_ACCESS_KEY=other", "AWS_PROFILE=default", "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS=true"}
	c.Program = []string{aws, "s3", "ls", c.Location}
	if out := clientRun(t, home, env, os.Args[0], "run", c.String()); !strings.Contains(out, "README.txt") {
		t.Errorf("aws lists %q", out)
	}
	c.Program = []string{python, "-c", listScript}
	if out := clientRun(t, home, env, os.Args[0], "run", c.String()); !strings.HasSuffix(strings.TrimSpace(out), " hello") {
		t.Errorf("boto3 says %q", out)
	}
}

// A new lease reaches boto3 when the old one ends: here the old one is made to seem
// so by an endpoint that gives it little time, of which boto3 wants some left.
func TestBoto3AsksTheContainerAgain(t *testing.T) {
	python := clientProgram(t, "KEYHATCH_PYTHON", "boto3")
	c := realCall(t)
	var asked atomic.Int64
	container, err := deliver.ServeContainer(func(ctx context.Context) (api.Lent, error) {
		asked.Add(1)
		lent, err := c.lend()(ctx)
		lent.ExpiresAt = time.Now().Add(12 * time.Second)
		return lent, err
	})
	if err != nil {
		t.Fatal(err)
	}
	defer container.Close()
	lent, err := container.Lend(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	// Until there is another one; were there none, the client's time would end.
	script := `
import boto3, time
s3 = boto3.client("s3")
credentials = boto3.DEFAULT_SESSION.get_credentials()
seen = {credentials.access_key}
while len(seen) < 3:
    s3.list_objects_v2(Bucket="demo", Prefix="alpha/")
    seen.add(credentials.access_key)
    time.sleep(0.2)
`
	clientRun(t, t.TempDir(), deliver.Environ(nil, container, lent), python, "-c", script)
	if asked.Load() < 3 {
		t.Errorf("boto3 saw three leases, of %d", asked.Load())
	}
}

// Snippets of the tools that are at hand run, through a profile and with the lease's
// own values.
func TestSnippetsRun(t *testing.T) {
	c := realCall(t)
	lent, err := c.lend()(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	home := t.TempDir()
	p := deliver.Profile{Name: "alpha", Endpoint: lent.Endpoint, Region: lent.Region, Command: []string{self(t, "keyhatch"), "process", c.file(t, "two words.json")}}
	if err := deliver.WriteProfile(filepath.Join(home, ".aws", "config"), home+"/none", p, false); err != nil {
		t.Fatal(err)
	}
	for tool, variable := range map[string]string{"boto3": "KEYHATCH_PYTHON", "s3fs": "KEYHATCH_S3FS_PYTHON", "rclone": "KEYHATCH_RCLONE"} {
		for _, profile := range []string{"", p.Name} {
			t.Run(tool+" "+profile, func(t *testing.T) {
				program := clientProgram(t, variable, tool)
				snippet, err := snippets.Of(tool, profile, lent)
				if err != nil {
					t.Fatal(err)
				}
				if tool == "rclone" {
					snippet, program = strings.ReplaceAll(snippet, "\nrclone ", "\n"+program+" "), "/bin/sh"
				}
				if out := clientRun(t, home, nil, program, "-c", snippet); !strings.Contains(out, "README.txt") {
					t.Errorf("%s prints %q", tool, out)
				}
			})
		}
	}
}
