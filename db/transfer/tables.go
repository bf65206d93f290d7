package transfer

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// table is what has to be known of one to move its rows.
type table struct {
	name    string
	columns []string
	kinds   []string // of the columns, as they are declared
	refers  []string // tables that its rows name
}

// stays are the tables that are not moved.
var stays = map[string]string{
	"schema_migrations": "it tells of the other database's tables",
	"writers":           "it tells of processes that write there",
}

// tablesOf reads from SQLite which tables there are, in an order in which what a row names
// comes before it.
func tablesOf(ctx context.Context, tx *sql.Tx) (ordered []table, err error) {
	names, err := texts(ctx, tx, "select name from sqlite_master where type = 'table' and name not like 'sqlite_%' order by name")
	if err != nil {
		return nil, err
	}
	var left []table
	for _, name := range names {
		if stays[name] != "" {
			continue
		}
		t := table{name: name}
		if t.columns, err = texts(ctx, tx, "select name from pragma_table_info($1) order by cid", name); err != nil {
			return nil, err
		}
		if t.kinds, err = texts(ctx, tx, "select lower(type) from pragma_table_info($1) order by cid", name); err != nil {
			return nil, err
		}
		if t.refers, err = texts(ctx, tx, `select distinct "table" from pragma_foreign_key_list($1)`, name); err != nil {
			return nil, err
		}
		left = append(left, t)
	}
	placed := map[string]bool{}
	for len(left) > 0 {
		before := len(left)
		left = slices.DeleteFunc(left, func(t table) bool {
			if slices.ContainsFunc(t.refers, func(name string) bool { return !placed[name] }) {
				return false
			}
			placed[t.name] = true
			ordered = append(ordered, t)
			return true
		})
		if len(left) == before {
			return nil, errors.New("tables refer to each other in a circle, the first of them " + left[0].name)
		}
	}
	return ordered, nil
}

func texts(ctx context.Context, tx *sql.Tx, query string, args ...any) (out []string, err error) {
	rows, err := tx.QueryContext(ctx, query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		if err := rows.Scan(&text); err != nil {
			return nil, err
		}
		out = append(out, text)
	}
	return out, rows.Err()
}

func (t table) query() string {
	return "select " + strings.Join(t.columns, ", ") + " from " + t.name
}

// insert is the statement that adds so many rows.
func (t table) insert(rows int) string {
	var b strings.Builder
	fmt.Fprintf(&b, "insert into %s (%s) values ", t.name, strings.Join(t.columns, ", "))
	for n := range rows * len(t.columns) {
		switch {
		case n == 0:
			b.WriteString("(")
		case n%len(t.columns) == 0:
			b.WriteString("), (")
		default:
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, "$%d", n+1)
	}
	b.WriteString(")")
	return b.String()
}
