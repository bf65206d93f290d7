package conformance

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/logged"
)

// client is one way in which people reach objects. The methods run one command
// each; file is a path on this machine, key is in the bucket that the client
// was made for.
type client interface {
	put(l devserver.Lease, file, key string) result
	get(l devserver.Lease, key, file string) result
	getRange(l devserver.Lease, key string, first, length int) ([]byte, result)
	list(l devserver.Lease, prefix string) ([]entry, result)
	remove(l devserver.Lease, key string) result
	// also does what not all clients can, see lacking. What the arguments are, the
	// operations say.
	also(op operation, l devserver.Lease, args ...string) result

	// refusal matches what the client prints when the server refuses op with
	// one of the codes.
	refusal(op operation, codes ...string) *regexp.Regexp
}

type operation string

const (
	opPut      operation = "put"
	opPutEmpty operation = "put-nothing"
	opGet      operation = "get"
	opRange    operation = "range"
	opList     operation = "list"
	opRemove   operation = "remove"

	opCopy       operation = "copy"        // key to key, on the server
	opUp         operation = "up"          // large file to key
	opDown       operation = "down"        // key of a large object to file
	opFolderUp   operation = "folder-up"   // folder to prefix
	opFolderDown operation = "folder-down" // prefix to folder
	opClear      operation = "clear"       // all below a prefix
	opSyncUp     operation = "sync-up"     // folder to prefix, where no other keys stay
	opSyncDown   operation = "sync-down"   // prefix to folder, where no other files stay
	opSignGet    operation = "sign-get"    // prints a URL for a key
	opSignPut    operation = "sign-put"
)

// keyAt tells whether an argument of one of the operations after opRemove is a key
// or a prefix. The others are on this machine.
func keyAt(op operation, argument int) bool {
	switch op {
	case opUp, opFolderUp, opSyncUp:
		return argument == 1
	case opCopy:
		return true
	default:
		return argument == 0
	}
}

// entry is a line of a listing.
type entry struct {
	key  string
	size int
}

// newClient makes a client for a test, or skips the test.
type newClient func(t *testing.T, bucket string) client

// clients lists everything that is tested.
var clients = []struct {
	name string
	make newClient
}{
	{"aws-s3", newAWSS3},
	{"aws-s3api", newAWSAPI},
	{"boto3", newBoto3},
	{"go-sdk", newGoSDK},
	{"rclone", newRclone},
	{"s3cmd", newS3cmd},
	{"s3fs", newS3fs},
	{"obstore", newObstore},
	{"duckdb", newDuckDB},
}

// clientOf makes the client of that name.
func clientOf(name string) newClient {
	for _, c := range clients {
		if c.name == name {
			return c.make
		}
	}
	return nil
}

// lacking is what clients have no way to do.
var lacking = map[string][]operation{
	"aws-s3":    {opRange, opSignPut},
	"aws-s3api": {opUp, opDown, opFolderUp, opFolderDown, opClear, opSyncUp, opSyncDown, opSignGet, opSignPut},
	"boto3":     {opFolderUp, opFolderDown, opClear},
	"go-sdk":    {opFolderUp, opFolderDown, opClear},
	"rclone":    {opSignPut},
	// The URLs that it signs are of the version before 4.
	"s3cmd":   {opRange, opSignGet, opSignPut},
	"s3fs":    {opSignPut},
	"obstore": {opFolderUp, opFolderDown, opClear},
	// It begins an upload of nothing, and never ends it.
	"duckdb": {
		opRange, opRemove, opPutEmpty, opCopy, opFolderUp, opFolderDown, opClear, opSignGet, opSignPut,
	},
}

func can(name string, op operation) bool { return !slices.Contains(lacking[name], op) }

// ableTo names the clients that can do something.
func ableTo(op operation) []string {
	var names []string
	for _, c := range clients {
		if can(c.name, op) {
			names = append(names, c.name)
		}
	}
	return names
}

// eachClient runs a test with each client, side by side, or with those that
// are named.
func eachClient(t *testing.T, test func(t *testing.T, s place, name string, c client), names ...string) {
	for _, c := range clients {
		if len(names) > 0 && !slices.Contains(names, c.name) {
			continue
		}
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			// First, so that nothing is built when the client is not there.
			c.make(t, "")
			s := start(t)
			test(t, s, c.name, c.make(t, s.bucket))
		})
	}
}

