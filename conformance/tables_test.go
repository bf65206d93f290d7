package conformance

import (
	"strings"
	"testing"
)

// TestTables has DuckDB do what it is for: write tables as CSV and Parquet, find
// them by pattern, and read of them what a question needs.
func TestTables(t *testing.T) {
	for _, v := range []visit{{overHTTP, directory}, {overTLS, directory}, {overHTTP, inTurn(0)}, {overHTTP, inTurn(1)}, {overTLS, inTurn(2)}} {
		t.Run(v.kind.name+" over "+v.server.name, func(t *testing.T) {
			t.Parallel()
			newDuckDB(t, "") // first, so that nothing is started when it is not there
			p := v.server.with(t, v.kind)
			c := newDuckDB(t, p.bucket).(pythonLibrary)
			l := p.lend(t, p.own, "write")
			under := "s3://{bucket}/" + p.own + "tables/"
			ask := func(sql, want string) {
				t.Helper()
				r := c.do(l, "query", strings.ReplaceAll(sql, "s3://", under)).must(t)
				if got := string(r.stdout); want != "" && got != want {
					t.Errorf("%s\nsays %s, want %s", r.command, got, want)
				}
			}
			// Enough that it is sent in parts.
			const rows = "SELECT range AS n, hash(range) AS h, 'row ' || range AS name FROM range(400000)"
			ask("COPY ("+rows+" WHERE n < 100000) TO 's3://a-1.csv'", "")
			ask("COPY ("+rows+" WHERE n >= 100000) TO 's3://a 2+.csv'", "")
			ask("SELECT count(*), max(n), count(DISTINCT h) FROM read_csv('s3://*.csv')", "[[400000, 399999, 400000]]")
			ask("SELECT count(*) FROM glob('s3://**')", "[[2]]")

			ask("COPY ("+rows+") TO 's3://p/all.parquet' (ROW_GROUP_SIZE 50000)", "")
			before := len(mustLog(t, p, l.ID))
			ask("SELECT count(n), sum(n) FROM read_parquet('s3://p/*.parquet')", "[[400000, 79999800000]]")
			var ranges int
			for _, r := range mustLog(t, p, l.ID)[before:] {
				if r.Operation == "GetObject" && r.Status == 206 {
					ranges++
				}
			}
			if ranges < 2 {
				t.Errorf("of the table %d parts were read, want several", ranges)
			}

			ask("COPY (SELECT range % 5 AS k, range AS n FROM range(1000)) TO 's3://by' (FORMAT parquet, PARTITION_BY (k))", "")
			ask("SELECT sum(n), count(DISTINCT k) FROM read_parquet('s3://by/*/*.parquet', hive_partitioning = true) WHERE k < 2", "[[199200, 2]]")

			theirs := "s3://{bucket}/" + siblingPrefix
			c.do(l, "query", "FROM read_csv('"+theirs+"*.csv')").mustBeRefused(t, c.refusal(opList, "AccessDenied"))
			c.do(l, "query", "COPY (SELECT 1) TO '"+theirs+"intruder.csv'").mustBeRefused(t, c.refusal(opPut, "AccessDenied"))
		})
	}
}
