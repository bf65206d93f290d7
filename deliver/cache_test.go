package deliver_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/deliver"
)

// Fifty processes that want the same lease have it lent once.
func TestParallelProcessesBorrowOnce(t *testing.T) {
	server := newFakeServer(t, time.Hour)
	c := server.call(t)
	const many = 50
	var all sync.WaitGroup
	outputs := make([][]byte, many)
	for i := range many {
		all.Go(func() { outputs[i] = runProcess(t, c) })
	}
	all.Wait()
	if n := server.calls.Load(); n != 1 {
		t.Errorf("%d processes had %d leases lent", many, n)
	}
	for _, out := range outputs {
		if !bytes.Equal(out, outputs[0]) || !bytes.Contains(out, []byte("secret-canary-1")) {
			t.Fatalf("a process printed %q, another %q", out, outputs[0])
		}
	}
	holdsNoSecret(t, filepath.Dir(c.Cache))
}

func runProcess(t *testing.T, c call) []byte {
	t.Helper()
	cmd := exec.Command(os.Args[0], "process", c.String())
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil || stderr.Len() > 0 {
		t.Errorf("process: %v\n%s", err, stderr.String())
	}
	return out
}

// holdsNoSecret looks for canaries, and for what would tell what is read where, in
// the names and contents of all files.
func holdsNoSecret(t *testing.T, folder string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		files++
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		for _, word := range []string{"canary", "kh_", "demo", "alpha", "127.0.0.1", "KHLE"} {
			if strings.Contains(entry.Name(), word) || bytes.Contains(text, []byte(word)) {
				t.Errorf("%s holds %q", entry.Name(), word)
			}
		}
		if info, err := entry.Info(); err != nil || !isWindows() && info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", entry.Name(), info.Mode(), err)
		}
		return nil
	})
	if err != nil || files == 0 {
		t.Errorf("%d files: %v", files, err)
	}
}

// A process that is killed while it borrows leaves neither a lock nor a secret.
func TestKilledProcessIsNotInTheWay(t *testing.T) {
	server := (&fakeServer{asked: make(chan struct{}, 10), hold: make(chan struct{})}).start(t, time.Hour)
	c := server.call(t)
	killed := exec.Command(os.Args[0], "process", c.String())
	if err := killed.Start(); err != nil {
		t.Fatal(err)
	}
	<-server.asked // it has the lock, and waits for its lease
	waiting := make(chan []byte)
	go func() { waiting <- runProcess(t, c) }()
	if err := killed.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = killed.Wait() // it was killed
	<-server.asked    // the other one's turn
	close(server.hold)
	if out := <-waiting; !bytes.Contains(out, []byte("secret-canary-2")) {
		t.Errorf("the process that waited printed %q", out)
	}
	holdsNoSecret(t, c.Cache)
	if left := lockFiles(t, c.Cache); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// cached is a Lend through a cache of its own.
func cached(t *testing.T, folder, server, token, location string, lend deliver.Lend) deliver.Lend {
	t.Helper()
	c, err := deliver.OpenCache(folder, server, token)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.Keep(deliver.Request{LeaseRequest: api.LeaseRequest{Location: location, Access: "read"}}, lend)
}

func TestCacheRenewsByTheRule(t *testing.T) {
	for _, life := range []time.Duration{time.Minute, 15 * time.Minute, time.Hour} {
		synctest.Test(t, func(t *testing.T) {
			l := &lender{life: life}
			lend := cached(t, filepath.Join(t.TempDir(), "c"), "http://s", "t", "l", l.lend)
			begun := time.Now()
			due := api.RenewAt(begun, begun.Add(life))
			first := mustLend(t, lend)
			time.Sleep(time.Until(due) - time.Second)
			if again := mustLend(t, lend); again.ID != first.ID || l.calls.Load() != 1 {
				t.Errorf("%v: renewed a second before it was due", life)
			}
			time.Sleep(time.Second)
			l.fails(errAway)
			if again := mustLend(t, lend); again.ID != first.ID {
				t.Errorf("%v: another lease while the server was away", life)
			}
			time.Sleep(30 * time.Second)
			l.fails(errRefused)
			if _, err := lend(t.Context()); !errors.Is(err, errRefused) {
				t.Errorf("%v: a refusal was kept back: %v", life, err)
			}
			l.fails(nil)
			if next := mustLend(t, lend); next.ID == first.ID {
				t.Errorf("%v: handed out when it was due", life)
			}
			time.Sleep(life)
			l.fails(errAway)
			if _, err := lend(t.Context()); !errors.Is(err, errAway) {
				t.Errorf("%v: handed out after its end: %v", life, err)
			}
		})
	}
}

// Another token, server or request has another lease.
func TestCacheIsKeyed(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "c")
	l := &lender{life: time.Hour}
	seen := map[string]string{}
	for _, of := range [][3]string{{"http://a", "t1", "l"}, {"http://a", "t2", "l"}, {"http://b", "t1", "l"}, {"http://a", "t1", "m"}, {"http://a/", "t1", "m/"}} {
		lent := mustLend(t, cached(t, folder, of[0], of[1], of[2], l.lend))
		if who, ok := seen[lent.ID]; ok {
			t.Errorf("%v got the lease of %s", of, who)
		}
		seen[lent.ID] = strings.Join(of[:], " ")
	}
	// The same server, told with a slash.
	if lent := mustLend(t, cached(t, folder, "http://a/", "t1", "l", l.lend)); seen[lent.ID] != "http://a t1 l" {
		t.Errorf("the server's address with a slash is another server: %s", seen[lent.ID])
	}
}

