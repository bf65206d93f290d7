package db

import (
	"context"
	"database/sql"
	"fmt"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/db/engine"
	"github.com/keyhatch/keyhatch/db/schema"
	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// BenchmarkLeases measures what the group commit makes of callers who borrow at the same
// time, each a lease with its event: how many leases a transaction has, and how long who
// borrows waits. PostgreSQL is one of the tests, which does not wait for its disk.
func BenchmarkLeases(b *testing.B) {
	for name, address := range map[string]func(b *testing.B) string{
		"SQLite":     func(b *testing.B) string { return filepath.Join(b.TempDir(), "keyhatch.db") },
		"PostgreSQL": func(b *testing.B) string { return pgcluster.Start(b).New(b) },
	} {
		b.Run(name, func(b *testing.B) {
			d, transactions := counting(b, address(b))
			for _, callers := range []int{1, 8, 64} {
				b.Run(fmt.Sprint(callers, " callers"), func(b *testing.B) {
					before := transactions.Load()
					var left, waited atomic.Int64
					left.Store(int64(b.N))
					var all sync.WaitGroup
					b.ResetTimer()
					for range callers {
						all.Go(func() {
							for left.Add(-1) >= 0 {
								begun := time.Now()
								if err := borrow(d); err != nil {
									b.Error(err)
									return
								}
								waited.Add(int64(time.Since(begun)))
							}
						})
					}
					all.Wait()
					b.ReportMetric(float64(b.N)/float64(transactions.Load()-before), "leases/transaction")
					b.ReportMetric(float64(waited.Load())/float64(b.N)/1e6, "ms-waited/lease")
				})
			}
		})
	}
}

// counting makes a database that counts its transactions.
func counting(b *testing.B, address string) (*DB, *atomic.Int64) {
	b.Helper()
	pools, err := create(b.Context(), address, engine.Limits{})
	if err != nil {
		b.Fatal(err)
	}
	if _, _, err := schema.Migrate(b.Context(), pools, nil); err != nil {
		b.Fatal(err)
	}
	var transactions atomic.Int64
	turn := pools.Turn
	pools.Turn = func(ctx context.Context, tx *sql.Tx) error {
		transactions.Add(1)
		if turn == nil {
			return nil
		}
		return turn(ctx, tx)
	}
	d := serve(pools)
	b.Cleanup(func() { d.Close() })
	d.UseAuditKey(func([]byte) keyhatch.Hash { return make(keyhatch.Hash, 32) })
	if err := d.Write(b.Context(), func(tx *Tx) error { return tx.BeginRecord(b.Context()) }); err != nil {
		b.Fatal(err)
	}
	return d, &transactions
}

// borrow writes what a lease leaves behind.
func borrow(d *DB) error {
	ctx, now := context.Background(), time.Now()
	l := keyhatch.Lease{ID: keyhatch.NewID(keyhatch.LeaseID, now), IssuedAt: now, ExpiresAt: now.Add(time.Hour)}
	l.AccessKeyID = l.ID
	return d.Write(ctx, func(tx *Tx) error {
		if err := tx.InsertLease(ctx, l); err != nil {
			return err
		}
		return tx.Record(ctx, keyhatch.Event{ID: keyhatch.NewID(keyhatch.EventID, now), At: now, Target: l.ID})
	})
}