// program finds the program that an environment variable names.
func program(t *testing.T, variable, what string) string {
	t.Helper()
	path := os.Getenv(variable)
	if path == "" {
		t.Skipf("needs %s (run make test)", what)
	}
	if _, err := exec.LookPath(path); err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return path
}

// commandTime bounds one run of a client. Most take about a second, but large
// objects on a busy machine take minutes.
const commandTime = 5 * time.Minute

// runner runs one program for one test.
type runner struct {
	t    *testing.T
	path string
	home string
	env  []string
}

func newRunner(t *testing.T, path string) runner {
	t.Helper()
	home := t.TempDir()
	return runner{t: t, path: path, home: home, env: []string{
		"HOME=" + home,
		"TMPDIR=" + home,
		"PATH=" + filepath.Dir(path) + ":/usr/local/bin:/usr/bin:/bin",
		"LANG=C.UTF-8",
		"TZ=UTC",
	}}
}

// result is what a command did. What it shows has no secrets.
type result struct {
	command string
	stdout  []byte
	output  string // standard output and error, as they came
	err     error  // that it ended with another status than 0
}

func (r runner) run(l devserver.Lease, env []string, args ...string) result {
	r.t.Helper()
	ctx, cancel := context.WithTimeout(r.t.Context(), commandTime)
	defer cancel()
	cmd := exec.CommandContext(ctx, r.path, args...)
	cmd.Dir = r.home
	cmd.Env = append(env, r.env...)
	cmd.WaitDelay = 5 * time.Second
	var stdout bytes.Buffer
	var both logged.Text
	cmd.Stdout = io.MultiWriter(&stdout, &both)
	cmd.Stderr = &both
	err := cmd.Run()
	res := result{
		command: l.Redact(filepath.Base(r.path) + " " + strings.Join(args, " ")),
		stdout:  stdout.Bytes(),
		output:  l.Redact(both.String()),
		err:     err,
	}
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || ctx.Err() != nil) {
		r.t.Fatalf("%s: %v\n%s", res.command, err, res.output)
	}
	return res
}

// must fails the test unless the command did well.
func (r result) must(t *testing.T) result {
	t.Helper()
	if r.err != nil {
		t.Fatalf("%s: %v\n%s", r.command, r.err, r.output)
	}
	return r
}

// mustBeRefused fails the test unless the command failed with the words of a
// refusal. Any other failure is none: a client that cannot connect is refused
// nothing.
func (r result) mustBeRefused(t *testing.T, words *regexp.Regexp) {
	t.Helper()
	switch {
	case r.err == nil:
		t.Errorf("%s: went through, want a refusal\n%s", r.command, r.output)
	case !words.MatchString(r.output):
		t.Errorf("%s: %v, but not in the words of a refusal (%s)\n%s", r.command, r.err, words, r.output)
	}
}

// anyOf is a pattern for one of the words.
func anyOf(words []string) string {
	quoted := make([]string, len(words))
	for i, word := range words {
		quoted[i] = regexp.QuoteMeta(word)
	}
	return "(" + strings.Join(quoted, "|") + ")"
}

// statuses gives the HTTP statuses of error codes: all that a client can show
// when a HEAD request is refused, whose answer has no body.
func statuses(codes []string) []string {
	var all []string
	for _, code := range codes {
		status := "403"
		if code == "ExpiredToken" || code == "InvalidToken" {
			status = "400"
		}
		all = append(all, status)
	}
	return all
}

// parseLines reads a listing of one object per line with a pattern that finds
// size and key.
func parseLines(t *testing.T, text []byte, line *regexp.Regexp) []entry {
	t.Helper()
	var entries []entry
	for row := range strings.Lines(string(text)) {
		row = strings.TrimRight(row, "\r\n")
		if row == "" {
			continue
		}
		m := line.FindStringSubmatch(row)
		if m == nil {
			t.Fatalf("cannot read the line %q of a listing", row)
		}
		size, err := strconv.Atoi(m[1])
		if err != nil {
			t.Fatal(err)
		}
		entries = append(entries, entry{key: m[2], size: size})
	}
	return entries
}