func leaseFiles(t *testing.T, folder string) []string { return filesOf(t, folder, "*.lease") }
func lockFiles(t *testing.T, folder string) []string  { return filesOf(t, folder, "*.lock") }

func filesOf(t *testing.T, folder, pattern string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(folder, pattern))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// Whatever is done to a file, it then counts as none, and is written anew.
func TestSpoiledFilesCountAsNone(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "c")
	other := &lender{life: time.Hour}
	mustLend(t, cached(t, folder, "http://s", "t", "other", other.lend))
	foreign, err := os.ReadFile(leaseFiles(t, folder)[0])
	if err != nil {
		t.Fatal(err)
	}
	secret := filepath.Join(t.TempDir(), "secret")
	spoils := map[string]func(file string, text []byte) error{
		"empty":          func(file string, _ []byte) error { return os.WriteFile(file, nil, 0o600) },
		"cut":            func(file string, text []byte) error { return os.WriteFile(file, text[:len(text)-1], 0o600) },
		"only its start": func(file string, text []byte) error { return os.WriteFile(file, text[:25], 0o600) },
		"longer":         func(file string, text []byte) error { return os.WriteFile(file, append(text, 0), 0o600) },
		"other end": func(file string, text []byte) error {
			text[24] ^= 1
			return os.WriteFile(file, text, 0o600)
		},
		"bit": func(file string, text []byte) error {
			text[len(text)/2] ^= 1
			return os.WriteFile(file, text, 0o600)
		},
		"another's":  func(file string, _ []byte) error { return os.WriteFile(file, foreign, 0o600) },
		"plain text": func(file string, _ []byte) error { return os.WriteFile(file, []byte(`{"access_key_id":"x"}`), 0o600) },
		"open to others": func(file string, _ []byte) error {
			return os.Chmod(file, 0o644)
		},
		"a link": func(file string, text []byte) error {
			return errors.Join(os.Remove(file), os.WriteFile(secret, text, 0o600), os.Symlink(secret, file))
		},
		"a folder": func(file string, _ []byte) error { return errors.Join(os.Remove(file), os.Mkdir(file, 0o700)) },
	}
	for what, spoil := range spoils {
		l := &lender{life: time.Hour}
		lend := cached(t, folder, "http://s", "t", what, l.lend)
		before := leaseFiles(t, folder)
		mustLend(t, lend)
		mustLend(t, lend)
		file := ""
		for _, f := range leaseFiles(t, folder) {
			if !contains(strings.Join(before, "\n"), f) {
				file = f
			}
		}
		text, err := os.ReadFile(file)
		if err != nil || l.calls.Load() != 1 {
			t.Fatalf("%s: lent %d times, kept in %q: %v", what, l.calls.Load(), file, err)
		}
		if err := spoil(file, text); err != nil {
			t.Fatal(err)
		}
		if lent := mustLend(t, lend); l.calls.Load() != 2 || lent.ID != aLease(2, 0).ID {
			t.Errorf("%s: lent %d times, got %s", what, l.calls.Load(), lent.ID)
		}
		again := l.calls.Load()
		mustLend(t, lend)
		if what != "a folder" && l.calls.Load() != again {
			t.Errorf("%s: not written anew", what)
		}
	}
	if text, err := os.ReadFile(secret); err != nil || len(text) == 0 {
		t.Errorf("what a link led to was changed: %v", err)
	}
}

