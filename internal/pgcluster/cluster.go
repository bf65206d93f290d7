package pgcluster

import (
	"bytes"
	"context"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver
	"github.com/keyhatch/keyhatch/internal/child"
)

// Cluster is a PostgreSQL that runs.
type Cluster struct {
	folder    string
	program   func(name string, args ...string) *exec.Cmd
	log       bytes.Buffer
	process   *child.Process
	databases atomic.Int64
}

// Variable names, in the environment, the folder of PostgreSQL's programs.
const Variable = "KEYHATCH_POSTGRES"

// startsWithin is long because a machine that tests may be slow.
const startsWithin = 2 * time.Minute

// Start starts one, which ends with the test. It takes its time for nothing that a crash
// of the machine would need (fsync = off).
func Start(t testing.TB) *Cluster {
	t.Helper()
	programs := os.Getenv(Variable)
	if programs == "" {
		t.Skip("needs PostgreSQL (run make test)")
	}
	// Not t.TempDir: the path of a socket has 107 characters at most, and nobody but the
	// owner could enter there.
	folder, err := os.MkdirTemp(memory(), "keyhatch-pg-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(folder) })
	as, err := asNobodySpecial(folder)
	if err != nil {
		t.Fatal(err)
	}
	c := &Cluster{folder: folder}
	c.program = func(name string, args ...string) *exec.Cmd {
		line := append(append([]string{}, as...), append([]string{filepath.Join(programs, name)}, args...)...)
		cmd := exec.Command(line[0], line[1:]...)
		cmd.Dir = folder
		return cmd
	}
	if out, err := c.program("initdb", "-D", c.data(), "-U", "keyhatch", "-A", "trust", "-E", "UTF8", "--locale", "C.UTF-8", "--no-sync").CombinedOutput(); err != nil {
		t.Fatalf("initdb: %v\n%s", err, out)
	}
	t.Cleanup(func() { c.end() })
	if err := c.serve(); err != nil {
		t.Fatal(err)
	}
	return c
}

func (c *Cluster) data() string { return filepath.Join(c.folder, "data") }

// Restart ends the cluster at once, as "pg_ctl stop -m immediate" does, and starts it again:
// what was under way is undone, and what was committed is there.
func (c *Cluster) Restart() error {
	c.end()
	return c.serve()
}

// end has nothing of what is under way come to its end.
func (c *Cluster) end() {
	if c.process != nil {
		c.process.End(syscall.SIGQUIT, time.Minute)
	}
}

// serve returns when the cluster can be reached.
func (c *Cluster) serve() (err error) {
	c.log.Reset()
	cmd := c.program("postgres", "-D", c.data(), "-k", c.folder, "-c", "listen_addresses=", "-c", "fsync=off", "-c", "max_connections=200")
	cmd.Stdout, cmd.Stderr = &c.log, &c.log
	if c.process, err = child.Start(cmd); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	admin, err := sql.Open("pgx", c.Address("postgres"))
	if err != nil {
		return err
	}
	defer admin.Close()
	for deadline := time.Now().Add(startsWithin); ; time.Sleep(20 * time.Millisecond) {
		err := admin.PingContext(context.Background())
		if err == nil {
			return nil
		}
		select {
		case <-c.process.Ended():
			return fmt.Errorf("postgres ended:\n%s", c.log.String())
		default:
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("postgres cannot be reached: %w", err)
		}
	}
}

// asNobodySpecial is what a command line begins with: PostgreSQL does not run as root. The
// folder is given to the user as which it runs.
func asNobodySpecial(folder string) ([]string, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	u, err := user.Lookup("postgres") // Debian's package makes it
	if err != nil {
		return nil, err
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		return nil, err
	}
	if err := os.Chown(folder, uid, -1); err != nil {
		return nil, err
	}
	// A process that changes its user loses the signal that ends it with its parent.
	return []string{"setpriv", "--reuid", u.Uid, "--regid", u.Gid, "--clear-groups", "--pdeathsig", "KILL"}, nil
}

// Address is that of a database of the cluster.
func (c *Cluster) Address(database string) string {
	return "postgres://keyhatch@/" + database + "?" + url.Values{"host": {c.folder}}.Encode()
}

// New makes an empty database, whose address it returns.
func (c *Cluster) New(t testing.TB) string {
	t.Helper()
	address, err := c.Make()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

// Make is New for who is no test.
func (c *Cluster) Make() (address string, err error) { return c.create("template0") }

// Copy makes a database like the one of an address, to which nobody may be connected. It
// takes a fraction of the time in which tables are made.
func (c *Cluster) Copy(t testing.TB, of string) string {
	t.Helper()
	u, err := url.Parse(of)
	if err != nil {
		t.Fatal(err)
	}
	address, err := c.create(strings.TrimPrefix(u.Path, "/"))
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func (c *Cluster) create(template string) (address string, err error) {
	admin, err := sql.Open("pgx", c.Address("postgres"))
	if err != nil {
		return "", err
	}
	defer admin.Close()
	// Copying files is ten times as fast as copying pages through the log, which is the default.
	name := fmt.Sprintf("test_%d", c.databases.Add(1))
	if _, err := admin.ExecContext(context.Background(), "create database "+name+" template "+template+" strategy file_copy"); err != nil {
		return "", err
	}
	return c.Address(name), nil
}
