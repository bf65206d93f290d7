package db_test

import (
	"database/sql"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/db"
)

func TestOpenMissing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"keyhatch.db", "no-such-folder/keyhatch.db"} {
		d, err := db.Open(t.Context(), filepath.Join(dir, name))
		wantRefused(t, d, err, "is missing")
	}
	wantFiles(t, dir)
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		what, says string
		make       func(path string) error
	}{
		{"a database of something else", "an SQLite file of another program", func(path string) error {
			return statements(path, "create table mine (x)", "insert into mine values (1)")
		}},
		{"a text", "it is not an SQLite file", func(path string) error {
			return os.WriteFile(path, []byte(strings.Repeat("this is a text\n", 500)), 0o600)
		}},
		{"a short text", "it is not an SQLite file", func(path string) error { return os.WriteFile(path, []byte("x"), 0o600) }},
		{"an empty file", "it is empty", func(path string) error { return os.WriteFile(path, nil, 0o600) }},
		{"a folder", "it is not a file", func(path string) error { return os.Mkdir(path, 0o700) }},
		{"a database of another program with migrations", "an SQLite file of another program", func(path string) error {
			return statements(path, "pragma journal_mode = wal", "create table schema_migrations (version varchar primary key)")
		}},
		{"a file that only begins like one", "not a Keyhatch database", func(path string) error {
			return os.WriteFile(path, []byte("SQLite format 3\x00"+strings.Repeat("garbage ", 1000)), 0o600)
		}},
		{"a newer schema", "this program needs", func(path string) error {
			d, err := db.Create(t.Context(), path)
			if err != nil {
				return err
			}
			if err := d.Close(); err != nil {
				return err
			}
			return statements(path, "insert into schema_migrations (version) values (1000)")
		}},
		{"a schema without a version", "not a Keyhatch database", func(path string) error {
			return statements(path, "create table schema_migrations (version bigint primary key)")
		}},
	} {
		path := filepath.Join(t.TempDir(), "file")
		if err := c.make(path); err != nil {
			t.Fatalf("%s: %v", c.what, err)
		}
		before := contents(t, path)
		d, err := db.Open(t.Context(), path)
		wantRefused(t, d, err, c.says)
		if c.what != "a newer schema" { // which is ours
			if _, _, err := db.Migrate(t.Context(), path, nil); err == nil {
				t.Errorf("%s: it was migrated", c.what)
			}
			if contents(t, path) != before {
				t.Errorf("%s: it was changed", c.what)
			}
			wantFiles(t, filepath.Dir(path), "file")
		}
		if err != nil && !strings.Contains(err.Error(), path) {
			t.Errorf("%s: the error does not name the file: %v", c.what, err)
		}
	}
}

// contents are those of a file; a folder has none.
func contents(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if info, statErr := os.Stat(path); statErr == nil && info.IsDir() {
		return ""
	}
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// TestOpenLeavesADatabaseInUse finds that a database is another program's while that
// has written to its log only, and leaves both files.
func TestOpenLeavesADatabaseInUse(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	other, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	other.SetMaxOpenConns(1)
	for _, s := range []string{"pragma journal_mode = wal", "create table mine (x)", "insert into mine values (1)"} {
		if _, err := other.Exec(s); err != nil {
			t.Fatal(err)
		}
	}
	file, log := contents(t, path), contents(t, path+"-wal")
	if log == "" {
		t.Fatal("it has no log")
	}
	d, err := db.Open(t.Context(), path)
	wantRefused(t, d, err, "an SQLite file of another program")
	if contents(t, path) != file || contents(t, path+"-wal") != log {
		t.Error("it was changed")
	}
}

// TestOpenTakesAKilledOne takes a database of which all is in the log still: the process
// that made it was killed.
func TestOpenTakesAKilledOne(t *testing.T) {
	t.Parallel()
	from, to := filepath.Join(t.TempDir(), "file"), filepath.Join(t.TempDir(), "file")
	made, err := db.Create(t.Context(), from)
	if err != nil {
		t.Fatal(err)
	}
	defer made.Close()
	for _, end := range []string{"", "-wal"} {
		if err := os.WriteFile(to+end, []byte(contents(t, from+end)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	d, err := db.Open(t.Context(), to)
	if err != nil {
		t.Fatal(err)
	}
	d.Close()
}

func statements(path string, list ...string) error {
	d, err := sql.Open("sqlite", path)
	if err != nil {
		return err
	}
	defer d.Close()
	for _, s := range list {
		if _, err := d.Exec(s); err != nil {
			return err
		}
	}
	return d.Close()
}

// wantRefused checks for one clear line and no database.
func wantRefused(t *testing.T, d *db.DB, err error, says string) {
	t.Helper()
	if d != nil {
		t.Error("it was opened")
		d.Close()
	}
	if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), "\n") {
		t.Errorf("got error %q, want one line that says %q", err, says)
	}
}

func wantFiles(t *testing.T, dir string, want ...string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range entries {
		got = append(got, e.Name())
	}
	if strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("the folder holds %q, want %q", got, want)
	}
}

func TestCreateNeverOverwrites(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "keyhatch.db")
	if err := os.WriteFile(path, []byte("precious"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(dir, "target"), filepath.Join(dir, "link")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"keyhatch.db", "link"} {
		d, err := db.Create(t.Context(), filepath.Join(dir, name))
		wantRefused(t, d, err, "exists already")
	}
	d, err := db.Create(t.Context(), filepath.Join(dir, "no-such-folder", "keyhatch.db"))
	wantRefused(t, d, err, "no such file")
	if b, err := os.ReadFile(path); err != nil || string(b) != "precious" {
		t.Errorf("the file holds %q, %v", b, err)
	}
	wantFiles(t, dir, "keyhatch.db", "link")
}

// TestS5_OnlyOwnerReads: nobody else on the machine can read the database, its
// log included, whatever the umask leaves.
func TestS5_OnlyOwnerReads(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	d := createRecording(t, filepath.Join(dir, "keyhatch.db"))
	if _, err := writeUser(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	wantFiles(t, dir, "keyhatch.db", "keyhatch.db-shm", "keyhatch.db-wal")
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		info, err := e.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", e.Name(), info.Mode())
		}
	}
}

// TestPathsAreFiles: what SQLite would read as a URL's options or as an escape
// is part of the name.
func TestPathsAreFiles(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	var names []string
	for _, name := range []string{"a b", "c?mode=ro", "d#e", "f%20g", "h&_pragma=synchronous(0)", "i:j", "k'l", "é"} {
		for _, path := range []string{filepath.Join(dir, name), "relative " + name} {
			create(t, path).Close()
			open(t, path).Close()
		}
		names = append(names, name, "relative "+name)
	}
	for _, name := range names {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			t.Error(err)
		}
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != len(names) {
		t.Errorf("%d names made %d files: %v, %v", len(names), len(entries), entries, err)
	}
}
