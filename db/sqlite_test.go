package db_test

import (
	"context"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest"
	"github.com/keyhatch/keyhatch/internal/emptydb"
)

func TestSQLite(t *testing.T) {
	dbtest.Run(t, func(t *testing.T) *db.DB { return create(t, filepath.Join(t.TempDir(), "keyhatch.db")) })
}

func create(t *testing.T, path string) *db.DB {
	t.Helper()
	make := emptydb.Create // of files
	if strings.HasPrefix(path, "postgres://") {
		make = db.Create
	}
	d, err := make(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// createRecording makes a database that can record events.
func createRecording(t *testing.T, path string) *db.DB {
	t.Helper()
	d := create(t, path)
	d.UseAuditKey(auditKey)
	if err := d.Write(t.Context(), func(tx *db.Tx) error { return tx.BeginRecord(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	return d
}

func open(t *testing.T, path string) *db.DB {
	t.Helper()
	d, err := db.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func TestTwoProcesses(t *testing.T) {
	t.Parallel()
	testTwoProcesses(t, filepath.Join(t.TempDir(), "keyhatch.db"))
}

// testTwoProcesses: processes that write to one database at the same time take
// turns. The feed has one numbering, and each process a chain of its own.
func testTwoProcesses(t *testing.T, path string) {
	createRecording(t, path).Close()
	const processes, writes = 3, 20
	var all sync.WaitGroup
	for range processes {
		d := open(t, path)
		d.UseAuditKey(auditKey)
		all.Go(func() {
			for range writes {
				if _, err := writeUser(context.Background(), d); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	d := open(t, path)
	changes, err := d.ChangesAfter(t.Context(), 0)
	if err != nil {
		t.Fatal(err)
	}
	for i, c := range changes {
		if c.Seq != int64(i+1) {
			t.Fatalf("line %d of the feed has number %d", i+1, c.Seq)
		}
	}
	if len(changes) != processes*writes {
		t.Errorf("%d lines in the feed after %d writes", len(changes), processes*writes)
	}
	if report := verify(t, d); report.Chains != processes || report.Events != processes*writes {
		t.Errorf("%d events in %d chains, want %d in %d", report.Events, report.Chains, processes*writes, processes)
	}
}

// writeUser stores a user with its event, whose target the user is.
func writeUser(ctx context.Context, d *db.DB) (id string, err error) {
	err = d.Write(ctx, func(tx *db.Tx) error {
		now := keyhatchNow()
		id = keyhatch.NewID(keyhatch.UserID, now)
		if err := tx.InsertUser(ctx, keyhatch.User{ID: id, Name: id, Active: true, ActiveSince: now, CreatedAt: now}); err != nil {
			return err
		}
		return tx.Record(ctx, keyhatch.Event{ID: keyhatch.NewID(keyhatch.EventID, now), At: now, Action: "user.create", Target: id})
	})
	return id, err
}
