package db

import (
	"context"
	"database/sql"
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/keyhatch/keyhatch"
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
		pastTheProgram(t, path, "insert into schema_migrations (version) values ($1)", numberOf(t, names[i]))
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

// numberOf is the version that a migration makes.
func numberOf(t *testing.T, name string) int {
	t.Helper()
	number, err := strconv.Atoi(filepath.Base(name)[:4])
	if err != nil {
		t.Fatal(err)
	}
	return number
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
	newest := numberOf(t, names[len(names)-1])
	for version := 1; version < len(names); version++ {
		path := olderDatabase(t, version)
		pastTheProgram(t, path, "insert into workspaces values ('ws_1', 'kept', 0)")
		if _, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "keyhatch migrate") {
			t.Errorf("version %d opens: %v", version, err)
		}
		for _, begin := range []int{numberOf(t, names[version-1]), newest} { // and once more, when there is nothing to do
			from, to, err := Migrate(t.Context(), path, nil)
			if err != nil || from != begin || to != newest {
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
	d := migrated(t, path)
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

// TestMigratedAccounts: who has buckets or keys on a store has an account there, once, and
// its buckets are as they were.
func TestMigratedAccounts(t *testing.T) {
	t.Parallel()
	names := migrationFiles(t)
	before := slices.IndexFunc(names, func(name string) bool { return strings.Contains(name, "store_accounts") })
	path := olderDatabase(t, before)
	for _, statement := range []string{
		"insert into workspaces values ('ws_1', 'one', 0), ('ws_2', 'two', 0), ('ws_3', 'none', 0)",
		"insert into users (id, name, full_name, email, admin, active, active_since, created_at) values ('user_1', 'ann', '', '', false, true, 0, 0)",
		"insert into stores (id, name, kind, path, lends, created_at) values ('store_1', 'a', 'directory', '/a', 'own', 0), ('store_2', 'b', 'directory', '/b', 'own', 0)",
		"insert into buckets (id, workspace, store, name, created_at) values ('b_1', 'ws_1', 'store_1', 'abc', 7), ('b_2', 'ws_1', 'store_1', 'def', 8)",
		`insert into access_keys (id, workspace, store, name, owner, token, see_all, read_all, write_all, state, reason, created_at) values
			('k_1', 'ws_1', 'store_1', 'k', 'user_1', 't', false, false, false, 'configured', '', 5), ('k_2', 'ws_2', 'store_2', 'k', 'user_1', 't', false, false, false, 'configured', '', 6)`,
	} {
		pastTheProgram(t, path, statement)
	}
	d := migrated(t, path)
	all, err := d.StoreAccounts(t.Context(), "", "", Everything)
	if err != nil || len(all) != 2 {
		t.Fatalf("the accounts are %v, %v", all, err)
	}
	for i, want := range []struct {
		workspace, store string
		since            int64
	}{{"ws_1", "store_1", 5}, {"ws_2", "store_2", 6}} {
		a := all[i]
		if _, ok := keyhatch.IDPayload(keyhatch.StoreAccountID, a.ID); !ok || a.Workspace != want.workspace || a.Store != want.store ||
			a.State != keyhatch.AccountProvisioned || a.CreatedAt.UnixMicro() != want.since || !a.ProvisionedAt.Equal(a.CreatedAt) {
			t.Errorf("account %d is %+v", i, a)
		}
	}
	b, err := d.Bucket(t.Context(), "b_1")
	if err != nil || b.State != keyhatch.BucketConfigured || b.MaxPresigned != keyhatch.LongestPresigned || !b.PresignedSince.IsZero() || b.AllKeysRead || b.AllKeysWrite {
		t.Errorf("a bucket is %+v, %v", b, err)
	}
}

// TestMigratedConsents: what a user of a provider has let a program do before consents had an end
// ends when it would, refreshed or not; what others have has no end. Once it was refreshed for ever.
func TestMigratedConsents(t *testing.T) {
	t.Parallel()
	before := slices.IndexFunc(migrationFiles(t), func(name string) bool { return strings.Contains(name, "0033_") })
	path := olderDatabase(t, before)
	for _, statement := range []string{
		`insert into users (id, name, full_name, email, admin, active, active_since, created_at) values
			('user_1', 'ann', '', '', false, true, 0, 0), ('user_2', 'bob', '', '', false, true, 0, 0)`,
		`insert into identities (issuer, subject, user_id, created_at) values
			('https://login.example.org', 'ann', 'user_1', 0), ('https://login.example.org', 'gone', null, 0)`,
		`insert into oauth_consents (id, client, user_id, scopes, openid, nonce, logged_in, created_at, expires_at) values
			('consent_1', 'c', 'user_1', '[]', false, '', 0, 5, 70), ('consent_2', 'c', 'user_2', '[]', false, '', 0, 5, 80)`,
	} {
		pastTheProgram(t, path, statement)
	}
	d := migrated(t, path)
	if got := column(t, d, "select id || ' ' || expires_at || ' ' || coalesce(ends_at, 'never') from oauth_consents order by id"); !slices.Equal(got, []string{"consent_1 70 70", "consent_2 80 never"}) {
		t.Errorf("they are %q", got)
	}
}

// migrated brings a database up, and opens it.
func migrated(t *testing.T, path string) *DB {
	t.Helper()
	if _, _, err := Migrate(t.Context(), path, nil); err != nil {
		t.Fatal(err)
	}
	d, err := Open(context.Background(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { d.Close() })
	return d
}

// TestMigrateRefuses: what is no database of ours, or a newer one's, is left
// alone.
func TestMigrateRefuses(t *testing.T) {
	t.Parallel()
	if _, _, err := Migrate(t.Context(), filepath.Join(t.TempDir(), "none.db"), nil); err == nil || !strings.Contains(err.Error(), "missing") {
		t.Errorf("a missing file: %v", err)
	}
	path := olderDatabase(t, len(migrationFiles(t)))
	pastTheProgram(t, path, "insert into schema_migrations (version, oldest) values (1000, 1000)")
	if _, _, err := Migrate(t.Context(), path, nil); err == nil || !strings.Contains(err.Error(), "newer") {
		t.Errorf("a newer database: %v", err)
	}
}

// TestMigrationsSayWhoGoesOn: each migration says which programs go on working beside it, as
// docs/replicas.md has it: those of the one before, or as many as that has, or none but its own.
func TestMigrationsSayWhoGoesOn(t *testing.T) {
	t.Parallel()
	says := regexp.MustCompile(`\A-- Programs since (\d{4}) go on working\.\n--\n`)
	before := 34
	for _, name := range migrationFiles(t) {
		number := numberOf(t, name)
		if number <= 34 { // of programs that took no schema but their own
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		found := says.FindSubmatch(text)
		if found == nil {
			t.Errorf("%s does not begin with `-- Programs since NNNN go on working.` and an empty line of comment", name)
			continue
		}
		oldest, err := strconv.Atoi(string(found[1]))
		if err != nil || oldest < before || oldest > number {
			t.Errorf("%s says that programs since %d go on, and the ones before said since %d", name, oldest, before)
		}
		before = oldest
	}
}

// TestRollingSchema: a program goes on with a later schema that says so, whether it was there
// when it started or came while it ran, and does nothing any more with one that does not.
func TestRollingSchema(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keyhatch.db")
	runs, err := Create(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer runs.Close()
	newest := numberOf(t, migrationFiles(t)[len(migrationFiles(t))-1])
	write := func(d *DB) error {
		return d.Write(t.Context(), func(tx *Tx) error {
			id := keyhatch.NewID(keyhatch.WorkspaceID, time.Now())
			return tx.InsertWorkspace(t.Context(), keyhatch.Workspace{ID: id, Name: id})
		})
	}
	read := func(d *DB) error {
		return d.Snapshot(t.Context(), func(r Reader) error {
			_, err := r.FeedEnd(t.Context())
			return err
		})
	}
	pastTheProgram(t, path, "insert into schema_migrations (version, oldest) values (1001, $1)", newest)
	pastTheProgram(t, path, "alter table workspaces add column later text")
	if from, to, err := Migrate(t.Context(), path, nil); err != nil || from != 1001 || to != 1001 {
		t.Errorf("migrated by an earlier program, it went from %d to %d, %v", from, to, err)
	}
	late, err := Open(t.Context(), path)
	if err != nil {
		t.Fatalf("a later schema that is for this program too: %v", err)
	}
	defer late.Close()
	for what, d := range map[string]*DB{"that ran": runs, "that was started then": late} {
		if err := errors.Join(write(d), read(d)); err != nil {
			t.Errorf("a program %s: %v", what, err)
		}
	}
	// A backup would lack what the program does not know. It was made, and could not be put back.
	late.UseAuditKey(func([]byte) keyhatch.Hash { return nil })
	if _, err := late.Dump(t.Context(), io.Discard, nil); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("a backup by an earlier program: %v", err)
	}
	pastTheProgram(t, path, "insert into schema_migrations (version, oldest) values (1002, 1002)")
	if err := write(runs); !errors.Is(err, keyhatch.Unavailable) {
		t.Errorf("after a schema that is not for this program, a write: %v", err)
	}
	if err := read(runs); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("after a schema that is not for this program, a refresh of memory: %v", err)
	}
	if d, err := Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer program") {
		t.Errorf("it opens: %v, %v", d, err)
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
	d := migrated(t, path)
	group, err := d.GroupByName(t.Context(), "ws_1", "staff")
	if err != nil || group.ID != "group_1" || group.Workspace != "ws_1" || group.CreatedAt.UnixMicro() != 12 {
		t.Errorf("the group is %+v, %v", group, err)
	}
	members, err := d.AllCircleMembers(t.Context())
	if err != nil || len(members) != 1 || members[0].Circle != "group_1" || members[0].User != "user_1" || members[0].Since.UnixMicro() != 34 {
		t.Errorf("its members are %+v, %v", members, err)
	}
}
