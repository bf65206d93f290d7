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