// Folders in which others could read or write are not used.
func TestUnsafeFolders(t *testing.T) {
	if isWindows() {
		return // folders have access lists there, which this does not read
	}
	base := t.TempDir()
	wide, real, link := filepath.Join(base, "wide"), filepath.Join(base, "real"), filepath.Join(base, "link")
	if err := errors.Join(os.Mkdir(wide, 0o700), os.Chmod(wide, 0o755), os.Mkdir(real, 0o700), os.Symlink(real, link)); err != nil {
		t.Fatal(err)
	}
	folders := map[string]string{wide: "chmod 700", link: "symbolic link"}
	if os.Geteuid() == 0 {
		others := filepath.Join(base, "others")
		if err := errors.Join(os.Mkdir(others, 0o700), os.Chown(others, 1, 1)); err != nil {
			t.Fatal(err)
		}
		folders[others] = "another user"
	}
	for folder, why := range folders {
		_, err := deliver.OpenCache(folder, "http://s", "t")
		var unsafe *deliver.UnsafeFolder
		if !errors.As(err, &unsafe) || !contains(err.Error(), why, folder) {
			t.Errorf("%s: %v, want %q", folder, err, why)
		}
		if entries, err := os.ReadDir(folder); err != nil || len(entries) > 0 {
			t.Errorf("%s: %v was made in it (%v)", folder, entries, err)
		}
	}
	if _, err := deliver.OpenCache(real, "http://s", ""); err == nil {
		t.Error("a cache without a token")
	}
}

// What is over is swept when a lease is kept: anybody's leases that have ended, and
// what killed processes left long ago. All else stays.
func TestSweep(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "c")
	long := &lender{life: time.Hour}
	mustLend(t, cached(t, folder, "http://s", "a token that has been rotated", "l", (&lender{life: -time.Second}).lend))
	mustLend(t, cached(t, folder, "http://s", "t", "lives", long.lend))
	ended := leaseFiles(t, folder)
	old, fresh, foreign := filepath.Join(folder, "new-1-1"), filepath.Join(folder, "new-2-2"), filepath.Join(folder, "foreign.lease")
	for _, f := range []string{old, fresh, foreign} {
		if err := os.WriteFile(f, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	longAgo := time.Now().Add(-2 * time.Hour)
	if err := errors.Join(os.Chtimes(old, longAgo, longAgo), os.Chtimes(foreign, longAgo, longAgo)); err != nil {
		t.Fatal(err)
	}
	mustLend(t, cached(t, folder, "http://s", "t", "another", long.lend))
	left := leaseFiles(t, folder)
	if len(ended) != 1 || len(left) != 3 {
		t.Errorf("one lease of two had ended: %v were there, %v are", ended, left)
	}
	for file, stays := range map[string]bool{old: false, fresh: true, foreign: true} {
		if _, err := os.Lstat(file); (err == nil) != stays {
			t.Errorf("%s: %v", filepath.Base(file), err)
		}
	}
}

// Who waits for another's lease gives up with its context.
func TestWaitEndsWithItsContext(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "c")
	begun, end := make(chan struct{}), make(chan struct{})
	slow := cached(t, folder, "http://s", "t", "l", func(context.Context) (api.Lent, error) {
		close(begun)
		<-end
		return aLease(1, time.Hour), nil
	})
	var all sync.WaitGroup
	all.Go(func() { mustLend(t, slow) })
	<-begun
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := cached(t, folder, "http://s", "t", "l", nil)(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	close(end)
	all.Wait()
}
