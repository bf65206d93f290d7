package db

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/audit"
)

// faults are what can go wrong under a transaction. make breaks the database
// and returns what mends it; whole tells that each write of the transaction is
// told Unavailable, and not some the failure of their own statement.
var faults = []struct {
	name  string
	whole bool
	make  func(*testing.T, *DB) (mend func())
}{
	{"the commit fails", true, func(t *testing.T, d *DB) func() {
		run(t, d.pools.Writes, "create table broken (parent bigint references broken (id) deferrable initially deferred, id bigint unique)")
		run(t, d.pools.Writes, "create trigger breaks after insert on users begin insert into broken (parent) values (1); end")
		return func() { run(t, d.pools.Writes, "drop trigger breaks"); run(t, d.pools.Writes, "drop table broken") }
	}},
	{"another process holds the lock until the time is out", true, func(t *testing.T, d *DB) func() {
		run(t, d.pools.Writes, "pragma busy_timeout(50)")
		tx, err := outside(t, d).Begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := tx.Exec("insert into installation (id, created_at) values ('lock!', 0)"); err != nil {
			t.Fatal(err)
		}
		return func() {
			if err := tx.Rollback(); err != nil {
				t.Fatal(err)
			}
		}
	}},
	{"a statement takes the whole transaction with it", false, func(t *testing.T, d *DB) func() {
		run(t, d.pools.Writes, "create trigger breaks before insert on users begin select raise(rollback, 'broken'); end")
		return func() { run(t, d.pools.Writes, "drop trigger breaks") }
	}},
	{"the head of the chain cannot be written", true, func(t *testing.T, d *DB) func() {
		run(t, d.pools.Writes, "create trigger breaks before update on audit_chains begin select raise(abort, 'broken'); end")
		return func() { run(t, d.pools.Writes, "drop trigger breaks") }
	}},
	{"the file is read-only", false, func(t *testing.T, d *DB) func() {
		run(t, d.pools.Writes, "pragma query_only(1)")
		return func() { run(t, d.pools.Writes, "pragma query_only(0)") }
	}},
}

// TestS1_CommitFails: when a transaction fails as a whole, every write of it is
// told Unavailable and none is kept; the record stays whole, and the writes that
// come later work.
func TestS1_CommitFails(t *testing.T) {
	for _, fault := range faults {
		t.Run(fault.name, func(t *testing.T) {
			t.Parallel()
			d := openRecording(t)
			for round, before := range []int{0, 3} { // also with a chain that is not open yet
				for range before {
					if err := <-start(d, "kept", ""); err != nil {
						t.Fatal(err)
					}
				}
				users := count(t, d, "users")
				feed := count(t, d, "changes")
				mend := fault.make(t, d)
				release := holdWriter(t, d)
				outcomes := []<-chan error{start(d, "lost", ""), start(d, "lost", ""), start(d, "lost", "")}
				release()
				for _, o := range outcomes {
					if err := <-o; err == nil || fault.whole && !errors.Is(err, keyhatch.Unavailable) {
						t.Errorf("round %d: a write of the failed transaction got %v", round, err)
					}
				}
				mend()
				if now := count(t, d, "users"); now != users {
					t.Errorf("%d users were kept", now-users)
				}
				if now := count(t, d, "changes"); now != feed {
					t.Errorf("%d lines were left in the feed", now-feed)
				}
				wantWhole(t, d)
				if err := <-start(d, "later", ""); err != nil {
					t.Errorf("a later write: %v", err)
				}
				wantWhole(t, d)
			}
		})
	}
}

// TestDiskFull: a write that does not fit any more fails alone, and leaves
// nothing.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	d := openRecording(t)
	run(t, d.pools.Writes, "pragma max_page_count(100)")
	release := holdWriter(t, d)
	small, big, last := start(d, "small", ""), start(d, "big", strings.Repeat("x", 1<<20)), start(d, "last", "")
	release()
	if err := <-big; err == nil {
		t.Error("a write that does not fit succeeded")
	}
	kept := 0
	for _, o := range []<-chan error{small, last} {
		if err := <-o; err == nil {
			kept++
		} else if !errors.Is(err, keyhatch.Unavailable) {
			t.Errorf("beside a write that does not fit: %v", err)
		}
	}
	if n := count(t, d, "users"); n != kept {
		t.Errorf("%d writes were acknowledged, %d users are there", kept, n)
	}
	wantWhole(t, d)
	run(t, d.pools.Writes, "pragma max_page_count(100000)")
	if err := <-start(d, "big", strings.Repeat("x", 1<<20)); err != nil {
		t.Errorf("when there is room again: %v", err)
	}
	wantWhole(t, d)
}

