package db

import (
	"context"
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// olderDatabase is one that an older program made: only the first migrations ran.
func olderDatabase(t *testing.T, version int) string {
	t.Helper()
	names := migrationFiles(t)
	path := filepath.Join(t.TempDir(), "keyhatch.db")
	pastTheProgram(t, path, "create table schema_migrations (version bigint primary key)")
	for i, name := range names[:version] {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		pastTheProgram(t, path, string(text))
		pastTheProgram(t, path, "insert into schema_migrations (version) values ($1)", i+1)
	}
	return path
}

func migrationFiles(t *testing.T) []string {
	t.Helper()
	names, err := filepath.Glob("schema/migrations/*.sql")
	if err != nil || len(names) == 0 {
		t.Fatalf("%d migrations, %v", len(names), err)
	}
	return names
}

func pastTheProgram(t *testing.T, path, statement string, args ...any) {
	t.Helper()
	d, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	if _, err := d.Exec(statement, args...); err != nil {
		t.Fatal(err)
	}
}

// TestMigrate: a database of every older version is refused until it is brought
// up, keeps what it holds, and has the schema of a new one then.
func TestMigrate(t *testing.T) {
	t.Parallel()
	names := migrationFiles(t)
	const schema = "select coalesce(sql, '') from sqlite_master where name not like 'sqlite_%' order by name"
	want := column(t, openNew(t), schema)
	for version := 1; version < len(names); version++ {
		path := olderDatabase(t, version)
		pastTheProgram(t, path, "insert into workspaces values ('ws_1', 'kept', 0)")
		if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "keyhatch migrate") {
			t.Errorf("version %d opens: %v", version, err)
		}
		for _, begin := range []int{version, len(names)} { // and once more, when there is nothing to do
			from, to, err := Migrate(t.Context(), path)
			if err != nil || from != begin || to != len(names) {
				t.Errorf("from version %d: went from %d to %d, %v", begin, from, to, err)
			}
		}
		d, err := Open(context.Background(), path)
		if err != nil {
			t.Fatalf("version %d, brought up: %v", version, err)
		}
		if diff := cmp.Diff(want, column(t, d, schema)); diff != "" {
			t.Errorf("from version %d (-new +brought up):\n%s", version, diff)
		}
		if got := column(t, d, "select name from workspaces"); len(got) != 1 || got[0] != "kept" {
			t.Errorf("version %d kept %v", version, got)
		}
		d.Close()
	}
}

// TestMigratedLeases: a lease of before it could be narrowed is one that is not, and
// can be ended.
func TestMigratedLeases(t *testing.T) {
	t.Parallel()
	path := olderDatabase(t, 4)
	pastTheProgram(t, path, `insert into leases values ('lease_1', 'ws', 'ann', 'tok', 'store', 'disk', 'KHLE', 'read', '[]', 1, 2, null)`)
	if _, _, err := Migrate(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	d, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	l, err := d.Lease(t.Context(), "lease_1")
	if err != nil || l.User != "ann" || l.SessionName != "" || l.Policies != nil || l.Ancestors != nil {
		t.Fatalf("it is %+v, %v", l, err)
	}
	if err := d.Write(t.Context(), func(tx *Tx) error { return tx.RevokeLease(t.Context(), l, l.IssuedAt) }); err != nil {
		t.Fatal(err)
	}
	if l, err = d.Lease(t.Context(), "lease_1"); err != nil || l.RevokedAt.IsZero() {
		t.Errorf("ended, it is %+v, %v", l, err)
	}
}

// TestMigrateRefuses: what is no database of ours, or a newer one's, is left
// alone.
func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	if _, _, err := Migrate(t.Context(), filepath.Join(t.TempDir(), "none.db")); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a missing file: %v", err)
	}
	path := olderDatabase(t, 1)
	pastTheProgram(t, path, "insert into schema_migrations (version) values (1000)")
	if _, _, err := Migrate(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("a newer database: %v", err)
	}
}

// TestMigrateKeepsGroups: groups and who is in them, with since when, stand in
// the tables that groups and teamspaces share.
func TestMigrateKeepsGroups(t *testing.T) {
	t.Parallel()
	path := olderDatabase(t, 4)
	for _, statement := range []string{
		"insert into users values ('user_1', 'ann', '', '', false, true, 0, 0)",
		"insert into workspaces values ('ws_1', 'lab', 0)",
		"insert into user_groups values ('group_1', 'ws_1', 'staff', 12)",
		"insert into group_members values ('ws_1', 'group_1', 'user_1', 34)",
	} {
		pastTheProgram(t, path, statement)
	}
	if _, _, err := Migrate(t.Context(), path); err != nil {
		t.Fatal(err)
	}
	d, err := Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer d.Close()
	group, err := d.GroupByName(t.Context(), "ws_1", "staff")
	if err != nil || group.ID != "group_1" || group.Workspace != "ws_1" || group.CreatedAt.UnixMicro() != 12 {
		t.Errorf("the group is %+v, %v", group, err)
	}
	members, err := d.AllCircleMembers(t.Context())
	if err != nil || len(members) != 1 || members[0].Circle != "group_1" || members[0].User != "user_1" || members[0].Since.UnixMicro() != 34 {
		t.Errorf("its members are %+v, %v", members, err)
	}
}
