package coretest

import (
	"fmt"
	"strings"
	"testing"
)

// SQL changes the database past the core, as somebody who holds its file can.
func (c *Core) SQL(t testing.TB, statement string, args ...any) {
	t.Helper()
	_, err := c.outside.Exec(statement, args...)
	check(t, err)
}

// Dump is every row of the tables as text, by table; of all tables but those
// that BreakCommits made when none is named.
func (c *Core) Dump(t testing.TB, tables ...string) map[string][]string {
	t.Helper()
	if len(tables) == 0 {
		tables = c.query(t, "select name from sqlite_master where type = 'table' and name <> 'broken'")
	}
	out := map[string][]string{}
	for _, table := range tables {
		out[table] = c.query(t, "select * from "+table+" order by rowid")
	}
	return out
}

// query returns the rows: a single column as it is, several with their names.
func (c *Core) query(t testing.TB, query string) (out []string) {
	t.Helper()
	rows, err := c.outside.Query(query)
	check(t, err)
	defer rows.Close()
	columns, err := rows.Columns()
	check(t, err)
	for rows.Next() {
		values := make([]any, len(columns))
		for i := range values {
			values[i] = new(any)
		}
		check(t, rows.Scan(values...))
		var line strings.Builder
		for i, v := range values {
			if len(values) > 1 {
				fmt.Fprintf(&line, " %s=", columns[i])
			}
			fmt.Fprint(&line, *v.(*any))
		}
		out = append(out, strings.TrimPrefix(line.String(), " "))
	}
	check(t, rows.Err())
	return out
}

// BreakCommits makes every transaction that writes to the table fail at its
// very end, when it commits, until mend is called. A deferred foreign key that
// nothing satisfies stands in for a disk that is full.
func (c *Core) BreakCommits(t testing.TB, table string) (mend func()) {
	t.Helper()
	c.SQL(t, "create table broken (parent bigint references broken (id) deferrable initially deferred, id bigint unique)")
	for _, what := range []string{"insert", "update", "delete"} {
		c.SQL(t, fmt.Sprintf("create trigger broken_%s after %s on %s begin insert into broken (parent) values (1); end", what, what, table))
	}
	return func() {
		t.Helper()
		for _, what := range []string{"insert", "update", "delete"} {
			c.SQL(t, "drop trigger broken_"+what)
		}
		c.SQL(t, "drop table broken")
	}
}

// RefuseInserts makes every insert into the table fail at once, until mend is called.
func (c *Core) RefuseInserts(t testing.TB, table string) (mend func()) {
	t.Helper()
	c.SQL(t, fmt.Sprintf("create trigger refused_insert before insert on %s begin select raise(abort, 'the disk is full'); end", table))
	return func() {
		t.Helper()
		c.SQL(t, "drop trigger refused_insert")
	}
}
