package ask

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"github.com/keyhatch/keyhatch/deliver/textfile"
)

// Logins is what login keeps: the server that commands talk to when none is
// named, and a token for each that was logged in to. A token goes to its own
// server only.
type Logins struct {
	Server string            `json:"server"`
	Tokens map[string]string `json:"tokens"`
}

// loginsFile is where they are kept: keyhatch/login.json in the user's folder for
// configuration.
func loginsFile() (string, error) {
	folder, err := os.UserConfigDir()
	if err != nil {
		return "", err
	}
	return filepath.Join(folder, "keyhatch", "login.json"), nil
}

// ReadLogins reads what is kept. A user without a folder for it, as in a
// container, has nothing kept.
func ReadLogins() (Logins, error) {
	none := Logins{Tokens: map[string]string{}}
	path, err := loginsFile()
	if err != nil {
		return none, nil
	}
	f, err := os.Open(path)
	if errors.Is(err, fs.ErrNotExist) {
		return none, nil
	}
	if err != nil {
		return none, fmt.Errorf("what login kept: %w", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return none, fmt.Errorf("what login kept: %w", err)
	}
	if runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0 {
		return none, fmt.Errorf("others may read %s, which holds your tokens: chmod 600 it, and think of who may have read them", path)
	}
	text, err := io.ReadAll(f)
	if err != nil {
		return none, fmt.Errorf("what login kept: %w", err)
	}
	return parseLogins(path, text)
}

// parseLogins reads the file's text. One that has just been made has none yet.
func parseLogins(path string, text []byte) (Logins, error) {
	kept := Logins{}
	if len(text) > 0 && json.Unmarshal(text, &kept) != nil {
		return Logins{}, fmt.Errorf("%s is damaged: log in again after removing it", path)
	}
	if kept.Tokens == nil {
		kept.Tokens = map[string]string{}
	}
	return kept, nil
}

// ChangeLogins changes what is kept, for its owner alone, whole or not at all. Who
// changes it at the same time waits, and a file that is a symbolic link stays one.
func ChangeLogins(change func(*Logins)) error {
	if _, err := ReadLogins(); err != nil { // others may read it
		return err
	}
	path, err := loginsFile()
	if err != nil {
		return fmt.Errorf("no place to keep the token: %w", err)
	}
	err = textfile.Edit(path, func(text string) (string, error) {
		kept, err := parseLogins(path, []byte(text))
		if err != nil {
			return "", err
		}
		change(&kept)
		changed, err := json.MarshalIndent(kept, "", "  ")
		return string(changed) + "\n", err
	})
	if err != nil {
		return fmt.Errorf("keep the token: %w", err)
	}
	return nil
}
