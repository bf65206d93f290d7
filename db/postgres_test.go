package db_test

import (
	"database/sql"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch/db"
	"github.com/keyhatch/keyhatch/db/dbtest"
	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// TestPostgreSQL is all that PostgreSQL is held to, on one cluster, since starting one takes
// seconds.
func TestPostgreSQL(t *testing.T) {
	t.Parallel()
	cluster := pgcluster.Start(t)
	for name, test := range map[string]func(t *testing.T, cluster *pgcluster.Cluster){
		"TwoProcesses":     func(t *testing.T, cluster *pgcluster.Cluster) { testTwoProcesses(t, cluster.New(t)) },
		"SameTables":       testSameTables,
		"S1_KilledProcess": func(t *testing.T, cluster *pgcluster.Cluster) { testKilledProcess(t, cluster.New(t), 5) },
		"LostCommit":       testLostCommit,
		"DatabaseGone":     testDatabaseGone,
		"Listen":           testListen,
		"Dump":             testDumpAcrossEngines,
		"PutBackUnder":     testPutBackUnder,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(t, cluster)
		})
	}
	empty := cluster.New(t)
	if err := create(t, empty).Close(); err != nil {
		t.Fatal(err)
	}
	dbtest.Run(t, func(t *testing.T) *db.DB { return open(t, cluster.Copy(t, empty)) })
}

// testSameTables: what is defined once is the same in both engines, and PostgreSQL has text
// in the order of its bytes, as SQLite has it: lists go by it.
func testSameTables(t *testing.T, cluster *pgcluster.Cluster) {
	address, path := cluster.New(t), filepath.Join(t.TempDir(), "keyhatch.db")
	create(t, address)
	create(t, path)
	for what, c := range map[string]struct{ sqlite, postgres string }{
		"columns": {
			`select t.name || '.' || c.name || ' ' || lower(c.type) || case when c."notnull" or c.pk > 0 then ' not null' else '' end
				from sqlite_master t join pragma_table_info(t.name) c where t.type = 'table' and t.name not like 'sqlite_%'`,
			`select table_name || '.' || column_name || ' ' || case data_type when 'bytea' then 'blob' else data_type end
				|| case when data_type = 'text' and collation_name is distinct from 'C' then ' in another order' else '' end
				|| case is_nullable when 'NO' then ' not null' else '' end
				from information_schema.columns where table_schema = current_schema()`,
		},
		"indexes": {
			"select name from sqlite_master where type = 'index' and sql is not null",
			`select c.relname from pg_index i join pg_class c on c.oid = i.indexrelid
				where c.relnamespace = current_schema()::regnamespace and not exists (select from pg_constraint where conindid = c.oid)`,
		},
	} {
		t.Run(what, func(t *testing.T) {
			want, got := texts(t, "sqlite", path, c.sqlite), texts(t, "pgx", address, c.postgres)
			if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
				t.Errorf("(-SQLite +PostgreSQL), of %d:\n%s", len(want), diff)
			}
		})
	}
}

// texts are the answers to a query that is asked past the program, in their order.
func texts(t *testing.T, driver, address, query string) (out []string) {
	t.Helper()
	p, err := sql.Open(driver, address)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	rows, err := p.QueryContext(t.Context(), query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			t.Fatal(err)
		}
		out = append(out, text)
	}
	if err := rows.Err(); err != nil {
		t.Fatal(err)
	}
	slices.Sort(out)
	return out
}
