package db_test

import (
	"bufio"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db"
)

// writerFile names, in the environment of a child of the test, the database
// that the child writes to until it is killed.
const writerFile = "KEYHATCH_TEST_WRITER_FILE"

func TestMain(m *testing.M) {
	if path := os.Getenv(writerFile); path != "" {
		fmt.Fprintln(os.Stderr, writeForever(path))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

// writeForever has several callers write, and says "ID" for each write that was
// acknowledged.
func writeForever(path string) error {
	ctx := context.Background()
	d, err := db.Open(ctx, path)
	if err != nil {
		return err
	}
	d.UseAuditKey(auditKey)
	failed := make(chan error)
	var out sync.Mutex
	for range 6 {
		go func() {
			for {
				id, err := writeUser(ctx, d)
				if err != nil {
					failed <- err
				}
				out.Lock()
				fmt.Println(id)
				out.Unlock()
			}
		}()
	}
	return <-failed
}

func TestS1_KilledProcess(t *testing.T) {
	t.Parallel()
	kills := 20
	if os.Getenv("KEYHATCH_CHAOS") != "" {
		kills = 1000
	}
	path := filepath.Join(t.TempDir(), "keyhatch.db")
	testKilledProcess(t, path, kills)
	file, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var said string
	if err := file.QueryRow("pragma integrity_check").Scan(&said); err != nil || said != "ok" {
		t.Errorf("the file is %q, %v", said, err)
	}
}

// testKilledProcess: whatever was acknowledged before the process was killed
// is there afterwards, with its event, and the record is whole.
func testKilledProcess(t *testing.T, path string, times int) {
	createRecording(t, path).Close()
	var acknowledged []string
	for range times {
		ids := killWriter(t, path, 1+rand.IntN(40))
		acknowledged = append(acknowledged, ids...)
		d := open(t, path)
		// A server may be about to end what the process has begun: that has the turn before us.
		if err := d.Write(t.Context(), func(*db.Tx) error { return nil }); err != nil {
			t.Fatal(err)
		}
		verify(t, d)
		recorded := map[string]int{}
		for e, err := range d.AllEvents(t.Context()) {
			if err != nil {
				t.Fatal(err)
			}
			recorded[e.Target]++
		}
		users, err := d.Users(t.Context(), "", "", db.Everything)
		if err != nil {
			t.Fatal(err)
		}
		stored := map[string]bool{}
		for _, u := range users {
			if stored[u.ID] = true; recorded[u.ID] != 1 {
				t.Errorf("a user is there with %d events", recorded[u.ID])
			}
		}
		if len(recorded) != len(users) {
			t.Errorf("%d users, events of %d", len(users), len(recorded))
		}
		for _, id := range acknowledged {
			if !stored[id] {
				t.Errorf("%s was acknowledged and is gone", id)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
}

// killWriter runs a child that writes, kills it after it has acknowledged some
// writes, and returns those and what it acknowledged up to its end.
func killWriter(t *testing.T, path string, after int) (ids []string) {
	t.Helper()
	child := exec.CommandContext(t.Context(), os.Args[0])
	child.Env = append(os.Environ(), writerFile+"="+path)
	child.Stderr = os.Stderr
	out, err := child.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := child.Start(); err != nil {
		t.Fatal(err)
	}
	for lines := bufio.NewReader(out); ; {
		line, err := lines.ReadString('\n')
		if err != nil { // a last line that was cut off does not count
			break
		}
		if ids = append(ids, strings.TrimSpace(line)); len(ids) == after {
			if err := child.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := child.Wait(); err == nil || child.ProcessState.Exited() {
		t.Fatalf("the writer ended by itself, after %d writes: %v", len(ids), err)
	}
	return ids
}

func auditKey(data []byte) keyhatch.Hash {
	h := hmac.New(sha256.New, []byte("a key of the test"))
	h.Write(data)
	return h.Sum(nil)
}

func keyhatchNow() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// verify fails the test on any finding.
func verify(t *testing.T, d *db.DB) audit.Report {
	t.Helper()
	var report audit.Report
	err := d.Snapshot(t.Context(), func(r db.Reader) error {
		registry, err := r.AuditRegistry(t.Context())
		if err != nil {
			return err
		}
		heads, err := r.AuditHeads(t.Context())
		if err != nil {
			return err
		}
		report, err = audit.Verify(auditKey, registry, heads, r.EventsOfAction(t.Context(), "audit.checkpoint"), r.AllEvents(t.Context()))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("the record is damaged: %s", f)
	}
	return report
}
