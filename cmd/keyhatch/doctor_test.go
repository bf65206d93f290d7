package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/keyhatch/keyhatch/api"
	"github.com/keyhatch/keyhatch/cli/ask"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"
	"github.com/keyhatch/keyhatch/cmd/keyhatch/doctor"
	"github.com/keyhatch/keyhatch/internal/loginprovider"
	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// examined is what keyhatch doctor says of a configuration.
func examined(t *testing.T, path string) (status int, findings []doctor.Finding) {
	t.Helper()
	var out, failed bytes.Buffer
	status = run(t.Context(), []string{"doctor", "--config", path, "-o", "json"}, nil, &out, &failed)
	if err := json.Unmarshal(out.Bytes(), &findings); err != nil {
		t.Fatalf("status %d: %v: %s%s", status, err, &out, &failed)
	}
	if strings.Contains(out.String(), "canary") {
		t.Errorf("a secret is told: %s", &out)
	}
	for _, f := range findings {
		if wrong := f.State == doctor.Failed || f.State == doctor.Warning; wrong != (f.Next != "") {
			t.Errorf("%+v: what is wrong says what to do, and nothing else does", f)
		}
	}
	return status, findings
}

// hasFinding asserts one of a check, about something, that says so.
func hasFinding(t *testing.T, findings []doctor.Finding, check, about string, state doctor.State, says string) {
	t.Helper()
	if !slices.ContainsFunc(findings, func(f doctor.Finding) bool {
		return f.Check == check && f.About == about && f.State == state && strings.Contains(f.Found+" do: "+f.Next, says)
	}) {
		t.Errorf("no finding %s %s: %s %q in:", check, about, state, says)
		for _, f := range findings {
			t.Errorf("  %+v", f)
		}
	}
}

// fakeStore answers as an S3 store that has another time, and refuses with a code; empty: it
// does not refuse.
func fakeStore(t *testing.T, before time.Duration, code string) string {
	t.Helper()
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Date", time.Now().Add(before).UTC().Format(http.TimeFormat))
		w.Header().Set("Content-Type", "application/xml")
		if code == "" {
			fmt.Fprint(w, `<ListAllMyBucketsResult><Buckets></Buckets></ListAllMyBucketsResult>`)
			return
		}
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprintf(w, `<Error><Code>%s</Code><Message>no</Message></Error>`, code)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// TestDoctorBesideAServer looks at an installation that is served: with stores that answer,
// refuse, are gone and have another time, and issuers that can be asked or not.
func TestDoctorBesideAServer(t *testing.T) {
	r := startWith(t, func(*config.Config) {})
	admin := r.admin.Reveal()
	must[api.Credential](r, admin, "POST", "/api/v1/credentials", `{"name":"keys","aws_keys":{"access_key_id":"AKIAEXAMPLE","secret_access_key":"canary"}}`)
	gone := httptest.NewServer(nil)
	gone.Close()
	skewed := fakeStore(t, 7*time.Minute+30*time.Second, "")
	for name, endpoint := range map[string]string{
		"fine": fakeStore(t, 0, ""), "strict": fakeStore(t, 0, "AccessDenied"), "stranger": fakeStore(t, 0, "InvalidAccessKeyId"),
		"ahead": skewed, "gone": gone.URL,
	} {
		must[api.Store](r, admin, "POST", "/api/v1/stores", fmt.Sprintf(`{"name":%q,"kind":"s3","endpoint":%q,"region":"us-east-1","credential":"keys"}`, name, endpoint))
	}
	issuer := loginprovider.Start(t)
	c := r.in.config
	path := filepath.Join(t.TempDir(), "keyhatch.yaml")
	text := fmt.Sprintf(`
database: %q
key_file: %q
directory_roots: [%q]
outbound_networks: [127.0.0.0/8]
issuers:
  - {issuer: %q, audience: {values: [a]}, subject: {template: "{}"}, workspaces: [demo], scopes: [leases]}
  - {issuer: %q, audience: {values: [a]}, subject: {template: "{}"}, workspaces: [demo], scopes: [leases]}
login:
  providers:
    - {name: good, issuer: %q, client_id: a, users: {x: ada}}
    - {name: bad, issuer: %q, client_id: a, users: {x: ada}}
`, c.Database, c.KeyFile, c.DirectoryRoots[0], issuer.URL, gone.URL, issuer.URL, gone.URL)
	if err := os.WriteFile(path, []byte(text), 0o622); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o622); err != nil {
		t.Fatal(err)
	}
	before := r.events(t)
	status, found := examined(t, path)
	if status != ask.ExitUnwell {
		t.Errorf("status %d", status)
	}
	if after := r.events(t); after != before {
		t.Errorf("the record went from %s to %s", before, after)
	}
	host := strings.TrimPrefix(skewed, "http://")
	for _, f := range []struct {
		check, about string
		state        doctor.State
		says         string
	}{
		{"configuration", "", doctor.Warning, "do: chmod go-w " + path},
		{"database", "", doctor.OK, c.Database},
		{"schema", "", doctor.OK, "version "},
		{"key", "", doctor.OK, ""},
		{"audit record", "", doctor.OK, "chains "},
		{"store", "fine", doctor.OK, "takes its credential"},
		{"store", "strict", doctor.Warning, "may not list buckets"},
		{"store", "stranger", doctor.Failed, "does not take its credential (the store says InvalidAccessKeyId)"},
		{"store", "ahead", doctor.OK, ""},
		{"store", "gone", doctor.Failed, "does not answer"},
		{"issuer", issuer.URL, doctor.OK, "can be fetched"},
		{"issuer", gone.URL, doctor.Failed, "connection refused"},
		{"login", "good", doctor.OK, ""},
		{"login", "bad", doctor.Failed, "connection refused"},
		{"clock", host, doctor.Failed, "behind do: have this machine's clock set"},
	} {
		hasFinding(t, found, f.check, f.about, f.state, f.says)
	}

	// A store that is no place of this server's: its network is not outbound's.
	if err := os.WriteFile(path, []byte(strings.Replace(text, "outbound_networks: [127.0.0.0/8]", "", 1)), 0o600); err != nil {
		t.Fatal(err)
	}
	_, found = examined(t, path)
	hasFinding(t, found, "store", "fine", doctor.Failed, "outbound_networks")
}

