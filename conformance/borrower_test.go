package conformance

import (
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/internal/child"
	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/logged"
)

// borrower is a user of the command line with a home and a token of its own.
type borrower struct {
	place
	keyhatch string // the program
	home     string
	token    string // its id
	secret   string
	region   string
	env      []string // of everything that it runs
}

// newBorrower makes one, and logs it in.
func newBorrower(t *testing.T, p place, name string) borrower {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	var made struct{ ID, Secret string }
	if err := p.Create(t.Context(), "/api/v1/tokens", map[string]any{"name": name}, &made); err != nil {
		t.Fatal(err)
	}
	u := borrower{place: p, keyhatch: path, home: t.TempDir(), token: made.ID, secret: made.Secret, region: p.Region}
	u.env = []string{
		"HOME=" + u.home, "TMPDIR=" + u.home, "PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "TZ=UTC",
		"AWS_EC2_METADATA_DISABLED=true", "AWS_MAX_ATTEMPTS=1", "AWS_PAGER=", "PYTHONWARNINGS=error",
	}
	login := u.command(t, path, "login", "--token", "--server", p.API)
	login.Stdin = strings.NewReader(u.secret)
	u.must(t, login)
	return u
}

// command is a program of the borrower's, with nothing of this machine around it.
func (u borrower) command(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(program, args...)
	cmd.Dir, cmd.Env = u.home, u.env
	return cmd
}

// must runs it and returns what it printed, secrets and all.
func (u borrower) must(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	b := u.run(t, cmd)
	if out, err := b.result(); err != nil {
		t.Fatalf("%s: %v\n%s", filepath.Base(cmd.Path), err, out)
	}
	return b.output.String()
}

// by prepares a program that comes by its leases in that way, which is all that it is
// given.
func (u borrower) by(t *testing.T, w way, args ...string) *exec.Cmd {
	t.Helper()
	place := []string{"AWS_ENDPOINT_URL_S3=" + u.S3, "AWS_REGION=" + u.region, "AWS_DEFAULT_REGION=" + u.region}
	switch w {
	case byProfile:
		u.must(t, u.command(t, u.keyhatch, "lease", u.Location, "--access", "write", "-o", "profile"))
		cmd := u.command(t, args[0], args[1:]...)
		cmd.Env = append(cmd.Env, "AWS_PROFILE=keyhatch")
		return cmd
	case byExec:
		return u.command(t, u.keyhatch, append([]string{"exec", u.Location, "--access", "write", "--"}, args...)...)
	case byContainer:
		cmd := u.command(t, args[0], args[1:]...)
		q := url.Values{"location": {u.Location}, "access": {"write"}}
		cmd.Env = append(append(cmd.Env, place...),
			"AWS_CONTAINER_CREDENTIALS_FULL_URI="+u.API+"/api/v1/aws/container?"+q.Encode(), "AWS_CONTAINER_AUTHORIZATION_TOKEN="+u.secret)
		return cmd
	case byWebIdentity:
		file := filepath.Join(u.home, "web-identity")
		if err := os.WriteFile(file, []byte(u.secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := u.command(t, args[0], args[1:]...)
		cmd.Env = append(append(cmd.Env, place...), "AWS_ENDPOINT_URL_STS="+stsURL(u.place), "AWS_ROLE_ARN="+roleOf(u.place, "write", u.own),
			"AWS_WEB_IDENTITY_TOKEN_FILE="+file, "AWS_ROLE_SESSION_NAME=nightly-job")
		return cmd
	}
	cmd := u.command(t, args[0], args[1:]...)
	cmd.Env = append(cmd.Env, "KEYHATCH_SERVER="+u.API, "KEYHATCH_TOKEN="+u.secret)
	return cmd
}

// background is a program that runs until it ends by itself.
type background struct {
	*child.Process
	secret string
	output *logged.Text
}

func (u borrower) run(t *testing.T, cmd *exec.Cmd) *background {
	t.Helper()
	b := &background{secret: u.secret, output: &logged.Text{}}
	cmd.Stdout, cmd.Stderr = io.Writer(b.output), b.output
	cmd.WaitDelay = 5 * time.Second
	var err error
	if b.Process, err = child.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Kill)
	return b
}

// result is what it printed, and that it ended with another status than 0.
func (b *background) result() (string, error) {
	patience := time.AfterFunc(runFor+commandTime, b.Kill)
	defer patience.Stop()
	_, err := b.Result()
	return b.printed(), err
}

// printed is what it has printed so far, without secrets.
func (b *background) printed() string { return devserver.Redact(b.output.String(), b.secret) }

func (b *background) wait(t *testing.T) {
	t.Helper()
	if out, err := b.result(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}
