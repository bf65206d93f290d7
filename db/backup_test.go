package db_test

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dump"
	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// addPair makes a user with a workspace of the same name and an event of both.
func addPair(d *db.DB, text string) error {
	ctx, at := context.Background(), time.Now().UTC().Truncate(time.Microsecond)
	return d.Write(ctx, func(tx *db.Tx) error {
		id := keyhatch.NewID(keyhatch.UserID, at)
		if err := tx.InsertUser(ctx, keyhatch.User{ID: id, Name: id, FullName: text, Active: true, ActiveSince: at, CreatedAt: at}); err != nil {
			return err
		}
		if err := tx.InsertWorkspace(ctx, keyhatch.Workspace{ID: keyhatch.NewID(keyhatch.WorkspaceID, at), Name: id, CreatedAt: at}); err != nil {
			return err
		}
		return tx.Record(ctx, keyhatch.Event{ID: keyhatch.NewID(keyhatch.EventID, at), At: at, Action: "user.create", Target: id, Detail: map[string]string{"text": text}})
	})
}

// many are more rows than one statement reads.
const many = 1200

// backedUp makes an installation, with so many workspaces more.
func backedUp(t *testing.T, address string, more int) *db.DB {
	t.Helper()
	ctx := t.Context()
	d := createRecording(t, address)
	err := d.Write(ctx, func(tx *db.Tx) error {
		if err := tx.InsertInstallation(ctx, "abcde", time.Now()); err != nil {
			return err
		}
		if err := tx.InsertKeyset(ctx, keyhatch.Keyset{Name: "audit", KEK: "kek_1", Wrapped: []byte{0, 0xff, '"', '\n'}, CreatedAt: time.Now()}); err != nil {
			return err
		}
		for range more {
			at := time.Now()
			if err := tx.InsertWorkspace(ctx, keyhatch.Workspace{ID: keyhatch.NewID(keyhatch.WorkspaceID, at), Name: keyhatch.NewID(keyhatch.WorkspaceID, at), CreatedAt: at}); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil {
		err = addPair(d, "Ünïcode \U0001f5dd and a \"quote\"\n\u2028<&>")
	}
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func dumped(t *testing.T, d *db.DB) ([]byte, dump.Summary) {
	t.Helper()
	var out bytes.Buffer
	s, err := d.Dump(t.Context(), &out, nil)
	if err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), s
}

func restore(address string, from io.Reader, then func(*db.Tx) error) error {
	return db.Restore(context.Background(), address, db.Restoring{
		Dump: from,
		Key:  func(context.Context, db.Reader) (audit.MAC, error) { return auditKey, nil },
		Then: func(tx *db.Tx, _ dump.Summary) error { return then(tx) },
	})
}

func nothing(*db.Tx) error { return nil }

// wantRestored restores a dump, and looks whether it is what was dumped, whose audit record
// is whole and goes on.
func wantRestored(t *testing.T, address string, text []byte, s dump.Summary) *db.DB {
	t.Helper()
	if err := restore(address, bytes.NewReader(text), nothing); err != nil {
		t.Fatal(err)
	}
	d := open(t, address)
	d.UseAuditKey(auditKey)
	if _, again := dumped(t, d); !cmp.Equal(s.Tables, again.Tables) {
		t.Errorf("(-dumped +restored):\n%s", cmp.Diff(s.Tables, again.Tables))
	}
	if err := addPair(d, "after"); err != nil {
		t.Error(err)
	}
	wantRecord(t, d)
	return d
}

func wantRecord(t *testing.T, d *db.DB) {
	t.Helper()
	err := d.Snapshot(t.Context(), func(r db.Reader) error {
		registry, err := r.AuditRegistry(t.Context())
		if err != nil {
			return err
		}
		heads, err := r.AuditHeads(t.Context())
		if err != nil {
			return err
		}
		report, err := audit.Verify(auditKey, registry, heads, r.EventsOfAction(t.Context(), "audit.checkpoint"), r.AllEvents(t.Context()))
		if err == nil && (len(report.Findings) > 0 || report.Events == 0) {
			t.Errorf("of %d events: %v", report.Events, report.Findings)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// TestDumpWhileWriting: what is dumped beside writers is what was there at one moment.
func TestDumpWhileWriting(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	testDumpWhileWriting(t, filepath.Join(folder, "a.db"), filepath.Join(folder, "b.db"))
}

func testDumpAcrossEngines(t *testing.T, cluster *pgcluster.Cluster) {
	folder := t.TempDir()
	there := testDumpWhileWriting(t, filepath.Join(folder, "a.db"), cluster.New(t))
	text, s := dumped(t, there)
	wantRestored(t, filepath.Join(folder, "c.db"), text, s)
	testDumpWhileWriting(t, cluster.New(t), cluster.New(t))
}

func testDumpWhileWriting(t *testing.T, from, to string) *db.DB {
	t.Helper()
	d := backedUp(t, from, many)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for range 4 {
		writers.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if err := addPair(d, "meanwhile"); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	var text []byte
	var s dump.Summary
	var before, after int64
	for before == after { // others have written meanwhile
		var out bytes.Buffer
		var err error
		if s, err = d.Dump(t.Context(), &out, func(table string, rows int64) {
			users, failed := d.Users(t.Context(), "", "", db.Everything)
			if failed != nil {
				t.Error(failed)
			}
			if table == "installation" {
				before = int64(len(users))
			}
			after = int64(len(users))
		}); err != nil {
			t.Fatal(err)
		}
		text = out.Bytes()
	}
	close(stop)
	writers.Wait()
	rows := map[string]int64{}
	for _, c := range s.Tables {
		rows[c.Name] = c.Rows
	}
	if n := rows["users"]; n < 1 || rows["workspaces"] != n+many || rows["events"] != n {
		t.Errorf("users %d, workspaces %d, events %d: they are made together", n, rows["workspaces"], rows["events"])
	}
	return wantRestored(t, to, text, s)
}

// TestDamagedDump: whatever is changed in a dump, or cut off, nothing is restored, and
// nothing is left.
func TestDamagedDump(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	text, _ := dumped(t, backedUp(t, filepath.Join(folder, "a.db"), 3))
	lines := strings.SplitAfter(strings.TrimSuffix(string(text), "\n"), "\n")
	at := func(part string) int {
		return slices.IndexFunc(lines, func(l string) bool { return strings.Contains(l, part) })
	}
	replaced := func(part, by string) string { return strings.Replace(string(text), part, by, 1) }
	for what, damaged := range map[string]string{
		"no dump":           "keyhatch\n",
		"another format":    replaced(`"keyhatch_dump":1`, `"keyhatch_dump":2`),
		"a newer schema":    replaced(`"schema":`, `"schema":9`),
		"cut between lines": strings.Join(lines[:at(`"table":"workspaces","rows"`)], ""),
		"cut at its end":    string(text[:len(text)-2]),
		"something behind":  string(text) + "\n",
		"a row less":        strings.Join(slices.Delete(slices.Clone(lines), at("Ünïcode"), at("Ünïcode")+1), ""),
		"another value":     replaced("Ünïcode", "Anycode"),
		"another name":      replaced(`{"table":"users"`, `{"table":"users; drop table users"`),
		"an unknown column": replaced(`"full_name"`, `"other_name"`),
		"not its signature": replaced(`"sign":"`, `"sign":"AAAA`),
		"another cluster":   replaced(`"cluster":"abcde"`, `"cluster":"abcdf"`),
	} {
		path := filepath.Join(folder, "restored.db")
		if err := restore(path, strings.NewReader(damaged), nothing); err == nil {
			t.Errorf("%s: it was restored", what)
		}
		if left, err := filepath.Glob(path + "*"); err != nil || len(left) > 0 {
			t.Errorf("%s: left %v, %v", what, left, err)
		}
	}

	// Nor is it when what follows fails, nor over another installation.
	path, fails := filepath.Join(folder, "restored.db"), errors.New("fails")
	if err := restore(path, bytes.NewReader(text), func(*db.Tx) error { return fails }); !errors.Is(err, fails) {
		t.Errorf("what follows fails: %v", err)
	}
	if _, err := os.Lstat(path); err == nil {
		t.Error("what follows fails, and there is a database")
	}
	if err := restore(filepath.Join(folder, "a.db"), bytes.NewReader(text), nothing); err == nil || !strings.Contains(err.Error(), "exists already") {
		t.Errorf("over another: %v", err)
	}
	if err := open(t, filepath.Join(folder, "a.db")).Close(); err != nil {
		t.Error(err)
	}
}

// testPutBackUnder: a process whose tables were put back to an earlier state goes on with
// a chain of its own there. It wrote on behind events that were gone, and the record
// was damaged for ever.
func testPutBackUnder(t *testing.T, cluster *pgcluster.Cluster) {
	address := cluster.New(t)
	d := backedUp(t, address, 0)
	text, _ := dumped(t, d)
	if err := addPair(d, "since the backup"); err != nil {
		t.Fatal(err)
	}
	outside, err := sql.Open("pgx", address)
	if err != nil {
		t.Fatal(err)
	}
	defer outside.Close()
	if _, err := outside.ExecContext(t.Context(), "drop schema public cascade; create schema public"); err != nil {
		t.Fatal(err)
	}
	if err := restore(address, bytes.NewReader(text), nothing); err != nil {
		t.Fatal(err)
	}
	if err := addPair(d, "with the chain of before"); err == nil {
		t.Error("it went on with a chain of which the last event is gone")
	}
	for range 2 {
		if err := addPair(d, "with another chain"); err != nil {
			t.Error(err)
		}
	}
	wantRecord(t, d)
}