// events is the newest event of the record.
func (r *running) events(t *testing.T) string {
	t.Helper()
	at, err := r.in.db.LastEventAt(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return at.String()
}

// wellInstalled is a new installation, and its configuration.
func wellInstalled(t *testing.T) (folder, path string) {
	t.Helper()
	folder = t.TempDir()
	path = filepath.Join(folder, "keyhatch.yaml")
	var out, failed bytes.Buffer
	if status := run(t.Context(), []string{"init", "--config", path}, nil, &out, &failed); status != 0 {
		t.Fatalf("init: %d %s", status, &failed)
	}
	return folder, path
}

// configure writes more into a configuration.
func configure(t *testing.T, path, more string) {
	t.Helper()
	text, err := os.ReadFile(path)
	if err == nil {
		err = os.WriteFile(path, append(text, more...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// TestDoctorFindsFaults breaks one thing after the other.
func TestDoctorFindsFaults(t *testing.T) {
	for _, c := range []struct {
		name         string
		fault        func(folder, path string) error
		check, about string
		state        doctor.State
		says         string
		status       int
	}{
		{"a whole one", func(string, string) error { return nil }, "audit record", "", doctor.OK, "chains 1", 0},
		{"no configuration", func(_, path string) error { return os.Remove(path) }, "configuration", "", doctor.Failed, "keyhatch init", 5},
		{"no database", func(folder, _ string) error { return os.Remove(folder + "/keyhatch.db") }, "database", "", doctor.Failed, "backup", 5},
		{"no database: what needs it", func(folder, _ string) error { return os.Remove(folder + "/keyhatch.db") }, "audit record", "", doctor.NotLooked, "the database has failed", 5},
		{"a database for all to read", func(folder, _ string) error { return os.Chmod(folder+"/keyhatch.db", 0o644) }, "database", "", doctor.Warning, "do: chmod 600", 0},
		{"another program's file", func(folder, _ string) error {
			return os.WriteFile(folder+"/keyhatch.db", []byte("of something else"), 0o600)
		}, "database", "", doctor.Failed, "not an SQLite file", 5},
		{"no key", func(folder, _ string) error { return os.Remove(folder + "/keyhatch.key") }, "key", "", doctor.Failed, "from your copy", 5},
		{"a key for all to read", func(folder, _ string) error { return os.Chmod(folder+"/keyhatch.key", 0o644) }, "key", "", doctor.Failed, "chmod 600", 5},
		{"no folder", func(folder, _ string) error { return os.Remove(folder + "/objects") }, "folder", "FOLDER/objects", doctor.Failed, "install -d", 5},
		{"a key in a folder, by a link", func(folder, _ string) error {
			if err := os.Rename(folder+"/keyhatch.key", folder+"/objects/k"); err != nil {
				return err
			}
			return os.Symlink(folder+"/objects/k", folder+"/keyhatch.key")
		}, "folder", "FOLDER/objects", doctor.Failed, "whoever may make stores could serve it", 5},
		{"an earlier schema", func(folder, _ string) error {
			return tamperWith(folder+"/keyhatch.db", "delete from schema_migrations where version > 35")
		}, "schema", "", doctor.Failed, "keyhatch migrate", 5},
		{"the last event is gone", func(folder, _ string) error {
			return tamperWith(folder+"/keyhatch.db", "delete from events")
		}, "audit record", "", doctor.Failed, "is gone or was changed", 5},
		{"a chain is gone", func(folder, _ string) error {
			return errors.Join(tamperWith(folder+"/keyhatch.db", "delete from events"), tamperWith(folder+"/keyhatch.db", "delete from audit_chains"))
		}, "audit record", "", doctor.Failed, "the registry counts 1 chains, and there are 0", 5},
		{"an event of tomorrow", func(folder, _ string) error {
			return tamperWith(folder+"/keyhatch.db", "update events set at = at + 86400000000")
		}, "clock", "audit record", doctor.Warning, "NTP", 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			folder, path := wellInstalled(t)
			if err := c.fault(folder, path); err != nil {
				t.Fatal(err)
			}
			before := contentsOf(t, folder)
			status, found := examined(t, path)
			if status != c.status {
				t.Errorf("status %d", status)
			}
			hasFinding(t, found, c.check, strings.Replace(c.about, "FOLDER", folder, 1), c.state, c.says)
			if after := contentsOf(t, folder); after != before {
				t.Errorf("there was %s, and now %s", before, after)
			}
		})
	}
}

// contentsOf are the names and times of the files of a folder.
func contentsOf(t *testing.T, folder string) string {
	t.Helper()
	var out []string
	err := filepath.Walk(folder, func(path string, info os.FileInfo, err error) error {
		if err == nil {
			out = append(out, fmt.Sprint(path, info.Size(), info.ModTime()))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(out, "\n")
}

// TestDoctorOnPostgreSQL asks servers of databases that are well, refuse it, and are not there.
func TestDoctorOnPostgreSQL(t *testing.T) {
	cluster := pgcluster.Start(t)
	address := cluster.New(t)
	folder := t.TempDir()
	path := filepath.Join(folder, "keyhatch.yaml")
	if err := os.WriteFile(path, []byte("database: '"+address+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, found := examined(t, path)
	hasFinding(t, found, "database", "", doctor.Failed, "keyhatch init")
	var out, failed bytes.Buffer
	if status := run(t.Context(), []string{"init", "--config", path}, nil, &out, &failed); status != 0 {
		t.Fatalf("init: %d %s", status, &failed)
	}
	status, found := examined(t, path)
	if status != 0 {
		t.Errorf("status %d", status)
	}
	hasFinding(t, found, "database", "", doctor.Warning, "fsync is off") // as the cluster of tests is
	hasFinding(t, found, "audit record", "", doctor.OK, "chains 1")
	hasFinding(t, found, "clock", "", doctor.OK, "as those of the database")

	configure(t, path, "database_connections: 100000\n")
	_, found = examined(t, path)
	hasFinding(t, found, "database", "", doctor.Warning, "max_connections")

	closed := regexp.MustCompile(`(host|port)=[^&]*`).ReplaceAllString(address, "$1=1")
	if err := os.WriteFile(path, []byte("database: '"+closed+"'\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	status, found = examined(t, path)
	if status != ask.ExitUnwell {
		t.Errorf("status %d", status)
	}
	hasFinding(t, found, "database", "", doctor.Failed, "see that it runs")
}

// TestDoctorIsDocumented: docs/doctor.md shows what an installation is told whose key others can
// read, and whose certificate has ended.
func TestDoctorIsDocumented(t *testing.T) {
	folder, path := wellInstalled(t)
	ended := time.Date(2026, 3, 31, 0, 0, 0, 0, time.UTC)
	cert, key, _ := certificateUntil(t, ended)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	text = bytes.Replace(text, []byte("api:\n"), []byte("api:\n  url: https://keyhatch.example.org\n  tls_cert: "+cert+"\n  tls_key: "+key+"\n"), 1)
	if err := errors.Join(os.WriteFile(path, text, 0o600), os.Chmod(folder+"/keyhatch.key", 0o644)); err != nil {
		t.Fatal(err)
	}
	var out, failed bytes.Buffer
	run(t.Context(), []string{"doctor", "--config", path}, nil, &out, &failed)
	shown := regexp.MustCompile(`version \d+`).ReplaceAllString(regexp.MustCompile(`\d+ [MG]iB left of \d+ [MG]iB`).ReplaceAllString(strings.ReplaceAll(out.String(), folder, "/etc/keyhatch"), "412 GiB left of 468 GiB"), "version 36")
	spaces := regexp.MustCompile(` +`)
	if doc := readDoc(t, "../../docs/doctor.md"); !strings.Contains(spaces.ReplaceAllString(doc, " "), spaces.ReplaceAllString(shown, " ")) {
		t.Errorf("docs/doctor.md is to show:\n%s", shown)
	}
}
