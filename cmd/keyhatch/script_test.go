package main

import (
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/peers"
	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite"
)

func TestMain(m *testing.M) {
	testscript.Main(withPeers{m}, map[string]func(){"s3get": s3get, "s3put": s3put})
}

// withPeers runs the tests and ends the stores that they started.
type withPeers struct{ *testing.M }

func (w withPeers) Run() int { return peers.Main(w.M) }

const scripts = "testdata/script"

// TestScripts runs the command line as in a shell: one file of testdata/script
// for each thing that a user does. They run the program as it is released: of hundreds
// of processes, each would take five times as long to start under the race detector. That
// watches the same code where this package runs it, and where others do.
func TestScripts(t *testing.T) {
	programs := t.TempDir()
	if _, err := devserver.BuildAsReleased(programs); err != nil {
		t.Fatal(err)
	}
	postgresql, condition := onPostgreSQL(t)
	testscript.Run(t, testscript.Params{
		Dir:       scripts,
		Condition: condition,
		Setup: func(e *testscript.Env) error {
			e.Setenv("PATH", programs+string(os.PathListSeparator)+e.Getenv("PATH"))
			return ownHome(e)
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"waitfor": waitFor,
			"enter":   enter,
			"status":  exitsWith,
			"listen":  listen,
			"healthy": healthy,
			"sql":     tamper,
			"mode":    fileMode,
			"closed":  nothingListens,
			"soon":    soon,

			"postgresql": postgresql, "adminof": adminOf, "ageidentity": ageIdentity, "cutoff": cutOff,

			"idof": idOf, "secretof": secretOf, "tokenfrom": tokenFrom,
		},
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
	})
}

// ownHome gives a script a home of its own: what a user keeps stays in it.
func ownHome(e *testscript.Env) error {
	home := filepath.Join(e.WorkDir, "home")
	e.Setenv("HOME", home)
	e.Setenv("XDG_CONFIG_HOME", filepath.Join(home, "config"))
	e.Setenv("XDG_CACHE_HOME", filepath.Join(home, "cache"))
	return os.MkdirAll(home, 0o700)
}

// waitFor FILE waits until the file is there.
func waitFor(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s did not come", args[0])
}

// enter READYFILE gives the commands that follow the address and the token of a
// `keyhatch dev`.
func enter(ts *testscript.TestScript, _ bool, args []string) {
	var ready struct{ API, Token string }
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &ready))
	ts.Setenv("KEYHATCH_SERVER", ready.API)
	ts.Setenv("KEYHATCH_TOKEN", ready.Token)
}

// made is what a command that made something said with -o json.
func made(ts *testscript.TestScript, file string) (answer struct{ ID, Secret string }) {
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &answer))
	return answer
}

// idof FILE NAME gives the commands that follow the id of what was made.
func idOf(ts *testscript.TestScript, _ bool, args []string) { ts.Setenv(args[1], made(ts, args[0]).ID) }

// secretof FILE OTHER writes the secret of what was made to another file.
func secretOf(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(made(ts, args[0]).Secret), 0o600))
}

// tokenfrom FILE gives the commands that follow the token in a file.
func tokenFrom(ts *testscript.TestScript, _ bool, args []string) {
	ts.Setenv("KEYHATCH_TOKEN", strings.TrimSpace(ts.ReadFile(args[0])))
}

// status N COMMAND... runs a command that has to exit with the status.
func exitsWith(ts *testscript.TestScript, _ bool, args []string) {
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); !errors.As(err, &exit) || strconv.Itoa(exit.ExitCode()) != args[0] {
		ts.Fatalf("it ended with %v, want status %s", err, args[0])
	}
}

// listen CONFIG adds free ports to a configuration and tells them as $API and
// $S3.
func listen(ts *testscript.TestScript, _ bool, args []string) {
	text := ts.ReadFile(args[0])
	for _, part := range []string{"api", "s3"} {
		address, err := peers.FreeAddress()
		ts.Check(err)
		text += fmt.Sprintf("%s: {listen: %q}\n", part, address)
		ts.Setenv(strings.ToUpper(part), address)
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(text), 0o600))
}

// healthy ADDRESS waits until the API there is ready.
func healthy(ts *testscript.TestScript, _ bool, args []string) {
	for end := time.Now().Add(patience); time.Now().Before(end); time.Sleep(25 * time.Millisecond) {
		answer, err := http.Get("http://" + args[0] + "/readyz")
		if err == nil {
			answer.Body.Close()
			if answer.StatusCode == http.StatusOK {
				return
			}
		}
	}
	ts.Fatalf("%s did not answer", args[0])
}

// closed FILE checks that nothing listens at the URL in a file.
func nothingListens(ts *testscript.TestScript, _ bool, args []string) {
	u, err := url.Parse(strings.TrimSpace(ts.ReadFile(args[0])))
	ts.Check(err)
	if c, err := net.DialTimeout("tcp", u.Host, patience); err == nil {
		c.Close()
		ts.Fatalf("something listens at %s", u.Host)
	}
}

// tamper DATABASE STATEMENT changes the database behind the program's back.
func tamper(ts *testscript.TestScript, _ bool, args []string) {
	ts.Check(tamperWith(ts.MkAbs(args[0]), args[1]))
}

func tamperWith(path, statement string) error {
	db, err := sql.Open("sqlite", "file:"+path+"?_pragma=busy_timeout(5000)")
	if err != nil {
		return err
	}
	defer db.Close()
	result, err := db.Exec(statement)
	if err != nil {
		return err
	}
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		return errors.Join(err, errors.New("the statement touched nothing"))
	}
	return nil
}

// fileMode MODE FILE... checks permissions.
func fileMode(ts *testscript.TestScript, _ bool, args []string) {
	for _, file := range args[1:] {
		info, err := os.Stat(ts.MkAbs(file))
		ts.Check(err)
		if got := info.Mode().Perm().String(); got != args[0] {
			ts.Fatalf("%s has mode %s, want %s", file, got, args[0])
		}
	}
}
