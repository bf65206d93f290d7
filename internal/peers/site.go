package peers

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/keyhatch/keyhatch/internal/child"
)

// Limits of patience. They are long because a machine that tests may be slow,
// and cost nothing when all is well.
const (
	commandWithin = 120 * time.Second
	readyWithin   = 120 * time.Second
)

// site is where a store runs: a directory for its state, and its processes.
type site struct {
	name      string
	program   string
	dir       string
	processes []namedProcess // guarded by running.mu
}

type namedProcess struct {
	name string
	*child.Process
}

func newSite(name, program string) (*site, error) {
	// A relative path would be looked up in the store's own directory.
	program, err := exec.LookPath(program)
	if err != nil {
		return nil, err
	}
	if program, err = filepath.Abs(program); err != nil {
		return nil, err
	}
	running.mu.Lock()
	defer running.mu.Unlock()
	if !running.open {
		return nil, errClosed
	}
	dir, err := os.MkdirTemp("", "keyhatch-"+name+"-")
	if err != nil {
		return nil, err
	}
	s := &site{name: name, program: program, dir: dir}
	running.sites = append(running.sites, s)
	return s, nil
}

func (s *site) path(elements ...string) string {
	return filepath.Join(append([]string{s.dir}, elements...)...)
}

// folder makes a directory of the site and returns its path.
func (s *site) folder(name string) (string, error) {
	path := s.path(name)
	return path, os.MkdirAll(path, 0o700)
}

// command prepares a program to run with nothing of this machine's settings.
func (s *site) command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Dir = s.dir
	cmd.Env = []string{
		"PATH=" + filepath.Dir(program) + ":/usr/local/bin:/usr/bin:/bin",
		"HOME=" + s.dir,
		"TMPDIR=" + s.dir,
		"LANG=C.UTF-8",
	}
	return cmd
}

// start starts a process that runs until the site ends. What it prints goes to
// the log NAME.out.
func (s *site) start(name string, cmd *exec.Cmd) error {
	out, err := os.Create(s.path(name + ".out"))
	if err != nil {
		return err
	}
	defer out.Close() // the process has its own
	cmd.Stdout, cmd.Stderr = out, out

	// Under the lock, so that nothing starts that end does not see.
	running.mu.Lock()
	defer running.mu.Unlock()
	if !running.open {
		return errClosed
	}
	p, err := child.Start(cmd)
	if err != nil {
		return fmt.Errorf("starting %s: %w", name, err)
	}
	s.processes = append(s.processes, namedProcess{name, p})
	return nil
}

// run runs a command to its end and returns what it prints on standard output.
func (s *site) run(program string, args ...string) ([]byte, error) {
	cmd := s.command(program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = time.Second
	p, err := child.Start(cmd)
	if err != nil {
		return nil, err
	}
	select {
	case <-p.Ended():
		_, err = p.Result()
	case err = <-s.failed():
		p.Kill()
	case <-time.After(commandWithin):
		p.Kill()
		err = fmt.Errorf("not done after %v", commandWithin)
	}
	if err != nil {
		return nil, fmt.Errorf("%s %s: %w\n%s", filepath.Base(program), strings.Join(args, " "), err, stderr.Bytes())
	}
	return stdout.Bytes(), nil
}

// failed sends an error when one of the processes has ended.
func (s *site) failed() <-chan error {
	running.mu.Lock()
	defer running.mu.Unlock()
	failures := make(chan error, len(s.processes))
	for _, p := range s.processes {
		go func() {
			state, _ := p.Result()
			failures <- fmt.Errorf("%s has ended (%s)", p.name, state)
		}()
	}
	return failures
}

// awaitReady waits until the store answers a signed request.
func (s *site) awaitReady(store Store) error {
	client, err := store.client()
	if err != nil {
		return err
	}
	return s.await(func() error {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		_, err := client.ListBuckets(ctx, &s3.ListBucketsInput{})
		return err
	})
}

// awaitFile waits until a file or a socket is there.
func (s *site) awaitFile(path string) error {
	return s.await(func() error {
		_, err := os.Stat(path)
		return err
	})
}

// await waits until try gives no error.
func (s *site) await(try func() error) error {
	failed := s.failed()
	deadline := time.After(readyWithin)
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case failure := <-failed:
			return failure
		case <-deadline:
			return fmt.Errorf("not ready after %v: %w", readyWithin, err)
		case <-tick.C:
		}
	}
}

// giveUp ends a site whose store did not start.
func (s *site) giveUp() {
	running.mu.Lock()
	defer running.mu.Unlock()
	running.sites = slices.DeleteFunc(running.sites, func(other *site) bool { return other == s })
	_ = s.end() // the reason for giving up says more
}

// end kills the processes, whose state is of no use to anybody, and removes the
// directory. It is an error if a process had ended before. The caller holds
// running.mu.
func (s *site) end() error {
	var errs []error
	for _, p := range slices.Backward(s.processes) {
		select {
		case <-p.Ended():
			state, _ := p.Result()
			errs = append(errs, fmt.Errorf("%s: %s had ended by itself (%s)\n%s", s.name, p.name, state, s.logs()))
		default:
			p.Kill()
		}
	}
	return errors.Join(append(errs, os.RemoveAll(s.dir))...)
}

// logLines is how many lines of a log are shown.
const logLines = 15

// logs gives the end of each log, where stores say why they fail.
func (s *site) logs() string {
	var text strings.Builder
	for _, pattern := range []string{"*.out", "*.log"} {
		files, _ := filepath.Glob(s.path(pattern))
		for _, file := range files {
			content, err := os.ReadFile(file)
			if content = bytes.TrimSpace(content); err != nil || len(content) == 0 {
				continue
			}
			lines := strings.Split(string(content), "\n")
			lines = lines[max(0, len(lines)-logLines):]
			fmt.Fprintf(&text, "the end of %s:\n\t%s\n", filepath.Base(file), strings.Join(lines, "\n\t"))
		}
	}
	return text.String()
}

// FreeAddress finds a port of the loopback interface that nobody listens on, for a
// program that must be told one, or for a listener that comes again at the same. It
// looks below the range from which systems give out ports of their own accord,
// so that between the look and the store's start only another look by chance
// could take it.
func FreeAddress() (string, error) {
	const low, high, tries = 10_000, 30_000, 100
	var err error
	for range tries {
		address := fmt.Sprintf("127.0.0.1:%d", low+rand.IntN(high-low))
		var l net.Listener
		if l, err = net.Listen("tcp", address); err == nil {
			return address, l.Close()
		}
	}
	return "", fmt.Errorf("no free port in %d tries: %w", tries, err)
}
