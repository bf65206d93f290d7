package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A password in the configuration is refused without being repeated, and one in a file
// that others can read too.
func TestS5_DatabasePassword(t *testing.T) {
	t.Parallel()
	const canary = "canary-hunter2"
	folder := t.TempDir()
	for text, says := range map[string]string{
		"database: postgres://ann:" + canary + "@db.example.org/keyhatch":                             "a password never stands in the configuration",
		"database: postgres://ann@db.example.org/keyhatch?password=" + canary:                         "a password never stands in the configuration",
		"database: 'postgres://ann:%zz" + canary + "@db.example.org/keyhatch'":                        "database must be a file, or postgres://",
		"{database: postgres://db.example.org/keyhatch, database_password_file: pg.password}":         "name the user",
		"databse: postgres://ann:" + canary + "@db.example.org/keyhatch":                              "unknown field",
		"database: postgres://ann:" + canary + "/@:" + canary + "@db.example.org/keyhatch\nnone: 1":   "unknown field",
		"database: postgres://ann@db.example.org/keyhatch?sslmode=x&password=" + canary + "\nnone: 1": "unknown field",
		"database_password_file: pg.password":                                                         "only a database at postgres://",
	} {
		_, err := Parse([]byte(text), folder)
		if err == nil || !strings.Contains(err.Error(), says) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", text, err)
		}
	}
	c, err := Parse([]byte("{database: 'postgres://ann@/keyhatch?host=/none', database_password_file: pg.password}"), folder)
	if err != nil {
		t.Fatal(err)
	}
	password := filepath.Join(folder, "pg.password")
	for _, broken := range []struct {
		says  string
		write func() error
	}{
		{"is missing", func() error { return nil }},
		{"can be read by others", func() error { return os.WriteFile(password, []byte(canary+"\n"), 0o644) }},
	} {
		if err := broken.write(); err != nil {
			t.Fatal(err)
		}
		if _, err := c.DatabaseAddress(); err == nil || !strings.Contains(err.Error(), broken.says) || strings.Contains(err.Error(), canary) {
			t.Errorf("%s: %v", broken.says, err)
		}
	}
	if err := os.Chmod(password, 0o600); err != nil {
		t.Fatal(err)
	}
	if address, err := c.DatabaseAddress(); err != nil || address != "postgres://ann:"+canary+"@/keyhatch?host=/none" {
		t.Errorf("the address is %s, %v", address, err)
	}
}
