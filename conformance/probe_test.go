package conformance

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/keyhatch/keyhatch/internal/devserver"
	"github.com/keyhatch/keyhatch/internal/peers"
)

// probed are the clients that are proved on another store than keyhatch.
var probed = []string{"s3cmd", "s3fs", "obstore", "duckdb"}

// storeLease is what a client needs to know of a store, in the form in which it
// hears of keyhatch.
func storeLease(s peers.Store) devserver.Lease {
	return devserver.Lease{
		AccessKeyID: s.AccessKeyID, SecretAccessKey: s.SecretAccessKey,
		Endpoint: s.Endpoint, Region: s.Region,
	}
}

// TestProbe stores, lists, fetches and deletes an object in a store that is not
// keyhatch. When a client fails here, keyhatch is not to blame.
func TestProbe(t *testing.T) {
	for _, name := range probed {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			clientOf(name)(t, "") // first, so that no store is started when it is not there
			store := peers.VersityGW(t)
			l := storeLease(store)
			c := clientOf(name)(t, store.Bucket(t))
			data := content(name, 10_000)
			all := []entry{{"in/a file.bin", len(data)}, {"in/deeper/file.bin", len(data)}}
			for _, e := range all {
				c.put(l, write(t, data), e.key).must(t)
			}
			listed, r := c.list(l, "in/")
			r.must(t)
			mustList(t, listed, all)
			file := filepath.Join(t.TempDir(), "download")
			c.get(l, all[0].key, file).must(t)
			mustHave(t, file, data)
			if can(name, opRange) {
				part, r := c.getRange(l, all[0].key, 1234, 4321)
				r.must(t)
				if string(part) != string(data[1234:1234+4321]) {
					t.Errorf("%s: %d other bytes came", r.command, len(part))
				}
			}
			if can(name, opRemove) {
				c.remove(l, all[0].key).must(t)
				listed, r = c.list(l, "in/")
				r.must(t)
				mustList(t, listed, all[1:])
			}
		})
	}
}

// TestProbeQuery has DuckDB do what it is used for: read and write tables.
func TestProbeQuery(t *testing.T) {
	c := newDuckDB(t, "").(pythonLibrary)
	store := peers.VersityGW(t)
	c.bucket = store.Bucket(t)
	l := storeLease(store)
	table := filepath.Join(t.TempDir(), "table.csv")
	if err := os.WriteFile(table, []byte("name,size\na,1\nb,2\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	c.put(l, table, "t/table.csv").must(t)
	c.do(l, "query", "COPY (FROM read_csv('s3://{bucket}/t/table.csv')) TO 's3://{bucket}/t/table.parquet'").must(t)
	r := c.do(l, "query", "SELECT sum(size), count(*) FROM read_parquet('s3://{bucket}/t/*.parquet')").must(t)
	if got := string(r.stdout); got != "[[3, 2]]" && got != `[["3", 2]]` {
		t.Errorf("%s: %s", r.command, got)
	}
}
