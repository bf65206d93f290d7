package devserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"syscall"
	"time"

	"github.com/keyhatch/keyhatch/internal/child"
)

// Limits of patience. They are long because a machine that tests may be slow,
// and cost nothing when all is well.
const (
	readyWithin = 60 * time.Second
	stopWithin  = 20 * time.Second
)

// Config says what to run. Only Binary must be set.
type Config struct {
	// Binary is the path of a keyhatch binary, as Build returns it.
	Binary string
	// Data is the server's data directory. It outlives the server, so that
	// another one can be started on it. When empty, the server has a directory
	// of its own, which goes when it is stopped.
	Data string
	// Args are added to the command line, after the flags that Start gives.
	Args []string
	// Env is added to the server's environment ("NAME=value"), which is
	// otherwise nearly empty: settings of the machine must not leak into a test.
	Env []string
}

// Ready is what the server says about itself when it is ready. Workspace, Store
// and Location are those of the sample data, which only Start has.
type Ready struct {
	API       string `json:"api"` // URL of the API, without a path
	S3        string `json:"s3"`  // URL of the S3 endpoint
	Region    string `json:"region"`
	Token     string `json:"token"` // an administrator's API token
	Workspace string `json:"workspace"`
	Store     string `json:"store"`
	Location  string `json:"location"` // "s3://bucket/prefix/"
}

// Server is a running keyhatch.
type Server struct {
	Ready
	// Data is the data directory that is in use.
	Data string
	// CAFile is a file of PEM certificates that clients of the S3 endpoint must
	// trust, empty without TLS.
	CAFile string
	// APICAFile is the same for clients of the API.
	APICAFile string

	client   *http.Client // of the API
	command  string       // for people
	process  *child.Process
	work     string // what is removed at the end
	output   *output
	serve    func(context.Context) error // of one that Serve has made
	patience time.Duration               // how long a signalled process may take to end
	stop     sync.Once
	stopped  error
}

// Start runs "keyhatch dev" and returns when it is ready to serve. The caller
// must call Stop or Kill.
func Start(ctx context.Context, c Config) (*Server, error) {
	work, err := os.MkdirTemp("", "keyhatch-dev-")
	if err != nil {
		return nil, err
	}
	s := &Server{Data: c.Data, client: http.DefaultClient, command: "keyhatch dev", work: work, output: &output{}, patience: stopWithin}
	if s.Data == "" {
		s.Data = filepath.Join(work, "data")
	}
	readyFile := filepath.Join(work, "ready.json")

	args := []string{
		"dev", "--data", s.Data,
		"--listen", "127.0.0.1:0", "--s3-listen", "127.0.0.1:0",
		"--ready-file", readyFile,
	}
	err = s.run(ctx, s.program(c.Binary, c.Env, append(args, c.Args...)...), func() error {
		text, err := os.ReadFile(readyFile)
		if errors.Is(err, fs.ErrNotExist) {
			return errors.New("it wrote no ready file")
		}
		if err == nil { // the file may be seen while it is being written
			err = json.Unmarshal(text, &s.Ready)
		}
		if err != nil {
			return fmt.Errorf("reading the ready file: %w", err)
		}
		return nil
	})
	if err == nil {
		err = s.checkReady(readyFile)
	}
	if err != nil {
		return nil, s.giveUp(err)
	}
	return s, nil
}

// program prepares keyhatch to run in the server's work directory. It is no
// exec.CommandContext: a context bounds the start, not the server's life.
func (s *Server) program(binary string, env []string, args ...string) *exec.Cmd {
	cmd := exec.Command(binary, args...)
	cmd.Dir = s.work
	cmd.Env = append([]string{
		"PATH=" + os.Getenv("PATH"),
		"HOME=" + s.work,
		"TMPDIR=" + s.work,
		"GORACE=" + os.Getenv("GORACE"), // of the detector, which may be built in
	}, env...)
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// run starts the server and waits until look, which is asked again and again,
// gives no error.
func (s *Server) run(ctx context.Context, cmd *exec.Cmd, look func() error) (err error) {
	cmd.Stdout, cmd.Stderr = s.output, s.output
	if s.process, err = child.Start(cmd); err != nil {
		return fmt.Errorf("starting: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, readyWithin)
	defer cancel()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		select {
		case <-s.process.Ended():
			state, _ := s.process.Result()
			return fmt.Errorf("ended before it was ready (%s)", state)
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("not ready: %w", context.Cause(ctx)), last)
		case <-tick.C:
		}
		if last = look(); last == nil {
			return nil
		}
	}
}

// giveUp ends a server that has not come to be ready, and says why.
func (s *Server) giveUp(why error) error {
	if s.process == nil {
		return errors.Join(fmt.Errorf("%s: %w", s.command, why), os.RemoveAll(s.work))
	}
	_ = s.Kill() // the reason for giving up says more than its end
	return fmt.Errorf("%s: %w; it said:\n%s", s.command, why, s.Output())
}

func (s *Server) checkReady(file string) error {
	s.output.hide(s.Token)
	for name, value := range map[string]string{
		"api": s.API, "s3": s.S3, "region": s.Region, "token": s.Token,
		"workspace": s.Workspace, "store": s.Store, "location": s.Location,
	} {
		if value == "" {
			return fmt.Errorf("its ready file has no %q", name)
		}
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if runtime.GOOS != "windows" && info.Mode().Perm() != 0o600 {
		return fmt.Errorf("its ready file holds a token and has mode %v, want 0600", info.Mode().Perm())
	}
	return nil
}

// Pid is the process id of the server.
func (s *Server) Pid() int { return s.process.Pid() }

// Output is what the server has printed so far, without secrets.
func (s *Server) Output() string { return s.output.String() }

// Stop asks the server to end, as an operator does, and waits for it. It is an
// error if the server has ended before, does not end in time (then it is
// killed), or ends with another status than 0, as it does when the race
// detector has found something. Further calls return what the first one did.
func (s *Server) Stop() error {
	return s.end(syscall.SIGTERM, func() error {
		if _, err := s.process.Result(); err != nil {
			return fmt.Errorf("%s ended with %w; it said:\n%s", s.command, err, s.Output())
		}
		return nil
	})
}

// Kill ends the server without warning, as a crash does, and waits for it. It
// is an error if the server has ended before.
func (s *Server) Kill() error {
	return s.end(syscall.SIGKILL, func() error { return nil })
}

func (s *Server) end(signal syscall.Signal, judge func() error) error {
	s.stop.Do(func() {
		defer func() { s.stopped = errors.Join(s.stopped, os.RemoveAll(s.work)) }()
		select {
		case <-s.process.Ended():
			state, _ := s.process.Result()
			s.stopped = fmt.Errorf("%s had ended by itself (%s); it said:\n%s", s.command, state, s.Output())
			return
		default:
		}
		if s.process.End(signal, s.patience) {
			s.stopped = judge()
		} else {
			s.stopped = fmt.Errorf("%s did not end within %v of a signal; it said:\n%s", s.command, s.patience, s.Output())
		}
	})
	return s.stopped
}
