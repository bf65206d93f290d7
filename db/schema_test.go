package db

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/keyhatch/keyhatch/db/dump"
)

// ofNoWorkspace are the tables that have no workspace column, with the reason.
// Every other table has one from its first migration on, so that a tenant can be
// listed, moved and erased.
var ofNoWorkspace = map[string]string{
	"installation":      "there is one installation",
	"keysets":           "the installation's data keys",
	"data_keys":         "the installation's data keys",
	"schema_migrations": "the schema's version",
	"audit_registry":    "the record is the installation's; its events name their workspace",
	"writers":           "a process writes for all tenants",
	"audit_chains":      "a chain is of a process, not of a tenant",
	"users":             "people belong to any number of workspaces, by workspace_members",
	"ended_bearers":     "its users are of the installation, and are no more",
	"former_names":      "users are of the installation",
	"workspaces":        "its id is the workspace",
}

func TestEveryTableHasItsWorkspace(t *testing.T) {
	t.Parallel()
	d := openNew(t)
	tables := column(t, d, "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
	for _, table := range tables {
		has := slices.Contains(column(t, d, "select name from pragma_table_info('"+table+"')"), "workspace")
		reason, listed := ofNoWorkspace[table]
		switch {
		case !has && !listed:
			t.Errorf("table %s has no workspace column, and no reason is given", table)
		case has && listed:
			t.Errorf("table %s has a workspace column, but is listed without: %s", table, reason)
		}
	}
	for table := range ofNoWorkspace {
		if !slices.Contains(tables, table) {
			t.Errorf("the listed table %s does not exist", table)
		}
	}
}

// TestEveryTableIsDumped: what a backup leaves out is lost, and a table that stands before
// one that it refers to cannot be filled.
func TestEveryTableIsDumped(t *testing.T) {
	t.Parallel()
	d := openNew(t)
	tables := column(t, d, "select name from sqlite_master where type = 'table' and name not like 'sqlite_%'")
	var before []string
	for _, table := range dump.Tables {
		if key := column(t, d, "select name from pragma_table_info('"+table.Name+"') where pk > 0 order by pk"); !slices.Equal(key, table.Key) {
			t.Errorf("table %s has the key %v, not %v", table.Name, key, table.Key)
		}
		before = append(before, table.Name)
		for _, other := range column(t, d, "select \"table\" from pragma_foreign_key_list('"+table.Name+"') union select '"+table.Name+"'") {
			if !slices.Contains(before, other) {
				t.Errorf("table %s stands before %s, to which it refers", table.Name, other)
			}
		}
	}
	for _, table := range tables {
		if _, out := dump.LeftOut[table]; out == slices.Contains(before, table) {
			t.Errorf("table %s has to be dumped, or left out for a reason, and not both", table)
		}
	}
	if len(before)+len(dump.LeftOut) != len(tables) {
		t.Errorf("dumped %d and left out %d of %d tables", len(before), len(dump.LeftOut), len(tables))
	}
}

func openNew(t *testing.T) *DB {
	t.Helper()
	d, err := Create(t.Context(), filepath.Join(t.TempDir(), "keyhatch.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

func column(t *testing.T, d *DB, query string) (out []string) {
	t.Helper()
	rows, err := d.pools.Reads.Query(query)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	for rows.Next() {
		var s string
		if err := rows.Scan(&s); err != nil {
			t.Fatal(err)
		}
		out = append(out, s)
	}
	if err := rows.Err(); err != nil || len(out) == 0 {
		t.Fatalf("%s: %d rows, %v", query, len(out), err)
	}
	return out
}

// ofNoSecret are the columns of bytes that hold nothing that is sealed with a data
// key. Every other one is sealed anew when keys are rotated.
var ofNoSecret = map[string]string{
	"keysets.wrapped":      "wrapped by the key-encryption key",
	"tokens.hash":          "a hash with a pepper",
	"tokens.old_hash":      "a hash with a pepper",
	"password_resets.hash": "a hash with a pepper",
	"sessions.hash":        "a hash with a pepper",
	"begun_logins.hash":    "a hash of nothing but chance",
	"ended_bearers.hash":   "a hash with a pepper",
	"oauth_clients.hash":   "a hash with a pepper",
	"oauth_codes.hash":     "a hash with a pepper",
	"oauth_refreshes.hash": "a hash with a pepper",
	"oauth_devices.hash":   "a hash with a pepper",
	"audit_registry.sign":  "a hash of the audit record",
	"audit_chains.sign":    "a hash of the audit record",
	"events.hash":          "a hash of the audit record",
	"audit_chains.hash":    "a hash of the audit record",
}

// TestEverySealedColumnIsKnown: a column that rotation does not know of cannot be
// opened any more when the key is dropped that it is sealed with.
func TestEverySealedColumnIsKnown(t *testing.T) {
	t.Parallel()
	d := openNew(t)
	columns := column(t, d, "select m.name || '.' || c.name from sqlite_master m, pragma_table_info(m.name) c where m.type = 'table' and lower(c.type) in ('blob', 'bytea')")
	for _, c := range SealedColumns {
		if !slices.Contains(columns, c.Table+"."+c.Column) {
			t.Errorf("%s.%s is listed as sealed and does not exist", c.Table, c.Column)
		}
	}
	for _, name := range columns {
		sealed := slices.ContainsFunc(SealedColumns, func(c SealedColumn) bool { return c.Table+"."+c.Column == name })
		if reason, listed := ofNoSecret[name]; sealed == listed {
			t.Errorf("%s has to be in SealedColumns, or listed with why not (%q), and not both", name, reason)
		}
	}
	for name := range ofNoSecret {
		if !slices.Contains(columns, name) {
			t.Errorf("the listed column %s does not exist", name)
		}
	}
}
