package db_test

import (
	"context"
	"errors"
	"testing"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// testLostCommit: a connection that is lost while it commits leaves in doubt whether the
// transaction was kept. Who wrote is told the truth, which was always "nothing was kept",
// and the process goes on in its chain at the place that is in the tables: where it took
// the wrong one, nothing could be recorded any more.
func testLostCommit(t *testing.T, cluster *pgcluster.Cluster) {
	for _, c := range []struct {
		name string
		cut  pgcluster.Cut
		kept bool
	}{
		{"before the server hears of it", pgcluster.BeforeCommit, false},
		{"after the server has done it", pgcluster.AfterCommit, true},
		{"the server hears of it late", pgcluster.LateCommit, true},
		{"the server hears of the end late", pgcluster.LateEnd, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			address, proxy := cluster.New(t), cluster.Proxy(t)
			createRecording(t, address).Close()
			d := open(t, proxy.Address(address))
			d.UseAuditKey(auditKey)
			want := map[string]bool{}
			for round := range 2 { // before its chain is open, and then
				proxy.AtCommit(c.cut)
				id, err := writeUser(context.Background(), d)
				if c.kept && err != nil || !c.kept && !errors.Is(err, keyhatch.Unavailable) {
					t.Errorf("round %d: the write got %v, and was kept: %v", round, err, c.kept)
				}
				want[id] = c.kept
				if id, err = writeUser(context.Background(), d); err != nil {
					t.Fatalf("round %d: the next write: %v", round, err)
				}
				want[id] = true
			}
			users, err := d.Users(t.Context(), "", "", db.Everything)
			if err != nil {
				t.Fatal(err)
			}
			stored := map[string]bool{}
			for _, u := range users {
				stored[u.ID] = true
			}
			for id, kept := range want {
				if stored[id] != kept {
					t.Errorf("%s is there: %v, and who wrote was told %v", id, stored[id], kept)
				}
			}
			if report := verify(t, d); report.Chains != 1 || report.Events != int64(len(users)) {
				t.Errorf("%d events in %d chains of %d users", report.Events, report.Chains, len(users))
			}
		})
	}
}

// testListen: who listens hears of what another process commits to the feed, also after
// the connection was lost.
func testListen(t *testing.T, cluster *pgcluster.Cluster) {
	address, proxy := cluster.New(t), cluster.Proxy(t)
	createRecording(t, address).Close()
	writer, listener := open(t, address), open(t, proxy.Address(address))
	writer.UseAuditKey(auditKey)
	heard := make(chan struct{}, 100)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		listener.Listen(ctx, func() { heard <- struct{}{} })
	}()
	for range 2 {
		<-heard // that it listens
		for range 3 {
			if _, err := writeUser(ctx, writer); err != nil {
				t.Fatal(err)
			}
			<-heard
		}
		proxy.Cut()
		proxy.Mend()
	}
	stop()
	<-ended
}

// testDatabaseGone: while the database cannot be reached, who asks is told that it is
// unavailable, also in the middle of a write, and nothing has to be started again.
func testDatabaseGone(t *testing.T, cluster *pgcluster.Cluster) {
	address, proxy := cluster.New(t), cluster.Proxy(t)
	createRecording(t, address).Close()
	d := open(t, proxy.Address(address))
	d.UseAuditKey(auditKey)
	ctx := context.Background()
	for round := range 2 { // before its chain is open, and then
		err := d.Write(ctx, func(tx *db.Tx) error {
			u := keyhatch.User{ID: keyhatch.NewID(keyhatch.UserID, keyhatchNow()), Name: "lost"}
			if err := tx.InsertUser(ctx, u); err != nil {
				return err
			}
			proxy.Cut()
			u.ID = keyhatch.NewID(keyhatch.UserID, keyhatchNow())
			return tx.InsertUser(ctx, u)
		})
		if !errors.Is(err, keyhatch.Unavailable) {
			t.Errorf("round %d: cut in a write: %v", round, err)
		}
		if _, err := writeUser(ctx, d); !errors.Is(err, keyhatch.Unavailable) {
			t.Errorf("round %d: a write while it is gone: %v", round, err)
		}
		if _, err := d.Users(ctx, "", "", db.Everything); !errors.Is(err, keyhatch.Unavailable) {
			t.Errorf("round %d: a read while it is gone: %v", round, err)
		}
		if err := d.Snapshot(ctx, func(db.Reader) error { return nil }); !errors.Is(err, keyhatch.Unavailable) {
			t.Errorf("round %d: a snapshot while it is gone: %v", round, err)
		}
		proxy.Mend()
		if _, err := writeUser(ctx, d); err != nil {
			t.Errorf("round %d: a write when it is back: %v", round, err)
		}
		users, err := d.Users(ctx, "", "", db.Everything)
		if err != nil || len(users) != round+1 {
			t.Errorf("round %d: %d users, %v", round, len(users), err)
		}
	}
	if report := verify(t, d); report.Chains != 1 || report.Events != 2 {
		t.Errorf("%d events in %d chains", report.Events, report.Chains)
	}
}
