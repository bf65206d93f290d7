package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/keyhatch/keyhatch/db/engine"
	"github.com/keyhatch/keyhatch/db/sqlite"
)

// TestPragmas: every connection of both pools has what durability and the ties
// between tables rest on.
func TestPragmas(t *testing.T) {
	t.Parallel()
	pools := create(t)
	for _, pool := range []struct {
		name string
		size int
		want map[string]string
	}{
		{"writes", 1, map[string]string{"journal_mode": "wal", "synchronous": "2", "foreign_keys": "1", "busy_timeout": "5000", "query_only": "0"}},
		{"reads", 4, map[string]string{"journal_mode": "wal", "foreign_keys": "1", "busy_timeout": "5000", "query_only": "1"}},
	} {
		p := pools.Writes
		if pool.name == "reads" {
			p = pools.Reads
		}
		for range min(pool.size, p.Stats().MaxOpenConnections) {
			c, err := p.Conn(t.Context()) // held until the end: the next one is another
			if err != nil {
				t.Fatal(err)
			}
			defer c.Close()
			for pragma, want := range pool.want {
				var got string
				if err := c.QueryRowContext(t.Context(), "pragma "+pragma).Scan(&got); err != nil || got != want {
					t.Errorf("%s: pragma %s is %q (%v), want %q", pool.name, pragma, got, err, want)
				}
			}
		}
	}
	if max := pools.Writes.Stats().MaxOpenConnections; max != 1 {
		t.Errorf("%d connections write", max)
	}
}

// TestReadersCannotWrite: not even SQL on a reader's connection changes anything.
func TestReadersCannotWrite(t *testing.T) {
	t.Parallel()
	pools := create(t)
	if _, err := pools.Reads.Exec("create table mine (x)"); err == nil {
		t.Error("a reader's connection wrote")
	}
}

func create(t *testing.T) engine.Pools {
	t.Helper()
	pools, err := sqlite.Create(t.Context(), filepath.Join(t.TempDir(), "keyhatch.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := pools.Close(); err != nil {
			t.Error(err)
		}
	})
	return pools
}
