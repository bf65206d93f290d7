package moto

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"regexp"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/internal/child"
)

// Server is a moto that runs. It forgets everything when it ends.
type Server struct {
	URL     string
	process *child.Process
}

// startsWithin is long because a machine that tests may be slow.
const startsWithin = 2 * time.Minute

var told = regexp.MustCompile(`Running on (http://127\.0\.0\.1:[0-9]+)`)

// Start starts one, which ends with the test.
func Start(t testing.TB) *Server {
	t.Helper()
	program := os.Getenv("KEYHATCH_MOTO")
	if program == "" {
		t.Skip("needs moto (run make test)")
	}
	cmd := exec.Command(program, "-H", "127.0.0.1", "-p", "0")
	cmd.Dir = t.TempDir()
	log, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	p, err := child.Start(cmd)
	if err != nil {
		t.Fatalf("moto: %v", err)
	}
	t.Cleanup(p.Kill)
	url := make(chan string, 1)
	go func() {
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if found := told.FindStringSubmatch(lines.Text()); found != nil {
				url <- found[1]
				break
			}
		}
		_, _ = io.Copy(io.Discard, log) // what it tells of each request
	}()
	select {
	case s := <-url:
		return &Server{s, p}
	case <-p.Ended():
		_, err := p.Result()
		t.Fatalf("moto ended by itself: %v; run it by hand to see why", err)
	case <-time.After(startsWithin):
		t.Fatal("moto does not say where it listens")
	}
	return nil
}

// Stop ends it before the test does.
func (s *Server) Stop() { s.process.Kill() }

// Use lets the AWS SDK of this process, and of what it starts, ask it for KMS.
func (s *Server) Use(t *testing.T) {
	t.Helper()
	for name, value := range map[string]string{
		"AWS_ENDPOINT_URL_KMS": s.URL, "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_SECRET_ACCESS_KEY": "of-the-test",
		"AWS_SESSION_TOKEN": "", "AWS_PROFILE": "", "AWS_CONFIG_FILE": os.DevNull, "AWS_SHARED_CREDENTIALS_FILE": os.DevNull,
		"AWS_EC2_METADATA_DISABLED": "true",
	} {
		t.Setenv(name, value)
	}
}