// openRecording makes a database that can record events.
func openRecording(t *testing.T) *DB {
	t.Helper()
	d := openNew(t)
	d.UseAuditKey(testMAC)
	if err := d.Write(t.Context(), func(tx *Tx) error { return tx.BeginRecord(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	return d
}

// TestS8_TamperedRecordStopsWriting: nothing that records an event goes on over
// a record whose registry or head was changed past the program: it would sign
// what somebody else wrote.
func TestS8_TamperedRecordStopsWriting(t *testing.T) {
	t.Parallel()
	for _, tamper := range []struct {
		statement string
		begun     bool // the process has recorded something before
	}{
		{"delete from audit_registry", false},
		{"update audit_registry set chains = 0", false},
		{"update audit_registry set chains = chains + 1", false},
		{"update audit_registry set sign = x'00'", false},
		{"delete from audit_chains", false},
		{"delete from audit_chains", true},
	} {
		first := openRecording(t)
		if err := <-start(first, "kept", ""); err != nil {
			t.Fatal(err)
		}
		d := first
		if !tamper.begun { // another process
			var err error
			if d, err = Open(t.Context(), column(t, first, "select file from pragma_database_list")[0]); err != nil {
				t.Fatal(err)
			}
			defer d.Close()
			d.UseAuditKey(testMAC)
		}
		run(t, outside(t, d), tamper.statement)
		if err := <-start(d, "lost", ""); err == nil {
			t.Errorf("%s (begun: %v): it went on", tamper.statement, tamper.begun)
		}
		if users, events := count(t, d, "users"), count(t, d, "events"); users != 1 || events != 1 {
			t.Errorf("%s (begun: %v): %d users and %d events are there", tamper.statement, tamper.begun, users, events)
		}
	}
}

// TestLeavingCallerHurtsNobody: a caller that leaves in the middle of a long
// statement gets an error, or its write; the writes that share its transaction
// are not touched.
func TestLeavingCallerHurtsNobody(t *testing.T) {
	t.Parallel()
	d := openRecording(t)
	run(t, d.pools.Writes, "create table numbers (n bigint)")
	release := holdWriter(t, d)
	outcomes := []<-chan error{start(d, "before", "")}
	ctx, leave := context.WithCancel(context.Background())
	left := make(chan error, 1)
	go func() {
		left <- d.Write(ctx, func(tx *Tx) error {
			go leave()
			return tx.exec(ctx, "with recursive n (i) as (select 1 union all select i + 1 from n where i < 30000) insert into numbers select i from n")
		})
	}()
	outcomes = append(outcomes, start(d, "after", ""))
	release()
	for _, o := range outcomes {
		if err := <-o; err != nil {
			t.Errorf("beside a caller that left: %v", err)
		}
	}
	if err, n := <-left, count(t, d, "numbers"); err == nil != (n == 30000) || n != 0 && err != nil {
		t.Errorf("who left was told %v, and %d of its rows are there", err, n)
	}
	wantWhole(t, d)
}

func run(t *testing.T, p *sql.DB, statement string) {
	t.Helper()
	if _, err := p.Exec(statement); err != nil {
		t.Fatalf("%s: %v", statement, err)
	}
}

// outside is another process that has the file open.
func outside(t *testing.T, d *DB) *sql.DB {
	t.Helper()
	p, err := sql.Open("sqlite", column(t, d, "select file from pragma_database_list")[0])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

// start begins a write of a user and its event and returns when its outcome can
// be had.
func start(d *DB, name, text string) <-chan error {
	done := make(chan error, 1)
	go func() {
		ctx := context.Background()
		done <- d.Write(ctx, func(tx *Tx) error {
			id := keyhatch.NewID(keyhatch.UserID, moment)
			if err := tx.InsertUser(ctx, keyhatch.User{ID: id, Name: name + id, FullName: text}); err != nil {
				return err
			}
			return tx.Record(ctx, keyhatch.Event{ID: keyhatch.NewID(keyhatch.EventID, moment), At: moment, Action: "user.create", Target: id})
		})
	}()
	return done
}

// holdWriter keeps the writer busy until release is called: the writes that
// come meanwhile wait, and most likely share one transaction.
func holdWriter(t *testing.T, d *DB) (release func()) {
	t.Helper()
	held, let, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
	go func() {
		ended <- d.Write(context.Background(), func(*Tx) error { close(held); <-let; return nil })
	}()
	select {
	case <-held:
	case err := <-ended: // the fault keeps every transaction from beginning
		return func() { ended <- err }
	}
	return func() { close(let) }
}

func count(t *testing.T, d *DB, table string) (n int) {
	t.Helper()
	if err := d.pools.Reads.QueryRow("select count(*) from " + table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

func testMAC(data []byte) keyhatch.Hash {
	sum := sha256.Sum256(data)
	return sum[:]
}

var moment = time.Date(2031, 2, 3, 4, 5, 6, 0, time.UTC)

func wantWhole(t *testing.T, d *DB) {
	t.Helper()
	ctx := t.Context()
	registry, err := d.AuditRegistry(ctx)
	if err != nil {
		t.Fatal(err)
	}
	heads, err := d.AuditHeads(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if len(heads) == 0 {
		return // nothing was recorded yet
	}
	report, err := audit.Verify(testMAC, registry, heads, d.EventsOfAction(ctx, "audit.checkpoint"), d.AllEvents(ctx))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		t.Errorf("the record is damaged: %s", f)
	}
	if users := count(t, d, "users"); report.Events != int64(users) {
		t.Errorf("%d events of %d users", report.Events, users)
	}
}
