package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/keyhatch/keyhatch/cmd/keyhatch/config"

	"github.com/keyhatch/keyhatch"
	"github.com/keyhatch/keyhatch/seal"
)

// keyFileLine is the line of a key file.
func keyFileLine(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(text[bytes.Index(text, []byte("keyhatch-kek-1")):])
}

// place is an installation that is opened with one configuration after another.
type place struct {
	*testing.T
	folder string
	secret keyhatch.Secret // of the admin's token
}

// installed makes an installation by a configuration.
func installed(t *testing.T, yaml string) *place {
	t.Helper()
	p := &place{T: t, folder: t.TempDir()}
	c := p.config(yaml)
	var err error
	if _, p.secret, err = create(t.Context(), c, "admin"); err != nil {
		t.Fatal(err)
	}
	return p
}

func (p *place) config(yaml string) config.Config {
	p.Helper()
	c, err := config.Parse([]byte("api: {listen: '127.0.0.1:0'}\ns3: {listen: '127.0.0.1:0'}\n"+yaml), p.folder)
	if err != nil {
		p.Fatal(err)
	}
	return c
}

// start opens it and tells whether the admin's token works, and what the log says.
func (p *place) start(yaml string) (log string, err error) {
	p.Helper()
	var said bytes.Buffer
	in, err := open(context.Background(), p.config(yaml), slog.New(slog.NewTextHandler(&said, nil)))
	if err != nil {
		return said.String(), err
	}
	defer in.Close()
	_, err = in.broker.People.Authenticate(p.Context(), p.secret)
	return said.String(), err
}

func (p *place) path(name string) string { return filepath.Join(p.folder, name) }

// TestKeyEncryptionKeysAreReplaced goes from a file to another, to a variable and back:
// with both keys the keysets are wrapped anew, the log says that the previous one may
// go, and then it may; without it nothing opens before.
func TestKeyEncryptionKeysAreReplaced(t *testing.T) {
	p := installed(t, "key_file: one")
	for _, name := range []string{"two", "three"} {
		if _, err := seal.CreateKeyFile(p.path(name)); err != nil {
			t.Fatal(err)
		}
	}
	const variable = "KEYHATCH_TEST_KEK"
	env := keyFileLine(t, p.path("three"))
	steps := []struct{ current, previous string }{
		{"key_file: two", "file: one"},
		{"keys: {env: " + variable + "}", "file: two"},
		{"key_file: one", "env: " + variable},
	}
	for _, s := range steps {
		t.Setenv(variable, env)
		if _, err := p.start(s.current); err == nil || !strings.Contains(err.Error(), "the database was sealed with kek_") {
			t.Errorf("%s, without the previous: %v", s.current, err)
		}
		both := s.current + "\nkeys: {previous: {" + s.previous + "}}"
		if rest, ok := strings.CutPrefix(s.current, "keys: {"); ok {
			both = "keys: {previous: {" + s.previous + "}, " + rest
		}
		t.Setenv(variable, env)
		log, err := p.start(both)
		if err != nil || !strings.Contains(log, "the previous one may go") {
			t.Errorf("%s: %v\n%s", both, err, log)
		}
		t.Setenv(variable, env)
		if log, err := p.start(both); err != nil || !strings.Contains(log, "the previous one may go") {
			t.Errorf("%s, once more: %v\n%s", both, err, log)
		}
		t.Setenv(variable, env)
		if log, err := p.start(s.current); err != nil || strings.Contains(log, "may go") {
			t.Errorf("%s, alone after that: %v\n%s", s.current, err, log)
		}
		if strings.Contains(log, strings.Fields(env)[2]) {
			t.Error("the key is in the log")
		}
	}
}

