package conformance

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/internal/child"
	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/logged"
)

// answering is a script that runs for a lease, with one client that keeps its
// connections, and answers each line with a line, see testdata/answers.py.
type answering struct {
	*child.Process
	name    string
	lease   devserver.Lease
	lines   io.WriteCloser
	answers *bufio.Reader
	errors  *logged.Text
}

func startAnswering(c pythonLibrary, l devserver.Lease) *answering {
	c.t.Helper()
	cmd := exec.Command(c.path, "-B", c.script, c.bucket)
	cmd.Dir = c.home
	cmd.Env = append(append(awsEnv(c.t, l, c.home), "PYTHONWARNINGS=error"), c.env...)
	cmd.WaitDelay = 5 * time.Second
	a := &answering{name: filepath.Base(c.script), lease: l, errors: &logged.Text{}}
	answers, printed := io.Pipe()
	a.answers, cmd.Stdout, cmd.Stderr = bufio.NewReader(answers), printed, a.errors
	var err error
	if a.lines, err = cmd.StdinPipe(); err != nil {
		c.t.Fatal(err)
	}
	if a.Process, err = child.Start(cmd); err != nil {
		c.t.Fatal(err)
	}
	go func() {
		<-a.Ended()
		printed.Close()
	}()
	c.t.Cleanup(func() { a.end(c.t) })
	return a
}

// errFailed is that of an operation: the output says why.
var errFailed = errors.New("it failed")

// ask has an operation done, and waits until it is.
func (a *answering) ask(t *testing.T, line []string) result {
	t.Helper()
	patience := time.AfterFunc(commandTime, a.Kill)
	defer patience.Stop()
	text, err := json.Marshal(line)
	if err != nil {
		t.Fatal(err)
	}
	r := result{command: a.lease.Redact(a.name + " " + strings.Join(line, " "))}
	if _, err = a.lines.Write(append(text, '\n')); err == nil {
		text, err = a.answers.ReadBytes('\n')
	}
	var answer struct {
		Found  []byte
		Failed string
	}
	if err == nil {
		err = json.Unmarshal(text, &answer)
	}
	if err != nil {
		a.Kill()
		t.Fatalf("%s: there is no answer: %v\n%s", r.command, err, a.lease.Redact(a.errors.String()))
	}
	r.stdout, r.output = answer.Found, a.lease.Redact(string(answer.Found)+answer.Failed)
	if answer.Failed != "" {
		r.err = errFailed
	}
	return r
}

// end ends the script, which has nothing to say then.
func (a *answering) end(t *testing.T) {
	t.Helper()
	patience := time.AfterFunc(commandTime, a.Kill)
	defer patience.Stop()
	a.lines.Close()
	if _, err := a.Result(); err != nil && !t.Failed() {
		t.Errorf("%s: %v\n%s", a.name, err, a.lease.Redact(a.errors.String()))
	}
}
