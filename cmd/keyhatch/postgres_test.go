package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/internal/pgcluster"
)

// TestS5_CommandsOnPostgreSQL: one line of the configuration has init, migrate and serve use
// a PostgreSQL, and nothing that they say has the password in it.
func TestS5_CommandsOnPostgreSQL(t *testing.T) {
	t.Parallel()
	const canary = "canary-hunter2"
	folder := t.TempDir()
	config := filepath.Join(folder, "keyhatch.yaml")
	for name, text := range map[string]string{
		config:                               "database: '" + pgcluster.Start(t).New(t) + "'\ndatabase_password_file: pg.password\n",
		filepath.Join(folder, "pg.password"): canary + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"doctor"}, 5, "keyhatch init"},
		{[]string{"migrate"}, 1, "keyhatch init"},
		{[]string{"init", "--admin", "an admin"}, 1, "name"}, // it left tables, which the next one refused
		{[]string{"init"}, 0, "is ready"},
		{[]string{"doctor"}, 0, "failed 0, not looked at 0"},
		{[]string{"migrate"}, 0, "already"},
		{[]string{"audit", "verify"}, 0, ""},
		{[]string{"init"}, 1, "exists already"},
	} {
		var out, errors bytes.Buffer
		status := run(t.Context(), append(c.args, "--config", config), nil, &out, &errors)
		said := out.String() + errors.String()
		if status != c.status || !strings.Contains(said, c.says) || strings.Contains(said, canary) {
			t.Errorf("%s: status %d, want %d, and it said: %s", c.args, status, c.status, said)
		}
	}
	if err := os.Remove(filepath.Join(folder, "keyhatch.key")); err != nil {
		t.Fatal(err)
	}
	var out, errors bytes.Buffer
	if status := run(t.Context(), []string{"init", "--config", config}, nil, &out, &errors); status == 0 || !strings.Contains(errors.String(), "tables already") {
		t.Errorf("init of a database that is one: status %d, %s%s", status, &out, &errors)
	}
}