// TestOneProcessAfterTheOther: the keysets are wrapped anew under a process that was
// not given the other key. It goes on, and what it does not know is refused as ever.
func TestOneProcessAfterTheOther(t *testing.T) {
	p := installed(t, "key_file: one")
	if _, err := seal.CreateKeyFile(p.path("two")); err != nil {
		t.Fatal(err)
	}
	running, err := open(context.Background(), p.config("key_file: one"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer running.Close()
	if _, err := p.start("key_file: two\nkeys: {previous: {file: one}}"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if _, err := running.broker.People.Authenticate(t.Context(), p.secret); err != nil {
			t.Errorf("a token: %v", err)
		}
		if _, err := running.broker.People.Authenticate(t.Context(), keyhatch.NewTokenSecret()); !errors.Is(err, keyhatch.Unauthenticated) {
			t.Errorf("a wrong token: %v", err)
		}
		if err := running.mirror.CatchUp(t.Context()); err != nil {
			t.Error(err)
		}
		if _, err := running.broker.Keys.Step(t.Context()); err == nil || !strings.Contains(err.Error(), "name it as the previous one") {
			t.Errorf("what the log says: %v", err)
		}
	}
}

// TestS5_KeyVariableIsTaken: what the server starts does not inherit the key.
func TestS5_KeyVariableIsTaken(t *testing.T) {
	const variable = "KEYHATCH_TEST_KEK"
	line := seal.NewKeyLine().Reveal()
	t.Setenv(variable, line)
	p := installed(t, "keys: {env: "+variable+"}")
	if _, found := os.LookupEnv(variable); found {
		t.Error("init leaves it")
	}
	if _, err := os.Stat(p.path("keyhatch.key")); err == nil {
		t.Error("a key file was made all the same")
	}
	if _, err := p.start("keys: {env: " + variable + "}"); err == nil || !strings.Contains(err.Error(), variable+", which is to hold the key-encryption key, is missing") {
		t.Errorf("missing: %v", err)
	}
	t.Setenv(variable, line)
	if _, err := p.start("keys: {env: " + variable + "}"); err != nil {
		t.Error(err)
	}
	if _, found := os.LookupEnv(variable); found {
		t.Error("serve leaves it")
	}
}

// TestKeysThatRefuseToStart: missing, guessable, readable by others.
func TestKeysThatRefuseToStart(t *testing.T) {
	p := installed(t, "")
	good, err := os.ReadFile(p.path("keyhatch.key"))
	if err != nil {
		t.Fatal(err)
	}
	zeros := "keyhatch-kek-1 kek_00000000 " + base64.StdEncoding.EncodeToString(make([]byte, 32)) + "\n"
	for name, c := range map[string]struct {
		text, want string
		mode       os.FileMode
	}{
		"zeros":          {zeros, "anybody can guess it", 0o600},
		"world-readable": {string(good), "can be read by others (mode 0644)", 0o644},
		"group-readable": {string(good), "can be read by others (mode 0640)", 0o640},
		"empty":          {"", "it holds no key", 0o600},
	} {
		path := p.path("bad")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		for _, yaml := range []string{"key_file: bad", "keys: {previous: {file: bad}}"} {
			if _, err := p.start(yaml); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%s, %s: %v", name, yaml, err)
			}
		}
	}
	for _, yaml := range []string{"key_file: none", "keys: {previous: {file: none}}"} {
		if _, err := p.start(yaml); err == nil || !strings.Contains(err.Error(), "none is missing") {
			t.Errorf("%s: %v", yaml, err)
		}
	}
	if _, err := p.start(""); err != nil {
		t.Errorf("the right one: %v", err)
	}
}

func TestKeysConfig(t *testing.T) {
	t.Parallel()
	const arn = "aws-kms://arn:aws:kms:eu-central-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	for text, want := range map[string]string{
		"key_file: k\nkeys: {env: K}":                         "give one of them",
		"keys: {env: K, kms: '" + arn + "'}":                  "give one of them",
		"keys: {previous: {file: a, env: B}}":                 "keys.previous: give one of",
		"key_file: a\nkeys: {previous: {file: a}}":            "keys.previous is the current key",
		"keys: {env: 'keyhatch-kek-1 kek_0 AAAA'}":            "the name of an environment variable",
		"keys: {kms: 'aws-kms://alias/x'}":                    "an alias is no name",
		"keys: {kms: 'arn:aws:kms:x:1:key/y'}":                "is named by aws-kms://",
		"directory_roots: [o]\nkey_file: o/k":                 "which a store must never serve",
		"directory_roots: [o]\nkeys: {previous: {file: o/k}}": "which a store must never serve",
		"keys: {file: k}":                                     "unknown field",
	} {
		if _, err := config.Parse([]byte(text), t.TempDir()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v", text, err)
		} else if strings.Contains(err.Error(), "AAAA") {
			t.Errorf("%q: the error repeats a key: %v", text, err)
		}
	}
	for _, text := range []string{"", "key_file: k", "keys: {env: K}", "keys: {kms: '" + arn + "', previous: {file: k}}"} {
		if _, err := config.Parse([]byte(text), t.TempDir()); err != nil {
			t.Errorf("%q: %v", text, err)
		}
	}
}
