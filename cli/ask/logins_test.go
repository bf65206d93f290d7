package ask_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/keyhatch/keyhatch/cli/ask"
)

// configHome gives a test a folder for what login keeps, and the file's path.
func configHome(t *testing.T) string {
	t.Helper()
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("XDG_CONFIG_HOME", filepath.Join(home, ".config"))
	folder, err := os.UserConfigDir()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(folder, "keyhatch", "login.json")
}

func keep(t *testing.T, server, token string) {
	t.Helper()
	if err := ask.ChangeLogins(func(l *ask.Logins) { l.Tokens[server] = token }); err != nil {
		t.Error(err)
	}
}

// TestLoginsAtTheSameTime loses none of them: each read the file, and the last to write
// it wrote what it had read.
func TestLoginsAtTheSameTime(t *testing.T) {
	configHome(t)
	const logins = 40
	var all sync.WaitGroup
	for i := range logins {
		all.Go(func() { keep(t, fmt.Sprintf("http://server-%d", i), "kh_token") })
	}
	all.Wait()
	kept, err := ask.ReadLogins()
	if err != nil || len(kept.Tokens) != logins {
		t.Errorf("%d of %d tokens are kept, %v", len(kept.Tokens), logins, err)
	}
}

// TestLoginsBehindALink changes the file that a link leads to: the link was replaced,
// and who keeps the file elsewhere had the old one there.
func TestLoginsBehindALink(t *testing.T) {
	file := configHome(t)
	real := filepath.Join(t.TempDir(), "logins")
	for _, err := range []error{os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(real, nil, 0o600), os.Symlink(real, file)} {
		if err != nil {
			t.Fatal(err)
		}
	}
	keep(t, "http://one", "kh_one")
	if info, err := os.Lstat(file); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is gone: %v, %v", info, err)
	}
	text, err := os.ReadFile(real)
	if err != nil || !strings.Contains(string(text), "kh_one") {
		t.Errorf("the file that it leads to has %q, %v", text, err)
	}
	if info, err := os.Stat(real); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("it has mode %v, %v", info.Mode(), err)
	}
}

// TestLoginsOfAKilledProcess leave nothing: what it was writing is removed by the next
// one, and the file that it had just made is an empty one.
func TestLoginsOfAKilledProcess(t *testing.T) {
	file := configHome(t)
	left := filepath.Join(filepath.Dir(file), ".login.json.keyhatch-1234")
	other := filepath.Join(filepath.Dir(file), ".login.json-of-mine")
	for _, err := range []error{
		os.MkdirAll(filepath.Dir(file), 0o700), os.WriteFile(file, nil, 0o600),
		os.WriteFile(left, []byte("kh_half"), 0o600), os.WriteFile(other, nil, 0o600),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	if kept, err := ask.ReadLogins(); err != nil || len(kept.Tokens) != 0 {
		t.Errorf("an empty file is %v, %v", kept, err)
	}
	keep(t, "http://one", "kh_one")
	if _, err := os.Stat(left); !os.IsNotExist(err) {
		t.Errorf("what was half written is still there: %v", err)
	}
	if _, err := os.Stat(other); err != nil {
		t.Errorf("another file is gone: %v", err)
	}
}

// TestLoginsOfOthersAreLeft changes nothing in a file that others may read, or that it
// cannot read itself.
func TestLoginsOfOthersAreLeft(t *testing.T) {
	file := configHome(t)
	keep(t, "http://one", "kh_one")
	for mode, text := range map[os.FileMode]string{0o644: `{"tokens":{}}`, 0o600: "not JSON"} {
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(file, mode); err != nil {
			t.Fatal(err)
		}
		if err := ask.ChangeLogins(func(*ask.Logins) {}); err == nil {
			t.Errorf("%q of mode %v was taken", text, mode)
		}
		if now, _ := os.ReadFile(file); string(now) != text {
			t.Errorf("it is %q now", now)
		}
	}
}
